"""Reductions as loop nests: the kept axes are parallel loops, the reduced ones accumulate.

Sums of half-precision elements accumulate in `f32` and are rounded once, in the epilogue.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, f64, i64
from xdsl.ir import Attribute, Operation, SSAValue

from penstock.dialects.element_types import is_float, is_unsigned, numpy_dtype, signless
from penstock.dialects.graph import reduction as graph
from penstock.dialects.graph.base import GraphOp
from penstock.dialects.graph.base import element_of as tensor_element_of
from penstock.dialects.nest.access import Access
from penstock.dialects.nest.ops import DimAttr, Read, Write, element_of, parallel, reduction
from penstock.dialects.nest.sizes import sizes_of
from penstock.dialects.sizes import Extent, Size
from penstock.passes.lowering.graph_to_nest.builder import Lowering
from penstock.passes.lowering.graph_to_nest.scalar_arithmetic import unsigned
from penstock.passes.lowering.graph_to_nest.scalar_builder import Formula, Scalars, number_attr, working
from penstock.passes.lowering.graph_to_nest.scalar_casts import saturated

Rule = Callable[[GraphOp, Lowering], None]
Number = IntegerAttr | FloatAttr


@dataclass(frozen=True)
class ReductionSpace:
    """The loops of a reduction over some axes of a buffer: kept axes first, reduced ones inside."""

    shape: tuple[Extent, ...]
    axes: tuple[int, ...]

    @property
    def order(self) -> list[int]:
        """The axis that each loop runs along."""
        return [*(i for i in range(len(self.shape)) if i not in self.axes), *self.axes]

    @property
    def dims(self) -> list[DimAttr]:
        """The loops."""
        kinds = {axis: reduction if axis in self.axes else parallel for axis in self.order}
        return [kind(f"d{axis}", self.shape[axis]) for axis, kind in kinds.items()]

    def loop_of(self, axis: int) -> int:
        """The number of the loop along an axis."""
        return self.order.index(axis)

    @property
    def element(self) -> Access:
        """Where the reduced buffer is read."""
        return Access.of(len(self.shape), *map(self.loop_of, range(len(self.shape))))

    def result(self, rank: int) -> Access:
        """Where the result is: its reduced axes are gone or, if the rank is the same, of size 1."""
        axes = range(len(self.shape))
        if rank == len(self.shape):
            return Access.of(rank, *(dict[int, int]() if i in self.axes else self.loop_of(i) for i in axes))
        return Access.of(len(self.shape), *(self.loop_of(i) for i in axes if i not in self.axes))


@dataclass(frozen=True)
class Fold:
    """How a reduction accumulates.

    The body gets the element, then the elements of further buffers at its place, then the accumulators.
    """

    init: Sequence[Number]
    body: Formula
    finish: Formula = lambda s, v: v


def reduce_into(
    low: Lowering, x: SSAValue, axes: Sequence[int], y: SSAValue, fold: Fold, beside: Sequence[SSAValue] = ()
) -> None:
    """A nest that folds the elements of x along axes; buffers `beside` x have size 1 along these."""
    rank, space = len(sizes_of(x)), ReductionSpace(sizes_of(x), tuple(axes))
    reads = [Read(x, space.element), *(Read(b, space.result(rank)) for b in beside)]
    write = Write(y, space.result(len(sizes_of(y))))
    low.compute(space.dims, reads, [write], fold.body, init=fold.init, epilogue=fold.finish)


LONG_SUM = 8192
"""Terms from which a sum in `f32` is formed in double precision: its error grows with their number."""


def sum_type(element: Attribute, count: Extent) -> Attribute:
    """The type in which `count` elements are averaged: double precision for integers and for long sums.

    A sum along one dim of unknown size is taken to be short, one over the area of two to be long.
    """
    long = count >= LONG_SUM if isinstance(count, int) else max(len(p) for p, _ in count.terms) > 1
    return working(element) if is_float(element) and not long else f64


def as_number(s: Scalars, x: SSAValue, to: Attribute, is_unsigned: bool = False) -> SSAValue:
    """An element as a real number of an accumulator's type; integers stay integers unless it is real."""
    if is_float(x.type):
        return s.real(x, to)
    return s.from_whole(x, to, is_unsigned) if is_float(to) else x


def as_element(s: Scalars, x: SSAValue, element: Attribute) -> SSAValue:
    """An accumulator as an element of a tensor; reals are cut to integers."""
    if not is_float(x.type):
        return x
    return s.real(x, element) if is_float(element) else saturated(s, x, element)


def divided(s: Scalars, total: SSAValue, count: Extent) -> SSAValue:
    """`total / count`, by multiplication where the reciprocal is exact."""
    if isinstance(count, Size):
        return s.div(total, s.from_whole(s.size(count), total.type))
    if count > 0 and count & (count - 1) == 0:
        return s.scaled(total, 1 / count)
    return s.div(total, s.constant(count, total.type))


Combine = Callable[[Scalars, SSAValue, SSAValue], SSAValue]
Finish = Callable[[Scalars, SSAValue], SSAValue]


