"""A second reader: what should the gateway have answered? Recomputed from the source's bytes and the plan.

    reader.py vectors FILE               every vector of treatments.json
    reader.py check FILE [--jobs N] [--varied]
                                         tuples as portcullis-tuples writes them
    reader.py answer --descriptors FILE --type NAME --plan FILE --record FILE [--keys FILE]
                                         one record, for an audit; README.md says how

Exit status: 0 agreed or answered, 1 a disagreement or a refusal, 2 usage or a file that cannot be read.
"""

from __future__ import annotations

import argparse
import base64
import json
import multiprocessing
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Iterator

from google.protobuf import text_format
from google.protobuf.message import DecodeError

import treat
import vectors
from answer import Answer, Refused, effective
from schema import Schema, SchemaError
from seal import Scope

SHOWN = 3
REFUSALS = (
    "TOO_LARGE TOO_MANY_FIELDS TRUNCATED OVERLONG_VARINT FIELD_NUMBER GROUP WIRE_TYPE NOT_UTF8 FIELD_TWICE ONEOF_TWICE "
    "VALUE_OUT_OF_RANGE"
)
EVERYTHING = [f"RECORD_{word}" for word in REFUSALS.split()] + ["clear", "mask", "pseudonymise", "presence", "withhold"]
EVERYTHING += sorted({f"generalise:{level}" for levels in treat.LEVELS.values() for level in levels})


