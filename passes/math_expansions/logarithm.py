"""Logarithms for `expand-math`: log, log2, log10 and log1p.

A number is split as `2^k (1 + f)` between sqrt(1/2) and sqrt(2) by its bits; `log(1 + f)` is a polynomial
in single format and the atanh series in `s = f / (2 + f)` in double format (as in FreeBSD's e_log.c; W.
Cody and W. Waite, Software Manual for the Elementary Functions, 1980, for the constants in two parts).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan

from penstock.passes.math_expansions import coefficients
from penstock.passes.math_expansions.exponential import LN2
from penstock.passes.math_expansions.formats import DOUBLE, SINGLE
from penstock.passes.math_expansions.terms import Real, Whole, choose, fma, polynomial

SQRT_HALF_BITS = {SINGLE: 0x3F3504F3, DOUBLE: 0x3FE6A09E667F3BCD}


@dataclass(frozen=True)
class Base:
    """A base `b`: `1 / ln b` and `log_b 2` in two parts each, the first of `log_b 2` with trailing zeros."""

    scale: tuple[float, float]
    of_two: tuple[float, float]


BASE_2 = {
    SINGLE: Base((1.4426950216293335, 1.925963033500011e-08), (1.0, 0.0)),
    DOUBLE: Base((1.4426950408889634, 2.0355273740931033e-17), (1.0, 0.0)),
}
BASE_10 = {
    SINGLE: Base((0.4342944920063019, -1.0103049952192578e-08), (0.301025390625, 4.605039066518657e-06)),
    DOUBLE: Base((0.4342944819032518, 1.098319650216765e-17), (0.3010299956640665, -8.532344317057107e-14)),
}


def exponent_in_place(x: Real) -> Whole:
    """`k` at the exponent's place, for a normal number `2^k m` with `m` from sqrt(1/2) to sqrt(2)."""
    form = x.format
    return (x.bits() - SQRT_HALF_BITS[form]) & -(1 << form.fraction_bits)


def small_real(whole: Whole) -> Real:
    """A small integer as a number, by its place in the bits of a large one instead of a conversion."""
    form = next(form for form in (SINGLE, DOUBLE) if form.whole == whole.element)
    return (whole + form.shifter_bits).as_real() - form.shifter


def normalised(x: Real) -> tuple[Real, Real]:
    """`f` and `k` in `x = 2^k (1 + f)` for a positive finite number, subnormal ones too."""
    form = x.format
    tiny = x < form.smallest_normal
    normal = choose(tiny, x * 2.0**form.fraction_bits, x)
    exponent = exponent_in_place(normal)
    k = small_real(exponent >> form.fraction_bits) - choose(tiny, float(form.fraction_bits), x.number(0.0))
    return (normal.bits() - exponent).as_real() - 1.0, k


def atanh_tail(f: Real, table: Sequence[float]) -> Real:
    """`log(1 + f) - f` by the atanh series."""
    s = f / (f + 2.0)
    half_square = f * f * 0.5
    rest = polynomial(s * s, table) * (s * s)
    return s * (half_square + rest) - half_square


def log1p_tail(f: Real) -> Real:
    """`log(1 + f) - f` for `1 + f` between sqrt(1/2) and sqrt(2)."""
    if f.format is SINGLE:
        return polynomial(f, coefficients.LOG_SINGLE) * (f * f)
    return atanh_tail(f, coefficients.LOG_DOUBLE)


def with_limits(x: Real, pole: float, result: Real) -> Real:
    """A logarithm, with what it is at its pole, below it, at infinity and for what is not a number."""
    inside = choose(x > pole, result, choose(x.equals(pole), -inf, x.number(nan)))
    return choose(x < inf, inside, x)


def log(x: Real) -> Real:
    """The natural logarithm."""
    f, k = normalised(x)
    return with_limits(x, 0.0, natural_sum(f, k))


def natural_sum(f: Real, k: Real) -> Real:
    """`k ln 2 + log(1 + f)`, the small parts added first."""
    high, low = LN2[f.format]
    return fma(k, high, f + fma(k, low, log1p_tail(f)))


def log_to_base(x: Real, base: Base) -> Real:
    """The logarithm to a base, the small parts added first."""
    f, k = normalised(x)
    (scale, scale_rest), (two, two_rest) = base.scale, base.of_two
    small = fma(log1p_tail(f), scale, f * scale_rest)
    small = fma(k, two_rest, small) if two_rest else small
    return with_limits(x, 0.0, fma(k, two, fma(f, scale, small)))


def log2(x: Real) -> Real:
    """The logarithm to base 2."""
    return log_to_base(x, BASE_2[x.format])


def log10(x: Real) -> Real:
    """The logarithm to base 10."""
    return log_to_base(x, BASE_10[x.format])


def log1p(x: Real) -> Real:
    """`log(1 + x)`, accurate near zero: `f = x 2^-k + (2^-k - 1)` loses nothing of `x`."""
    form = x.format
    exponent = exponent_in_place(x + 1.0)
    # 4 * 2^-k stays a normal number for the largest k.
    four_over_power = (form.one_bits + (2 << form.fraction_bits) - exponent).as_real()
    f = (x.bits() - exponent).as_real() + fma(four_over_power, 0.25, -1.0)
    k = small_real(exponent >> form.fraction_bits)
    return choose(x.equals(0.0), x, with_limits(x, -1.0, natural_sum(f, k)))
