"""Exponentials for `expand-math`: exp, exp2 and expm1.

The argument is split as `n ln 2 + r`, `|r| <= ln 2 / 2`, with `ln 2` in two parts of which the first has
trailing zeros (W. Cody and W. Waite, Software Manual for the Elementary Functions, 1980); `n` is read off
the low bits of a sum with a large constant; a power of two goes in by the exponent bits, in two halves
where it may leave the range.
"""

from math import log

from penstock.passes.math_expansions import coefficients
from penstock.passes.math_expansions.formats import DOUBLE, SINGLE, Format
from penstock.passes.math_expansions.terms import Real, Whole, choose, clamp, fma, polynomial

LOG2_E = 1.4426950408889634
LN2 = {
    SINGLE: (0.693145751953125, 1.428606765330187e-06),
    DOUBLE: (0.6931471805601177, -1.7239444525614835e-13),
}
EXP = {SINGLE: coefficients.EXP_SINGLE, DOUBLE: coefficients.EXP_DOUBLE}
EXPM1 = {SINGLE: coefficients.EXPM1_SINGLE, DOUBLE: coefficients.EXPM1_DOUBLE}
EXP2 = {SINGLE: coefficients.EXP2_SINGLE, DOUBLE: coefficients.EXP2_DOUBLE}


def exponent_range(form: Format) -> tuple[float, float]:
    """Powers of two beyond which all numbers round to zero or overflow, whatever the significand."""
    return float(1 - form.bias - form.fraction_bits - 2), float(form.bias + 2)


def nearest_whole(x: Real, factor: float = 1.0) -> tuple[Real, Whole]:
    """The integer nearest to `x * factor`, as a number and in the low bits of a word."""
    shifter = x.format.shifter
    shifted = x + shifter if factor == 1.0 else fma(x, factor, shifter)
    return shifted - shifter, shifted.bits()


def split_by_ln2(x: Real) -> tuple[Whole, Real]:
    """`n` and `r` in `x = n ln 2 + r`; `n` is in the low bits of its word."""
    high, low = LN2[x.format]
    count, word = nearest_whole(x, LOG2_E)
    return word, fma(count, -low, fma(count, -high, x))


def power_of_two(word: Whole, form: Format, offset: int = 0) -> Real:
    """`2^(n + offset)`, a normal number, for `n` in the low bits of a word."""
    return ((word << form.fraction_bits) + ((form.bias + offset) << form.fraction_bits)).as_real()


def scaled(significand: Real, word: Whole) -> Real:
    """`significand * 2^n`, rounded once even where the result is subnormal."""
    form = significand.format
    exponent = word << form.fraction_bits
    half = (exponent >> 1) & -(1 << form.fraction_bits)
    lower, upper = (half + form.one_bits).as_real(), (exponent - half + form.one_bits).as_real()
    return significand * lower * upper


def exp_near_zero(r: Real) -> Real:
    """`exp(r)` for `|r| <= ln 2 / 2`."""
    tail = fma(polynomial(r, EXP[r.format]), r * r, r)
    return tail + 1.0


def expm1_near_zero(r: Real) -> Real:
    """`exp(r) - 1` for `|r| <= ln 2 / 2`."""
    return fma(polynomial(r, EXPM1[r.format]), r * r, r)


def exp(x: Real) -> Real:
    """`e^x`."""
    low, high = exponent_range(x.format)
    word, r = split_by_ln2(clamp(x, low / LOG2_E, high / LOG2_E))
    return scaled(exp_near_zero(r), word)


def exp2(x: Real) -> Real:
    """`2^x`."""
    bounded = clamp(x, *exponent_range(x.format))
    count, word = nearest_whole(bounded)
    r = bounded - count
    return scaled(fma(polynomial(r, EXP2[x.format]), r, 1.0), word)


def expm1(x: Real) -> Real:
    """`e^x - 1`, accurate near zero.

    With `t = 2^(n-1)` it is `2 (t (e^r - 1) + (t - 1/2))`, which overflows only where the result does.
    """
    form = x.format
    nothing_left = -(form.fraction_bits + 4) * log(2)
    overflowing = (form.bias + 1.4) * log(2)
    word, r = split_by_ln2(clamp(x, nothing_left, overflowing))
    power = power_of_two(word, form, -1)
    result = fma(expm1_near_zero(r), power, power - 0.5) * 2.0
    return choose(abs(x) < 2.0 ** -(form.fraction_bits + 2), x, result)


def shifted_expm1(x: Real, offset: int) -> Real:
    """`(e^x - 1) 2^offset` where `2^offset e^x` is a normal number."""
    word, r = split_by_ln2(x)
    power = power_of_two(word, x.format, offset)
    return fma(expm1_near_zero(r), power, power - 2.0**offset)


def shifted_exp(x: Real, offset: int) -> Real:
    """`e^x 2^offset` where it is a normal number."""
    word, r = split_by_ln2(x)
    return exp_near_zero(r) * power_of_two(word, x.format, offset)