def accumulation(
    element: Attribute, kind: Attribute, start: float, combine: Combine, finish: Finish | None = None
) -> Fold:
    """The fold of the elements of a tensor by `combine`, in the type `kind`; then `finish`, and back."""

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        return [combine(s, v[1], as_number(s, v[0], kind, is_unsigned(element)))]

    def end(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        return [as_element(s, v[0] if finish is None else finish(s, v[0]), element)]

    return Fold([number_attr(start, kind)], body, end)


def lower_sum(op: GraphOp, low: Lowering) -> None:
    """y = sum of x."""
    assert isinstance(op, graph.Reduction)
    element, shape = tensor_element_of(op.operands[0]), sizes_of(low.buffer(op.operands[0]))
    count = prod(shape[axis] for axis in op.reduced())
    kind = sum_type(element, count) if is_float(element) else working(signless(element))
    _lower(op, low, accumulation(element, kind, 0, Scalars.add))


def lower_product(op: GraphOp, low: Lowering) -> None:
    """y = product of x."""
    _lower_plain(op, low, 1, Scalars.mul)


def lower_max(op: GraphOp, low: Lowering) -> None:
    """y = the greatest of x, NaN if any is."""
    _lower_plain(op, low, lowest_of(op), lambda s, a, x: s.maximum(a, x, unsigned(op)))


def lower_min(op: GraphOp, low: Lowering) -> None:
    """y = the smallest of x, NaN if any is."""
    _lower_plain(op, low, highest_of(op), lambda s, a, x: s.minimum(a, x, unsigned(op)))


def _lower_plain(op: GraphOp, low: Lowering, start: float, combine: Combine) -> None:
    element = tensor_element_of(op.operands[0])
    _lower(op, low, accumulation(element, working(signless(element)), start, combine))


def lower_mean(op: GraphOp, low: Lowering) -> None:
    """y = sum of x / count; of integers in double precision, then truncated."""
    assert isinstance(op, graph.ReduceMeanOp)
    element, shape = tensor_element_of(op.x), sizes_of(low.buffer(op.x))
    count = prod(shape[axis] for axis in op.reduced())
    mean = accumulation(element, sum_type(element, count), 0, Scalars.add, lambda s, x: divided(s, x, count))
    _lower(op, low, mean)


def _lower(op: GraphOp, low: Lowering, fold: Fold) -> None:
    assert isinstance(op, graph.Reduction)
    reduce_into(low, low.buffer(op.x), op.reduced(), low.result(op.y), fold)


def lowest_of(op: GraphOp) -> float | int:
    """What every element of the first operand is at least."""
    return graph.lowest(numpy_dtype(tensor_element_of(op.operands[0])))


def highest_of(op: GraphOp) -> float | int:
    """What every element of the first operand is at most."""
    return graph.highest(numpy_dtype(tensor_element_of(op.operands[0])))


def beats(
    s: Scalars, x: SSAValue, best: SSAValue, how: str, is_unsigned: bool, later: bool = False
) -> SSAValue:
    """Whether `x` replaces the best one so far, which comes before it: NaN beats all but NaN.

    `how` is gt or lt; equals replace each other if `later`.
    """
    if later:
        better = s.compare(f"{how[0]}e", x, best, is_unsigned)
        return s.either(better, s.compare("ne", x, x)) if is_float(x.type) else better
    better = s.unordered(how, x, best, is_unsigned)
    return s.both(better, s.compare("eq", best, best)) if is_float(x.type) else better


def lower_argmax(op: GraphOp, low: Lowering) -> None:
    """y = the position of the greatest of x."""
    _lower_position(op, low, "gt", lowest_of(op))


def lower_argmin(op: GraphOp, low: Lowering) -> None:
    """y = the position of the smallest of x."""
    _lower_position(op, low, "lt", highest_of(op))


def _lower_position(op: GraphOp, low: Lowering, how: str, start: float | int) -> None:
    """Two accumulators: the best element so far, and where it is; the start is a best one at 0 itself."""
    assert isinstance(op, graph.ArgReduction)
    x, later = low.buffer(op.x), op.select_last.value.data
    rank, (axis,) = len(sizes_of(x)), op.reduced()
    here = Access.of(rank, ReductionSpace(sizes_of(x), (axis,)).loop_of(axis))

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        element, best, where = v
        better = beats(s, element, best, how, unsigned(op), bool(later))
        return [s.select(better, element, best), s.select(better, s.position(here), where)]

    init = [number_attr(start, element_of(x)), number_attr(0, i64)]
    _lower(op, low, Fold(init, body, lambda s, v: [v[1]]))


RULES: Mapping[type[Operation], Rule] = {
    graph.ReduceSumOp: lower_sum,
    graph.ReduceMeanOp: lower_mean,
    graph.ReduceProdOp: lower_product,
    graph.ReduceMaxOp: lower_max,
    graph.ReduceMinOp: lower_min,
    graph.ArgMaxOp: lower_argmax,
    graph.ArgMinOp: lower_argmin,
}
