"""`a * b + c` of doubles, rounded once: by error-free arithmetic, by fractions near the ends of the range.

S. Boldo and G. Melquiond, "Emulation of a FMA and Correctly Rounded Sums: Proved Algorithms Using Rounding to
Odd", 2008.
"""

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

SPLIT = 2.0**27 + 1
LEAST, MOST = 2.0**-400, 2.0**400
"""Between these no step of the algorithm overflows, and none loses what is below the smallest number."""


def exact_fma(a: Doubles, b: Doubles, c: Doubles) -> Doubles:
    """The sum of a product and a number, element by element."""
    a, b, c = np.broadcast_arrays(a, b, c)
    with np.errstate(all="ignore"):
        result = np.asarray(_rounded_once(a, b, c))
        is_plain = np.asarray(~np.isfinite(a) | ~np.isfinite(b) | (a == 0) | (b == 0))
        result = np.where(is_plain, a * b + c, result)
    factors = (np.abs(a), np.abs(b))
    is_safe = np.logical_and.reduce([(x >= LEAST) & (x <= MOST) for x in factors]) & (np.abs(c) <= MOST)
    rest = np.flatnonzero(~(is_safe | is_plain))
    flat = [np.ravel(x)[rest].tolist() for x in (a, b, c)]
    result.reshape(-1)[rest] = [_by_fractions(*each) for each in zip(*flat, strict=True)]
    return result


def _rounded_once(a: Doubles, b: Doubles, c: Doubles) -> Doubles:
    high, low = _product(a, b)
    middle, lowest = _sum(c, low)
    top, rest = _sum(high, middle)
    return top + _odd_sum(lowest, rest)


def _product(a: Doubles, b: Doubles) -> tuple[Doubles, Doubles]:
    """A product as it is rounded, and what that leaves out (T. J. Dekker, 1971)."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _halves(x: Doubles) -> tuple[Doubles, Doubles]:
    """A number as the sum of two with half as many bits."""
    large = x * SPLIT
    high = large - (large - x)
    return high, x - high


def _sum(a: Doubles, b: Doubles) -> tuple[Doubles, Doubles]:
    """A sum as it is rounded, and what that leaves out (D. E. Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _odd_sum(a: Doubles, b: Doubles) -> Doubles:
    """A sum; where it is not exact, of its two neighbours the one whose last bit is set."""
    total, error = _sum(a, b)
    is_even = np.asarray(total).view(np.int64) % 2 == 0
    towards = np.copysign(np.inf, error)
    return np.where((error != 0) & is_even, np.nextafter(total, towards), total)


def _by_fractions(a: float, b: float, c: float) -> float:
    """The same for finite factors other than 0."""
    if not math.isfinite(c):
        return c
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf
