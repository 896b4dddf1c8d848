"""An exchange as a decider needs it: agreements read from their TOML, how they stand, agencies, cases, record types."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from rules import SENSITIVITIES

DAY = 86_400_000


def moment(value: date, last: bool = False) -> int:
    """Milliseconds since 1970. A bare date is its first moment; at the end of a span that day belongs to it."""
    if not isinstance(value, datetime):
        value = datetime.combine(value + timedelta(days=int(last)), time.min, timezone.utc)
    return round(value.timestamp() * 1000)


class Agreement:
    """An agreement: its text, and what its parties did about it since."""

    def __init__(self, line: dict[str, Any]):
        text = tomllib.loads(line["text"])
        self.id: str = text["id"]
        self.phase: str = line["phase"]
        self.begins = moment(text["valid_from"])
        self.ends = moment(text["valid_until"], last=True)
        if line["ends"] is not None:
            self.ends = min(self.ends, line["ends"])
        self.members = {*text["parties"], *line["joined"]}
        self.left: dict[str, int] = line["left"]
        self.reservations: list[dict[str, Any]] = line["reservations"]
        self.signed_for: dict[str, str] | None = line["signed_for"]
        self.flows: list[dict[str, Any]] = text["flow"]

    def takes_part(self, agency: str, now: int) -> bool:
        return agency in self.members and now < self.left.get(agency, now + 1)

    def named_types(self) -> set[str]:
        return {name for flow in self.flows for name in flow["record_types"]}

    def given(self, flow: dict[str, Any], requester: str | None) -> dict[str, Any]:
        """What reservations leave of a flow: the giver's for everyone, a recipient's for itself."""
        left = {
            "from": flow["from"],
            "record_types": list(flow["record_types"]),
            "purposes": list(flow["purposes"]),
            "cases": flow.get("cases", []),
            "case_required": flow["case_required"] or "cases" in flow,
            "officer_required": flow.get("officer_required", False),
            "permitted_use": flow["permitted_use"],
            "delete_after_days": flow["delete_after_days"],
            "matchable": list(flow.get("matchable", [])),
            "ladder": flow["ladder"],
            "caps": [],
        }
        number = self.flows.index(flow) + 1
        for reservation in self.reservations:
            about = reservation["flow"] in (None, number)
            if about and reservation["agency"] in (flow["from"], requester):
                what, name, *most = reservation["takes"]
                if what == "field":
                    left["caps"].append((["field", name], most[0]))
                else:
                    key = {"purpose": "purposes", "record_type": "record_types", "match": "matchable"}[what]
                    left[key] = [each for each in left[key] if each != name]
        return left


class Exchange:
    def __init__(self, line: dict[str, Any]):
        self.environment: str = line["environment"]
        self.agencies = {each["id"]: each for each in line["agencies"]}
        self.cases = {each["id"]: each for each in line["cases"]}
        self.record_types = {each["name"]: each for each in line["record_types"]}
        self.policies: list[str] = line["policies"]
        self.agreements = sorted((Agreement(each) for each in line["agreements"]), key=lambda each: each.id)

    def open_cases(self, agency: str, now: int) -> set[str]:
        """Cases that are open to an agency: begun, not closed, and it is a member."""
        return {
            case["id"]
            for case in self.cases.values()
            if agency in case["members"] and case["opens"] <= now and (case["closes"] is None or now < case["closes"])
        }

    def why_not_in_force(self, agreement: Agreement, now: int) -> str | None:
        if agreement.phase == "awaits signatures":
            return "AGREEMENT_NOT_SIGNED"
        if agreement.phase == "suspended":
            return "AGREEMENT_SUSPENDED"
        if agreement.signed_for is not None:
            for name in agreement.named_types() & set(self.record_types):
                if agreement.signed_for.get(name) != self.record_types[name]["schema"]:
                    return "AGREEMENT_SCHEMA_CHANGED"
        if now < agreement.begins:
            return "AGREEMENT_NOT_YET_IN_FORCE"
        return "AGREEMENT_LAPSED" if now >= agreement.ends else None


def closeness(about: list[str], field: dict[str, Any]) -> tuple[int, int] | None:
    """How closely a selector names a field, greater is closer: its own path, a message's (the deeper the closer), its
    semantic, its category up to a sensitivity (the lower the closer), its category."""
    what, name, *most = about
    if what == "field":
        if field["path"] == name:
            return (5, 0)
        return (4, len(name)) if field["path"].startswith(name + ".") else None
    if field[what] != name:
        return None
    if what == "semantic":
        return (3, 0)
    if not most:
        return (1, 0)
    bound = SENSITIVITIES.index(most[0])
    return (2, -bound) if SENSITIVITIES.index(field["sensitivity"]) <= bound else None


def selectors(ladder: dict[str, Any]) -> list[list[str]]:
    """What a ladder is for; one of them is enough."""
    if "fields" in ladder:
        return [["field", path] for path in ladder["fields"]]
    if "semantic" in ladder:
        return [["semantic", ladder["semantic"]]]
    most = [] if ladder["sensitivity"] == "ANY" else [ladder["sensitivity"]]
    return [["category", ladder["category"], *most]]
