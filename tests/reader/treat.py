"""What each treatment makes of a value, from the tables of gateway/core/README.md and treatments.json.

A text or a number goes in and comes out; None is what cannot be coarsened. A message is changed in its place, and
False is what cannot be coarsened.
"""

from __future__ import annotations

import datetime
import math
import re
from typing import Any, Callable

from google.protobuf.message import Message

DAY = 86_400
EPOCH = datetime.date(1970, 1, 1).toordinal()


def hs_code(digits: int) -> Callable[[str], str | None]:
    shape = re.compile(r"[0-9]{2}|[0-9]{4}|[0-9]{6,12}")
    return lambda text: text[:digits] if shape.fullmatch(text) else None


def control_code(characters: int) -> Callable[[str], str | None]:
    shape = re.compile(r"[0-9]([A-E][0-9]([0-9]{2}(\.[0-9A-Za-z]+)*)?)?")
    return lambda text: text[:characters] if shape.fullmatch(text) else None


def port(text: str) -> str | None:
    return text[:2] if re.fullmatch(r"[A-Z]{2}([A-Z0-9]{3})?", text) else None


def band(value: int) -> int:
    """The lower edge of the 1-2-5 band; negative numbers mirror positive ones."""
    size = abs(value)
    if size == 0:
        return 0
    power = 10 ** (len(str(size)) - 1)
    lead = size // power
    edge = (5 if lead >= 5 else 2 if lead >= 2 else 1) * power
    return -edge if value < 0 else edge


def money(value: Message) -> bool:
    if not re.fullmatch(r"[A-Z]{3}", value.currency_code) or abs(value.nanos) > 999_999_999:
        return False
    if value.units * value.nanos < 0:
        return False
    value.units, value.nanos = band(value.units), 0
    return True


def timestamp(level: str) -> Callable[[Message], bool]:
    def coarsen(value: Message) -> bool:
        ordinal = value.seconds // DAY + EPOCH
        if not (1 <= ordinal <= datetime.date.max.toordinal() and 0 <= value.nanos <= 999_999_999):
            return False
        day = datetime.date.fromordinal(ordinal)
        if level != "day":
            day = day.replace(day=1)
        if level == "year":
            day = day.replace(month=1)
        value.seconds, value.nanos = (day.toordinal() - EPOCH) * DAY, 0
        return True

    return coarsen


def date(level: str) -> Callable[[Message], bool]:
    def coarsen(value: Message) -> bool:
        if value.month == 0 and value.day != 0:
            return False
        try:
            datetime.date(value.year, value.month or 1, value.day or 1)
        except (ValueError, OverflowError):
            return False
        if value.month < 0 or value.day < 0:
            return False
        value.day = 0
        if level == "year":
            value.month = 0
        return True

    return coarsen


def cell(tenths: int) -> Callable[[Message], bool]:
    """Cells of so many tenths of a degree, counted from 0. A point on an edge belongs to the cell above it, but the
    last cell has both its edges. Where the tenths of a point lie is the floor of a product of IEEE doubles.
    """

    def centre(degrees: float, limit: int) -> float:
        count = math.floor(degrees * 10) if tenths == 1 else math.floor(degrees) // (tenths // 10)
        return (min(count, limit * 10 // tenths - 1) * 2 + 1) * tenths / 20

    def coarsen(value: Message) -> bool:
        if not (abs(value.latitude) <= 90 and abs(value.longitude) <= 180):
            return False
        value.latitude, value.longitude = centre(value.latitude, 90), centre(value.longitude, 180)
        return True

    return coarsen


def address(value: Message) -> bool:
    country = value.country
    if not re.fullmatch(r"[A-Z]{2}", country):
        return False
    value.Clear()
    value.country = country
    return True


# Semantic and kind of value -> levels, finest first.
LEVELS: dict[tuple[str, str], dict[str, Callable[[Any], Any]]] = {
    ("HS_CODE", "string"): {"heading": hs_code(4), "chapter": hs_code(2)},
    ("CONTROL_CODE", "string"): {"regime": control_code(3), "category": control_code(1)},
    ("PORT", "string"): {"country": port},
    ("TIMESTAMP", "google.protobuf.Timestamp"): {each: timestamp(each) for each in ("day", "month", "year")},
    ("DATE", "portcullis.record.v1.Date"): {each: date(each) for each in ("month", "year")},
    ("BIRTH_DATE", "portcullis.record.v1.Date"): {"year": date("year")},
    ("MONEY", "portcullis.record.v1.Money"): {"band": money},
    ("MASS", "integer"): {"band": band},
    ("QUANTITY", "integer"): {"band": band},
    ("GEO_POINT", "portcullis.record.v1.GeoPoint"): {"cell_0_1": cell(1), "cell_1": cell(10), "cell_10": cell(100)},
    ("ADDRESS", "portcullis.record.v1.Address"): {"country": address},
}


def mask(semantic: str, text: str) -> str:
    if semantic == "CONTAINER_NUMBER":
        return text[:4] + "*" * 7 if re.fullmatch(r"[A-Z]{4}([0-9]{7}|\*{7})", text) else "*" * 11
    if semantic == "IDENTIFIER" and len(text) >= 8 and re.fullmatch(r"[0-9A-Za-z]{2}", text[-2:]):
        return "*" * 6 + text[-2:]
    return "*" * 8


def fits(treatment: str, semantic: str, kind: str) -> bool:
    """Can a field of this semantic and kind take it?"""
    word, _, level = treatment.partition(":")
    if word == "generalise":
        return level in LEVELS.get((semantic, kind), {})
    if word == "mask":
        return kind == "string"
    if word == "pseudonymise":
        return kind == "string" and semantic not in ("CODE", "FREE_TEXT")
    return word in ("clear", "presence", "withhold") and not level


FAMILIES = [["day", "month", "year"]] + [
    list(levels) for (semantic, _), levels in LEVELS.items() if semantic in ("HS_CODE", "CONTROL_CODE", "GEO_POINT")
]


def meet(one: str, other: str) -> str:
    """The most that tells no more than either."""
    if one == other or other == "clear":
        return one
    if one == "clear":
        return other
    if "withhold" in (one, other):
        return "withhold"
    levels = [each.partition(":")[2] for each in (one, other)]
    for family in FAMILIES:
        if all(level in family for level in levels):
            return "generalise:" + max(levels, key=family.index)
    return "presence"


def down(treatment: str) -> list[str]:
    """A treatment and the way down from it."""
    level = treatment.partition(":")[2]
    coarser = [
        "generalise:" + each
        for family in FAMILIES
        if level in family
        for each in family[family.index(level) + 1 :]
    ]
    ends = ["presence", "withhold"]
    return [treatment, *coarser, *(ends[ends.index(treatment) + 1 :] if treatment in ends else ends)]
