"""A Portcullis client in Python: an integrator's view of the gateway over mutual TLS.

    portcullis_client.py all CONFIG --record-type TYPE --purpose P --case C [--where FILTER_JSON] ..
    portcullis_client.py whoami|labels CONFIG
    portcullis_client.py explain|query CONFIG (query words as above, or --query FILE with protobuf JSON)
    portcullis_client.py vectors [--update]
    portcullis_client.py descriptors OUT

CONFIG is a JSON file: {"address", "server_name", "trust_bundle", "certificate", "key"}; paths are relative to
it. Prints one JSON document. Exit status: 0 done; 1 the gateway refused (the document says why); 2 usage or a
file that cannot be read; 3 the other side broke the contract; 4 no connection, or it ended too early.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Iterable

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

import contract
from contract import ContractError

DONE, REFUSED, USAGE, BROKEN, UNREACHABLE = 0, 1, 2, 3, 4
TREATMENTS = {1: "clear", 2: "generalise", 3: "mask", 4: "pseudonymise", 5: "presence", 6: "withhold"}


class UsageError(Exception):
    """An argument or a file is not what it must be."""


class Connection:
    """Stubs of the services over one mutually authenticated channel."""

    def __init__(self, config: Path, timeout: float) -> None:
        import grpc

        keys = ("address", "server_name", "trust_bundle", "certificate", "key")
        try:
            values = json.loads(config.read_text(encoding="utf-8"))
            address, server_name, *files = (values[key] for key in keys)
            bundle, certificate, key = ((config.parent / file).read_bytes() for file in files)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{config}: {type(error).__name__}: {error}") from error
        credentials = grpc.ssl_channel_credentials(bundle, key, certificate)
        options = [("grpc.ssl_target_name_override", server_name), ("grpc.enable_retries", 0)]
        self.channel = grpc.secure_channel(address, credentials, options)
        self.timeout = timeout
        self.directory = contract.module("directory", "pb2_grpc").DirectoryServiceStub(self.channel)
        self.queries = contract.module("query", "pb2_grpc").QueryServiceStub(self.channel)


def as_json(message: Any) -> dict[str, Any]:
    """A message as JSON with the field names of the .proto files."""
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def whoami(connection: Connection) -> Any:
    """Who the gateway takes us for."""
    request = contract.module("directory").WhoamiRequest()
    return connection.directory.Whoami(request, timeout=connection.timeout)


def record_types(connection: Connection, name: str) -> list[Any]:
    """Record types under our agreements."""
    request = contract.module("directory").ListRecordTypesRequest(name=name)
    answer = connection.directory.ListRecordTypes(request, timeout=connection.timeout)
    return list(answer.record_types)


def read_labels(types: Iterable[Any]) -> dict[str, dict[str, list[str]]]:
    """Labels out of each descriptor set; they must be those that the directory lists."""
    label_pb2 = contract.module("label")
    found = {}
    for record_type in types:
        read = contract.labels(record_type.descriptor_set, record_type.name)
        listed = {
            leaf.path: [
                label_pb2.Category.Name(leaf.label.category).removeprefix("CATEGORY_"),
                label_pb2.Sensitivity.Name(leaf.label.sensitivity).removeprefix("SENSITIVITY_"),
                label_pb2.Semantic.Name(leaf.label.semantic).removeprefix("SEMANTIC_"),
            ]
            for leaf in record_type.leaves
        }
        if read != listed:
            unlike = sorted(path for path in read.keys() | listed.keys() if read.get(path) != listed.get(path))
            raise ContractError(f"{record_type.name}: labels differ from the schema's at {unlike}")
        found[record_type.name] = read
    return found


def explain(connection: Connection, query: Any) -> dict[str, Any]:
    """What the query would show."""
    request = contract.module("query").ExplainRequest(query=query)
    answer = connection.queries.Explain(request, timeout=connection.timeout)
    if answer.query_digest and answer.query_digest != contract.query_digest(query):
        raise ContractError("the explained digest is not that of the query")
    return {
        "allowed": answer.allowed,
        "reason": answer.reason,
        "explanation": answer.explanation,
        "remedy": answer.remedy,
        "agreement_id": answer.agreement_id,
        "query_digest": answer.query_digest.hex(),
        "plans": [plan_as_json(plan) for plan in answer.plans],
        "budgets": [as_json(budget) for budget in answer.budgets],
        "rules": list(answer.rules),
    }


def plan_as_json(plan: Any) -> dict[str, Any]:
    """Treatments of a plan by path, with how often each occurs."""
    fields = {}
    for field in plan.fields:
        if field.treatment not in TREATMENTS:
            raise ContractError(f"`{field.path}` has treatment {field.treatment}")
        treatment = TREATMENTS[field.treatment]
        fields[field.path] = {
            "treatment": f"{treatment}:{field.level}" if field.level else treatment,
            "reason": field.reason,
            "rule": field.rule,
            "ask": field.ask,
            "usable_in_filter": field.usable_in_filter,
        }
    return {
        "index": plan.index,
        "record_type": plan.record_type,
        "originator": plan.originator,
        "plan_hash": plan.plan_hash.hex(),
        "treatments": dict(Counter(TREATMENTS[field.treatment] for field in plan.fields)),
        "fields": fields,
    }


def officer_token(arguments: argparse.Namespace, me: Any, query: Any) -> str:
    """The token of `--officer-token`, or one minted for this very query with `--officer-key`."""
    try:
        if arguments.officer_token is not None:
            return arguments.officer_token.read_text(encoding="utf-8").strip()
        if arguments.officer_key is None:
            return ""
        import officer_token as tokens

        key = arguments.officer_key.read_bytes()
        return tokens.mint(key, arguments.officer_kid, me.agency, me.gateway, query.officer, query)
    except (OSError, ValueError) as error:
        raise UsageError(f"officer's token: {error}") from error


def query_once(
    connection: Connection,
    query: Any,
    idempotency_key: str,
    log_key: str,
    types: list[Any],
    show: bool,
    token: str = "",
) -> dict[str, Any]:
    """Asks, and checks the order of the stream, the digest, the counts and the receipt."""
    request = contract.module("query").QueryRequest(
        query=query, idempotency_key=idempotency_key, officer_token=token
    )
    digest = contract.query_digest(query)
    header = receipt = None
    plans: dict[int, dict[str, Any]] = {}
    statuses: list[Any] = []
    records: list[Any] = []
    batches = 0
    for answer in connection.queries.Query(request, timeout=connection.timeout):
        kind = answer.WhichOneof("message")
        if receipt is not None:
            raise ContractError(f"a {kind} behind the receipt")
        if (header is None) != (kind == "header"):
            raise ContractError(f"a {kind} where the header comes first and once")
        if kind == "header":
            header = answer.header
            if header.query_digest != digest:
                raise ContractError(f"header digest {header.query_digest.hex()}, ours {digest.hex()}")
        elif kind == "plan":
            plans[answer.plan.index] = plan_as_json(answer.plan)
        elif kind == "batch":
            if statuses:
                raise ContractError("a batch behind the status of a source")
            batches += 1
            for record in answer.batch.records:
                if record.plan not in plans:
                    raise ContractError(f"a record before its plan {record.plan}")
            records.extend(answer.batch.records)
        elif kind == "source_status":
            statuses.append(answer.source_status)
        elif kind == "receipt":
            receipt = answer.receipt
        else:
            raise ContractError("an empty message")
    if header is None or receipt is None:
        raise EOFError("the answer ended without a receipt: it is incomplete")
    if receipt.query_digest != digest or receipt.exchange_id != header.exchange_id:
        raise ContractError("the receipt is for another query")
    if receipt.records_released != len(records):
        raise ContractError(f"the receipt counts {receipt.records_released} records, {len(records)} came")
    if sorted(status.agency for status in statuses) != sorted(header.sources):
        raise ContractError("not one status for each source")
    result = {
        "header": as_json(header) | {"query_digest": header.query_digest.hex()},
        "query_digest": digest.hex(),
        "records": len(records),
        "batches": batches,
        "plans": list(plans.values()),
        "statuses": [as_json(status) for status in statuses],
        "receipt": receipt_as_json(receipt, log_key),
    }
    if show:
        result["released"] = decode(records, plans, types)
    return result


def receipt_as_json(receipt: Any, log_key: str) -> dict[str, Any]:
    """The receipt, its proof checked against the log's key where that is known."""
    import verify_receipt

    proof = {
        "index": receipt.proof.index,
        "leaf": base64.b64encode(receipt.proof.leaf).decode(),
        "path": [base64.b64encode(node).decode() for node in receipt.proof.path],
        "checkpoint": receipt.proof.checkpoint,
    }
    verified = None
    if log_key:
        try:
            verified = verify_receipt.verify(proof, log_key)
        except verify_receipt.VerificationError as error:
            raise ContractError(f"receipt: {error}") from error
    return {
        "exchange_id": receipt.exchange_id,
        "records_released": receipt.records_released,
        "cut_reason": receipt.cut_reason,
        "proof": proof,
        "verified": verified,
    }


