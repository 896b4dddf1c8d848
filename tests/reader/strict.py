"""Is a record spelled as a source must spell it? The first fault met from the front is the cause.

protobuf's runtime is lenient (it takes the last of two singular fields, cuts numbers to their type, keeps what
is overlong), so this walk over the bytes is written out.
"""

from __future__ import annotations

from google.protobuf.descriptor import FieldDescriptor as F

from schema import Field, Message

MAX_BYTES = 1 << 20
MAX_FIELDS = 1 << 16
MAX_NUMBER = (1 << 29) - 1


class Refused(Exception):
    """The record is refused; the argument is the word."""

    @property
    def word(self) -> str:
        return f"RECORD_{self.args[0]}"


def check(data: bytes, record: Message) -> None:
    """Refuses what is not well formed. It depends on the record type and the bytes alone."""
    if len(data) > MAX_BYTES:
        raise Refused("TOO_LARGE")
    walk(data, 0, len(data), record, [MAX_FIELDS])


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= end:
            raise Refused("TRUNCATED")
        byte = data[at]
        at += 1
        if shift == 63 and byte > 1:
            raise Refused("OVERLONG_VARINT")
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if byte == 0 and shift:
                raise Refused("OVERLONG_VARINT")
            return value, at
        shift += 7


def walk(data: bytes, at: int, end: int, message: Message, left: list[int]) -> None:
    by_number = message.by_number
    seen: set[object] = set()
    while at < end:
        key, at = varint(data, at, end)
        number, wire_type = key >> 3, key & 7
        if not 1 <= number <= MAX_NUMBER:
            raise Refused("FIELD_NUMBER")
        if wire_type in (3, 4):
            raise Refused("GROUP")
        if wire_type in (6, 7):
            raise Refused("WIRE_TYPE")
        start, at = extent(data, at, end, wire_type)
        if left[0] == 0:
            raise Refused("TOO_MANY_FIELDS")
        left[0] -= 1
        field = by_number.get(number)
        if field is None:
            continue
        if not field.repeated:
            once(field, seen)
        if field.packable and wire_type == 2:
            while start < at:
                start = number_fits(data, start, at, field)
        elif wire_type != field.wire_type:
            raise Refused("WIRE_TYPE")
        elif field.message is not None:
            walk(data, start, at, field.message, left)
        elif field.type == F.TYPE_STRING:
            utf8(data[start:at])
        elif wire_type != 2:
            number_fits(data, start, at, field)


def once(field: Field, seen: set[object]) -> None:
    """A member of a oneof excludes the others, and itself."""
    if field.oneof is not None:
        if field.oneof in seen:
            raise Refused("ONEOF_TWICE")
        seen.add(field.oneof)
    elif field.number in seen:
        raise Refused("FIELD_TWICE")
    seen.add(field.number)


def extent(data: bytes, at: int, end: int, wire_type: int) -> tuple[int, int]:
    """Where the value begins and ends, known or not."""
    if wire_type == 0:
        return at, varint(data, at, end)[1]
    if wire_type == 2:
        length, at = varint(data, at, end)
        if length > end - at:
            raise Refused("TRUNCATED")
        return at, at + length
    return at, fixed(at, end, 8 if wire_type == 1 else 4)


def fixed(at: int, end: int, size: int) -> int:
    if end - at < size:
        raise Refused("TRUNCATED")
    return at + size


def number_fits(data: bytes, at: int, end: int, field: Field) -> int:
    """A number, alone or in a packed list."""
    if field.wire_type == 1:
        return fixed(at, end, 8)
    if field.wire_type == 5:
        return fixed(at, end, 4)
    value, at = varint(data, at, end)
    kind = field.type
    if kind == F.TYPE_BOOL:
        fits = value <= 1
    elif kind in (F.TYPE_UINT32, F.TYPE_SINT32):
        fits = value < 1 << 32
    elif kind in (F.TYPE_INT32, F.TYPE_ENUM):
        fits = value < 1 << 31 or value >= (1 << 64) - (1 << 31)
    else:
        fits = True
    if not fits:
        raise Refused("VALUE_OUT_OF_RANGE")
    return at


def utf8(text: bytes) -> None:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("NOT_UTF8") from None
