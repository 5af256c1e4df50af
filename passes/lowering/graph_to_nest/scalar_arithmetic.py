"""Scalar formulas of arithmetic: what one element of `graph.add`, `graph.div`, ... is made of.

Integer division and remainder are written so that no divisor traps: 0 and -1 are replaced before.
"""

from collections.abc import Callable, Mapping, Sequence

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import bf16, f16, f32, f64, i1, i64
from xdsl.ir import Attribute, Operation, SSAValue

from penstock.dialects.element_types import is_float, is_unsigned, signless
from penstock.dialects.graph import elementwise
from penstock.dialects.graph.base import GraphOp, element_of
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars

ScalarFormula = Callable[[GraphOp, Scalars, Sequence[SSAValue]], SSAValue]
"""One element of the result from one element of each operand."""

INFINITY = float("inf")
_LARGEST_EXPONENT = 1023
_REDUCTION_BITS = 50
"""By how much one step of the real remainder shortens the ratio."""
_REDUCTION_STEPS: Mapping[Attribute, int] = {f16: 1, bf16: 6, f32: 6, f64: 42}
"""Enough steps for any two numbers of a type: their ratio is below 2^(50 * steps)."""


def unsigned(op: GraphOp) -> bool:
    """Whether the elements that an op works on have no sign."""
    return is_unsigned(element_of(op.operands[0]))


