"""The vector file, each case as a record of one field that goes all the way through the reader."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2

from answer import Answer
from schema import Schema
from seal import Scope

REPOSITORY = Path(__file__).resolve().parents[2]
KNOWN = {
    "TIMESTAMP": "google.protobuf.Timestamp",
    "DATE": "portcullis.record.v1.Date",
    "BIRTH_DATE": "portcullis.record.v1.Date",
    "MONEY": "portcullis.record.v1.Money",
    "GEO_POINT": "portcullis.record.v1.GeoPoint",
    "ADDRESS": "portcullis.record.v1.Address",
}


def compiled(fields: list[tuple[str, str]]) -> bytes:
    """A descriptor set of a record with one field per semantic and type, by a real compiler."""
    import grpc_tools
    from grpc_tools import protoc

    lines = ['syntax = "proto3";', "package vector.v1;"]
    imports = ["google/protobuf/timestamp.proto", "portcullis/label/v1/label.proto", "portcullis/record/v1/value.proto"]
    lines += [f'import "{name}";' for name in imports] + ["message Vector {"]
    for number, (semantic, kind) in enumerate(fields, 1):
        label = f"category: CATEGORY_TECHNICAL sensitivity: SENSITIVITY_OFFICIAL semantic: SEMANTIC_{semantic}"
        kind = KNOWN[semantic] if kind == "message" else kind
        lines.append(f"  {kind} f{number} = {number} [(portcullis.label.v1.label) = {{ {label} }}];")
    lines.append("}")
    with tempfile.TemporaryDirectory(prefix="portcullis-reader-") as folder:
        source, out = Path(folder, "vector.proto"), Path(folder, "set")
        source.write_text("\n".join(lines), "utf-8")
        bundled = Path(grpc_tools.__file__).parent / "_proto"
        include = [f"-I{folder}", f"-I{REPOSITORY / 'proto'}", f"-I{bundled}"]
        if protoc.main(["protoc", *include, "--include_imports", f"-o{out}", str(source)]) != 0:
            raise ValueError("protoc cannot compile the vectors' record type")
        made = out.read_bytes()
    descriptor_pb2.FileDescriptorSet.FromString(made)
    return made


def run(path: Path) -> int:
    file = json.loads(path.read_text("utf-8"))
    fields = sorted({(each["semantic"], each["type"]) for each in file["treatments"]})
    schema = Schema(compiled(fields), "vector.v1.Vector")
    agree, wrong = 0, []
    for each in file["treatments"]:
        name = f"f{fields.index((each['semantic'], each['type'])) + 1}"
        bit = int(each["treatment"] == "presence")
        answer = Answer(schema, [(name, each["treatment"], bit)], None)
        for given, expected in each["cases"]:
            found = outcome(answer, name, given, each["treatment"])
            if same(found, expected):
                agree += 1
            else:
                wrong.append(f"{each['semantic']} {each['treatment']}: {given!r} gives {found!r}, not {expected!r}")
    for each in file["tokens"]:
        scope = Scope(bytes.fromhex(each["secret"]), each["epoch"], each["scope"])
        value = bytes.fromhex(each["opaque_id"]) if "opaque_id" in each else each["value"].encode()
        found = scope.token(each["domain"], value, each.get("originator", ""))
        if found == each["token"]:
            agree += 1
        else:
            wrong.append(f"token of {each}: {found}")
    print("\n".join([*wrong, f"{agree} agree, {len(wrong)} disagree"]))
    return 0 if agree and not wrong else 1


def outcome(answer: Answer, name: str, given: Any, treatment: str) -> Any:
    record = answer.schema.cls()
    if isinstance(given, dict):
        fill(getattr(record, name), given)
    else:
        setattr(record, name, given)
    payload, presence = answer.of(record.SerializeToString())
    if treatment == "presence":
        return presence == b"\x01"
    left = answer.schema.cls.FromString(payload)
    if not left.ListFields():
        return None
    value = getattr(left, name)
    return {field.name: plain(each) for field, each in value.ListFields()} if isinstance(given, dict) else value


def fill(message: Any, fields: dict[str, Any]) -> None:
    message.SetInParent()
    for name, value in fields.items():
        getattr(message, name).extend(value) if isinstance(value, list) else setattr(message, name, value)


def plain(value: Any) -> Any:
    return list(value) if hasattr(value, "extend") else value


def same(found: Any, expected: Any) -> bool:
    """Equal, and of one type: 1 and 1.0 and True are not the same."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and found == expected
    return type(found) is type(expected) and found == expected
