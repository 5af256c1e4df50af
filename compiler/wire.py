"""A model file taken apart without parsing it: its structure, and where the bytes of its weights are.

Protobuf copies all that it parses.  So it only gets the structure, the file less the bytes of its large
initializers, which stay where they are.  The format: https://protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

LARGE = 1 << 16
"""Bytes from which an initializer is left in the file."""
GRAPH, INITIALIZER, RAW_DATA = 7, 5, 9
"""The numbers of `ModelProto.graph`, `GraphProto.initializer` and `TensorProto.raw_data`."""
VARINT, DELIMITED = 0, 2
FIXED = {1: 8, 5: 4}
"""Kinds of fields of a fixed size, in bytes."""


@dataclass(frozen=True)
class Field:
    """A field of a message: its number, and where it, its value and the next field start."""

    number: int
    is_delimited: bool
    start: int
    value: int
    end: int

    def is_message(self, number: int) -> bool:
        """Whether this is the field of a number and holds bytes or a message."""
        return self.is_delimited and self.number == number


@dataclass
class Split:
    """The structure of a model, and where the bytes of initializers that it lacks are, by their number."""

    structure: bytes
    places: dict[int, range]


def split(data: memoryview) -> Split:
    """Take a model apart; `ValueError` when its fields do not follow one another as they must."""
    weights = _Weights(data)
    return Split(b"".join(weights.model()), weights.places)


@dataclass
class _Weights:
    data: memoryview
    places: dict[int, range] = field(default_factory=dict[int, range])
    count: int = 0
    """Initializers met so far: they are numbered as protobuf does, through all parts of the graph."""

    def model(self) -> Iterator[bytes]:
        for each in fields(self.data, 0, len(self.data)):
            whole = not each.is_message(GRAPH)
            yield self._copy(each) if whole else delimited(GRAPH, b"".join(self._graph(each)))

    def _graph(self, graph: Field) -> Iterator[bytes]:
        for each in fields(self.data, graph.value, graph.end):
            if each.is_message(INITIALIZER):
                yield self._initializer(each)
                self.count += 1
            else:
                yield self._copy(each)

    def _initializer(self, tensor: Field) -> bytes:
        inside = list(fields(self.data, tensor.value, tensor.end))
        raw = [each for each in inside if each.is_message(RAW_DATA)]
        if len(raw) != 1 or raw[0].end - raw[0].value < LARGE:
            return self._copy(tensor)
        self.places[self.count] = range(raw[0].value, raw[0].end)
        left = (delimited(RAW_DATA, b"") if each is raw[0] else self._copy(each) for each in inside)
        return delimited(INITIALIZER, b"".join(left))

    def _copy(self, each: Field) -> bytes:
        return bytes(self.data[each.start : each.end])


def fields(data: memoryview, start: int, end: int) -> Iterator[Field]:
    """The fields of a message; `ValueError` when one does not end inside of it."""
    while start < end:
        tag, value = _varint(data, start, end)
        kind = tag & 7
        if kind == DELIMITED:
            size, value = _varint(data, value, end)
            stop = value + size
        elif kind == VARINT:
            stop = _varint(data, value, end)[1]
        elif kind in FIXED:
            stop = value + FIXED[kind]
        else:
            raise ValueError(f"a field of kind {kind}")
        if stop > end:
            raise ValueError("a field that is cut short")
        yield Field(tag >> 3, kind == DELIMITED, start, value, stop)
        start = stop


def _varint(data: memoryview, at: int, end: int) -> tuple[int, int]:
    """A number, seven bits in each byte, and where the next one starts."""
    number = 0
    for shift in range(0, 70, 7):
        if at >= end:
            break
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
    raise ValueError("a number that does not end")


def delimited(number: int, value: bytes) -> bytes:
    """A field that holds bytes or a message.

    >>> delimited(9, b"ab")
    b'J\\x02ab'
    """
    return _number(number << 3 | DELIMITED) + _number(len(value)) + value


def _number(value: int) -> bytes:
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])
