"""Running sums and products as nests, and the positions of truths.

The distance over which elements are combined doubles: log2(n) nests, each of independent iterations.  Along a
size known only at run time one nest goes in order, and carries what is combined so far.
"""

from collections.abc import Callable, Mapping, Sequence

from xdsl.dialects.builtin import i64
from xdsl.ir import Operation, SSAValue

from penstock.dialects.graph import ordering as graph
from penstock.dialects.graph.base import GraphOp
from penstock.dialects.graph.sections import PositionsOp
from penstock.dialects.nest.access import Access
from penstock.dialects.nest.ops import ApplyOp, Read, element_of, parallel, reduction
from penstock.dialects.nest.sizes import numbers, sizes_of
from penstock.passes.lowering.graph_to_nest.builder import Expression, Lowering, padded_read, zero
from penstock.passes.lowering.graph_to_nest.elementwise import map_into
from penstock.passes.lowering.graph_to_nest.reduction import Combine
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars, number_attr, working

Rule = Callable[[GraphOp, Lowering], None]


def lower_cumsum(op: GraphOp, low: Lowering) -> None:
    """y[i] = sum of x[j], j <= i."""
    _lower_running(op, low, 0, Scalars.add)


def lower_cumprod(op: GraphOp, low: Lowering) -> None:
    """y[i] = product of x[j], j <= i."""
    _lower_running(op, low, 1, Scalars.mul)


def _lower_running(op: GraphOp, low: Lowering, neutral: int, combine: Combine) -> None:
    """z[i] = x[i - shift], then z[i] with z[i - 1], z[i - 2], z[i - 4], ...; forwards where in reverse."""
    assert isinstance(op, graph.Running)
    source, y, axis = low.buffer(op.x), low.result(op.y), op.axis.value.data
    if not isinstance(sizes_of(y)[axis], int):
        _lower_in_order(op, low, neutral, combine)
        return
    step = 1 if op.reverse.value.data else -1
    shift, (size,) = int(bool(op.exclusive.value.data)), numbers(sizes_of(y)[axis : axis + 1])
    doublings = (size - shift - 1).bit_length() if size > shift else 0
    if doublings == 0:
        _combine_moved(low, source, y, axis, [step * shift], neutral, combine)
    for k in range(doublings):
        target = y if k == doublings - 1 else low.alloc(working(element_of(y)), sizes_of(y))
        _combine_moved(low, source, target, axis, [step * shift, step * (shift + (1 << k))], neutral, combine)
        source, shift = target, 0


def _combine_moved(
    low: Lowering, x: SSAValue, y: SSAValue, axis: int, moves: Sequence[int], neutral: int, combine: Combine
) -> None:
    """y[i] = x[i + move] combined over the moves, `neutral` outside."""
    shape, rank, kind = sizes_of(y), len(sizes_of(y)), working(element_of(y))
    dims = [parallel(f"d{i}", s) for i, s in enumerate(shape)]
    accesses = [Access.of(rank, *(({i: 1}, m) if i == axis else i for i in range(rank))) for m in moves]

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        terms = [s.real(x, kind) for x in v]
        total = terms[0] if len(terms) == 1 else combine(s, *terms)
        return [s.real(total, element_of(y))]

    map_into(low, [padded_read(x, a, dims, neutral) for a in accesses], y, body)


def _lower_in_order(op: graph.Running, low: Lowering, neutral: int, combine: Combine) -> None:
    """total = combine(total, x[i]); y[i] = total, or what it was before."""
    x, y, axis = low.buffer(op.x), low.buffer(op.y), op.axis.value.data
    sizes, rank, kind = sizes_of(y), len(sizes_of(y)), working(element_of(y))
    loops = [*(i for i in range(rank) if i != axis), axis]
    dims = [(reduction if i == axis else parallel)(f"d{i}", sizes[i]) for i in loops]
    along: Expression = ({rank - 1: -1}, sizes[axis] - 1) if op.reverse.value.data else rank - 1
    place = Access.of(rank, *(along if i == axis else loops.index(i) for i in range(rank)))

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        element, before = v
        total = combine(s, before, s.real(element, kind))
        at = [
            s.add_op(ApplyOp(Access((row,), (o,)))) for row, o in zip(place.rows, place.offsets, strict=True)
        ]
        s.store(s.real(before if op.exclusive.value.data else total, element_of(y)), y, at)
        return [total]

    start = [number_attr(neutral, kind)]
    low.compute(dims, [Read(x, place)], [], body, init=start, epilogue=lambda s, v: [])


def lower_positions(op: GraphOp, low: Lowering) -> None:
    """found[n] = i, n = n + x[i]: what does not hold is overwritten by the next one."""
    assert isinstance(op, PositionsOp)
    x, y = low.buffer(op.x), low.result(op.y)
    (count,) = sizes_of(y)
    found = low.alloc(i64, [count + 1])

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        truth, seen = v
        s.store(s.position(Access.of(1, 0)), found, [s.index(s.at_most(seen, s.size(count)))])
        return [s.add(seen, s.whole(truth, i64, unsigned=True))]

    every, dims = Access.of(1, 0), [reduction("i", *sizes_of(x))]
    low.compute(dims, [Read(x, every)], [], body, init=[zero(i64)], epilogue=lambda s, v: [])
    map_into(low, [Read(found, every)], y, lambda s, v: v)


RULES: Mapping[type[Operation], Rule] = {
    graph.CumSumOp: lower_cumsum,
    graph.CumProdOp: lower_cumprod,
    PositionsOp: lower_positions,
}
