"""Elementwise ops as loop nests: a parallel loop per dim of the result, its scalar formula as the body."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from xdsl.dialects.builtin import FloatAttr, IntegerAttr
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.utils.exceptions import PassFailedException

from penstock.dialects.element_types import stored
from penstock.dialects.graph.base import Elementwise, GraphOp
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.nest.access import Access
from penstock.dialects.nest.ops import Read, Write, element_of, parallel
from penstock.dialects.nest.sizes import sizes_of
from penstock.dialects.requirements import equal, repeats
from penstock.dialects.sizes import Extent, may_only_be_equal
from penstock.passes.lowering.graph_to_nest.builder import Lowering, broadcast_access
from penstock.passes.lowering.graph_to_nest.scalar import SCALARS
from penstock.passes.lowering.graph_to_nest.scalar_arithmetic import ScalarFormula
from penstock.passes.lowering.graph_to_nest.scalar_builder import Formula, Scalars, number_attr

Rule = Callable[[GraphOp, Lowering], None]


def lower_elementwise(op: GraphOp, low: Lowering) -> None:
    """y[i] = f(a[i], b[i], ...), operands of size 1 along a dim read at 0; a constant number is part of f."""
    formula = SCALARS.get(type(op))
    if formula is None:
        raise PassFailedException(f"lower-graph-to-nest: no scalar formula for {op.name}")
    map_formula(op, low, formula)


def elementwise_rule(formula: ScalarFormula) -> Rule:
    """The rule of an elementwise op of a plugin, from the formula of one element."""
    return partial(map_formula, formula=formula)


def map_formula(op: GraphOp, low: Lowering, formula: ScalarFormula) -> None:
    """A nest that computes every element of the op's result by a formula."""
    y, buffers = low.result(op.results[0]), [low.buffer(o) for o in op.operands]
    numbers = [single_number(o, element_of(b)) for o, b in zip(op.operands, buffers, strict=True)]
    read = [b for b, number in zip(buffers, numbers, strict=True) if number is None]

    def body(s: Scalars, values: Sequence[SSAValue]) -> Sequence[SSAValue]:
        rest = iter(values)
        return [formula(op, s, [next(rest) if n is None else s.literal(n) for n in numbers])]

    map_into(low, read, y, body)


def map_into(low: Lowering, operands: Sequence[SSAValue | Read], y: SSAValue, body: Formula) -> None:
    """A nest over the elements of `y`; the operands that are buffers broadcast to it."""
    shape, rank = sizes_of(y), len(sizes_of(y))
    reads: list[Read] = []
    picked: dict[int, SSAValue] = {}
    for number, operand in enumerate(operands):
        if isinstance(operand, Read):
            reads.append(operand)
        elif may_repeat(sizes_of(operand), shape):
            picked[number] = operand
        else:
            reads.append(Read(operand, broadcast_access(rank, sizes_of(operand), shape)))
    for operand in (o for o in operands if not isinstance(o, Read)):
        _require_agreement(low, sizes_of(operand), shape)

    def whole(s: Scalars, values: Sequence[SSAValue]) -> Sequence[SSAValue]:
        rest = iter(values)
        given = [
            _repeated_element(s, picked[i], shape) if i in picked else next(rest)
            for i in range(len(operands))
        ]
        return body(s, given)

    dims = [parallel(f"d{i}", s) for i, s in enumerate(shape)]
    low.compute(dims, reads, [Write(y, Access.of(rank, *range(rank)))], whole if picked else body)


def may_repeat(sizes: Sequence[Extent], result: Sequence[Extent]) -> bool:
    """Whether only a call tells which sizes are 1 and repeated up to those of a result."""
    pairs = zip(sizes, result[len(result) - len(sizes) :], strict=True)
    return any(size != 1 and not may_only_be_equal(size, wanted) for size, wanted in pairs)


def repeated(low: Lowering, operand: SSAValue, shape: Sequence[Extent]) -> SSAValue:
    """A buffer that broadcasts to a shape: a copy, where it is known only at run time what is repeated."""
    sizes = sizes_of(operand)
    wanted = [1 if size == 1 else w for size, w in zip(sizes, shape[len(shape) - len(sizes) :], strict=True)]
    if not may_repeat(sizes, wanted):
        _require_agreement(low, sizes, wanted)
        return operand
    whole = low.alloc(element_of(operand), wanted)
    map_into(low, [operand], whole, lambda s, v: v)
    return whole


def _repeated_element(s: Scalars, operand: SSAValue, shape: Sequence[Extent]) -> SSAValue:
    """The element of a buffer at the place of the loops; a size of 1 holds them at 0."""
    sizes, rank = sizes_of(operand), len(shape)
    skip, at = rank - len(sizes), list[SSAValue]()
    for axis, size in enumerate(sizes):
        if may_only_be_equal(size, shape[skip + axis]) and size != 1:
            at.append(s.loop(skip + axis, rank))
        else:
            place = s.position(Access.of(rank, skip + axis))
            at.append(s.index(s.at_most(place, s.size(size - 1))))
    return s.load(operand, at)


def _require_agreement(low: Lowering, sizes: Sequence[Extent], result: Sequence[Extent]) -> None:
    """Where a size is not 1 it must be that of the result."""
    for size, wanted in zip(sizes, result[len(result) - len(sizes) :], strict=True):
        if size != 1:
            low.require((equal if may_only_be_equal(size, wanted) else repeats)(size, wanted))


def single_number(value: SSAValue, element: Attribute) -> IntegerAttr | FloatAttr | None:
    """The one element of a constant tensor, as a number of the buffer's element type."""
    owner = value.owner
    if not isinstance(owner, ConstantOp) or owner.array.size != 1:
        return None
    return number_attr(stored(owner.array).item(), element)


RULES: Mapping[type[Operation], Rule] = {Elementwise: lower_elementwise}
