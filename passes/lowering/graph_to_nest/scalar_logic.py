"""Scalar formulas of comparison, choice and bitwise operations."""

from collections.abc import Mapping, Sequence

from xdsl.dialects import arith
from xdsl.dialects.builtin import i1
from xdsl.ir import Operation, SSAValue
from xdsl.utils.exceptions import PassFailedException

from penstock.dialects.graph import comparison
from penstock.dialects.graph.base import GraphOp
from penstock.passes.lowering.graph_to_nest.scalar_arithmetic import ScalarFormula, unsigned
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars, width_of


def _compared(how: str) -> ScalarFormula:
    def formula(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
        return s.compare(how, v[0], v[1], unsigned(op))

    return formula


def _select(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    return s.select(*v)


def _and(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    return s.both(*v)


def _or(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    return s.either(*v)


def _xor(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    return s.differing(*v)


def _not(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    return s.differing(v[0], s.constant(-1, v[0].type))


def _shift_left(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    return _kept_within(op, s, arith.ShLIOp, *v)


def _shift_right(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    if unsigned(op):
        return _kept_within(op, s, arith.ShRUIOp, *v)
    # A shift by width - 1 leaves copies of the sign, as any longer one does; a negative amount is a long one.
    x, amount = v
    longest = s.constant(width_of(x.type) - 1, x.type)
    return s.add_op(arith.ShRSIOp(x, s.minimum(amount, longest, unsigned=True)))


def _kept_within(
    op: GraphOp,
    s: Scalars,
    shift: type[arith.ShLIOp] | type[arith.ShRUIOp],
    x: SSAValue,
    amount: SSAValue,
) -> SSAValue:
    """The shift, or 0 where the amount, read as unsigned, is the width or more."""
    if x.type == i1:
        raise PassFailedException(f"lower-graph-to-nest: {op.name} of booleans")
    zero, longest = s.constant(0, x.type), s.constant(width_of(x.type) - 1, x.type)
    whole = s.compare("gt", amount, longest, unsigned=True)
    return s.select(whole, zero, s.add_op(shift(x, s.select(whole, zero, amount))))


LOGIC: Mapping[type[Operation], ScalarFormula] = {
    comparison.EqualOp: _compared("eq"),
    comparison.LessOp: _compared("lt"),
    comparison.LessEqualOp: _compared("le"),
    comparison.SelectOp: _select,
    comparison.AndOp: _and,
    comparison.OrOp: _or,
    comparison.XorOp: _xor,
    comparison.NotOp: _not,
    comparison.ShiftLeftOp: _shift_left,
    comparison.ShiftRightOp: _shift_right,
}