def decode(records: list[Any], plans: dict[int, dict[str, Any]], types: list[Any]) -> list[dict[str, Any]]:
    """Payloads as JSON, by the schema that the directory served; absent fields are absent."""
    classes = {}
    for record_type in types:
        pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(record_type.descriptor_set).file:
            pool.Add(file)
        descriptor = pool.FindMessageTypeByName(record_type.name)
        classes[record_type.name] = message_factory.GetMessageClass(descriptor)
    decoded = []
    for record in records:
        name = plans[record.plan]["record_type"]
        if name not in classes:
            raise ContractError(f"a record of `{name}`, which the directory does not list")
        payload = classes[name].FromString(record.payload)
        decoded.append(
            {
                "reference": record.reference,
                "plan": record.plan,
                "payload": as_json(payload),
                "presence": record.presence.hex(),
            }
        )
    return decoded


def build_query(arguments: argparse.Namespace) -> Any:
    """A query from the command line."""
    query_pb2 = contract.module("query")
    try:
        if arguments.query is not None:
            return json_format.Parse(arguments.query.read_text(encoding="utf-8"), query_pb2.Query())
        query = query_pb2.Query(
            purpose=query_pb2.Purpose.Value(f"PURPOSE_{arguments.purpose}"),
            case_id=arguments.case,
            agreement_id=arguments.agreement,
            record_type=arguments.record_type,
            fields=arguments.fields.split(",") if arguments.fields else [],
            sources=arguments.sources.split(",") if arguments.sources else [],
            limit=arguments.limit,
            justification=arguments.justification,
            officer=arguments.officer,
        )
        if arguments.where:
            json_format.Parse(arguments.where, query.filter)
        return query
    except (OSError, ValueError, json_format.ParseError) as error:
        raise UsageError(str(error)) from error


