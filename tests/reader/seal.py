"""Tokens: what stands for a pseudonymised value, and for a record. As the comment of treatments.json says."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CAPACITY = 46


class Scope:
    """The keys of one scope in the epoch that new tokens get."""

    def __init__(self, secret: bytes, epoch: int, scope: str):
        self.epoch = epoch.to_bytes(2, "big")
        info = b"scope" + self.epoch + scope.encode()
        keys = HKDF(SHA256(), 128, salt=b"portcullis pseudonym v1", info=info).derive(secret)
        self.siv, self.mac = AESSIV(keys[:64]), keys[64:]

    def token(self, domain: str, value: bytes, originator: str = "") -> str:
        """The token of a value of a semantic, or of a record: then the domain is REFERENCE, the value its id."""
        bound = [domain.encode(), originator.encode()]
        if len(value) <= CAPACITY:
            padded = bytes([len(value)]) + value.ljust(CAPACITY, b"\0")
            sealed = self.siv.encrypt(padded, [b"portcullis token v1", *bound])
        else:
            parts = b"".join(len(part).to_bytes(8, "big") + part for part in (*bound, value))
            sealed = hmac.new(self.mac, parts, hashlib.sha512).digest()[:63]
        return base64.urlsafe_b64encode(b"\x01" + self.epoch + sealed).decode()
