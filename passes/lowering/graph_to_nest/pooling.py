"""Pooling as loop nests: a parallel loop per dim of the result, a reduction loop per dim of the window."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import i1, i64
from xdsl.ir import Operation, SSAValue

from penstock.dialects.element_types import numpy_dtype
from penstock.dialects.graph import pooling as graph
from penstock.dialects.graph.base import GraphOp, size_of, spatial_axes
from penstock.dialects.graph.movement import counts_of, in_numbers
from penstock.dialects.graph.window import halves
from penstock.dialects.nest.access import Access, row_major
from penstock.dialects.nest.ops import DimAttr, Read, Write, element_of, parallel, reduction
from penstock.dialects.nest.sizes import is_static, numbers, sizes_of
from penstock.dialects.sizes import Extent
from penstock.passes.lowering.graph_to_nest.builder import Expression, Lowering, padded_read
from penstock.passes.lowering.graph_to_nest.reduction import beats, divided, lowest_of
from penstock.passes.lowering.graph_to_nest.scalar_arithmetic import unsigned
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars, number_attr, working

Rule = Callable[[GraphOp, Lowering], None]


@dataclass(frozen=True)
class WindowSpace:
    """The iteration space of a pooling op: the dims of the result, then those of the window."""

    op: graph.Pooling
    shape: tuple[Extent, ...]

    @property
    def rank(self) -> int:
        """The number of dims of the result."""
        return len(self.shape)

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that the window slides along."""
        return spatial_axes(self.op.layout.data, self.rank)

    @property
    def dims(self) -> list[DimAttr]:
        """The loops."""
        outer = [parallel(f"d{i}", size) for i, size in enumerate(self.shape)]
        return [*outer, *(reduction(f"k{i}", size) for i, size in enumerate(self.op.taps_per_dim()))]

    @property
    def expressions(self) -> list[Expression]:
        """Where the input is read: d * stride + k * dilation - pad along the axes of the window."""
        strides, pads, dilations = self.op.window()
        found: list[Expression] = list(range(self.rank))
        for i, axis in enumerate(self.axes):
            found[axis] = ({axis: strides[i], self.rank + i: dilations[i]}, 0 - size_of(pads[i]))
        return found

    @property
    def seen(self) -> Access:
        """Where the input is read."""
        return Access.of(self.rank + len(self.axes), *self.expressions)

    @property
    def result(self) -> Access:
        """Where the result is written."""
        return Access.of(self.rank + len(self.axes), *range(self.rank))


def lower_max_pool(op: GraphOp, low: Lowering) -> None:
    """y[d] = max over k of x[d * stride + k * dilation - pad], padding below everything."""
    assert isinstance(op, graph.MaxPoolOp)
    x, y, lowest = low.buffer(op.x), low.result(op.y), lowest_of(op)
    space = WindowSpace(op, sizes_of(y))
    read = padded_read(x, space.seen, space.dims, lowest)

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        return [s.maximum(v[1], v[0], unsigned(op))]

    low.compute(space.dims, [read], [Write(y, space.result)], body, init=[number_attr(lowest, element_of(y))])


def lower_max_pool_indices(op: GraphOp, low: Lowering) -> None:
    """The flattened position of the greatest element of each window, -1 where all of it is padding."""
    assert isinstance(op, graph.MaxPoolIndicesOp)
    x, y, lowest = low.buffer(op.x), low.result(op.indices), lowest_of(op)
    space = WindowSpace(op, sizes_of(y))
    read = padded_read(x, space.seen, space.dims, lowest)

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        element, best, where = v
        nothing_yet = s.compare("lt", where, s.constant(0, i64))
        better = s.either(beats(s, element, best, "gt", unsigned(op)), nothing_yet)
        if read.outside is not None:
            better = s.both(better, _inside(s, space, sizes_of(x)))
        here = _flattened(s, space.seen, sizes_of(x))
        return [s.select(better, element, best), s.select(better, here, where)]

    init = [number_attr(lowest, element_of(x)), number_attr(-1, i64)]
    low.compute(space.dims, [read], [Write(y, space.result)], body, init=init, epilogue=lambda s, v: [v[1]])


def _flattened(s: Scalars, access: Access, shape: Sequence[Extent]) -> SSAValue:
    """The position of an element in the flattened buffer."""
    if is_static(shape):
        row = tuple(access.stride(loop, numbers(shape)) for loop in range(len(access.rows[0])))
        return s.position(Access((row,), (access.start(shape),)))
    place = s.constant(0, i64)
    for row, offset, step in zip(access.rows, access.offsets, row_major(shape), strict=True):
        place = s.add(place, s.mul(s.position(Access((row,), (offset,))), s.size(step)))
    return place


