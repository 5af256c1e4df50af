"""What the loads and stores of `memref` and `vector` mean to the loops interpreter.

A memref is a flat NumPy array that starts at its first element; the shape and strides are those of its type.
Every access is checked dimension by dimension, so that an index past a row is found although the next row
follows it in memory; only constant indices are checked here, once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import memref, vector
from xdsl.ir import Attribute, Operation, SSAValue

from penstock.backends.loops.kinds import Buffer, buffer_of
from penstock.backends.loops.writer import Emit, Writer, operand_kind, result_kind
from penstock.dialects.memref_ext import PrefetchOp

Lanes = NDArray[np.generic]


@dataclass(frozen=True)
class Access:
    """One place in the program that reads or writes memory, and the buffer it does so in."""

    op: Operation
    function: str
    type: Attribute

    def out_of_bounds(self, *indices: int) -> IndexError:
        """The error that names the op and the indices it was run with."""
        place = ", ".join(map(str, indices))
        text = str(self.op).strip()
        return IndexError(
            f"'{self.op.name}' in @{self.function}: index [{place}] is outside {self.type}: {text}"
        )

    def masked_start(self, mask: NDArray[np.bool_], *indices: int) -> tuple[int, int, int]:
        """Where the first active lane is in memory, and which lanes are first and last; all 0 if none is."""
        active = np.flatnonzero(mask)
        if active.size == 0:
            return 0, 0, 0
        first, last = int(active[0]), int(active[-1]) + 1
        buffer = buffer_of(self.type)
        *outer, inner = indices
        inside = all(0 <= index < size for index, size in zip(outer, buffer.shape, strict=False))
        if not inside or inner + first < 0 or inner + last > buffer.shape[-1]:
            raise self.out_of_bounds(*indices)
        start = sum(index * stride for index, stride in zip(indices, buffer.strides, strict=True))
        return start + first, first, last


def masked_load(access: Access, base: Lanes, mask: NDArray[np.bool_], rest: Lanes, *indices: int) -> Lanes:
    """Read the active lanes; the others come from `rest`, and their memory is not touched."""
    start, first, last = access.masked_start(mask, *indices)
    result = rest.copy()
    window = base[start : start + last - first]
    result[first:last] = np.where(mask[first:last], window, rest[first:last])
    return result


def masked_store(access: Access, base: Lanes, mask: NDArray[np.bool_], value: Lanes, *indices: int) -> None:
    """Write the active lanes only."""
    start, first, last = access.masked_start(mask, *indices)
    window = base[start : start + last - first]
    window[mask[first:last]] = value[first:last][mask[first:last]]


def check(
    writer: Writer, op: Operation, base: SSAValue, indices: Sequence[SSAValue], limits: Sequence[int]
) -> None:
    """Write the test that every index is at least 0 and below its limit."""
    tests = [
        f"0 <= {writer.name(index)} < {limit}"
        for index, limit in zip(indices, limits, strict=True)
        if not 0 <= writer.known.get(index, -1) < limit
    ]
    if not tests:
        return
    access = writer.constant(Access(op, writer.function, base.type))
    names = ", ".join(map(writer.name, indices))
    writer.line(f"if not ({' and '.join(tests)}): raise {access}.out_of_bounds({names})")


def _linear(writer: Writer, indices: Sequence[SSAValue], strides: Sequence[int]) -> str:
    """The expression for the position in the flat array; constant indices are one number."""
    pairs = list(zip(indices, strides, strict=True))
    fixed = sum(writer.known[index] * stride for index, stride in pairs if index in writer.known)
    terms = [
        writer.name(index) if stride == 1 else f"{writer.name(index)} * {stride}"
        for index, stride in pairs
        if index not in writer.known
    ]
    return " + ".join([*terms, str(fixed)] if fixed or not terms else terms)


def _element(writer: Writer, op: Operation, base: SSAValue, indices: Sequence[SSAValue]) -> str:
    buffer = buffer_of(base.type)
    check(writer, op, base, indices, buffer.shape)
    return _linear(writer, indices, buffer.strides)


def _load(writer: Writer, op: Operation) -> None:
    base, *indices = op.operands
    position = _element(writer, op, base, indices)
    kind = result_kind(op)
    name = writer.name(base)
    if kind.is_float:
        writer.assign(op.results[0], f"{name}[{position}]")
    else:
        writer.assign(op.results[0], f"{name}.item({position})" + (" & 1" if kind.is_mask else ""))


def _store(writer: Writer, op: Operation) -> None:
    value, base, *indices = op.operands
    position = _element(writer, op, base, indices)
    writer.line(f"{writer.name(base)}[{position}] = {writer.name(value)}")


def _window(writer: Writer, op: Operation, base: SSAValue, indices: Sequence[SSAValue], lanes: int) -> str:
    """Check a vector access and give the slice of the flat array."""
    buffer = _contiguous(op, base)
    check(writer, op, base, indices, [*buffer.shape[:-1], buffer.shape[-1] - lanes + 1])
    start = writer.fresh()
    writer.line(f"{start} = {_linear(writer, indices, buffer.strides)}")
    return f"{writer.name(base)}[{start}:{start} + {lanes}]"


def _contiguous(op: Operation, base: SSAValue) -> Buffer:
    buffer = buffer_of(base.type)
    if not buffer.shape or buffer.strides[-1] != 1:
        raise NotImplementedError(f"'{op.name}' needs a last dimension of stride 1, not {base.type}")
    return buffer


def _vector_load(writer: Writer, op: Operation) -> None:
    base, *indices = op.operands
    kind = result_kind(op)
    assert kind.lanes is not None, "the op's own verifier asks for a vector"
    window = _window(writer, op, base, indices, kind.lanes)
    writer.assign(op.results[0], f"{window} != 0" if kind.is_mask else f"{window}.copy()")


def _vector_store(writer: Writer, op: Operation) -> None:
    value, base, *indices = op.operands
    lanes = operand_kind(op).lanes
    assert lanes is not None, "the op's own verifier asks for a vector"
    writer.line(f"{_window(writer, op, base, indices, lanes)} = {writer.name(value)}")


def _masked(function: str, writer: Writer, op: Operation) -> None:
    base, *indices, mask, value = op.operands
    _contiguous(op, base)
    access = writer.constant(Access(op, writer.function, base.type))
    names = ", ".join(writer.name(each) for each in (base, mask, value, *indices))
    call = f"{function}({access}, {names})"
    if op.results:
        writer.assign(op.results[0], call)
    else:
        writer.line(call)


def _prefetch(writer: Writer, op: Operation) -> None:
    """Nothing: it changes no value."""


MEMORY: dict[str, Emit] = {
    memref.LoadOp.name: _load,
    memref.StoreOp.name: _store,
    PrefetchOp.name: _prefetch,
    vector.LoadOp.name: _vector_load,
    vector.StoreOp.name: _vector_store,
    vector.MaskedLoadOp.name: partial(_masked, "masked_load"),
    vector.MaskedStoreOp.name: partial(_masked, "masked_store"),
}
