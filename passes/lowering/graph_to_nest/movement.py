"""Ops that move elements as loop nests: a copy whose index maps say where each element comes from.

A reshape is a view of the same buffer.  What no single linear map says (reflection, repetition) is cut into
boxes with a map each, so that no table of positions is needed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from xdsl.dialects.builtin import i64
from xdsl.ir import Attribute, Operation, SSAValue

from penstock.dialects.element_types import is_float, is_narrow, numpy_dtype, stored
from penstock.dialects.graph import movement as graph
from penstock.dialects.graph.base import GraphOp, normalize_axis, rank_of, size_of, tensor_of
from penstock.dialects.graph.base import element_of as tensor_element_of
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.graph.movement import dims_of
from penstock.dialects.graph.sections import RangeOp, SectionOp
from penstock.dialects.nest.access import Access
from penstock.dialects.nest.ops import ConstantOp as BufferOp
from penstock.dialects.nest.ops import Read, Write, element_of, parallel, shape_of
from penstock.dialects.nest.sizes import is_static, sizes_of
from penstock.dialects.requirements import at_most
from penstock.dialects.resources import ResourceAttr
from penstock.dialects.sizes import Extent, maximum, minimum
from penstock.passes.lowering.graph_to_nest.builder import (
    Expression,
    Lowering,
    memref_of,
    padded_read,
    tensor_sizes,
)
from penstock.passes.lowering.graph_to_nest.elementwise import map_into
from penstock.passes.lowering.graph_to_nest.positions import as_index, load_at
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars

Rule = Callable[[GraphOp, Lowering], None]


@dataclass(frozen=True)
class Segment:
    """Elements `start` to `start + count` along a dim of the result, read at `offset + step * i`."""

    start: Extent
    count: Extent
    step: int
    offset: Extent


def lower_constant(op: GraphOp, low: Lowering) -> None:
    """A read-only buffer of the same numbers."""
    assert isinstance(op, ConstantOp)
    value = op.value if isinstance(op.value, ResourceAttr) else ResourceAttr.of("constant", op.array)
    if is_narrow(tensor_element_of(op.y)):
        value = ResourceAttr.of(value.data.name, stored(value.array))
    low.buffers[op.y] = low.add(BufferOp(value, memref_of(tensor_of(op.y))))


def lower_transpose(op: GraphOp, low: Lowering) -> None:
    """y[.., i, ..] = x[.., i at permutation[k], ..]."""
    assert isinstance(op, graph.TransposeOp)
    permutation = op.permutation.get_values()
    rank = len(permutation)
    access = Access.of(rank, *(permutation.index(axis) for axis in range(rank)))
    map_into(low, [Read(low.buffer(op.x), access)], low.result(op.y), lambda s, v: v)


def lower_reshape(op: GraphOp, low: Lowering) -> None:
    """The buffer itself under another shape."""
    assert isinstance(op, graph.ReshapeOp)
    low.buffers[op.y] = low.view(low.buffer(op.x), tensor_sizes(op.y))


def lower_broadcast_to(op: GraphOp, low: Lowering) -> None:
    """y[i, j] = x[0, j] where x has size 1."""
    assert isinstance(op, graph.BroadcastToOp)
    map_into(low, [low.buffer(op.x)], low.result(op.y), lambda s, v: v)


def lower_concat(op: GraphOp, low: Lowering) -> None:
    """y[i + offset of x] = x[i] for each operand x."""
    assert isinstance(op, graph.ConcatOp)
    y, axis = low.result(op.y), normalize_axis(op.axis.value.data, rank_of(op.y))
    start: Extent = 0
    for x in (low.buffer(x) for x in op.inputs):
        place = [Segment(0, size, 1, 0) for size in sizes_of(x)]
        place[axis] = Segment(start, sizes_of(x)[axis], 1, 0)
        copy_box(low, x, y, place)
        start = start + sizes_of(x)[axis]


def lower_slice(op: GraphOp, low: Lowering) -> None:
    """y[i] = x[start + step * i]."""
    assert isinstance(op, graph.SliceOp)
    rows = zip(op.slices(), sizes_of(low.buffer(op.x)), tensor_sizes(op.y), strict=True)
    copy_box(low, low.buffer(op.x), low.result(op.y), [_taken(*row) for row in rows])


def _taken(bounds: slice, size: Extent, count: Extent) -> Segment:
    """What a slice takes of a dim; of one of unknown size it is all but the first few."""
    if isinstance(size, int):
        taken = range(*bounds.indices(size))
        return Segment(0, len(taken), taken.step, taken.start)
    return Segment(0, count, 1, int(bounds.start))


def lower_section(op: GraphOp, low: Lowering) -> None:
    """y[i] = x[start + step * i]."""
    assert isinstance(op, SectionOp)
    rows = zip(dims_of(op.starts), dims_of(op.sizes), map(int, op.steps.get_values()), strict=True)
    place = [Segment(0, size_of(size), step, size_of(start)) for start, size, step in rows]
    copy_box(low, low.buffer(op.x), low.result(op.y), place)


def lower_range(op: GraphOp, low: Lowering) -> None:
    """y[i] = first + step * i."""
    assert isinstance(op, RangeOp)
    y, (first, _, step) = low.result(op.y), dims_of(op.bounds)
    place = Access.of(1, ({0: int(step)}, size_of(first)))

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        number, element = s.position(place), element_of(y)
        return [s.from_whole(number, element) if is_float(element) else s.whole(number, element)]

    map_into(low, [], y, body)


def lower_pad(op: GraphOp, low: Lowering) -> None:
    """y[i] = x[i - low], or what the mode says outside of x; negative counts cut."""
    assert isinstance(op, graph.PadOp)
    x, y = low.buffer(op.x), low.result(op.y)
    if op.mode.data == "constant":
        rank, value = len(sizes_of(y)), np.asarray(op.value.value.data)
        number = stored(value.astype(numpy_dtype(tensor_element_of(op.x)))).item()
        access = Access.of(rank, *(({i: 1}, 0 - size_of(c)) for i, c in enumerate(graph.counts_of(op.low))))
        dims = [parallel(f"d{i}", size) for i, size in enumerate(sizes_of(y))]
        map_into(low, [padded_read(x, access, dims, number)], y, lambda s, v: v)
        return
    counts = zip(sizes_of(x), _extents(op.low), _extents(op.high), strict=True)
    if not is_static(sizes_of(x)) or not is_static([*_extents(op.low), *_extents(op.high)]):
        _pad_open(low, x, y, op.mode.data, list(counts))
        return
    split = {"reflect": _reflected, "edge": _repeated, "wrap": _wrapped}[op.mode.data]
    counts = zip(shape_of(x), *(graph.in_numbers(graph.counts_of(c)) for c in (op.low, op.high)), strict=True)
    for place in product(*(list(_segments(split, *c)) for c in counts)):
        copy_box(low, x, y, place)


def _extents(counts: Attribute) -> list[Extent]:
    return [size_of(count) for count in graph.counts_of(counts)]


def _pad_open(
    low: Lowering, x: SSAValue, y: SSAValue, mode: str, counts: Sequence[tuple[Extent, Extent, Extent]]
) -> None:
    """y[i] = x[j], where j follows from i along each dim whose sizes only a call tells."""
    for size, before, behind in counts:
        kept, most = size + minimum(before, 0) + minimum(behind, 0), maximum(before, behind)
        if not isinstance(most, int) or most > 0:
            low.require(at_most(most + 1 if mode == "reflect" else 1, kept))

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        return [
            load_at(s, x, [as_index(s, _source(s, i, len(counts), mode, *c)) for i, c in enumerate(counts)])
        ]

    map_into(low, [], y, body)


def _source(
    s: Scalars, axis: int, rank: int, mode: str, size: Extent, before: Extent, behind: Extent
) -> SSAValue:
    """Where an element along an axis comes from."""
    cut = maximum(0 - before, 0)
    kept = size - cut - maximum(0 - behind, 0)
    zero, last = s.constant(0, i64), s.size(kept - 1)
    at = s.position(Access.of(rank, ({axis: 1}, 0 - maximum(before, 0))))
    if mode == "reflect":
        at = s.maximum(at, s.sub(zero, at))
        behind_last = s.sub(last, at)
        at = s.sub(last, s.maximum(behind_last, s.sub(zero, behind_last)))
    elif mode == "wrap":
        rest = s.rem(at, s.size(kept))
        at = s.select(s.compare("lt", rest, zero), s.add(rest, s.size(kept)), rest)
    inside = s.at_most(s.at_least(at, zero), last)
    return s.add(inside, s.size(cut))


Split = Callable[[int, int, int], Iterator[Segment]]
"""Size, elements before and behind -> how the padded dim is made of the dim itself."""


def _segments(split: Split, size: int, before: int, behind: int) -> Iterator[Segment]:
    """The parts of a padded dim of which some elements may be cut first."""
    cut = max(-before, 0)
    kept = size - cut - max(-behind, 0)
    for s in split(kept, max(before, 0), max(behind, 0)):
        if s.count != 0:
            yield Segment(s.start, s.count, s.step, s.offset + cut)


def _reflected(size: int, before: int, behind: int) -> Iterator[Segment]:
    yield Segment(0, before, -1, before)
    yield Segment(before, size, 1, 0)
    yield Segment(before + size, behind, -1, size - 2)


def _repeated(size: int, before: int, behind: int) -> Iterator[Segment]:
    yield Segment(0, before, 0, 0)
    yield Segment(before, size, 1, 0)
    yield Segment(before + size, behind, 0, size - 1)


def _wrapped(size: int, before: int, behind: int) -> Iterator[Segment]:
    at, end = 0, before + size + behind
    while at < end:
        first = (at - before) % size
        count = min(size - first, end - at)
        yield Segment(at, count, 1, first)
        at += count


def copy_box(low: Lowering, x: SSAValue, y: SSAValue, place: Sequence[Segment]) -> None:
    """y[start + i] = x[offset + step * i] over the counts of the segments, one per dim."""
    if 0 in [s.count for s in place]:
        return
    rank = len(place)
    source: list[Expression] = [({i: s.step}, s.offset) for i, s in enumerate(place)]
    target: list[Expression] = [({i: 1}, s.start) for i, s in enumerate(place)]
    dims = [parallel(f"d{i}", s.count) for i, s in enumerate(place)]
    reads, writes = [Read(x, Access.of(rank, *source))], [Write(y, Access.of(rank, *target))]
    low.compute(dims, reads, writes, lambda s, v: v)


RULES: Mapping[type[Operation], Rule] = {
    ConstantOp: lower_constant,
    graph.TransposeOp: lower_transpose,
    graph.ReshapeOp: lower_reshape,
    graph.BroadcastToOp: lower_broadcast_to,
    graph.ConcatOp: lower_concat,
    graph.SliceOp: lower_slice,
    graph.PadOp: lower_pad,
    SectionOp: lower_section,
    RangeOp: lower_range,
}
