"""Verifies signed statements about agreements without any of the gateway's code: C2SP signed note, one text per statement.

    verify_statement.py --key "AGENCY+HASH+BASE64" [NOTE]         (standard input without a file)
    verify_statement.py --vectors gateway/core/vectors/statements.json

What is signed is the text before the note's empty line, byte by byte. Exit status: 0 good; 1 not; 2 usage.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from verify_receipt import VerificationError, parse_key, unbase64

DOMAIN = "portcullis.agreement-act/v1"
HEX = r"[0-9a-f]{64}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
HEAD = [
    ("exchange", r"[^ \n]+ (PRODUCTION|EXERCISE)"),
    ("agreement", r"[A-Za-z0-9._-]{1,63}"),
    ("version", r"[1-9]\d*"),
    ("text", HEX),
    ("by", r"[a-z0-9-]{1,63}"),
    ("serial", r"[1-9]\d*"),
    ("at", TIME),
    ("act", r"sign|accede|consent|reserve|suspend|resume|withdraw|terminate"),
]
BODY = {
    "sign": ("record-type", rf"[A-Za-z0-9._]+ {HEX}", None),
    "accede": ("record-type", rf"[A-Za-z0-9._]+ {HEX}", None),
    "consent": ("to", r"[a-z0-9-]{1,63}", 1),
    "reserve": ("take", r"(\*|[1-9]\d*) (purpose|record-type|field|match) [^\n]+", None),
    "withdraw": ("effective", TIME, 1),
    "terminate": ("effective", TIME, 1),
}


def read(text: str) -> dict[str, object]:
    """The statement in a signed text; anything that is not exactly one is refused."""
    if not text.endswith("\n"):
        raise VerificationError("the text does not end in a line end")
    lines = text[:-1].split("\n")
    if lines.pop(0) != DOMAIN:
        raise VerificationError("not a statement about an agreement")
    said: dict[str, object] = {}
    for key, pattern in HEAD:
        if not lines or not (found := re.fullmatch(f"{key}: ({pattern})", lines.pop(0))):
            raise VerificationError(f"no `{key}` where it belongs")
        said[key] = found[1]
    if lines and lines[-1].startswith("reason: "):
        said["reason"] = lines.pop()[len("reason: "):]
    name, pattern, most = BODY.get(str(said["act"]), ("", "", 0))
    rows = []
    for line in lines:
        found = re.fullmatch(f"{name}: ({pattern})", line) if name else None
        if not found:
            raise VerificationError("a line that does not belong to the act")
        rows.append(found[1])
    if most is not None and len(rows) > most:
        raise VerificationError("a line too many")
    if name == "record-type" and rows != sorted(set(rows)):
        raise VerificationError("record types are not in order")
    said["rows"] = rows
    return said


def verify(note: str, key_text: str) -> dict[str, object]:
    """The statement that a note carries, if the key's owner signed it and is who it says."""
    key = parse_key(key_text)
    at = note.rfind("\n\n")
    if at < 0 or not note.endswith("\n"):
        raise VerificationError("not a signed note")
    text, signatures = note[: at + 1], note[at + 2 : -1].split("\n")
    said = read(text)
    if said["by"] != key.name:
        raise VerificationError("the statement is by another agency")
    for line in signatures:
        mark, name, signature = (line.split(" ") + ["", ""])[:3]
        if mark != "\u2014" or name != key.name:
            continue
        data = unbase64(signature, "the signature")
        if data[:4] != key.hash:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(data[4:], text.encode())
        except InvalidSignature as error:
            raise VerificationError("the signature is wrong") from error
        return said
    raise VerificationError("not signed with this key")


def vectors(path: Path) -> int:
    """Every statement of a file is good, and no byte of its text or signature can be changed."""
    document = json.loads(path.read_text())
    tried = 0
    for one in document["statements"]:
        said = verify(one["note"], document["key"])
        if said["act"] != one["act"] or said["exchange"] != document["exchange"]:
            raise VerificationError(f"{one['act']}: read as {said['act']}")
        data = one["note"].encode()
        for at in range(len(data)):
            changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            try:
                verify(changed.decode(), document["key"])
            except (VerificationError, UnicodeDecodeError):
                tried += 1
                continue
            raise VerificationError(f"{one['act']}: byte {at} can be changed")
    print(f"{len(document['statements'])} statements good, {tried} changes refused")
    return 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Verifies a signed statement about an agreement.")
    parser.add_argument("--key")
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("note", nargs="?", type=Path)
    arguments = parser.parse_args()
    try:
        if arguments.vectors:
            return vectors(arguments.vectors)
        if not arguments.key:
            parser.error("--key or --vectors is needed")
        note = arguments.note.read_text() if arguments.note else sys.stdin.read()
        print(json.dumps(verify(note, arguments.key)))
        return 0
    except VerificationError as error:
        print(f"not good: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
