"""Verifies a receipt without any of the gateway's code: RFC 6962 inclusion, C2SP signed-note checkpoint.

    verify_receipt.py --key "NAME+HASH+BASE64" [RECEIPT.json]     (standard input without a file)
    verify_receipt.py --self-test

RECEIPT.json: {"index": N, "leaf": BASE64, "path": [BASE64, ..], "checkpoint": TEXT}. Exit status: 0 it stands in
the log; 1 it does not; 2 usage.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ED25519 = 0x01
MARK = "\u2014 "


class VerificationError(Exception):
    """Why the receipt proves nothing."""


@dataclass(frozen=True)
class Key:
    """A verifier key (C2SP signed-note)."""

    name: str
    hash: bytes
    public: bytes


@dataclass(frozen=True)
class Checkpoint:
    """A tree head (C2SP tlog-checkpoint)."""

    origin: str
    size: int
    root: bytes


def unbase64(text: str, what: str) -> bytes:
    """Strict standard base64."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise VerificationError(f"{what} is not base64") from error
    if base64.b64encode(data).decode() != text:
        raise VerificationError(f"{what} is not canonical base64")
    return data


def parse_key(text: str) -> Key:
    """`name+hash+base64(type byte, public key)`."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3 or not parts[0]:
        raise VerificationError("the key is not NAME+HASH+BASE64")
    name, digest, encoded = parts
    material = unbase64(encoded, "the key")
    if len(material) != 33 or material[0] != ED25519:
        raise VerificationError("the key is not Ed25519")
    expected = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]
    if digest != expected.hex():
        raise VerificationError("the key's hash is not that of its name and bytes")
    return Key(name, expected, material[1:])


def open_note(note: str, key: Key) -> str:
    """The signed text, if the key signed it."""
    text, separator, signatures = note.rpartition("\n\n")
    if not separator or not signatures.endswith("\n"):
        raise VerificationError("the checkpoint is not a signed note")
    text += "\n"
    signed = False
    for line in signatures[:-1].split("\n"):
        name, space, encoded = line.removeprefix(MARK).partition(" ")
        if not line.startswith(MARK) or not name or not space:
            raise VerificationError("a signature line is malformed")
        signature = unbase64(encoded, "a signature")
        if name != key.name or signature[:4] != key.hash:
            continue  # somebody else's: a witness, or another key of the log
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature[4:], text.encode())
        except InvalidSignature as error:
            raise VerificationError("the signature is false") from error
        signed = True
    if not signed:
        raise VerificationError("the key did not sign the checkpoint")
    return text


def parse_checkpoint(text: str) -> Checkpoint:
    """Origin, size and root of a signed text."""
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0]:
        raise VerificationError("the checkpoint has not its three lines")
    origin, size, root = lines[:3]
    if not size.isascii() or not size.isdigit() or (size != "0" and size[0] == "0"):
        raise VerificationError("the tree size is not a number")
    digest = unbase64(root, "the root")
    if len(digest) != 32:
        raise VerificationError("the root is not 32 bytes")
    return Checkpoint(origin, int(size), digest)


def leaf_hash(leaf: bytes) -> bytes:
    """RFC 6962, section 2.1."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962, section 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of_path(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes:
    """The root that an audit path leads to (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        raise VerificationError(f"entry {index} is not in a tree of {size}")
    node, last, digest = index, size - 1, leaf_hash(leaf)
    for sibling in path:
        if len(sibling) != 32:
            raise VerificationError("a node of the path is not 32 bytes")
        if last == 0:
            raise VerificationError("the path is too long")
        if node & 1 or node == last:
            digest = node_hash(sibling, digest)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            digest = node_hash(digest, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise VerificationError("the path is too short")
    return digest


def verify(receipt: dict[str, Any], key_text: str) -> dict[str, Any]:
    """What is proved; raises VerificationError where nothing is."""
    try:
        index, leaf, path, note = (receipt[key] for key in ("index", "leaf", "path", "checkpoint"))
    except (KeyError, TypeError) as error:
        raise VerificationError("the receipt lacks index, leaf, path or checkpoint") from error
    if isinstance(index, bool) or not isinstance(index, int) or not isinstance(note, str):
        raise VerificationError("the index is not a number, or the checkpoint not a text")
    if not isinstance(path, list):
        raise VerificationError("the path is not a list")
    key = parse_key(key_text)
    checkpoint = parse_checkpoint(open_note(note, key))
    if checkpoint.origin != key.name:
        raise VerificationError("the checkpoint is that of another log")
    data = unbase64(leaf, "the leaf")
    nodes = [unbase64(node, "a node of the path") for node in path]
    if root_of_path(index, checkpoint.size, data, nodes) != checkpoint.root:
        raise VerificationError("the path does not lead to the signed root")
    return {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "index": index,
        "leaf_hash": leaf_hash(data).hex(),
    }


# Self-test: a log built by the recursive definition of RFC 6962, which shares nothing with the walk above.


def tree_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(tree_root(leaves[:split]), tree_root(leaves[split:]))


def audit_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1."""
    if len(leaves) <= 1:
        return []
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < split:
        return audit_path(index, leaves[:split]) + [tree_root(leaves[split:])]
    return audit_path(index - split, leaves[split:]) + [tree_root(leaves[:split])]


