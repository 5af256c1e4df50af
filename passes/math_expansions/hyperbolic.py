"""Hyperbolic functions and their inverses for `expand-math`, from `exp(x) - 1` and `log(1 + x)`.

The inverses in single format are computed in double format: they are rare, and their formulas amplify
errors.
"""

from math import nan

from penstock.passes.math_expansions.exponential import LN2, shifted_exp, shifted_expm1
from penstock.passes.math_expansions.formats import DOUBLE, SINGLE
from penstock.passes.math_expansions.logarithm import log1p
from penstock.passes.math_expansions.terms import Mask, Real, choose

# Beyond the first number tanh rounds to 1, beyond the second sinh and cosh overflow.
TANH_IS_ONE = {SINGLE: 10.0, DOUBLE: 20.0}
SINH_OVERFLOWS = {SINGLE: 89.6, DOUBLE: 710.7}
# Above it, `x + 1` rounds to `x`, and so does the root of `x^2 + 1`.
ONE_IS_NOTHING = 2.0**56


def tanh(x: Real) -> Real:
    """The hyperbolic tangent, `e / (e + 2)` with `e = exp(2 |x|) - 1`."""
    magnitude = abs(x)
    bound = TANH_IS_ONE[x.format]
    bounded = choose(magnitude > bound, bound, magnitude)
    e = shifted_expm1(bounded + bounded, 0)
    return (e / (e + 2.0)).with_sign_of(x)


def sinh(x: Real) -> Real:
    """The hyperbolic sine, `(e + e / (e + 1)) / 2` with `e = exp(|x|) - 1`; a quarter of `e` is in range."""
    magnitude = abs(x)
    bound = SINH_OVERFLOWS[x.format]
    quarter = shifted_expm1(choose(magnitude > bound, bound, magnitude), -2)
    result = (quarter + quarter / (quarter * 4.0 + 1.0)) * 2.0
    tiny = magnitude < 2.0 ** -(x.format.fraction_bits // 2 + 2)
    return choose(tiny, x, result.with_sign_of(x))


def cosh(x: Real) -> Real:
    """The hyperbolic cosine, `(e + 1 / e) / 2` with `e = exp(|x|)`; a quarter of `e` is in range."""
    magnitude = abs(x)
    bound = SINH_OVERFLOWS[x.format]
    quarter = shifted_exp(choose(magnitude > bound, bound, magnitude), -2)
    return (quarter + 0.0625 / quarter) * 2.0


def _log1p_with_ln2(x: Real, large: Mask) -> Real:
    """`log(1 + x)`, and `log(2 x)` where `x` is large."""
    return log1p(x) + choose(large, sum(LN2[DOUBLE]), x.number(0.0))


def asinh(x: Real) -> Real:
    """The inverse hyperbolic sine, `log1p(a + a^2 / (1 + sqrt(a^2 + 1)))` with `a = |x|`."""
    if x.format is SINGLE:
        return asinh(x.widened()).narrowed()
    a = abs(x)
    square = a * a
    large = a > ONE_IS_NOTHING
    argument = choose(large, a, a + square / ((square + 1.0).sqrt() + 1.0))
    return _log1p_with_ln2(argument, large).with_sign_of(x)


def acosh(x: Real) -> Real:
    """The inverse hyperbolic cosine, `log1p(t + sqrt(2 t + t^2))` with `t = x - 1`."""
    if x.format is SINGLE:
        return acosh(x.widened()).narrowed()
    t = x - 1.0
    large = x > ONE_IS_NOTHING
    result = _log1p_with_ln2(choose(large, x, t + (t * (t + 2.0)).sqrt()), large)
    return choose(x < 1.0, nan, result)


def atanh(x: Real) -> Real:
    """The inverse hyperbolic tangent, `log1p(2 a / (1 - a)) / 2` with `a = |x|`."""
    if x.format is SINGLE:
        return atanh(x.widened()).narrowed()
    a = abs(x)
    return (log1p((a + a) / (1.0 - a)) * 0.5).with_sign_of(x)