def treatments(plan: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    return [(each["path"], each["treatment"], each.get("presence_bit", 0)) for each in plan]


class Group:
    """One schema with its plans, as a tuples file has them."""

    def __init__(self, line: dict[str, Any]):
        self.schema = Schema(base64.b64decode(line["descriptor_set"]), line["type"])
        self.plans: list[Answer] = []
        self.originators: list[str] = []
        self.problems: list[str] = []
        self.seen: Counter[str] = Counter()

    def plan(self, line: dict[str, Any]) -> None:
        plan = treatments(line["plan"])
        made = effective(self.schema, line["asked"])
        if made != plan:
            differ = [f"  {mine} instead of {theirs}" for mine, theirs in zip(made, plan) if mine != theirs]
            if len(made) != len(plan):
                differ.append(f"  {len(made)} leaves instead of {len(plan)}")
            self.problems.append("\n".join([f"DISAGREEMENT over a plan\n{self.schema}\nasked {line['asked']}", *differ]))
        scope = Scope(bytes.fromhex(line["secret"]), line["epoch"], line["scope"])
        self.plans.append(Answer(self.schema, plan, scope))
        self.originators.append(line["originator"])

    def tuple(self, line: dict[str, Any]) -> bool:
        """Does the reader say what the engine said? If not, the whole story is kept."""
        plan = self.plans[line["tuple"]]
        record = bytes.fromhex(line["record"])
        try:
            payload, presence = plan.of(record)
            mine = {"payload": payload.hex(), "presence": presence.hex()}
            if "reference" in line:
                originator = self.originators[line["tuple"]]
                mine["reference"] = plan.scope.token("REFERENCE", bytes.fromhex(line["opaque_id"]), originator)
        except Refused as refused:
            mine = {"refusal": refused.word}
            self.seen[refused.word] += 1
        except DecodeError as error:
            mine = {"decoder": str(error)}  # found well formed here, but the runtime cannot read it
        theirs = {key: line[key] for key in ("payload", "presence", "reference", "refusal") if key in line}
        if mine != theirs:
            self.problems.append(story(self.schema, plan, line["record"], mine, theirs))
        return mine == theirs


def story(schema: Schema, plan: Answer, record: str, mine: dict[str, str], theirs: dict[str, str]) -> str:
    lines = ["DISAGREEMENT", str(schema), "plan"]
    lines += [f"  {path:<40} {treatment}" for path, (treatment, _) in plan.plan.items()]
    lines += [f"record ({len(record) // 2} bytes) {record[:4000]}", decoded(schema, record)]
    for who, what in (("reader", mine), ("engine", theirs)):
        lines.append(f"{who} {what}")
        if "payload" in what:
            lines.append(decoded(schema, what["payload"]))
    return "\n".join(lines)


def decoded(schema: Schema, payload: str) -> str:
    try:
        message = schema.cls.FromString(bytes.fromhex(payload))
    except DecodeError as error:
        return f"  (cannot be decoded: {error})"
    text = text_format.MessageToString(message, as_utf8=True, print_unknown_fields=True, descriptor_pool=schema.pool)
    return "".join(f"  {line}\n" for line in text.splitlines()[:200]).rstrip()


def groups(path: str, part: int, parts: int) -> Iterator[list[str]]:
    """Lines of every schema whose turn it is."""
    turn, lines = -1, []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith('{"schema"'):
                if lines:
                    yield lines
                turn, lines = turn + 1, []
            if turn % parts == part:
                lines.append(line)
    if lines:
        yield lines


class Tally:
    """What came of some groups."""

    def __init__(self) -> None:
        self.plans = self.agree = self.disagree = 0
        self.seen: Counter[str] = Counter()
        self.shown: list[str] = []

    def add(self, lines: list[str]) -> None:
        group = Group(json.loads(lines[0])["schema"])
        for text in lines[1:]:
            line = json.loads(text)
            if "plan" in line:
                self.plans += 1
                group.plan(line)
            elif group.tuple(line):
                self.agree += 1
        self.disagree += len(group.problems)
        self.shown += group.problems[: SHOWN - len(self.shown)]
        self.seen.update(group.seen)
        for plan in group.plans:
            self.seen.update(plan.applied)


def check_part(arguments: tuple[str, int, int]) -> Tally:
    tally = Tally()
    for lines in groups(*arguments):
        tally.add(lines)
    return tally


def check(path: str, jobs: int, varied: bool) -> int:
    parts = [(path, part, jobs) for part in range(jobs)]
    if jobs == 1:
        done = [check_part(parts[0])]
    else:
        with multiprocessing.get_context("spawn").Pool(jobs) as pool:
            done = pool.map(check_part, parts)
    for problem in [problem for tally in done for problem in tally.shown][:SHOWN]:
        print(problem, end="\n\n")
    seen = sum((tally.seen for tally in done), Counter())
    print(", ".join(f"{what} {count}" for what, count in sorted(seen.items())))
    missing = [what for what in EVERYTHING if varied and not seen[what]]
    if missing:
        print(f"never came up: {', '.join(missing)}")
    plans, agree, disagree = (sum(getattr(tally, what) for tally in done) for what in ("plans", "agree", "disagree"))
    print(f"{plans} plans, {agree} agree, {disagree} disagree")
    return 0 if agree and not disagree and not missing else 1


def answer(arguments: argparse.Namespace) -> int:
    """One answer as JSON; without keys, tokens are left out and their fields are named."""
    plan = json.loads(Path(arguments.plan).read_text("utf-8"))
    scope = None
    if arguments.keys:
        keys = json.loads(Path(arguments.keys).read_text("utf-8"))
        scope = Scope(bytes.fromhex(keys["secret"]), keys["epoch"], keys["scope"])
    schema = Schema(Path(arguments.descriptors).read_bytes(), arguments.type)
    fields = treatments(plan)
    try:
        payload, presence = Answer(schema, fields, scope).of(Path(arguments.record).read_bytes())
    except Refused as refused:
        print(json.dumps({"refusal": refused.word}))
        return 1
    made = {"payload": payload.hex(), "presence": presence.hex(), "text": decoded(schema, payload.hex())}
    sealed = [path for path, treatment, _ in fields if treatment == "pseudonymise"]
    if sealed and scope is None:
        made["not_recomputed"] = sealed
    print(json.dumps(made, ensure_ascii=False, indent=2))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Recomputes what the gateway should have answered.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("vectors").add_argument("file")
    check_arguments = commands.add_parser("check")
    check_arguments.add_argument("file")
    check_arguments.add_argument("--jobs", type=int, default=1)
    check_arguments.add_argument("--varied", action="store_true", help="fail when a treatment or refusal never came up")
    answer_arguments = commands.add_parser("answer")
    for name in ("descriptors", "type", "plan", "record"):
        answer_arguments.add_argument(f"--{name}", required=True)
    answer_arguments.add_argument("--keys")
    arguments = parser.parse_args()
    try:
        if arguments.command == "vectors":
            return vectors.run(Path(arguments.file))
        if arguments.command == "check":
            return check(arguments.file, max(1, arguments.jobs), arguments.varied)
        return answer(arguments)
    except (OSError, ValueError, KeyError, SchemaError) as error:
        print(f"reader.py: {type(error).__name__}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
