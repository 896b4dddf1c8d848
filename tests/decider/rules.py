"""The prohibitions of the Cedar files, each as a sentence of its own, by its `@id`: of the base set, of the presets, and
of `policies/` here. A rule of a file that is not here stops the check, and so does one here that no file has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from lattice import BELOW

REPOSITORY = Path(__file__).resolve().parents[2]
BASE = "gateway/policies/base.cedar"
HANDLING_CODES = "gateway/policies/presets/handling-codes.cedar"
NON_NOMINAL = "gateway/policies/presets/non-nominal.cedar"
LOCAL = "tests/decider/policies/local.cedar"
BROKEN_FIELD = "tests/decider/policies/broken-field.cedar"
BROKEN_RECORD = "tests/decider/policies/broken-record.cedar"

SENSITIVITIES = ["PUBLIC", "OFFICIAL", "CONFIDENTIAL", "SECRET"]
TREATMENTS = sorted(BELOW["clear"] - {"withhold"})
LEARN = [*TREATMENTS, "match"]


class CannotBeEvaluated(Exception):
    """The rule has no answer, so what it was asked about is denied."""


@dataclass
class Situation:
    """The circumstances of a question."""

    requester: dict[str, Any]
    agreement: str
    source: str
    purpose: str
    case: str | None
    memberships: set[str]
    officer: bool
    environment: str
    handling: dict[str, Any] | None = None

    @property
    def own(self) -> bool:
        """An agency's own records are its own affair."""
        return self.requester["id"] == self.source


Forbids = Callable[[Situation, dict], bool]


@dataclass
class Rule:
    id: str
    file: str
    actions: list[str]
    forbids: Forbids


RULES: list[Rule] = []


def rule(file: str, name: str, *actions: str) -> Callable[[Forbids], Forbids]:
    def take(forbids: Forbids) -> Forbids:
        RULES.append(Rule(name, file, list(actions), forbids))
        return forbids

    return take


def above(field: dict, most: str) -> bool:
    return SENSITIVITIES.index(field["sensitivity"]) > SENSITIVITIES.index(most)


# The base set.


@rule(BASE, "base:accreditation", *LEARN)
def _(at: Situation, field: dict) -> bool:
    return above(field, at.requester["max_sensitivity"])


@rule(BASE, "base:personal-data-needs-a-person-centred-purpose", "clear")
def _(at: Situation, field: dict) -> bool:
    centred = ["INVESTIGATION", "INTERDICTION", "JUDICIAL_USE", "SANCTIONS_SCREENING"]
    return field["category"] == "PERSONAL" and at.purpose not in centred


@rule(BASE, "base:intelligence-needs-an-operational-purpose", "clear")
def _(at: Situation, field: dict) -> bool:
    operational = [
        "INVESTIGATION",
        "INTERDICTION",
        "JUDICIAL_USE",
        "LICENCE_ASSESSMENT",
        "DENIAL_CONSULTATION",
        "CATCH_ALL_ASSESSMENT",
    ]
    return field["category"] == "INTELLIGENCE" and at.purpose not in operational


@rule(BASE, "base:statistics-see-no-person-and-no-assessment", *LEARN)
def _(at: Situation, field: dict) -> bool:
    return at.purpose == "STATISTICS" and field["category"] in ["PERSONAL", "INTELLIGENCE"]


IDENTIFYING = ["IDENTIFIER", "PERSON_NAME", "ORGANISATION_NAME", "ADDRESS", "CONTAINER_NUMBER", "BIRTH_DATE", "FREE_TEXT"]


@rule(BASE, "base:statistics-see-no-identifier", *LEARN)
def _(at: Situation, field: dict) -> bool:
    return at.purpose == "STATISTICS" and field["semantic"] in IDENTIFYING


@rule(BASE, "base:secret-needs-a-case", *LEARN)
def _(at: Situation, field: dict) -> bool:
    return field["sensitivity"] == "SECRET" and at.case is None and not at.own


@rule(BASE, "base:secret-needs-an-officer", *LEARN)
def _(at: Situation, field: dict) -> bool:
    return field["sensitivity"] == "SECRET" and not at.officer and not at.own


@rule(BASE, "base:environments-do-not-mix", "release")
def _(at: Situation, _: dict) -> bool:
    return at.handling["environment"] != at.environment


@rule(BASE, "base:releasable-to", "release")
def _(at: Situation, _: dict) -> bool:
    audience = at.handling["releasable_to"]
    return audience != [] and at.requester["id"] not in audience and not at.own


@rule(BASE, "base:compartments", "release")
def _(at: Situation, _: dict) -> bool:
    return any(case not in at.memberships for case in at.handling["compartments"])


