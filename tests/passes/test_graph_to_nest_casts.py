"""Casts from and to narrow types: every code, and every number at which rounding turns, at each level."""

from itertools import product

import ml_dtypes
import numpy as np
import pytest
from xdsl.dialects.builtin import StringAttr

from penstock.dialects.element_types import bit_size, element_type
from penstock.dialects.graph.base import flag
from penstock.dialects.graph.casting import ROUNDINGS, Rounding, converted
from penstock.dialects.graph.elementwise import CastOp
from penstock.dialects.minifloats import is_minifloat, values
from tests.passes.lowering_kit import Array, check_op
from tests.passes.lowering_samples import BFLOAT16, BOOL, INTEGERS, specials

DType = np.dtype[np.generic]
names = pytest.mark.parametrize

MINIFLOATS = [
    np.dtype(t)
    for t in (
        ml_dtypes.float8_e4m3fn,
        ml_dtypes.float8_e4m3fnuz,
        ml_dtypes.float8_e5m2,
        ml_dtypes.float8_e5m2fnuz,
        ml_dtypes.float6_e2m3fn,
        ml_dtypes.float6_e3m2fn,
        ml_dtypes.float4_e2m1fn,
    )
]
SCALE = np.dtype(ml_dtypes.float8_e8m0fnu)
SMALL_INTEGERS = [np.dtype(t) for t in (ml_dtypes.int4, ml_dtypes.uint4, ml_dtypes.int2, ml_dtypes.uint2)]
FLOATS = [np.dtype(np.float16), BFLOAT16, np.dtype(np.float32), np.dtype(np.float64)]


def every_code(dtype: DType) -> Array:
    """Each byte a buffer may hold, codes with stray bits above them included."""
    return np.arange(256, dtype=np.uint8).view(dtype)


def turning_points(target: DType, source: DType) -> Array:
    """All values of a format, the middles between neighbours, and what lies next to each in another type."""
    element = element_type(target)
    assert is_minifloat(element)
    finite = values(element)[np.isfinite(values(element))]
    grid = np.unique(np.abs(np.append(finite, [2 * finite.max(), 1e30, 1e-30])))
    points = np.concatenate([grid, (grid[1:] + grid[:-1]) / 2])
    with np.errstate(all="ignore"):
        held = np.concatenate([points, -points, [np.inf, -np.inf, np.nan, -np.nan]]).astype(source)
        if source == BFLOAT16:
            return held
        near = [np.nextafter(held, np.array(end, source)) for end in (np.inf, -np.inf)]
    return np.concatenate([held, *near])


@names("source", [*MINIFLOATS, SCALE, *SMALL_INTEGERS], ids=str)
@names("target", [*FLOATS, np.dtype(np.int8), np.dtype(np.uint16), np.dtype(np.int64), BOOL], ids=str)
def test_every_code_is_read(source: DType, target: DType) -> None:
    check_op(CastOp, [every_code(source)], {"to": element_type(target)}, ulps=0.5)


@names("source", [*MINIFLOATS, SCALE, *SMALL_INTEGERS], ids=str)
def test_the_reference_reads_codes_as_ml_dtypes_does(source: DType) -> None:
    codes = every_code(source)[: 1 << bit_size(element_type(source))]
    got = converted(codes, element_type(np.dtype(np.float64)))
    np.testing.assert_array_equal(got, codes.astype(np.float64))


@names("target", MINIFLOATS, ids=str)
@names("source", FLOATS, ids=str)
@names("saturate", [False, True])
def test_reals_become_the_nearest_code(source: DType, target: DType, saturate: bool) -> None:
    x = turning_points(target, source)
    check_op(CastOp, [x], {"to": element_type(target), "saturate": flag(saturate)}, ulps=0)


@names("target", MINIFLOATS, ids=str)
@names("source", FLOATS, ids=str)
def test_the_reference_rounds_as_ml_dtypes_does(source: DType, target: DType) -> None:
    """Except that ml_dtypes rounds doubles twice, and that NaN is nothing in a format that has none."""
    x = turning_points(target, source)
    if source == np.float64:
        with np.errstate(over="ignore"):
            x = x.astype(np.float32)
    if bit_size(element_type(target)) < 8:
        x = x[~np.isnan(x)]
    got, wanted = converted(x, element_type(target), saturate=False), x.astype(target)
    np.testing.assert_array_equal(got.view(np.uint8), wanted.view(np.uint8))


@names("source", FLOATS, ids=str)
@names(("saturate", "rounding"), list(product([False, True], ROUNDINGS)))
def test_reals_become_powers_of_two(source: DType, saturate: bool, rounding: Rounding) -> None:
    properties = {"saturate": flag(saturate), "rounding": StringAttr(rounding)}
    x = np.concatenate([turning_points(SCALE, source), specials(source)])
    check_op(CastOp, [x], {"to": element_type(SCALE), **properties}, ulps=0)


SCALES: list[tuple[float, bool, Rounding, float]] = [
    (0.0, True, "up", 2.0**-127),
    (0.0, False, "nearest", np.nan),
    (np.inf, True, "up", 2.0**127),
    (np.inf, False, "nearest", np.nan),
    (2.0**127 * 1.4, False, "nearest", 2.0**127),
    (2.0**127 * 1.5, False, "nearest", np.nan),
    (1.5, True, "nearest", 2.0),
    (1.49, True, "nearest", 1.0),
    (1.01, True, "up", 2.0),
    (1.99, True, "down", 1.0),
    (-4.0, True, "up", 4.0),
    (2.0**-128, False, "up", np.nan),
    (2.0**-128, True, "down", 2.0**-127),
]


@names(("x", "saturate", "rounding", "wanted"), SCALES)
def test_powers_of_two_by_hand(x: float, saturate: bool, rounding: Rounding, wanted: float) -> None:
    got = converted(np.array([x], np.float64), element_type(SCALE), saturate, rounding)
    np.testing.assert_array_equal(got.astype(np.float64), [wanted])


@names("target", [*MINIFLOATS, SCALE, *SMALL_INTEGERS], ids=str)
@names("source", [*INTEGERS, BOOL], ids=str)
def test_integers_become_codes(source: DType, target: DType) -> None:
    small = np.arange(128).astype(source)
    check_op(CastOp, [np.concatenate([specials(source), small])], {"to": element_type(target)}, ulps=0)


@names("target", SMALL_INTEGERS, ids=str)
@names("source", FLOATS, ids=str)
def test_reals_wrap_as_small_integers(source: DType, target: DType) -> None:
    x = np.concatenate([specials(source), np.arange(-20, 20).astype(source)])
    check_op(CastOp, [x], {"to": element_type(target)}, ulps=0)


@names("source", [*MINIFLOATS, SCALE, *SMALL_INTEGERS], ids=str)
@names("target", [*MINIFLOATS, SCALE, *SMALL_INTEGERS], ids=str)
def test_from_narrow_to_narrow(source: DType, target: DType) -> None:
    check_op(CastOp, [every_code(source)], {"to": element_type(target)}, ulps=0)
