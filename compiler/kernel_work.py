"""What a kernel costs before it is run: its arithmetic, the memory it moves, and its loops in short.

Arithmetic counts floating-point operations of bodies and epilogues, once per iteration: a fused multiply-add
is two, any other operation and any mathematical function is one, comparisons and conversions are none.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import arith, func, math, memref, scf
from xdsl.ir import Block, Operation, SSAValue

from penstock.dialects.element_types import FloatElement, byte_size
from penstock.dialects.narrowing import integer_value
from penstock.dialects.nest.access import Access, Row
from penstock.dialects.nest.ops import ComputeOp, DimAttr, element_of, shape_of

Mask = NDArray[np.bool_]
LONGEST = 1 << 24
"""Of longer axes only the front is looked at."""

ARITHMETIC = ("arith.", "math.")
RESHAPES = (memref.CollapseShapeOp, memref.ExpandShapeOp, memref.CastOp)
"""Their result is the memory of their operand."""
MARKS = {"": "", "unroll": "u", "vector": "v", "thread": "t"}


def nests_of(kernel: func.FuncOp) -> list[ComputeOp]:
    """The loop nests of a kernel."""
    return [op for op in kernel.walk() if isinstance(op, ComputeOp)]


def flops_of(kernel: func.FuncOp) -> int:
    """The floating-point operations of one call."""
    return sum(map(_nest_flops, nests_of(kernel)))


def _nest_flops(nest: ComputeOp) -> int:
    points = prod(nest.extents)
    ends = prod(dim.size for dim in nest.loops if not dim.is_reduction)
    epilogue = _block_flops(nest.epilogue.block) if nest.epilogue.blocks else 0
    return points * _block_flops(nest.body.block) + ends * epilogue


def _block_flops(block: Block) -> int:
    return sum(map(_operation_flops, block.walk()))


def _operation_flops(op: Operation) -> int:
    """Arithmetic makes floats of floats of the same type; selections, comparisons and conversions do not."""
    if isinstance(op, math.FmaOp):
        return 2
    kinds = {value.type for value in (*op.operands, *op.results)}
    computes = op.name.startswith(ARITHMETIC) and bool(op.operands) and len(kinds) == 1
    return int(computes and isinstance(kinds.pop(), FloatElement))


@dataclass(frozen=True)
class _Touch:
    """Elements of a buffer that one access reaches: those marked on every axis, or any `count` of them."""

    buffer: SSAValue
    is_written: bool
    axes: tuple[Mask, ...]
    count: int


def bytes_of(kernel: func.FuncOp) -> int:
    """The distinct bytes that one call reads, and those that it writes."""
    groups: dict[tuple[SSAValue, bool], list[_Touch]] = {}
    for touch in (touch for nest in nests_of(kernel) for touch in _touches(nest)):
        groups.setdefault((_root(touch.buffer), touch.is_written), []).append(touch)
    return sum(_distinct(group) * byte_size(element_of(root)) for (root, _), group in groups.items())


def _root(buffer: SSAValue) -> SSAValue:
    """The buffer that a reshaped one is made of."""
    owner = buffer.owner
    return _root(owner.operands[0]) if isinstance(owner, RESHAPES) else buffer


def _distinct(group: Sequence[_Touch]) -> int:
    """The elements that some accesses reach together, each counted once as far as boxes can tell."""
    by_shape: dict[tuple[int, ...], list[_Touch]] = {}
    for touch in group:
        by_shape.setdefault(shape_of(touch.buffer), []).append(touch)
    return min(sum(map(_union, by_shape.values())), prod(shape_of(group[0].buffer)))


def _union(group: Sequence[_Touch]) -> int:
    """Elements reached in buffers of one shape: at most their sum, and at most the box around them."""
    axes = zip(*(touch.axes for touch in group), strict=True)
    box = prod(int(np.logical_or.reduce(masks).sum()) for masks in axes)
    return min(box, sum(touch.count for touch in group))


def _touches(nest: ComputeOp) -> Iterator[_Touch]:
    for read in (*nest.reads, *nest.extra_reads):
        yield _linear(nest, read.buffer, read.access, False)
    for write in nest.writes:
        yield _linear(nest, write.buffer, write.access, True)
    for op in nest.walk():
        if isinstance(op, memref.LoadOp | memref.StoreOp):
            yield _computed(nest, op.memref, isinstance(op, memref.StoreOp))


def _linear(nest: ComputeOp, buffer: SSAValue, access: Access, is_written: bool) -> _Touch:
    shape, extents = shape_of(buffer), nest.extents
    rows = zip(access.rows, access.shifts, shape, strict=True)
    axes = tuple(_reached(row, offset, extents, size) for row, offset, size in rows)
    return _Touch(buffer, is_written, axes, prod(int(axis.sum()) for axis in axes))


def _computed(nest: ComputeOp, buffer: SSAValue, is_written: bool) -> _Touch:
    """An access at an index that the body computes reaches any elements, but not more than it is made."""
    shape = shape_of(buffer)
    axes = tuple(np.ones(min(size, LONGEST), np.bool_) for size in shape)
    return _Touch(buffer, is_written, axes, min(prod(shape), prod(nest.extents)))


def _reached(row: Row, offset: int, extents: Sequence[int], size: int) -> Mask:
    """The places along an axis where a linear expression gets to; those outside of the buffer are none."""
    size = min(size, LONGEST)
    mask = np.zeros(size, np.bool_)
    if 0 not in extents:
        values = _values(row, offset, extents)
        mask[values[(values >= 0) & (values < size)]] = True
    return mask


def _values(row: Row, offset: int, extents: Iterable[int]) -> NDArray[np.int64]:
    """The values of a linear expression, a progression as far as the loops, small steps first, make one."""
    low, step, count = offset, 1, 1
    apart: list[tuple[int, int]] = []
    for factor, extent in sorted(zip(row, extents, strict=True), key=lambda loop: abs(loop[0])):
        if factor == 0 or extent == 1:
            continue
        if count == 1:
            step = abs(factor)
        if factor % step == 0 and abs(factor) <= step * count:
            low += min(factor, 0) * (extent - 1)
            count += abs(factor) // step * (extent - 1)
        else:
            apart.append((factor, extent))
    values = low + step * np.arange(count)
    for factor, extent in apart:
        values = np.unique(np.add.outer(values, factor * np.arange(extent)))
    return values


def total(
    measure: Callable[[func.FuncOp], int], function: func.FuncOp, others: Mapping[str, func.FuncOp]
) -> int:
    """A measure of one call of a function, with all that it calls; a loop of unknown length counts once."""
    calls = [op for op in function.walk() if isinstance(op, func.CallOp)]
    inside = (total(measure, others[c.callee.string_value()], others) * _repetitions(c) for c in calls)
    return measure(function) + sum(inside)


def _repetitions(op: Operation) -> int:
    """How often an op runs in one call of its function, as far as that is known."""
    parent = op.parent_op()
    if parent is None or isinstance(parent, func.FuncOp):
        return 1
    return _repetitions(parent) * (_length(parent) if isinstance(parent, scf.ForOp) else 1)


def _length(loop: scf.ForOp) -> int:
    bounds = [bound.owner for bound in (loop.lb, loop.ub, loop.step)]
    known = [integer_value(o.value) for o in bounds if isinstance(o, arith.ConstantOp)]
    return len(range(*known)) if len(known) == len(bounds) else 1


def loops_of(kernel: func.FuncOp) -> str:
    """The loops of a kernel's largest nest, outermost first: `o0=504 ic=64+ o0.r=6u oc.r=16v8`.

    `+` marks a reduction, `u` an unrolled loop, `v8` one of vectors with 8 lanes, `t` one that threads share.
    Loops of one iteration are left out.
    """
    nests = nests_of(kernel)
    if not nests:
        return ""
    largest = max(nests, key=lambda nest: prod(nest.extents))
    told = " ".join(_loop(dim) for dim in largest.loops if dim.size != 1) or "no loops"
    return f"{told} (and {len(nests) - 1} more)" if len(nests) > 1 else told


def _loop(dim: DimAttr) -> str:
    mark = MARKS[dim.mark.data] + (str(dim.lanes.data) if dim.mark.data == "vector" else "")
    return f"{dim.label.data}={dim.size}{'+' if dim.is_reduction else ''}{mark}"
