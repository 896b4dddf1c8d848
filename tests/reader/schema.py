"""Record types out of a descriptor set: what fields there are, what each of them is, and how to read bytes of it.

protobuf's own runtime does the work. Labels are an extension of FieldOptions, so that the label file of the
first descriptor set is made known to the runtime's default pool.
"""

from __future__ import annotations

from typing import Iterator

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor

LABEL_FILE = "portcullis/label/v1/label.proto"
LABEL = "portcullis.label.v1.label"
LABEL_FILES: dict[str, bytes] = {}

F = FieldDescriptor
INTEGERS = {
    F.TYPE_INT32, F.TYPE_INT64, F.TYPE_UINT32, F.TYPE_UINT64, F.TYPE_SINT32, F.TYPE_SINT64,
    F.TYPE_FIXED32, F.TYPE_FIXED64, F.TYPE_SFIXED32, F.TYPE_SFIXED64,
}  # fmt: skip
WIRE_TYPES = {
    F.TYPE_FIXED64: 1, F.TYPE_SFIXED64: 1, F.TYPE_DOUBLE: 1,
    F.TYPE_STRING: 2, F.TYPE_BYTES: 2, F.TYPE_MESSAGE: 2,
    F.TYPE_FIXED32: 5, F.TYPE_SFIXED32: 5, F.TYPE_FLOAT: 5,
}  # fmt: skip
NAMES = {number: name[5:].lower() for name, number in vars(F).items() if name.startswith("TYPE_")}


class SchemaError(Exception):
    """A descriptor set that cannot be used."""


class Field:
    """One field of a message type."""

    __slots__ = ("name", "number", "type", "wire_type", "repeated", "packable", "oneof", "message", "kind", "semantic", "text")

    def __init__(self, descriptor: FieldDescriptor, is_optional: bool, schema: Schema):
        self.name = descriptor.name
        self.number = descriptor.number
        self.type = descriptor.type
        if self.type == F.TYPE_GROUP:
            raise SchemaError(f"{descriptor.full_name} is a group")
        self.wire_type = WIRE_TYPES.get(self.type, 0)
        self.repeated = descriptor.is_repeated
        self.packable = self.repeated and self.wire_type != 2
        oneof = descriptor.containing_oneof
        self.oneof = None if oneof is None or is_optional else oneof.full_name
        is_message = self.type == F.TYPE_MESSAGE
        self.message = schema.message(descriptor.message_type) if is_message else None
        if is_message:
            self.kind = descriptor.message_type.full_name
        else:
            self.kind = "integer" if self.type in INTEGERS else NAMES[self.type]
        options = descriptor.GetOptions()
        label = schema.label
        self.semantic = None
        if options.HasExtension(label):
            number = options.Extensions[label].semantic
            self.semantic = schema.semantics[number].removeprefix("SEMANTIC_")
        packed = " packed" if self.packable and descriptor.is_packed else ""
        words = [self.kind if is_message else NAMES[self.type], f"{self.name} = {self.number};"]
        words.insert(0, "repeated" if self.repeated else "optional" if descriptor.has_presence and not is_message else "")
        about = f"{self.semantic or ''}{packed}{' oneof ' + oneof.name if self.oneof else ''}"
        self.text = " ".join(word for word in words if word) + (f"  // {about.strip()}" if about.strip() else "")


def label_option(file: descriptor_pb2.FileDescriptorProto | None) -> FieldDescriptor:
    """The label extension, known to the default pool from the first set on; others must have the same."""
    if file is None:
        raise SchemaError(f"{LABEL_FILE} is not in the descriptor set")
    file.ClearField("source_code_info")
    content = file.SerializeToString(deterministic=True)
    if LABEL_FILES.setdefault(LABEL_FILE, content) != content:
        raise SchemaError(f"another {LABEL_FILE} than before")
    default = descriptor_pool.Default()
    default.AddSerializedFile(content)
    return default.FindExtensionByName(LABEL)


def optional(descriptor: Descriptor) -> set[str]:
    """Fields with the word `optional`. It makes a oneof of its own behind the scenes, which is none."""
    proto = descriptor_pb2.DescriptorProto()
    if descriptor.oneofs:
        descriptor.CopyToProto(proto)
    return {field.name for field in proto.field if field.proto3_optional}


class Message:
    """One message type."""

    __slots__ = ("name", "fields", "by_number")

    def __init__(self, name: str):
        self.name = name
        self.fields: list[Field] = []
        self.by_number: dict[int, Field] = {}


class Schema:
    """A record type of a descriptor set."""

    def __init__(self, descriptor_set: bytes, name: str):
        files = descriptor_pb2.FileDescriptorSet.FromString(descriptor_set).file
        self.label = label_option(next((file for file in files if file.name == LABEL_FILE), None))
        self.semantics = {
            value.number: value.name
            for value in self.label.message_type.fields_by_name["semantic"].enum_type.values
        }
        self.pool = descriptor_pool.DescriptorPool()
        for file in files:
            self.pool.AddSerializedFile(file.SerializeToString())
        descriptor = self.pool.FindMessageTypeByName(name)
        self.messages: dict[str, Message] = {}
        self.cls = message_factory.GetMessageClass(descriptor)
        self.record = self.message(descriptor)

    def message(self, descriptor: Descriptor) -> Message:
        """A message type; one that stands inside itself is the same one."""
        found = self.messages.get(descriptor.full_name)
        if found is None:
            found = self.messages[descriptor.full_name] = Message(descriptor.full_name)
            words = optional(descriptor)
            found.fields = [Field(field, field.name in words, self) for field in descriptor.fields]
            found.by_number = {field.number: field for field in found.fields}
        return found

    def leaves(self) -> Iterator[tuple[str, Field, tuple[str, ...]]]:
        """Path, field, and the oneofs (outermost first, each with the path of its message) of every leaf."""
        yield from self._leaves(self.record, "", ())

    def _leaves(self, message: Message, above: str, oneofs: tuple[str, ...]):
        for field in sorted(message.fields, key=lambda field: field.number):
            path = f"{above}{field.name}"
            inside = oneofs + ((f"{above}/{field.oneof}",) if field.oneof else ())
            if field.message is not None and field.semantic is None:
                yield from self._leaves(field.message, f"{path}.", inside)
            else:
                yield path, field, inside

    def __str__(self) -> str:
        lines = []
        for message in self.messages.values():
            lines += [f"message {message.name} {{", *(f"  {field.text}" for field in message.fields), "}"]
        return "\n".join(lines)
