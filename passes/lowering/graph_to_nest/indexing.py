"""Ops that pick or place elements at computed positions, as nests whose body loads or stores there.

A position is always brought into its dim first, so that no data leads outside of a buffer.  Placing is one
nest that copies and one that stores; the loops along which positions may meet again are reductions, which
keep their order.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod

import numpy as np
from xdsl.dialects.builtin import i1
from xdsl.ir import Operation, SSAValue

from penstock.dialects.element_types import is_unsigned
from penstock.dialects.graph import indexing as graph
from penstock.dialects.graph.base import GraphOp, element_of, normalize_axis, rank_of
from penstock.dialects.narrowing import strings
from penstock.dialects.nest.access import Access
from penstock.dialects.nest.ops import Read, Write, parallel, reduction
from penstock.dialects.nest.sizes import is_static, numbers, sizes_of
from penstock.dialects.requirements import at_most, equal
from penstock.dialects.sizes import Extent, Size, minimum
from penstock.errors import ShapeError
from penstock.passes.lowering.graph_to_nest.builder import Expression, Lowering, zero
from penstock.passes.lowering.graph_to_nest.elementwise import map_into
from penstock.passes.lowering.graph_to_nest.positions import (
    index_of,
    known_positions,
    load_at,
    ramp_of,
    store_at,
    within,
)
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars

Rule = Callable[[GraphOp, Lowering], None]


def lower_shape(op: GraphOp, low: Lowering) -> None:
    """The sizes as a constant; those known only at run time are stored one by one."""
    assert isinstance(op, graph.ShapeOp)
    sizes = sizes_of(low.buffer(op.x))
    if is_static(sizes):
        low.buffers[op.y] = low.constant("shape", np.array(sizes, np.int64))
        return
    y = low.result(op.y)
    for axis, size in enumerate(sizes):
        low.compute([], [], [Write(y, Access.of(0, ({}, axis)))], lambda s, v, size=size: [s.size(size)])


def lower_gather(op: GraphOp, low: Lowering) -> None:
    """y[a, i, b] = x[a, indices[i], b]; known positions at equal distances are a linear map."""
    assert isinstance(op, graph.GatherOp)
    x, indices, y = low.buffer(op.x), low.buffer(op.indices), low.result(op.y)
    axis, depth = normalize_axis(op.axis.value.data, rank_of(op.x)), len(sizes_of(indices))
    _require_elements(op, low, sizes_of(x)[axis], y)
    total, size = len(sizes_of(y)), sizes_of(x)[axis]
    known = known_positions(indices, size) if depth <= 1 and isinstance(size, int) else None
    ramp = None if known is None else ramp_of(known.ravel(), [1])
    if ramp is not None:
        at: list[Expression] = [*range(axis), ({axis: ramp.along_q} if depth else {}, ramp.first)]
        access = Access.of(total, *at, *range(axis + depth, total))
        map_into(low, [Read(x, access)], y, lambda s, v: v)
        return

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        place = [index_of(s, total, i) for i in range(total)]
        return [load_at(s, x, [*place[:axis], within(s, v[0], size), *place[axis + depth :]])]

    map_into(low, [Read(indices, Access.of(total, *range(axis, axis + depth)))], y, body)


def lower_gather_elements(op: GraphOp, low: Lowering) -> None:
    """y[i, j] = x[indices[i, j], j] for axis 0."""
    assert isinstance(op, graph.GatherElementsOp)
    x, indices, y = low.buffer(op.x), low.buffer(op.indices), low.result(op.y)
    axis, total = normalize_axis(op.axis.value.data, rank_of(op.x)), len(sizes_of(y))
    _require_elements(op, low, sizes_of(x)[axis], y)
    _require_within(low, sizes_of(y), sizes_of(x), axis)

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        place = [index_of(s, total, i) for i in range(total)]
        place[axis] = within(s, v[0], sizes_of(x)[axis])
        return [load_at(s, x, place)]

    map_into(low, [indices], y, body)


def lower_gather_nd(op: GraphOp, low: Lowering) -> None:
    """y[b, i, r] = x[b, indices[b, i, 0], indices[b, i, 1], .., r]."""
    assert isinstance(op, graph.GatherNDOp)
    x, indices, y = low.buffer(op.x), low.buffer(op.indices), low.result(op.y)
    batch, outer, total = op.batch_dims.value.data, sizes_of(indices)[:-1], len(sizes_of(y))
    (depth,) = numbers(sizes_of(indices)[-1:])
    sizes = sizes_of(x)[batch : batch + depth]
    for ours, theirs in zip(sizes_of(x)[:batch], outer, strict=False):
        low.require(equal(ours, theirs))
    _require_elements(op, low, prod(sizes), y)

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        place = [index_of(s, total, i) for i in range(total)]
        picked = [within(s, p, size) for p, size in zip(v, sizes, strict=True)]
        return [load_at(s, x, [*place[:batch], *picked, *place[len(outer) :]])]

    map_into(low, [_component(indices, total, k, range(len(outer))) for k in range(depth)], y, body)


def _component(indices: SSAValue, total: int, k: int, loops: Sequence[int]) -> Read:
    """The read of position `k` of an index tuple."""
    constant: Expression = ({}, k)
    return Read(indices, Access.of(total, *loops, constant))


def _require_elements(op: GraphOp, low: Lowering, candidates: Extent, wanted: SSAValue) -> None:
    """Hold the sizes to this: of nothing, nothing can be picked."""
    if isinstance(candidates, Size):
        low.require(at_most(minimum(prod(sizes_of(wanted)), 1), candidates))
    elif candidates == 0 and prod(sizes_of(wanted)) != 0:
        raise ShapeError(
            f"{op.name} picks elements of an empty tensor",
            node=", ".join(strings(low.nodes)),
            remedy="Check the sizes of the inputs.",
        )


def _require_within(low: Lowering, indices: Sequence[Extent], sizes: Sequence[Extent], axis: int) -> None:
    """Hold the sizes to this: along all axes but one there are not more indices than elements."""
    for i, (count, size) in enumerate(zip(indices, sizes, strict=True)):
        if i != axis:
            low.require(at_most(count, size))


def lower_scatter_elements(op: GraphOp, low: Lowering) -> None:
    """y = x, then y[indices[i, j], j] = updates[i, j] for axis 0, in the order of i."""
    assert isinstance(op, graph.ScatterElementsOp)
    indices, updates, y = low.buffer(op.indices), low.buffer(op.updates), _copied(op, low)
    axis, shape = normalize_axis(op.axis.value.data, rank_of(op.x)), sizes_of(indices)
    _require_elements(op, low, sizes_of(y)[axis], indices)
    _require_within(low, shape, sizes_of(y), axis)
    rank = len(shape)
    # The loop that may come back to an element runs last, and in order.
    loops = [*(i for i in range(rank) if i != axis), axis]
    place = Access.of(rank, *(loops.index(i) for i in range(rank)))

    def positions(s: Scalars, v: Sequence[SSAValue]) -> list[SSAValue]:
        at = [index_of(s, rank, loops.index(i)) for i in range(rank)]
        at[axis] = within(s, v[0], sizes_of(y)[axis])
        return at

    _store(op, low, y, [shape[i] for i in loops], 1, [Read(indices, place), Read(updates, place)], positions)


def lower_scatter_nd(op: GraphOp, low: Lowering) -> None:
    """y = x, then y[indices[i, 0], indices[i, 1], .., r] = updates[i, r], in the order of i."""
    assert isinstance(op, graph.ScatterNDOp)
    indices, updates, y = low.buffer(op.indices), low.buffer(op.updates), _copied(op, low)
    outer, depth = sizes_of(indices)[:-1], op.depth
    low.require(equal(sizes_of(indices)[-1], depth))
    for ours, theirs in zip(sizes_of(updates), [*outer, *sizes_of(y)[depth:]], strict=True):
        low.require(equal(ours, theirs))
    sizes, rest = sizes_of(y)[:depth], sizes_of(y)[depth:]
    _require_elements(op, low, prod(sizes), updates)
    total, tuples = len(outer) + len(rest), range(len(rest), len(rest) + len(outer))
    reads = [_component(indices, total, k, tuples) for k in range(depth)]
    reads.append(Read(updates, Access.of(total, *tuples, *range(len(rest)))))

    def positions(s: Scalars, v: Sequence[SSAValue]) -> list[SSAValue]:
        picked = [within(s, p, size) for p, size in zip(v[:depth], sizes, strict=True)]
        return [*picked, *(index_of(s, total, i) for i in range(len(rest)))]

    _store(op, low, y, [*rest, *outer], len(outer), reads, positions)


def _copied(op: graph.Scattering, low: Lowering) -> SSAValue:
    """The result, filled with the operand."""
    y = low.result(op.y)
    map_into(low, [low.buffer(op.x)], y, lambda s, v: v)
    return y


def _store(
    op: graph.Scattering,
    low: Lowering,
    y: SSAValue,
    sizes: Sequence[Extent],
    ordered: int,
    reads: Sequence[Read],
    positions: Callable[[Scalars, Sequence[SSAValue]], list[SSAValue]],
) -> None:
    """A nest that places the last value read; the last `ordered` loops run in order."""
    if 0 in sizes:
        return
    parallels = len(sizes) - ordered
    dims = [(parallel if i < parallels else reduction)(f"d{i}", size) for i, size in enumerate(sizes)]

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        *read, token = v
        at = positions(s, read)
        store_at(s, _joined(op, s, y, at, read[-1]), y, at)
        return [token]

    writes: list[Write] = []
    # The token carried along says that an iteration follows another although no sum is formed.
    low.compute(dims, reads, writes, body, init=[zero(i1)], epilogue=lambda s, v: [])


def _joined(
    op: graph.Scattering, s: Scalars, y: SSAValue, at: Sequence[SSAValue], update: SSAValue
) -> SSAValue:
    """What is stored: the update, or its combination with the element that is there."""
    kind, element = op.reduction.data, element_of(op.x)
    if kind == "none":
        return update
    old = load_at(s, y, at)
    if element == i1:
        # Truths add and take their maximum as "or", multiply and take their minimum as "and".
        return s.either(old, update) if kind in ("add", "max") else s.both(old, update)
    if kind in ("add", "mul"):
        return s.add(old, update) if kind == "add" else s.mul(old, update)
    choose = s.maximum if kind == "max" else s.minimum
    return choose(old, update, is_unsigned(element))


RULES: Mapping[type[Operation], Rule] = {
    graph.ShapeOp: lower_shape,
    graph.GatherOp: lower_gather,
    graph.GatherElementsOp: lower_gather_elements,
    graph.GatherNDOp: lower_gather_nd,
    graph.ScatterElementsOp: lower_scatter_elements,
    graph.ScatterNDOp: lower_scatter_nd,
}