def vectors(update: bool) -> dict[str, Any]:
    """Reproduces proto/vectors/query_digest.json, or computes it anew from its queries."""
    query_pb2 = contract.module("query")
    file = json.loads(contract.VECTORS.read_text(encoding="utf-8"))
    failed = []
    for vector in file["vectors"]:
        query = json_format.ParseDict(vector["query"], query_pb2.Query())
        computed = {
            "serialization": contract.serialization(query).hex(),
            "digest": contract.query_digest(query).hex(),
        }
        if any(vector.get(key) != value for key, value in computed.items()):
            failed.append(vector["name"])
        vector.update(computed)
        again = query_pb2.Query.FromString(bytes.fromhex(vector["serialization"]))
        if contract.query_digest(again) != bytes.fromhex(vector["digest"]):
            raise ContractError(f"{vector['name']}: parsing and serializing again changes it")
    if update:
        text = json.dumps(file, indent=2, ensure_ascii=False) + "\n"
        contract.VECTORS.write_text(text, encoding="utf-8")
    elif failed:
        raise ContractError(f"not reproduced: {failed}")
    return {"vectors": len(file["vectors"]), "changed": failed}


def all_steps(connection: Connection, arguments: argparse.Namespace) -> dict[str, Any]:
    """Whoami, labels, Explain, Query on one channel."""
    query = build_query(arguments)
    me = whoami(connection)
    types = record_types(connection, "")
    return {
        "whoami": as_json(me),
        "labels": read_labels(types),
        "explain": explain(connection, query),
        "query": query_once(
            connection,
            query,
            arguments.idempotency_key,
            me.log_public_key,
            types,
            arguments.show_records,
            officer_token(arguments, me, query),
        ),
    }


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = top.add_subparsers(dest="command", required=True)
    for name in ("all", "whoami", "labels", "explain", "query"):
        command = commands.add_parser(name)
        command.add_argument("config", type=Path)
        command.add_argument("--timeout", type=float, default=60.0, help="seconds for each call")
        command.add_argument("--record-type", default="")
        if name in ("whoami", "labels"):
            continue
        command.add_argument("--query", type=Path, help="protobuf JSON of the whole query")
        command.add_argument("--purpose", default="UNSPECIFIED", help="such as SHIPMENT_TARGETING")
        command.add_argument("--case", default="")
        command.add_argument("--agreement", default="")
        command.add_argument("--where", default="", help="protobuf JSON of the filter")
        command.add_argument("--fields", default="", help="comma-separated paths")
        command.add_argument("--sources", default="", help="comma-separated agencies")
        command.add_argument("--limit", type=int, default=0)
        command.add_argument("--justification", default="")
        command.add_argument("--officer", default="")
        command.add_argument("--officer-token", type=Path, help="a token of the agency for this officer and query")
        command.add_argument("--officer-key", type=Path, help="mint one with this key (PEM)")
        command.add_argument("--officer-kid", default="", help="by which name the gateway knows the key")
        command.add_argument("--idempotency-key", default="")
        command.add_argument("--show-records", action="store_true", help="decode the records too")
    check = commands.add_parser("vectors")
    check.add_argument("--update", action="store_true", help="compute the file anew from its queries")
    descriptors = commands.add_parser("descriptors", help="write the contract's descriptor set")
    descriptors.add_argument("out", type=Path)
    return top


