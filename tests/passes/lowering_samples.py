"""Operands for the tests of `lower-graph-to-nest`: random and special numbers of every element type."""

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
FLOATS = [np.dtype(t) for t in (np.float16, BFLOAT16, np.float32, np.float64)]
SIGNED = [np.dtype(t) for t in (np.int8, np.int16, np.int32, np.int64)]
UNSIGNED = [np.dtype(t) for t in (np.uint8, np.uint16, np.uint32, np.uint64)]
INTEGERS = [*SIGNED, *UNSIGNED]
BOOL = np.dtype(np.bool_)


def sample(shape: tuple[int, ...], dtype: np.dtype[np.generic], *, seed: int = 0, scale: float = 3) -> Array:
    """Random numbers; integers from the whole range of their type."""
    random = np.random.default_rng(seed)
    if dtype == BOOL:
        return random.integers(0, 2, shape).astype(dtype)
    if dtype.kind in "iu":
        info = np.iinfo(np.dtype(dtype.str))
        return random.integers(info.min, info.max, shape, np.dtype(dtype.str).type, endpoint=True)
    return np.asarray(scale * random.standard_normal(shape)).astype(dtype)


def small(shape: tuple[int, ...], dtype: np.dtype[np.generic], *, seed: int = 0, limit: int = 5) -> Array:
    """Small whole numbers, so that equal ones are frequent; not below zero where the type is unsigned."""
    random = np.random.default_rng(seed)
    low = -limit if dtype.kind not in "ub" else 0
    return random.integers(low, limit + 1, shape).astype(dtype)


def specials(dtype: np.dtype[np.generic]) -> Array:
    """Numbers at which formulas break: extremes, zeros, infinities, NaN, halves."""
    if dtype == BOOL:
        return np.array([False, True])
    if dtype.kind in "iu":
        info = np.iinfo(np.dtype(dtype.str))
        near = [info.min, info.min + 1, info.max - 1, info.max, 0, 1, 2, 3, 7]
        return np.array([*near, -1, -2, -3] if info.min else near, dtype)
    numbers = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.5, 3.0, -7.25, 1e-3, 60000.0, -60000.0]
    return np.array([*numbers, np.inf, -np.inf, np.nan]).astype(dtype)


def all_pairs(dtype: np.dtype[np.generic]) -> tuple[Array, Array]:
    """Every special number against every one, as operands that broadcast."""
    values = specials(dtype)
    return values.reshape(-1, 1), values
