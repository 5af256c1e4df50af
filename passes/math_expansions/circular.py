"""Circular functions for `expand-math`: sin, cos and tan.

The argument is reduced to an eighth of a turn by multiples of pi/2 in two (single format) or three (double
format) parts with fused multiply-adds (W. Cody and W. Waite, 1980; S. Boldo, M. Daumas and R.-C. Li,
Formally verified argument reduction with a fused multiply-add, IEEE TC 58, 2009). The reduction runs in
double format for single arguments too, so that the stated accuracy holds up to `REDUCIBLE`; beyond it the
result is not a number.
"""

from math import nan

from penstock.passes.math_expansions import coefficients
from penstock.passes.math_expansions.exponential import nearest_whole
from penstock.passes.math_expansions.formats import SINGLE
from penstock.passes.math_expansions.terms import Real, Whole, choose, fma, polynomial

REDUCIBLE = 2.0**45
TWO_OVER_PI = 0.6366197723675814
HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)


def reduced(x: Real) -> tuple[Real, Whole]:
    """`r` and `q` in `x = q pi/2 + r` for a double, `q` in the low bits of its word."""
    count, quadrant = nearest_whole(x, TWO_OVER_PI)
    for part in HALF_PI:
        x = fma(count, -part, x)
    return x, quadrant


def sine_near_zero(r: Real, single: bool) -> Real:
    """`sin(r)` for an eighth of a turn at most."""
    square = r * r
    tail = polynomial(square, coefficients.SIN_SINGLE if single else coefficients.SIN_DOUBLE)
    return fma(tail * square, r, r)


def cosine_near_zero(r: Real, single: bool) -> Real:
    """`cos(r)` for an eighth of a turn at most."""
    square = r * r
    tail = polynomial(square, coefficients.COS_SINGLE if single else coefficients.COS_DOUBLE)
    return fma(fma(tail, square, -0.5), square, 1.0)


def _turned(x: Real, quarters: int) -> Real:
    """`sin(x + quarters pi/2)`."""
    single = x.format is SINGLE
    r, quadrant = reduced(x.widened() if single else x)
    r = r.narrowed() if single else r
    turned = quadrant + quarters if quarters else quadrant
    result = choose(turned.has_bit(1), cosine_near_zero(r, single), sine_near_zero(r, single))
    result = choose(turned.has_bit(2), -result, result)
    return choose(abs(x) <= REDUCIBLE, result, nan)


def sin(x: Real) -> Real:
    """The sine."""
    return choose(x.equals(0.0), x, _turned(x, 0))


def cos(x: Real) -> Real:
    """The cosine."""
    return _turned(x, 1)


def tan(x: Real) -> Real:
    """The tangent; of a single, as a quotient of doubles with the sine and cosine of single accuracy."""
    single = x.format is SINGLE
    r, quadrant = reduced(x.widened() if single else x)
    sine, cosine = sine_near_zero(r, single), cosine_near_zero(r, single)
    odd = quadrant.has_bit(1)
    quotient = choose(odd, -cosine, sine) / choose(odd, sine, cosine)
    result = quotient.narrowed() if single else quotient
    in_range = choose(abs(x) <= REDUCIBLE, result, nan)
    return choose(x.equals(0.0), x, in_range)
