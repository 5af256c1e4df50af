"""Scalar formulas between floats of at most 8 bits and machine floats: integer arithmetic on their bits.

The reference, `graph.casting`, searches the values of a format; nothing is shared but its description.
"""

from dataclasses import dataclass

from xdsl.dialects.builtin import IntegerType, ReducedPrecisionFloatType, f32, f64, i8, i32, i64
from xdsl.ir import SSAValue

from penstock.dialects.minifloats import Minifloat, minifloat
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars

QUIET_NAN, INFINITY = 0x7FC00000, 0x7F800000
FRACTION, BIAS = 23, 127
LEAST_SCALE = 0x00400000
"""2^-127, below the normal numbers of single precision."""


@dataclass(frozen=True)
class Bits:
    """Integer arithmetic on the bits of a machine float."""

    s: Scalars
    kind: IntegerType
    fraction: int
    bias: int

    @staticmethod
    def of(s: Scalars, x: SSAValue) -> "Bits":
        """For the type of a single or double."""
        return Bits(s, i64, 52, 1023) if x.type == f64 else Bits(s, i32, FRACTION, BIAS)

    def number(self, value: int) -> SSAValue:
        """A constant."""
        return self.s.constant(value, self.kind)

    def plus(self, x: SSAValue, value: int) -> SSAValue:
        """`x + value`."""
        return self.s.add(x, self.number(value))

    def masked(self, x: SSAValue, mask: int) -> SSAValue:
        """The bits of `x` in a mask."""
        return self.s.both(x, self.number(mask))

    def right(self, x: SSAValue, amount: int) -> SSAValue:
        """`x` without its low bits."""
        return self.s.shift_right(x, self.number(amount), unsigned=True)

    def left(self, x: SSAValue, amount: int) -> SSAValue:
        """`x` with zeros behind it."""
        return self.s.shift_left(x, self.number(amount))

    def where(self, condition: SSAValue, value: int, otherwise: SSAValue) -> SSAValue:
        """A constant where a condition holds."""
        return self.s.select(condition, self.number(value), otherwise)

    def is_(self, how: str, x: SSAValue, value: int) -> SSAValue:
        """A comparison with a constant, as signed numbers."""
        return self.s.compare(how, x, self.number(value))


def minifloat_value(s: Scalars, code: SSAValue, element: ReducedPrecisionFloatType) -> SSAValue:
    """The number of a code in single precision, which holds every one."""
    form, bits = minifloat(element), Bits(s, i32, FRACTION, BIAS)
    wide = bits.masked(s.whole(code, i32, unsigned=True), (1 << element.bitwidth) - 1)
    return s.bits(_scale_bits(bits, wide) if form.is_scale else _value_bits(bits, wide, form), f32)


def _scale_bits(bits: Bits, code: SSAValue) -> SSAValue:
    """2^(code - 127): the code is the exponent, up to the least number."""
    normal = bits.where(bits.is_("eq", code, 0), LEAST_SCALE, bits.left(code, FRACTION))
    return bits.where(bits.is_("eq", code, 255), QUIET_NAN, normal)


def _value_bits(bits: Bits, code: SSAValue, form: Minifloat) -> SSAValue:
    """The fields at their places in single precision; below the normal numbers, a count of the least."""
    s, magnitude = bits.s, bits.masked(code, form.sign - 1)
    normal = bits.plus(bits.left(magnitude, FRACTION - form.mantissa), (BIAS - form.bias) << FRACTION)
    multiple = s.scaled(s.from_whole(magnitude, f32), 2.0 ** (1 - form.bias - form.mantissa))
    value = s.select(bits.is_("lt", magnitude, 1 << form.mantissa), s.bits(multiple, i32), normal)
    if form.infinity is not None:
        value = bits.where(bits.is_("eq", magnitude, form.infinity), INFINITY, value)
    sign = bits.left(bits.masked(code, form.sign), 31 - form.semantics.sign_shift)
    signed = s.either(value, sign)
    if form.nan is None:
        return signed
    undefined = (
        bits.is_("gt", magnitude, form.nan - 1 if form.infinity is None else form.infinity)
        if form.has_negative_zero
        else bits.is_("eq", code, form.nan)
    )
    return bits.where(undefined, QUIET_NAN, signed)


def minifloat_code(
    s: Scalars, x: SSAValue, element: ReducedPrecisionFloatType, saturate: bool, rounding: str
) -> SSAValue:
    """The code of a single or double, rounded once."""
    form = minifloat(element)
    if form.is_scale:
        return s.whole(_scale_code(s, s.real(x, f64), saturate, rounding), i8)
    return s.whole(_signed_code(Bits.of(s, x), x, form, saturate), i8)


def _scale_code(s: Scalars, x: SSAValue, saturate: bool, rounding: str) -> SSAValue:
    """The exponent, after what makes it the next one was added; doubles keep all that matters normal."""
    bits = Bits.of(s, x)
    carry = {"up": (1 << bits.fraction) - 1, "nearest": 1 << bits.fraction - 1, "down": 0}[rounding]
    magnitude = bits.masked(s.bits(x, i64), (1 << 63) - 1)
    code = bits.plus(bits.right(bits.plus(magnitude, carry), bits.fraction), BIAS - bits.bias)
    below, above = bits.is_("lt", code, 0), bits.is_("gt", code, 254)
    code = bits.where(below, 0 if saturate else 255, bits.where(above, 254 if saturate else 255, code))
    return bits.where(s.compare("ne", x, x), 255, code)


def _signed_code(bits: Bits, x: SSAValue, form: Minifloat, saturate: bool) -> SSAValue:
    s, width = bits.s, bits.kind.bitwidth
    pattern = s.bits(x, bits.kind)
    magnitude = bits.masked(pattern, (1 << width - 1) - 1)
    code = _magnitude_code(bits, magnitude, form)
    over = bits.is_("gt", code, form.greatest)
    beyond = form.infinity if form.infinity is not None else form.nan
    code = bits.where(over, form.greatest if saturate or beyond is None else beyond, code)
    undefined = form.sign if form.nan is None else form.nan
    code = bits.where(s.compare("ne", x, x), undefined, code)
    sign = bits.masked(bits.right(pattern, width - 1 - form.semantics.sign_shift), form.sign)
    signed = s.either(code, sign)
    return signed if form.has_negative_zero else bits.where(bits.is_("eq", code, 0), 0, signed)


def _magnitude_code(bits: Bits, magnitude: SSAValue, form: Minifloat) -> SSAValue:
    """The nearest magnitude, of two the even one; beyond the greatest it counts on.

    Below the normal numbers the sum with a power of two whose last place is the least number of the format
    is rounded by the machine, and the count of the least number is what its bits gained.
    """
    s, cut = bits.s, bits.fraction - form.mantissa
    odd = bits.masked(bits.right(magnitude, cut), 1)
    rounded = bits.right(s.add(bits.plus(magnitude, (1 << cut - 1) - 1), odd), cut)
    normal = bits.plus(rounded, -((bits.bias - form.bias) << form.mantissa))
    real = f64 if bits.kind == i64 else f32
    exponent = bits.fraction + 1 - form.bias - form.mantissa
    sum_ = s.shifted(s.bits(magnitude, real), 2.0**exponent)
    small = bits.plus(s.bits(sum_, bits.kind), -((exponent + bits.bias) << bits.fraction))
    least_normal = (1 - form.bias + bits.bias) << bits.fraction
    return s.select(bits.is_("lt", magnitude, least_normal), small, normal)
