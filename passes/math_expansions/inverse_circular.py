"""Inverse circular functions for `expand-math`: asin, acos, atan and atan2.

Arguments are brought near zero by half-angle and quotient identities (J.-M. Muller, Elementary Functions,
3rd ed., chapter 11; FreeBSD's e_asin.c and s_atan.c), both sides of each identity in one formula under a
choice.
"""

from math import inf

from penstock.passes.math_expansions import coefficients
from penstock.passes.math_expansions.formats import DOUBLE, SINGLE
from penstock.passes.math_expansions.terms import Mask, Real, choose, fma, polynomial

HALF_PI = {
    SINGLE: (1.5707963705062866, -4.371138828673793e-08),
    DOUBLE: (1.5707963267948966, 6.123233995736766e-17),
}
ASIN = {SINGLE: coefficients.ASIN_SINGLE, DOUBLE: coefficients.ASIN_DOUBLE}
ATAN = {SINGLE: coefficients.ATAN_SINGLE, DOUBLE: coefficients.ATAN_DOUBLE}
TAN_EIGHTH_OF_PI = 0.41421356237309503


def _less_than_half_pi(angle: Real, rest: Real) -> Real:
    """`pi/2 - (angle + rest)`, the rest being small: the first difference is almost exact."""
    high, low = HALF_PI[angle.format]
    return (high - angle) - (rest - low)


def _arcsine_below_half(x: Real) -> tuple[Real, Real, Mask]:
    """`asin(|x|)`, or `asin(sqrt((1 - |x|) / 2))` where `|x| > 1/2`, in two parts, and where that is."""
    magnitude = abs(x)
    large = magnitude > 0.5
    square = choose(large, fma(magnitude, -0.5, 0.5), magnitude * magnitude)
    root = choose(large, square.sqrt(), magnitude)
    return root, polynomial(square, ASIN[x.format]) * square * root, large


def asin(x: Real) -> Real:
    """The arcsine; above 1/2, `pi/2 - 2 asin(sqrt((1 - x) / 2))`."""
    root, tail, large = _arcsine_below_half(x)
    return choose(large, _less_than_half_pi(root + root, tail + tail), root + tail).with_sign_of(x)


def acos(x: Real) -> Real:
    """The arccosine; of `|x| > 1/2`, `2 asin(sqrt((1 - |x|) / 2))` or pi less that."""
    root, tail, large = _arcsine_below_half(x)
    angle = root + tail
    high, low = HALF_PI[x.format]
    complement = high - (choose(large, angle, angle.with_sign_of(x)) - low)
    of_large = choose(x > 0.0, angle, complement)
    return choose(large, of_large + of_large, complement)


def _arctangent_of_ratio(low: Real, high: Real) -> tuple[Real, Real]:
    """`atan(low / high)` for `0 <= low <= high` in two parts.

    In double format `pi/4 + atan((t - 1) / (t + 1))` is taken above pi/8.
    """
    if low.format is SINGLE:
        ratio = low / high
        return ratio, _arctangent_tail(ratio)
    steep = low > high * TAN_EIGHTH_OF_PI
    # Scaled, the two have a sum in range, and lose nothing where they are subnormal.
    scale = choose(high > 1.0, 0.25, high.number(4.0))
    scaled_low, scaled_high = low * scale, high * scale
    ratio = choose(steep, scaled_low - scaled_high, low) / choose(steep, scaled_low + scaled_high, high)
    tail = _arctangent_tail(ratio)
    quarter_pi, quarter_rest = (part / 2 for part in HALF_PI[low.format])
    return choose(steep, quarter_pi, ratio), choose(steep, ratio + (tail + quarter_rest), tail)


def _arctangent_tail(t: Real) -> Real:
    """`atan(t) - t` by its polynomial."""
    square = t * t
    return polynomial(square, ATAN[t.format]) * square * t


def _arctangent(low: Real, high: Real, steep: Mask) -> Real:
    """`atan(low / high)`, or where steep `atan(high / low)`, for `0 <= low <= high`."""
    angle, rest = _arctangent_of_ratio(low, high)
    return choose(steep, _less_than_half_pi(angle, rest), angle + rest)


def atan(x: Real) -> Real:
    """The arctangent; above 1, `pi/2 - atan(1 / x)`."""
    magnitude = abs(x)
    large = magnitude > 1.0
    low, high = choose(large, 1.0, magnitude), choose(large, magnitude, 1.0)
    return _arctangent(low, high, large).with_sign_of(x)


def atan2(y: Real, x: Real) -> Real:
    """The angle of the point `(x, y)`, the signs of zeros and infinities as in C99."""
    height, width = abs(y), abs(x)
    steep = height > width
    low, high = choose(steep, width, height), choose(steep, height, width)
    infinite = low.equals(inf) & high.equals(inf)
    low, high = choose(infinite, 1.0, low), choose(infinite | high.equals(0.0), 1.0, high)
    angle = _arctangent(low, high, steep)
    pi, pi_rest = (2.0 * part for part in HALF_PI[x.format])
    return choose(x.sign_is_set(), pi - (angle - pi_rest), angle).with_sign_of(y)
