"""Fused multiply-adds of doubles against rational arithmetic."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from penstock.backends.loops.exact_fma import exact_fma

EDGES = (0.0, -0.0, 1.0, -1.5, 1 + 2.0**-52, 1 - 2.0**-53, 2.0**53 + 2, 2.0**-60, -(2.0**-1074), 5e-324)
ENDS = (2.0**-1022, 1e-170, -1e-300, 2.0**1023, -1.7e308, 1e200, math.inf, -math.inf, math.nan)


def rounded_once(a: float, b: float, c: float) -> float:
    if not (math.isfinite(a) and math.isfinite(b) and math.isfinite(c)) or a == 0 or b == 0:
        return c if math.isfinite(a) and math.isfinite(b) and not math.isfinite(c) else a * b + c
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def agree(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> None:
    wanted = [rounded_once(*each) for each in zip(a.tolist(), b.tolist(), c.tolist(), strict=True)]
    with np.errstate(all="ignore"):
        got = exact_fma(a, b, c)
    np.testing.assert_array_equal(got, wanted)
    is_number = ~np.isnan(got)
    np.testing.assert_array_equal(np.signbit(got)[is_number], np.signbit(wanted)[is_number])


def test_edges() -> None:
    numbers = np.array(list(product((*EDGES, *ENDS), repeat=3)))
    agree(*numbers.T)


@pytest.mark.parametrize("scale", [0.0, 1.0, 2.0**-30, 2.0**-53, 2.0**-54, 2.0**60])
def test_random_numbers(scale: float) -> None:
    a, b, noise = np.random.default_rng(0).standard_normal((3, 3000))
    agree(a, b, -a * b + scale * noise)


@pytest.mark.parametrize("away", [0, 1, -1])
def test_ties_and_what_is_next_to_them(away: int) -> None:
    bits = np.random.default_rng(1).integers(2**52, 2**53, 2000).astype(np.float64)
    tail = np.full(2000, 0.5 + away * 2.0**-52)
    agree(tail, np.ones(2000), bits)
    agree(tail * 2.0**-1, np.full(2000, 2.0), -bits)


def test_operands_broadcast() -> None:
    y = exact_fma(np.ones((2, 1)), np.full((1, 3), 2.0), np.array(3.0))
    np.testing.assert_array_equal(y, np.full((2, 3), 5.0))


def test_numbers_stay_numbers() -> None:
    a, b, c = (np.array(x) for x in (2.0, 3.0, 1.0))
    y = exact_fma(a, b, c)
    assert (np.ndim(y), float(y)) == (0, 7.0)
