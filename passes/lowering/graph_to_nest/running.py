"""Running sums and products as nests.

The distance over which elements are combined doubles: log2(n) nests, each of independent iterations.
"""

from collections.abc import Callable, Mapping, Sequence

from xdsl.ir import Operation, SSAValue

from penstock.dialects.graph import ordering as graph
from penstock.dialects.graph.base import GraphOp
from penstock.dialects.nest.access import Access
from penstock.dialects.nest.ops import element_of, parallel, shape_of
from penstock.passes.lowering.graph_to_nest.builder import Lowering, padded_read
from penstock.passes.lowering.graph_to_nest.elementwise import map_into
from penstock.passes.lowering.graph_to_nest.reduction import Combine
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars, working

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
    step = 1 if op.reverse.value.data else -1
    shift, size = int(bool(op.exclusive.value.data)), shape_of(y)[axis]
    doublings = (size - shift - 1).bit_length() if size > shift else 0
    if doublings == 0:
        _combine_moved(low, source, y, axis, [step * shift], neutral, combine)
    for k in range(doublings):
        target = y if k == doublings - 1 else low.alloc(working(element_of(y)), shape_of(y))
        _combine_moved(low, source, target, axis, [step * shift, step * (shift + (1 << k))], neutral, combine)
        source, shift = target, 0


def _combine_moved(
    low: Lowering, x: SSAValue, y: SSAValue, axis: int, moves: Sequence[int], neutral: int, combine: Combine
) -> None:
    """y[i] = x[i + move] combined over the moves, `neutral` outside."""
    shape, rank, kind = shape_of(y), len(shape_of(y)), working(element_of(y))
    dims = [parallel(f"d{i}", s) for i, s in enumerate(shape)]
    accesses = [Access.of(rank, *(({i: 1}, m) if i == axis else i for i in range(rank))) for m in moves]

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        terms = [s.real(x, kind) for x in v]
        total = terms[0] if len(terms) == 1 else combine(s, *terms)
        return [s.real(total, element_of(y))]

    map_into(low, [padded_read(x, a, dims, neutral) for a in accesses], y, body)


RULES: Mapping[type[Operation], Rule] = {graph.CumSumOp: lower_cumsum, graph.CumProdOp: lower_cumprod}