def sign(text: str, name: str, private: Ed25519PrivateKey) -> tuple[str, str]:
    """A signed note over a text, and the verifier key."""
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    material = bytes([ED25519]) + public
    digest = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]
    signature = base64.b64encode(digest + private.sign(text.encode())).decode()
    key = f"{name}+{digest.hex()}+{base64.b64encode(material).decode()}"
    return f"{text}\n{MARK}{name} {signature}\n", key


def self_test() -> tuple[int, list[str]]:
    """How many checks passed, and which failed."""
    passed, failed = 0, []

    def check(name: str, holds: bool) -> None:
        nonlocal passed
        if holds:
            passed += 1
        else:
            failed.append(name)

    def refuses(name: str, act: Callable[[], object]) -> None:
        try:
            act()
        except VerificationError:
            check(name, True)
        else:
            check(name, False)

    # The example key and note of the signed-note specification's Go implementation (golang.org/x/mod/sumdb/note).
    known = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    note = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n\n"
        "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    check("known note opens", open_note(note, parse_key(known)).startswith("If you think"))
    refuses("known note, one letter changed", lambda: open_note(note.replace("then", "than"), parse_key(known)))
    check("empty tree", tree_root([]).hex().startswith("e3b0c44298fc1c14"))

    name = "gateway.example/log"
    private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"portcullis self-test").digest())
    leaves = [b"", b"\x00", b"entry"] + [bytes([n]) * n for n in range(3, 20)]
    for size in range(1, len(leaves) + 1):
        tree = leaves[:size]
        root = base64.b64encode(tree_root(tree)).decode()
        checkpoint, key = sign(f"{name}\n{size}\n{root}\n", name, private)
        for index in range(size):
            path = [base64.b64encode(node).decode() for node in audit_path(index, tree)]
            good = {
                "index": index,
                "leaf": base64.b64encode(tree[index]).decode(),
                "path": path,
                "checkpoint": checkpoint,
            }
            where = f"entry {index} of {size}"
            try:
                verify(good, key)
                check(where, True)
            except VerificationError as error:
                failed.append(f"{where}: {error}")
            false = base64.b64encode(bytes(32)).decode()
            refuses(f"{where}: other leaf", lambda: verify(good | {"leaf": "eA=="}, key))
            refuses(f"{where}: index outside", lambda: verify(good | {"index": size}, key))
            refuses(f"{where}: path too long", lambda: verify(good | {"path": path + [false]}, key))
            if path:
                refuses(f"{where}: path too short", lambda: verify(good | {"path": path[:-1]}, key))
                refuses(f"{where}: other index", lambda: verify(good | {"index": index ^ 1}, key))
                refuses(f"{where}: other node", lambda: verify(good | {"path": [false] + path[1:]}, key))
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    refuses("signed by another key", lambda: verify(good | {"checkpoint": sign(f"{name}\n1\n{root}\n", name, other)[0]}, key))
    refuses("another log", lambda: verify(good | {"checkpoint": sign(f"x\n{size}\n{root}\n", name, private)[0]}, key))
    refuses("larger tree", lambda: verify(good | {"checkpoint": checkpoint.replace(f"\n{size}\n", f"\n{size + 1}\n")}, key))
    refuses("no signature", lambda: verify(good | {"checkpoint": checkpoint.split("\n\n")[0] + "\n\n"}, key))
    refuses("key of another name", lambda: parse_key("x" + key))
    refuses("negative index", lambda: verify(good | {"index": -1}, key))
    refuses("no receipt", lambda: verify({}, key))
    return passed, failed


def main() -> int:
    """Verifies one receipt, or itself."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--key", help="verifier key of the log, NAME+HASH+BASE64")
    parser.add_argument("receipt", nargs="?", type=Path, help="JSON; standard input without it")
    arguments = parser.parse_args()
    if arguments.self_test:
        passed, failed = self_test()
        for name in failed:
            print(f"failed: {name}", file=sys.stderr)
        print(f"{passed} passed, {len(failed)} failed")
        return 1 if failed or not passed else 0
    if not arguments.key:
        parser.error("--key is needed")
    try:
        text = arguments.receipt.read_text(encoding="utf-8") if arguments.receipt else sys.stdin.read()
        receipt = json.loads(text)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    try:
        proved = verify(receipt, arguments.key)
    except VerificationError as error:
        json.dump({"verified": False, "message": str(error)}, sys.stdout)
        print()
        return 1
    json.dump({"verified": True} | proved, sys.stdout)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
