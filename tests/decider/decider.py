"""A second decider: what should the gateway have decided? Decided again from the agreements' texts and the question.

    decider.py check FILE [--jobs N] [--varied] [--save FILE]
                                         decisions as portcullis-decisions writes them
    decider.py rules                     are the Cedar files' rules the ones that are written out here?

`--varied` fails when some reason, treatment, rule or turn of a decision never came up; `--save` keeps what the two
disagree over, to be put into `kept/`. Exit status: 0 agreed, 1 a disagreement, 2 usage or a file that cannot be read.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Iterator

from decide import Decider, Denied
from exchange import Exchange
from lattice import BELOW
from rules import RULES, missing

SHOWN = 3
DENIALS = (
    "REQUESTER_UNKNOWN AGREEMENT_NOT_FOUND_OR_NOT_PARTY AGREEMENT_AMBIGUOUS AGREEMENT_LAPSED AGREEMENT_NOT_YET_IN_FORCE "
    "AGREEMENT_NOT_SIGNED AGREEMENT_SUSPENDED AGREEMENT_SCHEMA_CHANGED PARTY_WITHDRAWN RECORD_TYPE_NOT_COVERED "
    "PURPOSE_NOT_PERMITTED SOURCE_NOT_COVERED CASE_REQUIRED CASE_NOT_OPEN_TO_YOU CASE_NOT_COVERED OFFICER_REQUIRED "
    "FORBIDDEN_BY_POLICY POLICY_EVALUATION_FAILED"
)
DROPPED = "PERMIT_ENDED ORIGINATOR_NOT_COVERED NOT_RELEASABLE POLICY_EVALUATION_FAILED EVERY_FIELD_WITHHELD"
TURNS = [
    "the case tells which agreement",
    "the only agreement that fits",
    "ends with the agreement's end",
    "ends with the case's end",
    "ends with a party's leave",
    "closest of several ladders",
    "capped by a reservation",
    "capped by a template",
    "capped by a template's others",
    "a rung for officers",
    "a oneof lowers a member",
]
EVERYTHING = [f"denied {word}" for word in DENIALS.split()] + [f"dropped {word}" for word in DROPPED.split()]
EVERYTHING += [f"shown {treatment}" for treatment in BELOW] + [f"{rule.id} alone" for rule in RULES] + TURNS
EVERYTHING += ["named freely", "named at a price", "not to be named", "an officer's token would help"]
MARKS = {"+": "named freely", "?": "named at a price"}


def decide(decider: Decider, line: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The answer and, where it is permitted, one plan for each class of records."""
    try:
        agreement, flows = decider.permit(line["ask"])
    except Denied as denied:
        return {"denied": denied.reason, "rules": denied.rules}, []
    terms = decider.terms(agreement, flows, line["ask"])
    return terms, [decider.plan(agreement, flows, line["ask"], records) for records in line["records"]]


class Tally:
    """What came of some exchanges."""

    def __init__(self) -> None:
        self.agree = self.disagree = 0
        self.seen: Counter[str] = Counter()
        self.shown: list[str] = []
        self.kept: list[str] = []

    def add(self, lines: list[str]) -> None:
        exchange = json.loads(lines[0])["exchange"]
        decider = Decider(Exchange(exchange))
        wrong = []
        for text in lines[1:]:
            line = json.loads(text)
            answer, plans = decide(decider, line)
            theirs = line["answer"]
            if "permitted_use" in theirs:
                theirs["permitted_use"].sort()
            same = [mine == their for mine, their in zip([answer, *plans], [theirs, *line["plans"]])]
            whole = all(same) and len(plans) == len(line["plans"])
            self.agree += max(1, len(plans)) if whole else 0
            self.count(answer, plans)
            if not whole:
                self.disagree += 1
                wrong.append(text)
                if len(self.shown) < SHOWN:
                    self.shown.append(story(exchange, line, answer, plans))
        self.kept += [lines[0], *wrong] if wrong and len(self.kept) < 200 else []
        self.seen.update(decider.seen)

    def count(self, answer: dict[str, Any], plans: list[dict[str, Any]]) -> None:
        if "denied" in answer:
            self.seen[f"denied {answer['denied']}"] += 1
        for plan in plans:
            if "dropped" in plan:
                self.seen[f"dropped {plan['dropped']}"] += 1
                continue
            for text in plan["fields"]:
                self.seen["an officer's token would help"] += text.endswith("*")
                self.seen[f"shown {text.rstrip('+?*')}"] += 1
                self.seen[MARKS.get(text.rstrip("*")[-1], "not to be named")] += 1


