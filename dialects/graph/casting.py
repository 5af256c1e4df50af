"""What a cast means to numbers, from the tables of ONNX's `Cast`; narrow formats by search among the values.

https://onnx.ai/onnx/operators/onnx__Cast.html, https://onnx.ai/onnx/technical/float8.html
"""

from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import IntegerType, ReducedPrecisionFloatType
from xdsl.ir import Attribute

from penstock.dialects.element_types import element_type, is_integer, is_narrow, is_whole, numpy_dtype
from penstock.dialects.graph.base import Array, Wide, wide
from penstock.dialects.minifloats import is_minifloat, minifloat, values

Codes = NDArray[np.int64]
Rounding = Literal["up", "down", "nearest"]
"""How a number becomes a power of two: away from zero, towards it, or to the nearest, ties away from zero."""
ROUNDINGS: tuple[Rounding, ...] = ("up", "down", "nearest")


def converted(x: Array, to: Attribute, saturate: bool = True, rounding: Rounding = "up") -> Array:
    """The numbers in another element type, as `graph.cast` says."""
    source = element_type(x.dtype)
    if source == to:
        return x
    numbers = values(source)[x.view(np.uint8)] if is_minifloat(source) else x
    if is_minifloat(to):
        return from_codes(encoded(numbers, to, saturate, rounding), to)
    if is_narrow(to) and is_integer(to):
        return from_codes(_low_bits(numbers, to), to)
    return machine_cast(wide(x) if is_narrow(source) and is_integer(source) else numbers, numpy_dtype(to))


def from_codes(codes: Codes, element: Attribute) -> Array:
    """Codes as an array of a narrow element type."""
    return codes.astype(np.uint8).view(numpy_dtype(element))


def _low_bits(x: Array, to: IntegerType) -> Codes:
    """Integers modulo 2^width; reals are cut to 32 bits first."""
    whole = wide(x) if is_whole(x.dtype) else _saturate(wide(x), np.dtype(np.int32)).astype(np.int64)
    return cast(Codes, whole) & ((1 << to.width.data) - 1)


def encoded(x: Array, to: ReducedPrecisionFloatType, saturate: bool, rounding: Rounding) -> Codes:
    """The codes of numbers in a format of at most 8 bits."""
    numbers = x.astype(np.float64)
    if minifloat(to).is_scale:
        return _powers(numbers, saturate, rounding)
    form = minifloat(to)
    magnitude = _nearest(np.abs(numbers), to)
    beyond = form.infinity if form.infinity is not None else form.nan
    over = magnitude > form.greatest
    top = form.greatest if saturate or beyond is None else beyond
    magnitude = np.where(over, top, magnitude)
    # A format without NaN has -0 for it: https://onnx.ai/onnx/technical/float4.html says 6, the suite -0.
    undefined = form.sign if form.nan is None else form.nan
    magnitude = np.where(np.isnan(numbers), undefined, magnitude)
    signed = np.signbit(numbers) & (form.has_negative_zero | (magnitude != 0))
    return np.where(signed, magnitude | form.sign, magnitude)


def _nearest(x: Wide, to: ReducedPrecisionFloatType) -> Codes:
    """The magnitude of the nearest number, of two the even one, counted on by one beyond the greatest."""
    greatest, finite = minifloat(to).greatest, values(to)[: minifloat(to).greatest + 1]
    grid = np.append(finite, 2 * finite[-1] - finite[-2])
    upper = np.minimum(np.searchsorted(grid, x), greatest + 1)
    lower = np.maximum(upper - 1, 0)
    middle = (grid[lower] + grid[upper]) / 2
    closer = (x > middle) | ((x == middle) & (upper % 2 == 0))
    return np.where(closer, upper, lower)


def _powers(x: NDArray[np.float64], saturate: bool, rounding: Rounding) -> Codes:
    """Magnitudes rounded to powers of two: code k is 2^(k - 127), 255 is NaN, and nothing is zero."""
    fraction, above = np.frexp(np.abs(x))
    least_to_round_up = {"up": np.nextafter(0.5, 1), "nearest": 0.75, "down": np.inf}[rounding]
    codes = np.where(x == 0, -1, above - 1 + (fraction >= least_to_round_up) + 127).astype(np.int64)
    codes = np.where(np.isinf(x), 255, codes)
    bounded = np.clip(codes, 0, 254) if saturate else np.where((codes < 0) | (codes > 254), 255, codes)
    return np.where(np.isnan(x), 255, bounded)


def machine_cast(x: Array, dtype: np.dtype[np.generic]) -> Array:
    """The cast between types that machines compute with: reals saturate as integers, integers wrap."""
    saturates = dtype.kind in "iu" and x.dtype.kind not in "biu"
    return _saturate(wide(x), dtype) if saturates else x.astype(dtype)


def _saturate(x: Wide, dtype: np.dtype[np.generic]) -> Array:
    """Truncate to integers; the greatest one is set apart because 2^63 - 1 is no double."""
    info = np.iinfo(np.dtype(dtype.str))
    whole = np.nan_to_num(np.trunc(x), nan=0.0, posinf=np.inf, neginf=-np.inf)
    inside = np.maximum(np.where(whole >= float(info.max), 0, whole), float(info.min)).astype(dtype)
    return np.where(whole >= float(info.max), np.asarray(info.max, dtype), inside)
