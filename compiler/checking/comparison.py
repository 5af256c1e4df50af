"""Differences between two lists of arrays, bit by bit or against a bound, with their place and values."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from penstock.checking.widening import is_real
from penstock.dialects.resources import Array

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Difference:
    """The largest difference: the array, its element, the two values, and its size against what is allowed.

    Sizes are relative to the largest number of the array before.
    """

    array: int
    place: tuple[int, ...]
    before: str
    after: str
    error: float
    bound: float

    @property
    def is_allowed(self) -> bool:
        """Whether the difference is within its bound."""
        return self.error <= self.bound

    def described(self, names: Sequence[str]) -> str:
        """The difference as a part of a sentence."""
        name = names[self.array] if self.array < len(names) else f"argument {self.array}"
        where = f"'{name}'" + (f" at {list(self.place)}" if self.place else "")
        size = f"error {self.error:.3g}, allowed {self.bound:.3g}"
        return f"{where}: {self.before} became {self.after} ({size})"


NONE = Difference(0, (), "", "", 0.0, 0.0)
BROKEN = Difference(0, (), "", "", inf, 0.0)


_FORMATS = {
    "bfloat16": (2.0**-7, 2.0**127),
    "float16": (2.0**-10, 2.0**15),
    "float32": (2.0**-23, 2.0**127),
    "float64": (2.0**-52, 2.0**1023),
}


def epsilon(array: Array) -> float:
    """The relative distance of two neighbouring numbers of a float type."""
    return _FORMATS[array.dtype.name][0]


def scale_of(array: Array) -> float:
    """The largest finite magnitude in an array of real numbers."""
    magnitudes = np.abs(array.astype(np.float64))
    return float(np.max(magnitudes, where=np.isfinite(magnitudes), initial=0.0))


def same_kind(before: Sequence[Array], after: Sequence[Array]) -> bool:
    """Whether both lists have arrays of equal shapes and element sizes, floats where there are floats."""
    return len(before) == len(after) and all(
        b.shape == a.shape and b.itemsize == a.itemsize and is_real(b) == is_real(a)
        for b, a in zip(before, after, strict=True)
    )


def differing_bits(before: Array, after: Array) -> Mask:
    """Where two arrays differ in their bits; NaN is NaN, a zero has a sign."""
    kind = np.dtype(f"u{before.itemsize}")
    left, right = (np.ascontiguousarray(a).view(kind).reshape(a.shape) for a in (before, after))
    wrong = np.asarray(left != right)
    return wrong & ~(np.isnan(before) & np.isnan(after)) if is_real(before) else wrong


def bit_difference(before: Sequence[Array], after: Sequence[Array]) -> Difference | None:
    """The largest difference in bits, of which none is allowed."""
    found = [_largest(i, b, a, differing_bits(b, a), 0.0) for i, (b, a) in enumerate(_pairs(before, after))]
    return _worst(found)


def bounded_difference(
    before: Sequence[Array], after: Sequence[Array], bounds: Sequence[float]
) -> Difference | None:
    """The difference that is worst against its bound, one bound per array; integers must be equal.

    NaN and infinities stay where they are, except at numbers that the type can hardly hold.
    """
    found = [
        _largest(i, b, a, _different(b, a), bound if is_real(b) else 0.0)
        for i, ((b, a), bound) in enumerate(zip(_pairs(before, after), bounds, strict=True))
    ]
    return _worst(found)


def _pairs(before: Sequence[Array], after: Sequence[Array]) -> list[tuple[Array, Array]]:
    """Arrays side by side; below the graph level integers have lost their sign."""
    return [
        (b, a if is_real(a) else np.ascontiguousarray(a).view(b.dtype).reshape(a.shape))
        for b, a in zip(before, after, strict=True)
    ]


def _different(before: Array, after: Array) -> Mask:
    """Elements that are not equal, a zero of a machine's float being equal to the other zero."""
    if not is_real(before):
        return differing_bits(before, after)
    wrong = np.asarray(before != after)
    wrong &= ~(np.isnan(before) & np.isnan(after))
    same_end = np.equal(np.signbit(before), np.signbit(after))
    return wrong & ~(_near_overflow(before) & _near_overflow(after) & same_end)


def _near_overflow(array: Array) -> Mask:
    """Numbers in the upper half of the range of their type, and infinities."""
    return np.asarray(np.abs(array.astype(np.float64)) >= _FORMATS[array.dtype.name][1])


def _largest(index: int, before: Array, after: Array, wrong: Mask, bound: float) -> Difference | None:
    if not wrong.any():
        return None
    left, right = before.astype(np.float64), after.astype(np.float64)
    with np.errstate(all="ignore"):
        gaps = np.abs(left - right)
    gaps = np.where(wrong, np.where(np.isnan(gaps), inf, gaps), -1.0)
    place = tuple(int(i) for i in np.unravel_index(int(np.argmax(gaps)), gaps.shape))
    scale = max(scale_of(before), scale_of(after)) if is_real(before) else 1.0
    gap = float(gaps[place])
    error = gap / scale if scale else gap
    return Difference(index, place, f"{before[place]}", f"{after[place]}", error, bound)


def _worst(found: Sequence[Difference | None]) -> Difference | None:
    differences = [each for each in found if each is not None]
    return max(differences, key=lambda d: (not d.is_allowed, d.error), default=None)
