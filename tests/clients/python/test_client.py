"""The client against a gateway played by this file: what it must accept, and what it must not.

    python -m unittest -v test_client        (in this folder, with requirements.txt installed)

The real gateway is tried by the Rust tests, which spawn the client. Here every lie is told that a real one
never would: another digest, a record before its plan, a false receipt, an answer cut off.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import ipaddress
import json
import subprocess
import sys
import tempfile
import unittest
from concurrent import futures
from pathlib import Path
from typing import Any, Callable

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import contract
import verify_receipt

CLIENT = Path(__file__).with_name("portcullis_client.py")
DECLARATION = "portcullis.record.v1.Declaration"
LOG = "gateway.test/log"
QUERY = ["--purpose", "SHIPMENT_TARGETING", "--case", "C-1", "--record-type", DECLARATION]


def credentials(folder: Path) -> None:
    """A CA with a server and a client certificate, as PEM files."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def issue(name: str, issuer: Any, signer: Any, *extensions: x509.ExtensionType) -> tuple[Any, Any]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(hours=1))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        certificate = builder.sign(signer or key, hashes.SHA256())
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (folder / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return subject, key

    subject, key = issue("ca", None, None, x509.BasicConstraints(ca=True, path_length=0))
    names = [x509.DNSName("gateway.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    issue("server", subject, key, x509.SubjectAlternativeName(names))
    uri = x509.UniformResourceIdentifier("spiffe://beta.test/agency/beta/system/desk")
    issue("client", subject, key, x509.SubjectAlternativeName([uri]))


def answers(query: Any) -> list[Any]:
    """An honest answer: header, plan, two records, a status, a receipt out of a log of five entries."""
    query_pb2, audit_pb2 = contract.module("query"), contract.module("audit")
    declaration = contract.module("record/declaration").Declaration(id="D-1")
    digest = hashlib.sha256(query.SerializeToString(deterministic=True)).digest()
    leaves = [bytes([n]) * 9 for n in range(5)]
    root = base64.b64encode(verify_receipt.tree_root(leaves)).decode()
    checkpoint, _ = verify_receipt.sign(f"{LOG}\n5\n{root}\n", LOG, log_key())
    path = verify_receipt.audit_path(3, leaves)
    proof = audit_pb2.LogProof(index=3, leaf=leaves[3], path=path, checkpoint=checkpoint)
    fields = [
        query_pb2.FieldPlan(path="id", treatment=1, reason="PERMITTED", presence_bit=1),
        query_pb2.FieldPlan(path="accepted_at", treatment=2, level="month"),
    ]
    records = [
        query_pb2.ReleasedRecord(reference=f"r{n}", plan=1, payload=declaration.SerializeToString())
        for n in range(2)
    ]
    plan = query_pb2.Plan(index=1, record_type=DECLARATION, originator="alpha", fields=fields)
    return [
        query_pb2.QueryResponse(
            header=query_pb2.Header(exchange_id="x-1", query_digest=digest, sources=["alpha"])
        ),
        query_pb2.QueryResponse(plan=plan),
        query_pb2.QueryResponse(batch=query_pb2.RecordBatch(records=records)),
        query_pb2.QueryResponse(
            source_status=query_pb2.SourceStatus(agency="alpha", completeness=1, records_released=2)
        ),
        query_pb2.QueryResponse(
            receipt=query_pb2.Receipt(
                exchange_id="x-1", query_digest=digest, records_released=2, proof=proof
            )
        ),
    ]


def log_key() -> Ed25519PrivateKey:
    """The log's key, the same in every run."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"log").digest())


class Gateway:
    """Plays the gateway on loopback; `edit` changes its answer to a query, `spoil` its record type."""

    def __init__(self, folder: Path) -> None:
        self.edit: Callable[[list[Any]], list[Any]] = lambda messages: messages
        self.spoil: Callable[[Any], None] = lambda record_type: None
        self.refuse: bytes | None = None
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        contract.module("query", "pb2_grpc").add_QueryServiceServicer_to_server(self, self.server)
        contract.module("directory", "pb2_grpc").add_DirectoryServiceServicer_to_server(self, self.server)
        read = lambda name: (folder / name).read_bytes()
        tls = grpc.ssl_server_credentials(
            [(read("server.key"), read("server.pem"))], read("ca.pem"), require_client_auth=True
        )
        port = self.server.add_secure_port("127.0.0.1:0", tls)
        self.server.start()
        config = {
            "address": f"127.0.0.1:{port}",
            "server_name": "gateway.test",
            "trust_bundle": "ca.pem",
            "certificate": "client.pem",
            "key": "client.key",
        }
        self.config = folder / "config.json"
        self.config.write_text(json.dumps(config), encoding="utf-8")
        set_file = folder / "contract.binpb"
        contract.protoc("--include_imports", f"--descriptor_set_out={set_file}")
        self.descriptor_set = set_file.read_bytes()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("List") or any(word in name for word in ("Regist", "Withdraw", "Release")):
            return None  # not asked for by the client
        raise AttributeError(name)

    def Whoami(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Tells the log's key."""
        _, key = verify_receipt.sign("\n", LOG, log_key())
        return contract.module("directory").WhoamiResponse(agency="beta", log_public_key=key)

    def ListRecordTypes(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Declaration, labels as the schema has them."""
        directory_pb2, label_pb2 = contract.module("directory"), contract.module("label")
        record_type = directory_pb2.RecordType(name=DECLARATION, descriptor_set=self.descriptor_set)
        for path, (category, sensitivity, semantic) in contract.labels(self.descriptor_set, DECLARATION).items():
            label = label_pb2.Label(
                category=f"CATEGORY_{category}",
                sensitivity=f"SENSITIVITY_{sensitivity}",
                semantic=f"SEMANTIC_{semantic}",
            )
            record_type.leaves.append(directory_pb2.Leaf(path=path, label=label))
        self.spoil(record_type)
        return directory_pb2.ListRecordTypesResponse(record_types=[record_type])

    def Explain(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Allows."""
        digest = contract.query_digest(request.query)
        return contract.module("query").ExplainResponse(allowed=True, query_digest=digest)

    def Query(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The honest answer, edited."""
        if self.refuse is not None:
            context.set_trailing_metadata((("grpc-status-details-bin", self.refuse),))
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "not under this agreement")
        yield from self.edit(answers(request.query))


class ClientTest(unittest.TestCase):
    """Runs the client as a program, as its callers do."""

    folder: tempfile.TemporaryDirectory[str]
    gateway: Gateway

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        credentials(Path(cls.folder.name))
        cls.gateway = Gateway(Path(cls.folder.name))

    @classmethod
    def tearDownClass(cls) -> None:
        cls.gateway.server.stop(0)
        cls.folder.cleanup()

    def setUp(self) -> None:
        self.gateway.edit = lambda messages: messages
        self.gateway.spoil = lambda record_type: None
        self.gateway.refuse = None

    def run_client(self, *arguments: str, config: Path | None = None) -> tuple[int, dict[str, Any]]:
        """Exit status and document."""
        command, *rest = arguments
        words = [sys.executable, str(CLIENT), command, str(config or self.gateway.config), *rest]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout else {"error": done.stderr}

    def broken(self, part: str, edit: Callable[[list[Any]], list[Any]]) -> None:
        """The client must end with 3 and say what is wrong."""
        self.gateway.edit = edit
        status, document = self.run_client("query", *QUERY)
        self.assertEqual(status, 3, document)
        self.assertIn(part, document["error"]["message"])

    def test_an_honest_answer_is_taken_whole(self) -> None:
        status, document = self.run_client("all", *QUERY, "--show-records")
        self.assertEqual(status, 0, document)
        self.assertEqual(document["whoami"]["agency"], "beta")
        label = document["labels"][DECLARATION]["items.hs_code"]
        self.assertEqual(label, ["COMMERCIAL", "OFFICIAL", "HS_CODE"])
        self.assertTrue(document["explain"]["allowed"])
        query = document["query"]
        self.assertEqual((query["records"], query["batches"]), (2, 1))
        self.assertEqual(query["header"]["query_digest"], query["query_digest"])
        self.assertEqual(query["plans"][0]["treatments"], {"clear": 1, "generalise": 1})
        self.assertEqual(query["plans"][0]["fields"]["accepted_at"]["treatment"], "generalise:month")
        self.assertEqual(query["receipt"]["verified"]["size"], 5)
        self.assertEqual(query["released"][0]["payload"], {"id": "D-1"})

    def test_lies_are_found(self) -> None:
        def change(index: int, act: Callable[[Any], None]) -> Callable[[list[Any]], list[Any]]:
            def edit(messages: list[Any]) -> list[Any]:
                act(messages[index])
                return messages

            return edit

        zero = bytes(32)
        self.broken("header digest", change(0, lambda m: setattr(m.header, "query_digest", zero)))
        self.broken("another query", change(4, lambda m: setattr(m.receipt, "query_digest", zero)))
        self.broken("counts 3 records", change(4, lambda m: setattr(m.receipt, "records_released", 3)))
        self.broken("before its plan 1", lambda m: [m[0], m[2], m[1], *m[3:]])
        self.broken("header comes first", lambda m: m[1:])
        self.broken("header comes first", lambda m: [m[0], *m])
        self.broken("behind the receipt", lambda m: [*m, m[2]])
        self.broken("status for each source", lambda m: [*m[:3], m[4]])
        self.broken("behind the status", lambda m: [*m[:4], m[2], m[4]])
        self.broken("signed root", change(4, lambda m: setattr(m.receipt.proof, "leaf", b"x")))
        self.broken("did not sign", change(4, lambda m: setattr(m.receipt.proof, "checkpoint", f"{LOG}\n5\nx\n\n{verify_receipt.MARK}a AAAAAAAA\n")))

    def test_labels_other_than_the_schemas_are_found(self) -> None:
        def spoil(record_type: Any) -> None:
            record_type.leaves[0].label.sensitivity = 1

        self.gateway.spoil = spoil
        status, document = self.run_client("labels")
        self.assertEqual(status, 3, document)
        self.assertIn("labels differ", document["error"]["message"])

    def test_an_answer_without_receipt_is_incomplete(self) -> None:
        self.gateway.edit = lambda messages: messages[:-1]
        status, document = self.run_client("query", *QUERY)
        self.assertEqual((status, document["error"]["reason"]), (4, "INCOMPLETE"))

    def test_a_refusal_tells_its_reason(self) -> None:
        def field(number: int, data: bytes) -> bytes:
            return bytes([number << 3 | 2, len(data)]) + data

        info = field(1, b"PURPOSE_NOT_PERMITTED") + field(2, b"portcullis")
        anything = field(1, b"type.googleapis.com/google.rpc.ErrorInfo") + field(2, info)
        self.gateway.refuse = b"\x08\x07" + field(3, anything)
        status, document = self.run_client("query", *QUERY)
        self.assertEqual((status, document["error"]["reason"]), (1, "PURPOSE_NOT_PERMITTED"))
        self.assertEqual(document["error"]["code"], "PERMISSION_DENIED")

    def test_usage_and_missing_files_end_with_2(self) -> None:
        self.assertEqual(self.run_client("whoami", config=Path("/nowhere.json"))[0], 2)
        self.assertEqual(self.run_client("query", "--purpose", "CURIOSITY")[0], 2)
        self.assertEqual(self.run_client("query", *QUERY, "--where", "{")[0], 2)
        self.assertEqual(self.run_client("whoami", "--loud")[0], 2)

    def test_nobody_there_ends_with_4(self) -> None:
        values = json.loads(self.gateway.config.read_text(encoding="utf-8")) | {"address": "127.0.0.1:1"}
        config = self.gateway.config.with_name("nobody.json")
        config.write_text(json.dumps(values), encoding="utf-8")
        self.assertEqual(self.run_client("whoami", config=config)[0], 4)


if __name__ == "__main__":
    unittest.main()
