"""Scalar formulas of casts: machine types by machine conversions, narrow types by way of their codes."""

from collections.abc import Mapping, Sequence
from typing import cast

from xdsl.dialects.builtin import IntegerType, ReducedPrecisionFloatType, f32, f64, i1, i8, i32
from xdsl.ir import Attribute, Operation, SSAValue

from penstock.dialects import arith_ext
from penstock.dialects.element_types import is_float, is_integer, is_narrow, is_unsigned, signless, unsigned
from penstock.dialects.graph import elementwise
from penstock.dialects.graph.base import GraphOp, element_of
from penstock.dialects.minifloats import is_minifloat, minifloat
from penstock.passes.lowering.graph_to_nest.scalar_arithmetic import ScalarFormula
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars, width_of
from penstock.passes.lowering.graph_to_nest.scalar_minifloats import minifloat_code, minifloat_value


def cast_formula(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    """The number in another type."""
    assert isinstance(op, elementwise.CastOp)
    return element_cast(s, v[0], element_of(op.x), op.to, op.saturate.value.data != 0, op.rounding.data)


def element_cast(
    s: Scalars,
    x: SSAValue,
    source: Attribute,
    target: Attribute,
    saturate: bool = True,
    rounding: str = "up",
) -> SSAValue:
    """An element of one type, as a buffer holds it, as one of another."""
    if source == target:
        return x
    if is_narrow(source):
        value, kind = narrow_value(s, x, source)
        return element_cast(s, value, kind, target, saturate, rounding)
    if is_minifloat(target):
        return minifloat_code(s, _real(s, x, source, target), target, saturate, rounding)
    if is_integer(target) and is_narrow(target):
        whole = saturated(s, x, i32) if is_float(source) else x
        return s.both(s.whole(whole, i8, is_unsigned(source)), s.constant((1 << target.width.data) - 1, i8))
    return _machine_cast(s, x, source, target)


def _real(s: Scalars, x: SSAValue, source: Attribute, target: ReducedPrecisionFloatType) -> SSAValue:
    """A number in the type that codes are made from.

    In single precision integers are rounded only beyond the range of every format but that of scales.
    """
    if is_float(source):
        return s.widened(x)
    return s.from_whole(x, f64 if minifloat(target).is_scale else f32, is_unsigned(source))


def narrow_value(s: Scalars, code: SSAValue, element: Attribute) -> tuple[SSAValue, Attribute]:
    """The number that a code stands for, and its type: single precision, or a byte."""
    if is_minifloat(element):
        value = minifloat_value(s, code, element)
        return value, value.type
    assert is_integer(element), f"{element} is no narrow type"
    if is_unsigned(element):
        return s.both(code, s.constant((1 << element.width.data) - 1, i8)), unsigned(8)
    # The sign bit of the code is moved to the top and back down as copies of itself.
    unused = s.constant(8 - element.width.data, i8)
    return s.shift_right(s.shift_left(code, unused), unused), i8


def _machine_cast(s: Scalars, x: SSAValue, source: Attribute, target: Attribute) -> SSAValue:
    if target == i1:
        return s.compare("ne", x, s.constant(0, x.type))
    if is_float(source):
        return s.real(x, target) if is_float(target) else saturated(s, x, target)
    if is_float(target):
        return s.from_whole(x, target, is_unsigned(source))
    return s.whole(x, signless(target), is_unsigned(source))


def saturated(s: Scalars, x: SSAValue, target: Attribute) -> SSAValue:
    """A real number cut to an integer, the nearest one of the type if it is outside, 0 for NaN."""
    x, to = s.widened(x), cast(IntegerType, signless(target))
    bits = width_of(target) - (0 if is_unsigned(target) else 1)
    low, high = 0 if is_unsigned(target) else -(1 << bits), (1 << bits) - 1
    convert = arith_ext.FPToUIOp if is_unsigned(target) else arith_ext.FPToSIOp
    zero, least = s.constant(0, x.type), s.constant(low, x.type)
    if bits <= (53 if x.type == f64 else 24):
        bounded = s.at_most(s.at_least(x, least), s.constant(high, x.type))
        return s.add_op(convert(s.select(s.compare("eq", x, x), bounded, zero), to))
    # The greatest integer is no number of the real type: what is too large is chosen apart.
    limit = s.constant(2.0**bits, x.type)
    below, above = s.compare("lt", x, least), s.compare("ge", x, limit)
    inside = s.both(s.compare("ge", x, least), s.compare("lt", x, limit))
    whole = s.add_op(convert(s.select(inside, x, zero), to))
    return s.select(below, s.constant(low, to), s.select(above, s.constant(high, to), whole))


CASTS: Mapping[type[Operation], ScalarFormula] = {elementwise.CastOp: cast_formula}
