"""Mutations of any field of any message of a model, found by reflection: no part of it is left out."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from onnx import ModelProto

from tools.fuzz.values import REALS, TEXTS, integer

INTEGER_LIMITS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


def messages(root: Message) -> Iterator[Message]:
    """A message and all inside it, without recursion: models nest deeply."""
    waiting = [root]
    while waiting:
        message = waiting.pop()
        yield message
        for field, value in message.ListFields():
            if field.message_type is not None:
                waiting.extend(value if field.is_repeated else [value])


def mutate_field(model: ModelProto, random: Random) -> str:
    """Change one field of the model in place, and say how."""
    found = list(messages(model))
    message = random.choice(found)
    # What is there is changed more often than what is not.
    present = [field for field, _ in message.ListFields()]
    fields = (
        present
        if present and random.randrange(5)
        else [cast(FieldDescriptor, f) for f in message.DESCRIPTOR.fields]
    )
    field = random.choice(fields)
    donors = [m for m in found if field.message_type is not None and m.DESCRIPTOR is field.message_type]
    made = (_change_repeated if field.is_repeated else _change_single)(message, field, random, found, donors)
    return f"{made} {message.DESCRIPTOR.name}.{field.name}"


def _change_single(
    message: Message, field: FieldDescriptor, random: Random, found: list[Message], donors: list[Message]
) -> str:
    if message.HasField(field.name) and random.randrange(4) == 0:
        message.ClearField(field.name)
        return "clear"
    if field.message_type is not None:
        part = getattr(message, field.name)
        # A copy first: a message may lie inside of the one it replaces.
        given = _copied(random.choice(donors)) if donors else None
        part.SetInParent() if given is None else part.CopyFrom(given)
        return "replace"
    setattr(message, field.name, _scalar(field, random, found, getattr(message, field.name)))
    return "set"


def _change_repeated(
    message: Message, field: FieldDescriptor, random: Random, found: list[Message], donors: list[Message]
) -> str:
    values = getattr(message, field.name)
    at = random.randrange(len(values)) if len(values) else 0
    act = random.randrange(6) if len(values) else 5
    match act:
        case 0:
            del values[at]
            return "remove from"
        case 1:
            del values[random.choice((0, at)) :]
            return "empty"
        case 2:
            return _swap(values, at, random.randrange(len(values)), field)
        case 3 | 4 if field.message_type is None:
            values[at] = _scalar(field, random, found, values[at])
            return "set one of"
        case _:
            return _add(values, field, random, found, donors)


def _swap(values: Any, a: int, b: int, field: FieldDescriptor) -> str:
    if field.message_type is None:
        values[a], values[b] = values[b], values[a]
    else:
        kept = _copied(values[a])
        values[a].CopyFrom(_copied(values[b]))
        values[b].CopyFrom(kept)
    return "swap two of"


def _add(
    values: Any, field: FieldDescriptor, random: Random, found: list[Message], donors: list[Message]
) -> str:
    if field.message_type is None:
        values.append(_scalar(field, random, found, values[0] if len(values) else _zero(field)))
        return "add to"
    given = _copied(random.choice(donors)) if donors else None
    added = values.add()
    if given is not None:
        added.CopyFrom(given)
    return "add a copy to"


def _copied(message: Message) -> Message:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def _zero(field: FieldDescriptor) -> object:
    if field.cpp_type == field.CPPTYPE_STRING:
        return b"" if field.type == field.TYPE_BYTES else ""
    return 0


def _scalar(field: FieldDescriptor, random: Random, found: list[Message], old: object) -> object:
    make = SCALARS.get(field.cpp_type, _number)
    return make(field, random, found, old)


def _number(field: FieldDescriptor, random: Random, found: list[Message], old: object) -> object:
    low, high = INTEGER_LIMITS[field.cpp_type]
    value = integer(random, cast(int, old))
    return min(max(value, low), high)


def _real(field: FieldDescriptor, random: Random, found: list[Message], old: object) -> object:
    return random.choice((*REALS, random.uniform(-4, 4)))


def _choice(field: FieldDescriptor, random: Random, found: list[Message], old: object) -> object:
    assert field.enum_type is not None, "an enumeration has values"
    return random.choice([value.number for value in field.enum_type.values])


def _text(field: FieldDescriptor, random: Random, found: list[Message], old: object) -> object:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _bytes(random, cast(bytes, old))
    if random.randrange(3) == 0:
        return random.choice(TEXTS)
    # A name from elsewhere in the model: what was apart is connected.
    other = random.choice(found)
    texts = [v for f, v in other.ListFields() if f.cpp_type == f.CPPTYPE_STRING and f.type != f.TYPE_BYTES]
    flat = [t for v in texts for t in ([v] if isinstance(v, str) else v) if isinstance(t, str)]
    return random.choice(flat) if flat else random.choice(TEXTS)


def _bytes(random: Random, old: bytes) -> bytes:
    at = random.randrange(len(old) + 1)
    match random.randrange(4):
        case 0:
            return old[:at]
        case 1:
            return old + random.randbytes(random.randint(1, 9))
        case 2:
            return old[:at] + random.randbytes(1) + old[at + 1 :]
        case _:
            return random.choice(TEXTS).encode()


Make = Callable[[FieldDescriptor, Random, list[Message], object], object]
SCALARS: dict[int, Make] = {
    FieldDescriptor.CPPTYPE_FLOAT: _real,
    FieldDescriptor.CPPTYPE_DOUBLE: _real,
    FieldDescriptor.CPPTYPE_STRING: _text,
    FieldDescriptor.CPPTYPE_ENUM: _choice,
}