def story(exchange: dict[str, Any], line: dict[str, Any], answer: dict[str, Any], plans: list[dict[str, Any]]) -> str:
    ask = line["ask"]
    told = [f"DISAGREEMENT\nasked {json.dumps(ask)}"]
    if answer != line["answer"] or "denied" in answer:
        told += [f"decider {json.dumps(answer)}", f"gateway {json.dumps(line['answer'])}"]
    paths = [field["path"] for one in exchange["record_types"] if one["name"] == ask["record_type"] for field in one["fields"]]
    for records, mine, theirs in zip(line["records"], plans, line["plans"]):
        if mine != theirs:
            told.append(f"records {json.dumps(records)}")
            if "fields" in mine and "fields" in theirs and mine["fields"] != theirs["fields"]:
                fields = zip(paths, mine["fields"], theirs["fields"])
                told += [f"  {path}: decider {one}, gateway {two}" for path, one, two in fields if one != two]
            else:
                told += [f"  decider {json.dumps(mine)}", f"  gateway {json.dumps(theirs)}"]
    mentioned = [each for each in exchange["agreements"] if ask["agreement"] is None or f'id = "{ask["agreement"]}"' in each["text"]]
    told += [f"agencies {json.dumps(exchange['agencies'])}", f"cases {json.dumps(exchange['cases'])}"]
    for each in mentioned:
        told.append(f"{each['text']}stands {json.dumps({key: each[key] for key in each if key != 'text'})}")
    return "\n".join(told)


def groups(path: str, part: int, parts: int) -> Iterator[list[str]]:
    """Lines of every exchange whose turn it is."""
    turn, lines = -1, []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith('{"exchange"'):
                if lines:
                    yield lines
                turn, lines = turn + 1, []
            if turn % parts == part:
                lines.append(line)
    if lines:
        yield lines


def check_part(arguments: tuple[str, int, int]) -> Tally:
    tally = Tally()
    for lines in groups(*arguments):
        tally.add(lines)
    return tally


def check(path: str, jobs: int, varied: bool, save: str | None) -> int:
    parts = [(path, part, jobs) for part in range(jobs)]
    if jobs == 1:
        done = [check_part(parts[0])]
    else:
        with multiprocessing.get_context("spawn").Pool(jobs) as pool:
            done = pool.map(check_part, parts)
    for problem in [problem for tally in done for problem in tally.shown][:SHOWN]:
        print(problem, end="\n\n")
    kept = [line for tally in done for line in tally.kept]
    if save and kept:
        Path(save).write_text("".join(kept), "utf-8")
    seen = sum((tally.seen for tally in done), Counter())
    print(", ".join(f"{what} {count}" for what, count in sorted(seen.items())))
    never = [what for what in EVERYTHING if varied and not seen[what]]
    if never:
        print(f"never came up: {', '.join(never)}")
    agree, disagree = (sum(getattr(tally, what) for tally in done) for what in ("agree", "disagree"))
    print(f"{agree} decisions agree, {disagree} questions disagree")
    return 0 if agree and not disagree and not never else 1


def main() -> int:
    parser = argparse.ArgumentParser(description="Decides again what the gateway decided.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("rules")
    arguments = commands.add_parser("check")
    arguments.add_argument("file")
    arguments.add_argument("--jobs", type=int, default=1)
    arguments.add_argument("--varied", action="store_true", help="fail when something never came up")
    arguments.add_argument("--save", help="keep what the two disagree over")
    given = parser.parse_args()
    try:
        if unlike := missing():
            print("written out on one side only: " + ", ".join(unlike))
            return 1
        if given.command == "rules":
            print(f"{len(RULES)} rules, each on both sides")
            return 0
        return check(given.file, max(1, given.jobs), given.varied, given.save)
    except (OSError, ValueError, KeyError) as error:
        print(f"decider.py: {type(error).__name__}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