@rule(BASE, "base:permitted-use", "release")
def _(at: Situation, _: dict) -> bool:
    uses = at.handling["permitted_use"]
    return uses != [] and at.purpose not in uses


# Presets.


@rule(HANDLING_CODES, "handling-codes:h1-is-no-evidence", "release")
def _(at: Situation, _: dict) -> bool:
    uses = at.handling["permitted_use"]
    evidence = at.purpose == "JUDICIAL_USE" or uses == [] or "JUDICIAL_USE" in uses
    return at.handling["handling_code"] == "H1" and evidence and not at.own


@rule(HANDLING_CODES, "handling-codes:h2-goes-to-named-agencies", "release")
def _(at: Situation, _: dict) -> bool:
    named = at.requester["id"] in at.handling["releasable_to"]
    return at.handling["handling_code"] == "H2" and not named and not at.own


@rule(HANDLING_CODES, "handling-codes:h3-is-asked-for", "release")
def _(at: Situation, _: dict) -> bool:
    return at.handling["handling_code"] == "H3" and not at.own


@rule(HANDLING_CODES, "handling-codes:unknown-code", "release")
def _(at: Situation, _: dict) -> bool:
    return at.handling["handling_code"] not in ["", "H0", "H1", "H2", "H3"] and not at.own


@rule(NON_NOMINAL, "non-nominal:nothing-personal", *LEARN)
def _(at: Situation, field: dict) -> bool:
    return at.agreement.startswith("non-nominal") and field["category"] == "PERSONAL"


@rule(NON_NOMINAL, "non-nominal:nothing-that-names-a-person", *LEARN)
def _(at: Situation, field: dict) -> bool:
    naming = ["PERSON_NAME", "BIRTH_DATE", "ADDRESS", "FREE_TEXT"]
    return at.agreement.startswith("non-nominal") and field["semantic"] in naming


# A gateway's own, and some that cannot be evaluated.


@rule(LOCAL, "local:carol-asks-within-cases", "query")
def _(at: Situation, _: dict) -> bool:
    return at.requester["id"] == "carol" and at.case is None


@rule(LOCAL, "local:nothing-from-delta-for-licences", "query")
def _(at: Situation, _: dict) -> bool:
    licences = ["LICENCE_VERIFICATION", "LICENCE_ASSESSMENT", "DENIAL_CONSULTATION"]
    return at.source == "delta" and at.purpose in licences


@rule(LOCAL, "local:solmark-matches-nothing-personal", "match")
def _(at: Situation, field: dict) -> bool:
    return at.requester["country"] == "SM" and field["category"] == "PERSONAL"


@rule(LOCAL, "local:no-tokens-outside-a-case", "pseudonymise")
def _(at: Situation, _: dict) -> bool:
    return at.case is None


@rule(LOCAL, "local:goods-by-chapter", "clear", "generalise:heading")
def _(at: Situation, field: dict) -> bool:
    return field["semantic"] == "HS_CODE" and at.requester["max_sensitivity"] != "SECRET"


@rule(LOCAL, "local:members-of-op-3-alone", "release")
def _(at: Situation, _: dict) -> bool:
    return "echo" in at.handling["releasable_to"] and "OP-3" not in at.memberships


def broken(when: bool) -> bool:
    if when:
        raise CannotBeEvaluated
    return False


@rule(BROKEN_FIELD, "broken:mask", "mask")
def _(_: Situation, field: dict) -> bool:
    return broken(field["category"] == "REFERENCE")


@rule(BROKEN_FIELD, "broken:match", "match")
def _(_: Situation, field: dict) -> bool:
    return broken(field["sensitivity"] == "OFFICIAL")


@rule(BROKEN_RECORD, "broken:query", "query")
def _(at: Situation, _: dict) -> bool:
    return broken(at.purpose == "END_USE_CHECK")


@rule(BROKEN_RECORD, "broken:release", "release")
def _(at: Situation, _: dict) -> bool:
    return broken(at.handling["handling_code"] == "H0")


def of_files() -> set[tuple[str, str]]:
    """Every rule that the Cedar files have, as (file, id)."""
    names = {each.file for each in RULES} | {str(path.relative_to(REPOSITORY)) for path in REPOSITORY.glob("gateway/policies/**/*.cedar")}
    pattern = re.compile(r'^@id\("([^"]+)"\)', re.MULTILINE)
    return {(name, found) for name in names for found in pattern.findall((REPOSITORY / name).read_text("utf-8"))}


def missing() -> list[str]:
    """Rules that only one side has."""
    here = {(each.file, each.id) for each in RULES}
    return [f"{name}: {found}" for name, found in sorted(here ^ of_files())]
