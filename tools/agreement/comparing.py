"""How far two arrays are apart, and when they are taken for the same."""

import numpy as np

from penstock.dialects.graph.base import Array, wide

TOLERANCES = {"float16": 1e-2, "float32": 1e-4, "float64": 1e-6}
"""Difference of reals up to which they agree, as part of the largest magnitude."""


def difference(ours: Array, theirs: Array) -> float:
    """The largest difference as part of the largest magnitude."""
    if ours.shape != theirs.shape or not theirs.size:
        return 0.0 if ours.shape == theirs.shape else np.inf
    a, b = wide(ours).astype(np.float64), wide(theirs).astype(np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    largest = float(np.max(np.abs(b[np.isfinite(b)]), initial=0.0))
    with np.errstate(invalid="ignore"):
        apart = float(np.max(np.abs(a - b)[~same], initial=0.0))
    return apart / largest if largest else apart


def moved_rows(ours: Array, theirs: Array) -> int:
    """How many rows of positions stand elsewhere; 0 unless both have the same rows.

    Boxes that are found are listed by score, and scores that are alike to the last digits change places.
    """
    if ours.shape != theirs.shape or not ours.size or ours.ndim < 2:
        return 0
    if ours.dtype.kind != "i" or ours.dtype.itemsize < 4:
        return 0
    a, b = (array.reshape(-1, array.shape[-1]) for array in (ours, theirs))
    is_same = bool((a[np.lexsort(a.T)] == b[np.lexsort(b.T)]).all())
    return int((a != b).any(1).sum()) if is_same else 0


def disagreement(ours: Array, theirs: Array) -> str:
    """Why two outputs are not taken for the same; empty when they are."""
    if ours.dtype != theirs.dtype or ours.shape != theirs.shape:
        return f"{ours.dtype}{list(ours.shape)} for {theirs.dtype}{list(theirs.shape)}"
    if theirs.dtype.name in TOLERANCES:
        apart = difference(ours, theirs)
        return "" if apart <= TOLERANCES[theirs.dtype.name] else f"{apart:.2g} of the largest apart"
    steps = np.abs(wide(ours) - wide(theirs)).max(initial=0)
    # Bytes are quantised values, wider integers are indices and counts.
    return "" if steps <= (1 if theirs.dtype.itemsize == 1 else 0) else f"{steps} apart"
