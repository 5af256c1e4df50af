"""Powers for `expand-math`: powf, fpowi and ipowi, with the special cases of C99.

`|x|^y` is `2^(y log2 |x|)` in double format for singles, and `exp(y log |x|)` with the logarithm in two
doubles for doubles (T. Dekker, A floating-point technique for extending the available precision, 1971, on
fused multiply-adds).
"""

from math import inf, nan

from xdsl.dialects.builtin import IntegerType
from xdsl.utils.hints import isa

from penstock.passes.math_expansions import coefficients
from penstock.passes.math_expansions.exponential import (
    LN2,
    LOG2_E,
    exp_near_zero,
    exponent_range,
    nearest_whole,
    power_of_two,
    scaled,
)
from penstock.passes.math_expansions.formats import DOUBLE, SINGLE
from penstock.passes.math_expansions.logarithm import atanh_tail, normalised
from penstock.passes.math_expansions.terms import Real, Whole, choose, choose_whole, clamp, fma, polynomial

LN2_DOUBLE = LN2[DOUBLE]
TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)


def _with_pole(x: Real, logarithm: Real) -> Real:
    """The logarithm of a magnitude with its values at zero and infinity."""
    return choose(x.equals(0.0), -inf, choose(x.equals(inf), inf, logarithm))


def _times(y: Real, logarithm: Real) -> Real:
    """`y log(x)`, zero where the logarithm is: one to an infinite power is one."""
    return choose(logarithm.equals(0.0), 0.0, y * logarithm)


def _single_magnitude(x: Real, y: Real) -> Real:
    """`x^y` of a positive single and a single, both given as doubles."""
    f, k = normalised(x)
    log2 = fma(f + atanh_tail(f, coefficients.LOG_FOR_SINGLE), LOG2_E, k)
    exponent = clamp(_times(y, _with_pole(x, log2)), *exponent_range(SINGLE))
    count, word = nearest_whole(exponent)
    power = fma(polynomial(exponent - count, coefficients.EXP2_FOR_SINGLE), exponent - count, 1.0)
    return (power * power_of_two(word, DOUBLE)).narrowed()


def _two_sum(large: Real, small: Real) -> tuple[Real, Real]:
    """The sum of two numbers and its rounding error, the first number being the larger or zero."""
    total = large + small
    return total, small - (total - large)


def _product(a: tuple[Real, Real], b: tuple[Real, Real]) -> tuple[Real, Real]:
    """The product of two numbers in two parts."""
    high = a[0] * b[0]
    return high, fma(a[0], b[0], -high) + fma(a[0], b[1], a[1] * b[0])


def _extended_log(x: Real) -> tuple[Real, Real]:
    """The natural logarithm of a positive double in two parts."""
    f, k = normalised(x)
    divisor, divisor_rest = _two_sum(x.number(2.0), f)
    s_high = f / divisor
    s_low = (fma(-s_high, divisor, f) - s_high * divisor_rest) / divisor
    s = (s_high, s_low)
    square = _product(s, s)
    slope = fma(polynomial(square[0], coefficients.LOG_EXTENDED), square[0], TWO_THIRDS[1])
    cubic = _product(_product(s, square), _two_sum(x.number(TWO_THIRDS[0]), slope))
    total, first_error = _two_sum(k * LN2_DOUBLE[0], s_high + s_high)
    total, second_error = _two_sum(total, cubic[0])
    small = fma(k, LN2_DOUBLE[1], s_low + s_low + cubic[1]) + (first_error + second_error)
    return _two_sum(total, small)


def _double_magnitude(x: Real, y: Real) -> Real:
    """`x^y` of a positive double and a double."""
    high, low = _extended_log(x)
    product = _times(y, _with_pole(x, high))
    rest = fma(y, high, -product) + y * low
    bounds = [bound / LOG2_E for bound in exponent_range(DOUBLE)]
    bounded = clamp(product, bounds[0], bounds[1])
    count, word = nearest_whole(bounded, LOG2_E)
    r = fma(count, -LN2_DOUBLE[1], fma(count, -LN2_DOUBLE[0], bounded))
    # Out of bounds, or where the logarithm is zero and `y` may be infinite, the rest is no number.
    regular = bounded.equals(product) & (abs(product) > 0.0)
    return scaled(exp_near_zero(r + choose(regular, rest, 0.0)), word)


def _magnitude(x: Real, y: Real) -> Real:
    """`|x|^y`, both of one format."""
    if x.format is SINGLE:
        return _single_magnitude(abs(x.widened()), y.widened())
    return _double_magnitude(abs(x), y)


def powf(x: Real, y: Real) -> Real:
    """`x^y`; a negative number to a power that is no integer is not a number."""
    half = y * 0.5
    whole, even = y.trunc().equals(y), half.trunc().equals(half)
    power = _magnitude(x, y)
    of_fraction = choose(x.equals(-inf) | x.equals(0.0), power, nan)
    of_negative = choose(whole, choose(even, power, -power), of_fraction)
    signed = choose(x.sign_is_set(), of_negative, power)
    ordered = choose(x.unordered(y), nan, signed)
    return choose(x.equals(1.0) | y.equals(0.0), 1.0, ordered)


def powf_of_constant(x: Real, exponent: float) -> Real | None:
    """`x^y` for the few exponents that need no logarithm, None for all others."""
    match exponent:
        case 1.0:
            return x
        case 2.0:
            return x * x
        case 3.0:
            return x * x * x
        case -1.0:
            return 1.0 / x
        case 0.5:
            return _square_root_as_power(x)
        case -0.5:
            return 1.0 / _square_root_as_power(x)
        case _:
            return None


def _square_root_as_power(x: Real) -> Real:
    """`x^(1/2)`, which differs from the square root at -0 and -inf."""
    return choose(x.equals(-inf), inf, (x + 0.0).sqrt())


def fpowi(x: Real, n: Whole) -> Real:
    """`x^n` for an integer `n`."""
    exponent = n.to_double()
    wide = abs(x.widened() if x.format is SINGLE else x)
    power = _single_magnitude(wide, exponent) if x.format is SINGLE else _double_magnitude(wide, exponent)
    signed = choose(x.sign_is_set() & n.has_bit(1), -power, power)
    ordered = choose(x.unordered(x), nan, signed)
    return choose(x.equals(1.0) | n.equals(0), 1.0, ordered)


def ipowi(base: Whole, exponent: Whole) -> Whole:
    """`base^exponent` of integers, modulo two to their width; only 1 and -1 have powers below zero.

    By repeated squaring over all bits of the exponent (D. Knuth, Seminumerical Algorithms, section 4.6.3).
    """
    assert isa(base.element, IntegerType), "an index has no fixed number of bits"
    width = base.element.width.data
    result = choose_whole(exponent.has_bit(1), base, 1)
    square = base
    for place in range(1, width - 1):
        square = square * square
        result = result * choose_whole(exponent.has_bit(1 << place), square, 1)
    alternating = choose_whole(exponent.has_bit(1), base, 1)
    reciprocal = choose_whole(base.equals(1) | base.equals(-1), alternating, 0)
    return choose_whole(exponent < 0, reciprocal, result)