def _add(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    return s.add(*v)


def _sub(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    return s.sub(*v)


def _mul(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    return s.mul(*v)


def _div(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    a, b = v
    if is_float(a.type):
        return s.div(a, b)
    quotient = s.div(a, _harmless(op, s, b), unsigned(op))
    zero = s.constant(0, b.type)
    if not unsigned(op):
        quotient = s.select(s.compare("eq", b, s.constant(-1, b.type)), s.sub(zero, a), quotient)
    return s.select(s.compare("eq", b, zero), zero, quotient)


def _harmless(op: GraphOp, s: Scalars, divisor: SSAValue) -> SSAValue:
    """The divisor, or 1 in place of 0 and -1: every number divided by -1 leaves no remainder either."""
    one = s.constant(1, divisor.type)
    bad = s.compare("eq", divisor, s.constant(0, divisor.type))
    if not unsigned(op):
        bad = s.either(bad, s.compare("eq", divisor, s.constant(-1, divisor.type)))
    return s.select(bad, one, divisor)


def _mod(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    assert isinstance(op, elementwise.ModOp)
    a, b = v
    real, floored = is_float(a.type), not op.truncated.value.data
    rest = _real_remainder(op, s, a, b) if real else s.rem(a, _harmless(op, s, b), unsigned(op))
    if not floored or unsigned(op):
        return rest
    zero = s.constant(0, a.type)
    unlike = s.differing(s.compare("lt", rest, zero), s.compare("lt", b, zero))
    moved = s.select(s.both(s.compare("ne", rest, zero), unlike), s.add(rest, b), rest)
    if not real:
        return moved
    # A zero takes the sign of the divisor.
    return s.select(s.compare("eq", rest, zero), s.add_op(math.CopySignOp(zero, b)), moved)


def _real_remainder(op: GraphOp, s: Scalars, a: SSAValue, b: SSAValue) -> SSAValue:
    """The exact `a - trunc(a / b) b`: in double precision, from the highest bits of the ratio downwards.

    With q = trunc(r / d) < 2^53 the rest r - q d is a double; where the rounded ratio reached the next
    integer it is negative and one d too small.
    """
    rest, divisor = (s.absolute(s.real(x, f64)) for x in (a, b))
    infinite = s.compare("eq", divisor, s.constant(INFINITY, f64))
    for turn in reversed(range(_REDUCTION_STEPS[a.type])):
        step = _times_power(s, divisor, turn * _REDUCTION_BITS)
        count = s.add_op(math.TruncOp(s.div(rest, step)))
        left = s.add_op(math.FmaOp(s.neg(count), step, rest))
        left = s.select(s.compare("lt", left, s.constant(0, f64)), s.add(left, step), left)
        # A step beyond the range is longer than what is left.
        too_long = turn > 0 and a.type == f64
        rest = s.select(s.compare("eq", step, s.constant(INFINITY, f64)), rest, left) if too_long else left
    finite = s.add_op(math.CopySignOp(s.real(rest, a.type), a))
    # An infinite divisor leaves a finite number as it is; its ratio above was 0 times infinity.
    difference = s.sub(a, a)
    return s.select(s.both(infinite, s.compare("eq", difference, difference)), a, finite)


def _times_power(s: Scalars, x: SSAValue, exponent: int) -> SSAValue:
    """`x * 2^exponent` of a double, by factors that are doubles themselves."""
    while exponent > _LARGEST_EXPONENT:
        x, exponent = s.scaled(x, 2.0**_LARGEST_EXPONENT), exponent - _LARGEST_EXPONENT
    return s.scaled(x, 2.0**exponent)


def _pow(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    if is_float(v[0].type):
        return s.power(*v)
    if unsigned(op):
        # `math.ipowi` reads its operands as signed.
        base, exponent = (s.whole(x, i64, True) for x in v)
        return s.whole(s.add_op(math.IPowIOp(base, exponent)), v[0].type)
    # The power of 0 to a negative exponent is 0 here and undefined in `math.ipowi`.
    base, exponent = v
    zero, one = s.constant(0, base.type), s.constant(1, base.type)
    undefined = s.both(s.compare("eq", base, zero), s.compare("lt", exponent, zero))
    return s.add_op(math.IPowIOp(base, s.select(undefined, one, exponent)))


def _max(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    return s.maximum(v[0], v[1], unsigned(op))


def _min(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    return s.minimum(v[0], v[1], unsigned(op))


def _neg(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    return s.neg(*v)


def _abs(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    return v[0] if unsigned(op) else s.absolute(*v)


def _sign(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    (x,) = v
    zero, one = s.constant(0, x.type), s.constant(1, x.type)
    if unsigned(op):
        return s.select(s.compare("eq", x, zero), zero, one)
    # What is neither above nor below zero is zero or NaN, and x + 0 is +0 or NaN.
    rest = s.add(x, zero) if is_float(x.type) else zero
    below = s.select(s.compare("lt", x, zero), s.constant(-1, x.type), rest)
    return s.select(s.compare("gt", x, zero), one, below)


def _rounded(
    kind: type[math.FloorOp] | type[math.CeilOp] | type[math.RoundEvenOp],
) -> ScalarFormula:
    def formula(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
        return s.add_op(kind(v[0]))

    return formula


def _sqrt(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    return s.sqrt(*v)


def _clip(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    assert isinstance(op, elementwise.ClipOp)
    (x,) = v
    if op.low is not None:
        x = s.at_least(x, s.constant(op.low.value.data, x.type), unsigned(op))
    return x if op.high is None else s.at_most(x, s.constant(op.high.value.data, x.type), unsigned(op))


def _bitcast(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    assert isinstance(op, elementwise.BitcastOp)
    (x,), target = v, signless(op.to)
    if x.type == target:
        return x
    if i1 in (x.type, target):
        return s.whole(x, target) if x.type == i1 else s.compare("ne", x, s.constant(0, x.type))
    return s.add_op(arith.BitcastOp(x, target))


ARITHMETIC: Mapping[type[Operation], ScalarFormula] = {
    elementwise.AddOp: _add,
    elementwise.SubOp: _sub,
    elementwise.MulOp: _mul,
    elementwise.DivOp: _div,
    elementwise.ModOp: _mod,
    elementwise.PowOp: _pow,
    elementwise.MaxOp: _max,
    elementwise.MinOp: _min,
    elementwise.NegOp: _neg,
    elementwise.AbsOp: _abs,
    elementwise.SignOp: _sign,
    elementwise.FloorOp: _rounded(math.FloorOp),
    elementwise.CeilOp: _rounded(math.CeilOp),
    elementwise.RoundOp: _rounded(math.RoundEvenOp),
    elementwise.SqrtOp: _sqrt,
    elementwise.ClipOp: _clip,
    elementwise.BitcastOp: _bitcast,
}
