"""Officers' tokens in Python: what an agency's identity provider does, none of the gateway's code.

    officer_token.py --key PEM --kid KID --agency ID --gateway NAME --officer ID [--lifetime S] QUERY_JSON

QUERY_JSON is a file with the query as protobuf JSON; its case goes into the token, and its digest. Prints the
token: a compact JWS, EdDSA for an Ed25519 key and ES256 for one on P-256, good for this one query, once. The
client mints and uses one in one go with `portcullis_client.py query .. --officer-key PEM --officer-kid KID`.
"""

from __future__ import annotations

import argparse
import base64
import json
import secrets
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils

import contract

TYPE = "portcullis-officer+jwt"


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _json(value: dict[str, Any]) -> str:
    return _part(json.dumps(value, separators=(",", ":")).encode("utf-8"))


def mint(
    key: bytes, kid: str, agency: str, gateway: str, officer: str, query: Any, lifetime: int = 120
) -> str:
    """A token by which `agency` vouches to `gateway` for `officer`, for this query alone."""
    private = serialization.load_pem_private_key(key, password=None)
    now = int(time.time())
    claims = {
        "iss": agency,
        "sub": officer,
        "aud": gateway,
        "query_digest": contract.query_digest(query).hex(),
        "jti": secrets.token_hex(16),
        "iat": now,
        "exp": now + lifetime,
    }
    if query.case_id:
        claims["case_id"] = query.case_id
    if isinstance(private, ed25519.Ed25519PrivateKey):
        algorithm, sign = "EdDSA", private.sign
    elif isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1):
        algorithm, sign = "ES256", lambda message: _raw(private, message)
    else:
        raise ValueError("the key is neither Ed25519 nor on P-256")
    message = f"{_json({'alg': algorithm, 'kid': kid, 'typ': TYPE})}.{_json(claims)}"
    return f"{message}.{_part(sign(message.encode('ascii')))}"


def _raw(private: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """A JWS has r and s side by side, 32 bytes each, where the library writes DER."""
    r, s = utils.decode_dss_signature(private.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def main() -> None:
    """Prints one token."""
    from google.protobuf import json_format

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("query", type=Path, help="protobuf JSON of the whole query")
    parser.add_argument("--key", type=Path, required=True)
    for name in ("--kid", "--agency", "--gateway", "--officer"):
        parser.add_argument(name, required=True)
    parser.add_argument("--lifetime", type=int, default=120)
    arguments = parser.parse_args()
    text = arguments.query.read_text(encoding="utf-8")
    query = json_format.Parse(text, contract.module("query").Query())
    parts = (arguments.kid, arguments.agency, arguments.gateway, arguments.officer)
    print(mint(arguments.key.read_bytes(), *parts, query, arguments.lifetime))


if __name__ == "__main__":
    main()