def _inside(s: Scalars, space: WindowSpace, shape: Sequence[Extent]) -> SSAValue:
    """Whether the tap reads an element and no padding; one unsigned comparison per dim holds both ends."""
    inside = s.constant(1, i1)
    for axis in space.axes:
        at = s.position(Access((space.seen.rows[axis],), (space.seen.offsets[axis],)))
        inside = s.both(inside, s.compare("lt", at, s.size(shape[axis]), unsigned=True))
    return inside


def lower_average_pool(op: GraphOp, low: Lowering) -> None:
    """y[d] = sum over k of x[d * stride + k * dilation - pad] / number of taps that count."""
    assert isinstance(op, graph.AveragePoolOp)
    x, y = low.buffer(op.x), low.result(op.y)
    space, kind = WindowSpace(op, sizes_of(y)), working(element_of(x))
    sizes = [size for buffer in (x, y) for axis, size in enumerate(sizes_of(buffer)) if axis in space.axes]
    if not is_static(sizes) and any(space.op.window()[1]):
        _count_and_average(low, x, y, space)
        return
    uniform, extras = _uniform_count(space, sizes_of(x)), list[Read]()
    if uniform is None:
        table = low.constant("tap_counts", _counts(space, sizes_of(x)).astype(numpy_dtype(kind)))
        extras = [Read(table, Access.of(len(space.dims), *space.axes))]

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        return [s.add(v[1], s.real(v[0], kind))]

    def finish(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        mean = s.div(v[0], v[1]) if uniform is None else divided(s, v[0], uniform)
        return [s.real(mean, element_of(y))]

    low.compute(
        space.dims,
        [padded_read(x, space.seen, space.dims, 0)],
        [Write(y, space.result)],
        body,
        extras=extras,
        init=[number_attr(0, kind)],
        epilogue=finish,
    )


def _count_and_average(low: Lowering, x: SSAValue, y: SSAValue, space: WindowSpace) -> None:
    """Sum and count together, where the sizes are known only at run time."""
    kind = working(element_of(x))

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        one, none = s.constant(1, kind), s.constant(0, kind)
        counts = s.select(_counting(s, space, sizes_of(x)), one, none)
        return [s.add(v[1], s.real(v[0], kind)), s.add(v[2], counts)]

    low.compute(
        space.dims,
        [padded_read(x, space.seen, space.dims, 0)],
        [Write(y, space.result)],
        body,
        init=[number_attr(0, kind), number_attr(0, kind)],
        epilogue=lambda s, v: [s.real(s.div(v[0], v[1]), element_of(y))],
    )


def _counting(s: Scalars, space: WindowSpace, shape: Sequence[Extent]) -> SSAValue:
    """Whether a tap counts: its place is an element, or padding that is counted."""
    assert isinstance(space.op, graph.AveragePoolOp)
    low, high = halves([size_of(c) for c in counts_of(space.op.counted)])
    counting = s.constant(1, i1)
    for i, axis in enumerate(space.axes):
        at = s.position(Access((space.seen.rows[axis],), (space.seen.offsets[axis] + low[i],)))
        counting = s.both(
            counting, s.compare("lt", at, s.size(shape[axis] + low[i] + high[i]), unsigned=True)
        )
    return counting


def _uniform_count(space: WindowSpace, shape: Sequence[Extent]) -> int | None:
    """The number of taps that count, if it is the same everywhere."""
    if not any(space.op.window()[1]):
        return prod(space.op.taps_per_dim())
    counts = _counts(space, shape)
    return int(counts.flat[0]) if counts.size and np.all(counts == counts.flat[0]) else None


def _counts(space: WindowSpace, shape: Sequence[Extent]) -> NDArray[np.int64]:
    """How many taps count at each position of the window: a product over the dims."""
    assert isinstance(space.op, graph.AveragePoolOp)
    strides, pads, dilations = space.op.window()
    pads, counted = in_numbers(pads), in_numbers(counts_of(space.op.counted))
    low, high = halves(counted)
    counts = np.ones((), np.int64)
    for i, (axis, taps) in enumerate(zip(space.axes, space.op.taps_per_dim(), strict=True)):
        windows, size = numbers([space.shape[axis], shape[axis]])
        at = np.arange(windows)[:, None] * strides[i] - pads[i] + np.arange(taps) * dilations[i]
        counting = np.sum((at >= -low[i]) & (at < size + high[i]), axis=1)
        counts = np.multiply.outer(counts, counting)
    return counts


RULES: Mapping[type[Operation], Rule] = {
    graph.MaxPoolOp: lower_max_pool,
    graph.MaxPoolIndicesOp: lower_max_pool_indices,
    graph.AveragePoolOp: lower_average_pool,
}