def perform(arguments: argparse.Namespace) -> dict[str, Any]:
    """One subcommand."""
    if arguments.command == "vectors":
        return vectors(arguments.update)
    if arguments.command == "descriptors":
        contract.protoc("--include_imports", f"--descriptor_set_out={arguments.out}")
        return {"descriptor_set": str(arguments.out), "bytes": arguments.out.stat().st_size}
    connection = Connection(arguments.config, arguments.timeout)
    try:
        if arguments.command == "whoami":
            return as_json(whoami(connection))
        if arguments.command == "labels":
            return read_labels(record_types(connection, arguments.record_type))
        if arguments.command == "explain":
            return explain(connection, build_query(arguments))
        if arguments.command == "query":
            query = build_query(arguments)
            me = whoami(connection)
            types = record_types(connection, "") if arguments.show_records else []
            return query_once(
                connection,
                query,
                arguments.idempotency_key,
                me.log_public_key,
                types,
                arguments.show_records,
                officer_token(arguments, me, query),
            )
        return all_steps(connection, arguments)
    finally:
        connection.channel.close()


def refusal(error: Any) -> dict[str, Any]:
    """A gRPC status with the reason out of its google.rpc.ErrorInfo."""
    return {"code": error.code().name, "reason": error_reason(error), "message": error.details()}


def error_reason(error: Any) -> str:
    """`reason` of google.rpc.ErrorInfo inside grpc-status-details-bin, read without its stubs."""
    trailers = dict(error.trailing_metadata() or ())
    status = trailers.get("grpc-status-details-bin", b"")
    for number, detail in _fields(status):
        if number == 3:
            parts = dict(_fields(detail))
            if parts.get(1) == b"type.googleapis.com/google.rpc.ErrorInfo":
                return dict(_fields(parts.get(2, b""))).get(1, b"").decode("utf-8", "replace")
    return ""


def _fields(data: bytes) -> Iterable[tuple[int, bytes]]:
    """Length-delimited fields of a message; others are skipped, and it stops at what it cannot read."""

    def varint(at: int) -> tuple[int, int]:
        value = shift = 0
        while at < len(data) and shift < 64:
            value |= (data[at] & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if data[at - 1] < 0x80:
                return value, at
        raise ValueError("varint")

    at = 0
    try:
        while at < len(data):
            tag, at = varint(at)
            length, at = varint(at)
            if tag & 7 == 2:
                yield tag >> 3, data[at : at + length]
                at += length
            elif tag & 7 != 0:
                return
    except ValueError:
        return


def main() -> int:
    """Runs one subcommand and prints its document."""
    import grpc

    arguments = parser().parse_args()
    try:
        status, document = DONE, perform(arguments)
    except UsageError as error:
        status, document = USAGE, {"error": {"reason": "USAGE", "message": str(error)}}
    except ContractError as error:
        status, document = BROKEN, {"error": {"reason": "CONTRACT_BROKEN", "message": str(error)}}
    except EOFError as error:
        status, document = UNREACHABLE, {"error": {"reason": "INCOMPLETE", "message": str(error)}}
    except grpc.RpcError as error:
        lost = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
        named = error_reason(error)
        status = UNREACHABLE if error.code() in lost and not named else REFUSED
        document = {"error": refusal(error)}
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    print()
    return status


if __name__ == "__main__":
    sys.exit(main())
