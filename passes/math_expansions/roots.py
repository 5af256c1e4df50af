"""The cube root, the reciprocal square root and rounding half away from zero for `expand-math`."""

from math import inf

from penstock.passes.math_expansions import coefficients
from penstock.passes.math_expansions.exponential import power_of_two
from penstock.passes.math_expansions.formats import DOUBLE, SINGLE
from penstock.passes.math_expansions.logarithm import small_real
from penstock.passes.math_expansions.terms import Real, choose, fma, polynomial

GUESS = {SINGLE: coefficients.CBRT_SINGLE, DOUBLE: coefficients.CBRT_DOUBLE}
# A power of eight that makes every subnormal number normal.
RAISE_BITS = {SINGLE: 24, DOUBLE: 54}
CBRT_2 = 1.2599210498948732
CBRT_4 = 1.5874010519681996


def cbrt(x: Real) -> Real:
    """The cube root: a guess for the significand, one step of Halley's iteration, a third of the exponent.

    As in W. Kahan, Computing a real cube root, 1991, with a polynomial as the guess.
    """
    form = x.format
    magnitude = abs(x)
    tiny = magnitude < form.smallest_normal
    bits = choose(tiny, magnitude * 2.0 ** RAISE_BITS[form], magnitude).bits()
    exponent = small_real((bits >> form.fraction_bits) - form.bias)
    third = ((exponent + 0.25) * (1.0 / 3.0)).floor()
    rest = fma(third, -3.0, exponent)
    significand = ((bits & ((1 << form.fraction_bits) - 1)) + form.one_bits).as_real()
    one, two = rest.equals(1.0), rest.equals(2.0)
    guess = polynomial(significand, GUESS[form]) * choose(one, CBRT_2, choose(two, CBRT_4, x.number(1.0)))
    root = _halley_step(guess, significand * choose(one, 2.0, choose(two, 4.0, x.number(1.0))))
    lowered = third - choose(tiny, RAISE_BITS[form] / 3.0, x.number(0.0))
    result = root * power_of_two((lowered + form.shifter).bits(), form)
    regular = (magnitude > 0.0) & (magnitude < inf)
    return choose(regular, result.with_sign_of(x), x)


def _halley_step(guess: Real, cube: Real) -> Real:
    """A cube root with three times the correct digits of the guess."""
    square = guess * guess
    excess = fma(square, guess, -cube)
    return guess - guess * excess / (fma(square * 2.0, guess, cube))


def rsqrt(x: Real) -> Real:
    """The reciprocal of the square root."""
    return 1.0 / x.sqrt()


def round_half_away(x: Real) -> Real:
    """The nearest integer, halves away from zero; adding 1/2 itself would round up what is just below it."""
    below_half = 0.5 - 2.0 ** -(x.format.fraction_bits + 2)
    return (x + x.number(below_half).with_sign_of(x)).trunc()
