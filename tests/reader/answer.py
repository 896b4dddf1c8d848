"""The answer: what a plan leaves of a record. Reads the record with protobuf's runtime, takes away what is not told,
and lets the runtime write what is left.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Iterable

import treat
from schema import Field, Message, Schema
from seal import Scope
from strict import Refused, check

__all__ = ["Answer", "Refused", "effective"]


def effective(schema: Schema, asked: dict[str, str]) -> list[tuple[str, str, int]]:
    """The plan that asked treatments make: path, treatment, and presence bit plus one, of every leaf."""
    plan: dict[str, str] = {}
    groups: dict[str, list[str]] = {}
    depth: dict[str, int] = {}
    fields = {}
    for path, field, oneofs in schema.leaves():
        fields[path] = field
        wanted = asked.get(path, "withhold")
        plan[path] = wanted if treat.fits(wanted, field.semantic or "", field.kind) else "withhold"
        for at, oneof in enumerate(oneofs):
            groups.setdefault(oneof, []).append(path)
            depth[oneof] = at
    # Inner oneofs first: an outer one has the last word.
    for oneof in sorted(groups, key=lambda oneof: -depth[oneof]):
        least = "clear"
        for path in groups[oneof]:
            least = treat.meet(least, plan[path])
        # What does not fit them all gives way to the most below it that does.
        members = [(fields[path].semantic or "", fields[path].kind) for path in groups[oneof]]
        least = next(word for word in treat.down(least) if all(treat.fits(word, *member) for member in members))
        plan.update((path, least) for path in groups[oneof])
    bit = 0
    made = []
    for path, treatment in plan.items():
        bit += treatment == "presence"
        made.append((path, treatment, bit if treatment == "presence" else 0))
    return made


class Leaf:
    """A field that has a treatment."""

    __slots__ = ("field", "treatment", "bit", "change")

    def __init__(self, field: Field, treatment: str, bit: int, scope: Scope | None):
        self.field, self.treatment, self.bit = field, treatment, bit
        self.change: Any = None
        semantic = field.semantic or ""
        if not treat.fits(treatment, semantic, field.kind):
            self.treatment = "withhold"
        elif treatment == "mask":
            self.change = lambda text: treat.mask(semantic, text)
        elif treatment == "pseudonymise":
            # Without keys nobody can say more than that there is a token.
            self.change = (lambda text: scope.token(semantic, text.encode())) if scope else (lambda text: None)
        elif treatment.startswith("generalise:"):
            self.change = treat.LEVELS[semantic, field.kind][treatment.partition(":")[2]]


class Node:
    """A message that is walked into."""

    __slots__ = ("field", "below", "told", "all_clear")

    def __init__(self, field: Field | None, below: dict[int, Leaf | Node]):
        self.field, self.below = field, below
        self.told = any(
            each.told if isinstance(each, Node) else each.treatment not in ("presence", "withhold")
            for each in below.values()
        )
        self.all_clear = all(
            each.all_clear if isinstance(each, Node) else each.treatment == "clear" for each in below.values()
        )


class Answer:
    """One plan, ready for any number of records."""

    def __init__(self, schema: Schema, plan: Iterable[tuple[str, str, int]], scope: Scope | None):
        self.schema, self.scope = schema, scope
        self.plan = {path: (treatment, bit) for path, treatment, bit in plan}
        bits = max((bit for _, bit in self.plan.values()), default=0)
        self.presence_bytes = (bits + 7) // 8
        self.root = self._node(None, schema.record, "")
        # How often each treatment met a field that stood.
        self.applied: Counter[str] = Counter()

    def _node(self, field: Field | None, message: Message, above: str) -> Node:
        below: dict[int, Leaf | Node] = {}
        for each in message.fields:
            path = f"{above}{each.name}"
            if each.message is not None and each.semantic is None:
                below[each.number] = self._node(each, each.message, f"{path}.")
            else:
                treatment, bit = self.plan.get(path, ("withhold", 0))
                below[each.number] = Leaf(each, treatment, bit, self.scope)
        return Node(field, below)

    def of(self, record: bytes) -> tuple[bytes, bytes]:
        """Payload and presence bits; `Refused` says why there is none."""
        check(record, self.schema.record)
        message = self.schema.cls.FromString(record)
        message.DiscardUnknownFields()
        bits = 0
        for bit in self._walk(message, self.root):
            bits |= 1 << (bit - 1)
        return message.SerializeToString(deterministic=True), bits.to_bytes(self.presence_bytes, "little")

    def _walk(self, message: Any, node: Node) -> list[int]:
        present: list[int] = []
        for descriptor, value in message.ListFields():
            # A field that no plan knows is a mistake of the reader: it fails here.
            below = node.below[descriptor.number]
            if isinstance(below, Node):
                self._inner(message, below, value, present)
                continue
            self.applied[below.treatment] += 1
            if below.change is not None:
                change(message, below, value)
            elif below.treatment != "clear":
                if below.treatment == "presence" and below.bit:
                    present.append(below.bit)
                message.ClearField(below.field.name)
        return present

    def _inner(self, message: Any, node: Node, value: Any, present: list[int]) -> None:
        repeated = node.field.repeated
        for each in value if repeated else (value,):
            present += self._walk(each, node)
        if not node.told or not (repeated or node.all_clear or value.ListFields()):
            message.ClearField(node.field.name)


def change(message: Any, leaf: Leaf, value: Any) -> None:
    """Masks, seals or coarsens what stands in a field."""
    name = leaf.field.name
    if leaf.field.message is not None:
        if not leaf.field.repeated:
            if not leaf.change(value):
                message.ClearField(name)
            return
        for at in range(len(value) - 1, -1, -1):
            if not leaf.change(value[at]):
                del value[at]
    elif leaf.field.repeated:
        left = [made for made in map(leaf.change, value) if made is not None]
        message.ClearField(name)
        getattr(message, name).extend(left)
    else:
        made = leaf.change(value)
        if made is None:
            message.ClearField(name)
        else:
            setattr(message, name, made)
