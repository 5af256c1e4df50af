"""What allocations, views and copies of memrefs mean to the loops interpreter: arrays and slices of them."""

from math import prod

import numpy as np
from xdsl.dialects import memref
from xdsl.dialects.builtin import DYNAMIC_INDEX, MemRefType, NoneAttr
from xdsl.ir import Operation
from xdsl.utils.hints import isa

from penstock.backends.loops.kinds import buffer_of
from penstock.backends.loops.memory import Access, Lanes, check
from penstock.backends.loops.writer import Emit, Writer, integers


def fresh_buffer(size: int, dtype: type[np.generic]) -> Lanes:
    """Memory that was never written: all bits set, which is NaN in floats, so that reading it shows."""
    return np.full(size * np.dtype(dtype).itemsize, 255, np.uint8).view(dtype)


def _allocate(writer: Writer, op: Operation) -> None:
    buffer = buffer_of(op.results[0].type)
    dtype = writer.constant(buffer.storage.type)
    writer.assign(op.results[0], f"fresh_buffer({buffer.span}, {dtype})")


def _free(writer: Writer, op: Operation) -> None:
    """Nothing to run: Python frees the array."""


def _same_memory(writer: Writer, op: Operation) -> None:
    source, result = op.operands[0], op.results[0]
    if buffer_of(source.type).span != buffer_of(result.type).span:
        raise NotImplementedError(f"the loops interpreter reshapes contiguous memrefs only: {op}")
    writer.alias(result, writer.name(source))


def _view(writer: Writer, op: Operation) -> None:
    source, shift = op.operands[:2]
    buffer = buffer_of(op.results[0].type)
    size = buffer.span * buffer.storage.itemsize
    check(writer, op, source, [shift], [buffer_of(source.type).span - size + 1])
    start = writer.name(shift)
    dtype = writer.constant(buffer.storage.type)
    writer.assign(op.results[0], f"{writer.name(source)}[{start}:{start} + {size}].view({dtype})")


def _offsets(writer: Writer, op: Operation) -> list[str]:
    """The offsets of a subview or reinterpret_cast, static and dynamic ones; the rest must be static."""
    if DYNAMIC_INDEX in (*integers(op, "static_sizes"), *integers(op, "static_strides")):
        raise NotImplementedError(f"the loops interpreter needs static sizes and strides: {op}")
    dynamic = iter(writer.names(op)[1:])
    offsets = integers(op, "static_offsets")
    return [next(dynamic) if offset == DYNAMIC_INDEX else str(offset) for offset in offsets]


def _shift(writer: Writer, op: Operation, tests: list[str], offsets: list[str], shift: str) -> None:
    access = writer.constant(Access(op, writer.function, op.operands[0].type))
    writer.line(f"if not ({' and '.join(tests)}): raise {access}.out_of_bounds({', '.join(offsets)})")
    writer.assign(op.results[0], f"{writer.name(op.operands[0])}[{shift}:]")


def _subview(writer: Writer, op: Operation) -> None:
    source = buffer_of(op.operands[0].type)
    offsets = _offsets(writer, op)
    reaches = [
        (size - 1) * stride
        for size, stride in zip(integers(op, "static_sizes"), integers(op, "static_strides"), strict=True)
    ]
    tests = [
        f"0 <= {offset} < {size - reach}"
        for offset, size, reach in zip(offsets, source.shape, reaches, strict=True)
    ]
    terms = [f"{offset} * {stride}" for offset, stride in zip(offsets, source.strides, strict=True)]
    _shift(writer, op, tests, offsets, " + ".join(terms))


def _reinterpret_cast(writer: Writer, op: Operation) -> None:
    source = op.operands[0].type
    # The offset counts from the start of the allocation, which a shifted memref does not keep here.
    if not isa(source, MemRefType) or not isinstance(source.layout, NoneAttr):
        raise NotImplementedError(f"the loops interpreter casts memrefs of identity layout only: {op}")
    (offset,) = _offsets(writer, op)
    room = buffer_of(source).span - buffer_of(op.results[0].type).span
    _shift(writer, op, [f"0 <= {offset} <= {room}"], [offset], offset)


def _copy(writer: Writer, op: Operation) -> None:
    source, target = writer.names(op)
    buffers = [buffer_of(operand.type) for operand in op.operands]
    if any(buffer.span != prod(buffer.shape) for buffer in buffers):
        raise NotImplementedError(f"the loops interpreter copies contiguous memrefs only: {op}")
    writer.line(f"{target}[:{buffers[1].span}] = {source}[:{buffers[0].span}].copy()")


VIEWS: dict[str, Emit] = {
    memref.AllocaOp.name: _allocate,
    memref.AllocOp.name: _allocate,
    memref.DeallocOp.name: _free,
    memref.CollapseShapeOp.name: _same_memory,
    memref.ExpandShapeOp.name: _same_memory,
    memref.CastOp.name: _same_memory,
    memref.AssumeAlignmentOp.name: _same_memory,
    memref.ViewOp.name: _view,
    memref.SubviewOp.name: _subview,
    memref.ReinterpretCastOp.name: _reinterpret_cast,
    memref.CopyOp.name: _copy,
}
