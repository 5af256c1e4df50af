"""Rounding to an integer with additions alone, for `expand-rounding`: exact, and zeros keep their sign.

What is added to the least power of two above which no number has a fraction is rounded to an integer: J.-M.
Muller and others, Handbook of Floating-Point Arithmetic, 2nd ed., 2018.
"""

from penstock.passes.math_expansions.terms import Real, choose


def round_half_even(x: Real) -> Real:
    """The nearest integer, halves to even."""
    return _integer(x, _nearest(x))


def floor(x: Real) -> Real:
    """The greatest integer not above the number."""
    near = _nearest(x)
    return _integer(x, choose(near > x, near - 1.0, near))


def ceil(x: Real) -> Real:
    """The least integer not below the number."""
    near = _nearest(x)
    return _integer(x, choose(near < x, near + 1.0, near))


def trunc(x: Real) -> Real:
    """The integer part."""
    magnitude, near = abs(x), abs(_nearest(x))
    return _integer(x, choose(near > magnitude, near - 1.0, near))


def _nearest(x: Real) -> Real:
    """The nearest integer to a number that may have a fraction."""
    whole = x.number(2.0**x.format.fraction_bits).with_sign_of(x)
    return x + whole - whole


def _integer(x: Real, rounded: Real) -> Real:
    """The rounded number under the sign of the first one, or the first one where it has no fraction."""
    return choose(abs(x) < 2.0**x.format.fraction_bits, rounded.with_sign_of(x), x)
