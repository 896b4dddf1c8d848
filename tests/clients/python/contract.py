"""The contract as Python sees it: stubs made from our .proto files, the query digest, labels.

Nothing here is shared with the Rust code: grpc_tools compiles the .proto files into a temporary folder,
and protobuf's own runtime serializes. That is the point of it.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any, Iterator

from google.protobuf import descriptor_pb2

REPOSITORY = Path(__file__).resolve().parents[3]
PROTO = REPOSITORY / "proto"
VECTORS = PROTO / "vectors" / "query_digest.json"


class ContractError(Exception):
    """The other side, or a file, does not keep the contract."""


def proto_files() -> list[str]:
    """Our .proto files, as paths relative to proto/."""
    return sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("portcullis/**/*.proto"))


def protoc(*arguments: str) -> None:
    """Runs the protoc inside grpc_tools over all our files, google/protobuf on the include path."""
    import grpc_tools
    from grpc_tools import protoc as compiler

    bundled = Path(grpc_tools.__file__).parent / "_proto"
    status = compiler.main(["protoc", f"-I{PROTO}", f"-I{bundled}", *arguments, *proto_files()])
    if status != 0:
        raise ContractError(f"protoc ended with status {status}")


def stubs() -> None:
    """Generates the stubs once into a temporary folder and makes them importable."""
    if "portcullis" in sys.modules:
        return
    folder = tempfile.mkdtemp(prefix="portcullis-stubs-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    protoc(f"--python_out={folder}", f"--grpc_python_out={folder}")
    sys.path.insert(0, folder)
    importlib.invalidate_caches()


def module(area: str, suffix: str = "pb2") -> ModuleType:
    """A generated module: `query` -> portcullis.query.v1.query_pb2; `record/party` for one of several."""
    stubs()
    package, _, file = area.partition("/")
    return importlib.import_module(f"portcullis.{package}.v1.{file or package}_{suffix}")


def serialization(query: Any) -> bytes:
    """The bytes under the digest."""
    return query.SerializeToString(deterministic=True)


def query_digest(query: Any) -> bytes:
    """SHA-256 of the deterministic serialization of a portcullis.query.v1.Query."""
    return hashlib.sha256(serialization(query)).digest()


def labels(descriptor_set: bytes, record_type: str) -> dict[str, list[str]]:
    """Path -> [category, sensitivity, semantic] of every leaf, read out of the custom option."""
    label_pb2 = module("label")
    files = descriptor_pb2.FileDescriptorSet.FromString(descriptor_set)
    messages = {
        name: message
        for file in files.file
        for top in file.message_type
        for name, message in _with_nested(f".{file.package}", top)
    }

    def word(enum: Any, number: int, prefix: str) -> str:
        return enum.Name(number).removeprefix(f"{prefix}_")

    def walk(name: str, above: str) -> Iterator[tuple[str, list[str]]]:
        if name not in messages:
            raise ContractError(f"the descriptor set lacks `{name}`")
        for field in messages[name].field:
            path = f"{above}.{field.name}" if above else field.name
            if field.options.HasExtension(label_pb2.label):
                label = field.options.Extensions[label_pb2.label]
                yield path, [
                    word(label_pb2.Category, label.category, "CATEGORY"),
                    word(label_pb2.Sensitivity, label.sensitivity, "SENSITIVITY"),
                    word(label_pb2.Semantic, label.semantic, "SEMANTIC"),
                ]
            elif field.type == field.TYPE_MESSAGE:
                yield from walk(field.type_name, path)
            else:
                raise ContractError(f"`{record_type}.{path}` has no label")

    return dict(walk(f".{record_type}", ""))


def _with_nested(scope: str, message: Any) -> Iterator[tuple[str, Any]]:
    name = f"{scope}.{message.name}"
    yield name, message
    for nested in message.nested_type:
        yield from _with_nested(name, nested)
