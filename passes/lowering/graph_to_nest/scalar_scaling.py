"""Scalar formulas of `quant`: what one quantised value, or the real it stands for, is made of."""

from collections.abc import Mapping, Sequence

from xdsl.dialects import math
from xdsl.dialects.builtin import f32, i32
from xdsl.ir import Attribute, Operation, SSAValue

from penstock.dialects import arith_ext
from penstock.dialects.graph.base import GraphOp, element_of
from penstock.dialects.minifloats import is_minifloat
from penstock.dialects.quant import scaling
from penstock.passes.lowering.graph_to_nest.scalar_arithmetic import ScalarFormula
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars
from penstock.passes.lowering.graph_to_nest.scalar_casts import element_cast

ROUNDED = {"half_even": math.RoundEvenOp, "half_away": math.RoundOp}
FAR = 2.0**20
"""A number of steps that leads out of every quantised type from any zero point, and a whole single."""


def _quantize(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    assert isinstance(op, scaling.QuantizeOp)
    x, scale, zero = v
    ratio, element = s.div(x, scale), element_of(op.zero)
    if not is_minifloat(element):
        return _shifted(op, s, ratio, zero)
    shift = element_cast(s, zero, element, ratio.type)
    unmoved = s.compare("eq", shift, s.constant(0, shift.type))
    moved = s.select(unmoved, ratio, s.add(ratio, shift))
    return element_cast(s, moved, ratio.type, element, op.saturate.value.data != 0)


def _shifted(op: scaling.Rounding, s: Scalars, ratio: SSAValue, zero: SSAValue) -> SSAValue:
    """The ratio rounded, 0 for NaN, plus the zero point, held within the type.

    Wide bounds before keep conversion and sum within 32 bits.
    """
    element, real = element_of(op.zero), s.widened(ratio)
    whole = s.add_op(ROUNDED[op.rounding.data](real))
    held = s.at_most(s.at_least(whole, s.constant(-FAR, whole.type)), s.constant(FAR, whole.type))
    steps = s.select(s.compare("eq", held, held), held, s.constant(0, held.type))
    total = s.add(s.add_op(arith_ext.FPToSIOp(steps, i32)), element_cast(s, zero, element, i32))
    low, high = scaling.limits(element)
    bounded = s.at_most(s.at_least(total, s.constant(low, i32)), s.constant(high, i32))
    return element_cast(s, bounded, i32, element)


def _dequantize(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    assert isinstance(op, scaling.DequantizeOp)
    x, scale, zero = v
    element = element_of(op.x)
    between: Attribute = scale.type if is_minifloat(element) else i32
    distance = s.sub(element_cast(s, x, element, between), element_cast(s, zero, element, between))
    return s.mul(element_cast(s, distance, between, scale.type), scale)


def _requantize(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    assert isinstance(op, scaling.RequantizeOp)
    total, scale, zero = v
    return _shifted(op, s, s.mul(s.from_whole(total, f32), scale), zero)


SCALING: Mapping[type[Operation], ScalarFormula] = {
    scaling.QuantizeOp: _quantize,
    scaling.DequantizeOp: _dequantize,
    scaling.RequantizeOp: _requantize,
}
