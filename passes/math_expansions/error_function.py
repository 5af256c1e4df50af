"""The error function for `expand-math`: one polynomial below 1 and one above, chosen between.

Above 1 the fourth root of `1 - erf(x)` is approximated in single format, `(1 - erf(x)) exp(x^2)` in double
format: both are smooth where `erf` itself bends (the second as in W. Cody, Rational Chebyshev
approximations for the error function, Math. Comp. 23, 1969).
"""

from penstock.passes.math_expansions import coefficients
from penstock.passes.math_expansions.exponential import shifted_exp
from penstock.passes.math_expansions.formats import DOUBLE, SINGLE
from penstock.passes.math_expansions.terms import Real, choose, fma, polynomial

ERF_IS_ONE = {SINGLE: 4.0, DOUBLE: 6.0}
NEAR = {SINGLE: coefficients.ERF_NEAR_SINGLE, DOUBLE: coefficients.ERF_NEAR_DOUBLE}


def _complement_above_one(magnitude: Real) -> Real:
    """`1 - erf(x)` for `x` from 1 to where `erf` rounds to 1."""
    if magnitude.format is SINGLE:
        root = polynomial(magnitude - 2.5, coefficients.ERF_FAR_SINGLE)
        square = root * root
        return square * square
    return polynomial(magnitude - 3.5, coefficients.ERF_FAR_DOUBLE) * shifted_exp(-(magnitude * magnitude), 0)


def erf(x: Real) -> Real:
    """The error function."""
    magnitude = abs(x)
    bound = ERF_IS_ONE[x.format]
    far = 1.0 - _complement_above_one(choose(magnitude > bound, bound, magnitude))
    near = fma(polynomial(magnitude * magnitude, NEAR[x.format]), magnitude, magnitude)
    return choose(magnitude > 1.0, far, near).with_sign_of(x)
