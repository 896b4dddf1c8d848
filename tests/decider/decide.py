"""The decision, read from top to bottom: which agreement, what it gives, then prohibitions; for each class of records
whether they may go, and down its ladder every field. README.md says where each sentence stands."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from exchange import DAY, Agreement, Exchange, closeness, selectors
from lattice import BELOW, fits, greatest, meet, tells_no_more
from rules import RULES, CannotBeEvaluated, Situation

Flow = dict[str, Any]


class Denied(Exception):
    def __init__(self, reason: str, rules: list[str] | None = None):
        super().__init__(reason)
        self.reason, self.rules = reason, rules or []


class Decider:
    """Decides questions to one exchange, and counts what it met on the way."""

    def __init__(self, exchange: Exchange):
        self.exchange = exchange
        self.seen: Counter[str] = Counter()
        self.counts = True
        self.rules = [each for each in RULES if each.file == RULES[0].file or each.file in exchange.policies]

    def met(self, turn: str, when: bool = True) -> None:
        """This decision took a turn."""
        self.seen[turn] += when and self.counts

    # The query.

    def permit(self, ask: dict[str, Any]) -> tuple[Agreement, list[Flow]]:
        """The agreement and its flows, one for each source."""
        requester = self.exchange.agencies.get(ask["requester"])
        if requester is None or ask["system"] not in requester["systems"]:
            raise Denied("REQUESTER_UNKNOWN")
        agreement = self.agreement(ask)
        flows = self.flows(agreement, ask)
        self.case(flows, ask)
        if any(flow["officer_required"] for flow in flows) and not ask["officer"]:
            raise Denied("OFFICER_REQUIRED")
        if ask["record_type"] not in self.exchange.record_types:
            raise Denied("RECORD_TYPE_NOT_COVERED")
        for flow in flows:
            situation = self.situation(agreement, flow["from"], ask, ask["now"])
            forbidding, broken = self.forbidding("query", situation, {})
            if broken:
                raise Denied("POLICY_EVALUATION_FAILED", broken)
            if forbidding:
                raise Denied("FORBIDDEN_BY_POLICY", forbidding)
        return agreement, flows

    def agreement(self, ask: dict[str, Any]) -> Agreement:
        """The one that was named, or the only one of the requester's that fits; in force now."""
        now, own = ask["now"], [each for each in self.exchange.agreements if ask["requester"] in each.members]
        if ask["agreement"] is not None:
            named = [each for each in own if each.id == ask["agreement"]]
            if not named:
                raise Denied("AGREEMENT_NOT_FOUND_OR_NOT_PARTY")
            if why := self.exchange.why_not_in_force(named[0], now):
                raise Denied(why)
            return named[0]
        fitting, why_not = [], []
        for each in own:
            try:
                self.flows(each, ask)
                fitting.append(each)
            except Denied as denied:
                why_not.append((each, denied))
        in_force = [each for each in fitting if not self.exchange.why_not_in_force(each, now)]
        of_this_case = [each for each in in_force if not self.case_missed(self.flows(each, ask), ask["case"])]
        candidates = of_this_case or in_force
        if of_this_case and of_this_case != in_force:
            self.met("the case tells which agreement")
        if len(candidates) > 1:
            raise Denied("AGREEMENT_AMBIGUOUS")
        if candidates:
            self.met("the only agreement that fits")
            return candidates[0]
        if fitting:
            raise Denied(self.exchange.why_not_in_force(fitting[0], now) or "")
        raise self.closest(why_not, now)

    def closest(self, why_not: list[tuple[Agreement, Denied]], now: int) -> Denied:
        """Of the reasons why none fits, that of the agreement that came closest; of equal ones that of one in force,
        then of the first by id."""
        if not why_not:
            return Denied("AGREEMENT_NOT_FOUND_OR_NOT_PARTY")
        steps = ["RECORD_TYPE_NOT_COVERED", ("PURPOSE_NOT_PERMITTED", "PARTY_WITHDRAWN"), "SOURCE_NOT_COVERED"]

        def came(each: tuple[Agreement, Denied]) -> tuple[int, bool]:
            far = next(at for at, step in enumerate(steps) if each[1].reason in step)
            return (far, not self.exchange.why_not_in_force(each[0], now))

        return max(why_not, key=came)[1]

    def flows(self, agreement: Agreement, ask: dict[str, Any]) -> list[Flow]:
        """Its flows to the requester: this record type, this purpose, these sources."""
        now, requester = ask["now"], ask["requester"]
        if not agreement.takes_part(requester, now):
            raise Denied("PARTY_WITHDRAWN")
        flows = [agreement.given(each, requester) for each in agreement.flows if requester in each["to"]]
        flows = [each for each in flows if each["purposes"] and agreement.takes_part(each["from"], now)]
        flows = [each for each in flows if ask["record_type"] in each["record_types"]]
        if not flows:
            raise Denied("RECORD_TYPE_NOT_COVERED")
        flows = [each for each in flows if ask["purpose"] in each["purposes"]]
        if not flows:
            raise Denied("PURPOSE_NOT_PERMITTED")
        if not set(ask["sources"]) <= {each["from"] for each in flows}:
            raise Denied("SOURCE_NOT_COVERED")
        flows = [each for each in flows if not ask["sources"] or each["from"] in ask["sources"]]
        return sorted(flows, key=lambda each: each["from"])

    def case(self, flows: list[Flow], ask: dict[str, Any]) -> None:
        """Within an open case where one is asked for, and within one of theirs."""
        if ask["case"] is not None and ask["case"] not in self.exchange.open_cases(ask["requester"], ask["now"]):
            raise Denied("CASE_NOT_OPEN_TO_YOU")
        if why := self.case_missed(flows, ask["case"]):
            raise Denied(why)

    @staticmethod
    def case_missed(flows: list[Flow], case: str | None) -> str | None:
        if case is None:
            return "CASE_REQUIRED" if any(each["case_required"] for each in flows) else None
        return "CASE_NOT_COVERED" if any(each["cases"] and case not in each["cases"] for each in flows) else None

    # Prohibitions.

    def situation(self, agreement: Agreement, source: str, ask: dict[str, Any], now: int) -> Situation:
        return Situation(
            requester=self.exchange.agencies[ask["requester"]],
            agreement=agreement.id,
            source=source,
            purpose=ask["purpose"],
            case=ask["case"],
            memberships=self.exchange.open_cases(ask["requester"], now),
            officer=ask["officer"],
            environment=self.exchange.environment,
        )

    def forbidding(self, action: str, situation: Situation, field: dict[str, Any]) -> tuple[list[str], list[str]]:
        """Rules that forbid it, and rules that cannot be evaluated; sorted."""
        forbidding, broken = [], []
        for rule in self.rules:
            if action in rule.actions:
                try:
                    if rule.forbids(situation, field):
                        forbidding.append(rule.id)
                except CannotBeEvaluated:
                    broken.append(rule.id)
        for rules in (forbidding, broken):
            if len(rules) == 1:
                self.met(f"{rules[0]} alone")
        return sorted(forbidding), sorted(broken)

    # What a permit says.

    def terms(self, agreement: Agreement, flows: list[Flow], ask: dict[str, Any]) -> dict[str, Any]:
        used = set.intersection(*(set(flow["permitted_use"]) for flow in flows))
        days = min(flow["delete_after_days"] for flow in flows)
        case = self.exchange.cases.get(ask["case"])
        scope = f"{ask['requester']}|agreement:{agreement.id}"
        if case:
            scope = f"operation:{case['id']}" if case["operation"] else f"{ask['requester']}|case:{case['id']}"
        return {
            "agreement": agreement.id,
            "sources": [flow["from"] for flow in flows],
            "permitted_use": sorted(used),
            "delete_by": ask["now"] + days * DAY,
            "valid_until": self.valid_until(agreement, flows, ask),
            "scope": scope,
        }

    def valid_until(self, agreement: Agreement, flows: list[Flow], ask: dict[str, Any]) -> int:
        """The end of the agreement, of the case, or of the part that the requester or a source takes in it."""
        ends = {"the agreement's end": [agreement.ends], "the case's end": [], "a party's leave": []}
        ends["a party's leave"] += [agreement.left[who] for who in [ask["requester"], *(flow["from"] for flow in flows)] if who in agreement.left]
        if ask["case"] is not None and self.exchange.cases[ask["case"]]["closes"] is not None:
            ends["the case's end"].append(self.exchange.cases[ask["case"]]["closes"])
        first = min(ends, key=lambda what: min(ends[what], default=float("inf")))
        self.met(f"ends with {first}")
        return min(ends[first])

    # Records.

    def plan(self, agreement: Agreement, flows: list[Flow], ask: dict[str, Any], records: dict[str, Any]) -> dict[str, Any]:
        """What of records of one class is shown, when they come."""
        now, requester = records["at"], ask["requester"]
        open_cases = self.exchange.open_cases(requester, now)
        stands = ask["case"] is None or ask["case"] in open_cases
        if not stands or not agreement.takes_part(requester, now) or self.exchange.why_not_in_force(agreement, now):
            return dropped("PERMIT_ENDED")
        own = [flow for flow in flows if flow["from"] == records["originator"]]
        if not own:
            return dropped("ORIGINATOR_NOT_COVERED")
        if not agreement.takes_part(records["originator"], now):
            return dropped("PERMIT_ENDED")
        situation = self.situation(agreement, records["originator"], ask, now)
        situation.handling = records
        forbidding, broken = self.forbidding("release", situation, {})
        if broken:
            return dropped("POLICY_EVALUATION_FAILED", broken)
        if forbidding:
            return dropped("NOT_RELEASABLE", forbidding)
        record_type = self.exchange.record_types[ask["record_type"]]
        plan = {field["path"]: self.field(own[0], field, situation) for field in record_type["fields"]}
        self.oneofs(record_type, plan)
        if all(treatment == "withhold" for treatment, *_ in plan.values()):
            return dropped("EVERY_FIELD_WITHHELD")
        changes = [self.valid_until(agreement, flows, ask)]
        for case in self.exchange.cases.values():
            if requester in case["members"]:
                changes += [at for at in (case["opens"], case["closes"]) if at is not None and at > now]
        return {"valid_until": min(changes), "fields": ["".join(told) for told in plan.values()]}

    def field(self, flow: Flow, field: dict[str, Any], situation: Situation) -> tuple[str, str, str]:
        """The first rung of the closest ladder that no cap and no rule refuses; whether a filter may name the field: `+`
        freely, `?` at the price of a match probe; `*` where an officer's token would give more."""
        caps = self.caps(flow, field, situation)
        ladder = self.ladder(flow, field, situation)
        treatment, refused = self.descend(ladder, caps, field, situation)
        if treatment == "clear":
            return "clear", "+", ""
        if treatment is None:
            return "withhold", "", ""
        token = "*" if self.token_helps(treatment, refused, ladder, caps, field, situation) else ""
        may = field["path"] in flow["matchable"] and "withhold" not in caps
        if may and self.forbidding("match", situation, field) == ([], []):
            return treatment, "?", token
        return treatment, "", token

    def token_helps(self, treatment: str, refused: list[list[str]], ladder: Flow | None, caps: list[str], field: dict[str, Any], situation: Situation) -> bool:
        """Nothing but the missing token stands in the way, and with it the field would tell more."""
        if situation.officer or any(rules != ["base:secret-needs-an-officer"] for rules in refused):
            return False
        self.counts = False
        with_token, _ = self.descend(ladder, caps, field, replace(situation, officer=True))
        self.counts = True
        return with_token is not None and not tells_no_more(with_token, treatment)

    def ladder(self, flow: Flow, field: dict[str, Any], situation: Situation) -> Flow | None:
        """The ladder that names the field most closely for this purpose."""
        found = []
        for ladder in flow["ladder"]:
            if situation.purpose in ladder.get("purposes", flow["purposes"]):
                close = [near for about in selectors(ladder) if (near := closeness(about, field))]
                found += [(max(close), ladder)] if close else []
        if len(found) > 1:
            self.met("closest of several ladders")
        return max(found, key=lambda each: each[0])[1] if found else None

    def caps(self, flow: Flow, field: dict[str, Any], situation: Situation) -> list[str]:
        """The most that reservations and the template of the case leave."""
        reserved = [most for about, most in flow["caps"] if closeness(about, field)]
        self.met("capped by a reservation", bool(reserved))
        template = self.exchange.cases[situation.case]["template"] if situation.case else []
        lines = [line.split() for line in template]
        named = [line[-1] for line in lines if line[0] != "others" and closeness(line[:-1], field)]
        self.met("capped by a template", bool(named))
        if template and not named:
            named = [line[-1] for line in lines if line[0] == "others"] or ["withhold"]
            self.met("capped by a template's others")
        return reserved + named

    def descend(
        self, ladder: Flow | None, caps: list[str], field: dict[str, Any], situation: Situation
    ) -> tuple[str | None, list[list[str]]]:
        """Down the rungs to the one that holds, none where a rule cannot be evaluated; and what refused those above."""
        refused: list[list[str]] = []
        if ladder is None:
            return "withhold", refused
        officers = ladder.get("officer_rungs", [])
        rungs = officers + ladder["rungs"] if situation.officer else ladder["rungs"]
        most = meet(caps)
        for rung in rungs[:-1]:
            if not tells_no_more(rung, most):
                continue
            forbidding, broken = self.forbidding(rung, situation, field)
            if broken:
                return None, refused
            if not forbidding and fits(rung, field):
                self.met("a rung for officers", situation.officer and rung in officers)
                return rung, refused
            refused.append(forbidding)
        return "withhold", refused

    def oneofs(self, record_type: dict[str, Any], plan: dict[str, tuple[str, str, str]]) -> None:
        """Members of a oneof take their meet, inner oneofs first; where that does not fit one of them, the greatest
        below it that fits all."""
        fields = {field["path"]: field for field in record_type["fields"]}
        for members in sorted(record_type["oneofs"], key=len):
            lowest = meet([plan[path][0] for path in members])
            lowest = greatest({each for each in BELOW[lowest] if all(fits(each, fields[path]) for path in members)})
            marks = {plan[path][1] for path in members}
            mark = "" if "" in marks else "?" if "?" in marks else "+"
            for path in members:
                treatment, _, token = plan[path]
                self.met("a oneof lowers a member", treatment != lowest)
                plan[path] = (lowest, mark, token if treatment == lowest else "")


def dropped(reason: str, rules: list[str] | None = None) -> dict[str, Any]:
    return {"dropped": reason, "rules": rules or []}
