"""Random arrays for tests: small numbers of both signs, with zeros and equal ones among them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]


def random_array(rng: np.random.Generator, shape: Sequence[int], dtype: np.dtype[np.generic]) -> Array:
    """An array of a shape and type; reals are between -3 and 3, a tenth of them whole numbers."""
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(dtype)
    if dtype.kind in "iu":
        return rng.integers(0 if dtype.kind == "u" else -9, 10, shape).astype(dtype)
    numbers = rng.uniform(-3, 3, shape)
    return np.where(rng.random(shape) < 0.1, np.round(numbers), numbers).astype(dtype)
