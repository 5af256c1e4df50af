"""Slices whose bounds or dims are sizes known only at run time: bounds as ONNX means them become formulas."""

from collections.abc import Callable

from penstock.dialects.graph.base import Dim, dim_of, size_of
from penstock.dialects.graph.movement import END
from penstock.dialects.requirements import at_most
from penstock.dialects.sizes import Extent, Size, maximum, minimum

Require = Callable[[str], None]
FAR = 2**31 - 1
"""Ends from here on mean all the rest."""


def canonical_bounds(size: int, start: int, end: int, step: int) -> tuple[int, int, int]:
    """The bounds of a slice in one form: the whole is (0, END, 1), and no bound is beyond the dim."""
    first, last, step = slice(start, end, step).indices(size)
    if (first, step) == (0, 1) and last >= size:
        return (0, END, 1)
    # Python reads an end of -1 as the last element; the end before the first one is written as -size - 1.
    return (first, last if last >= 0 else -size - 1, step)


def section_of(dim: Dim, start: Dim, end: Dim, step: int, require: Require) -> tuple[Dim, Dim]:
    """The first position and the number of positions that a slice takes of a dim."""
    size = size_of(dim)
    if step > 0:
        first = _bound(size, start, require, low=0)
        last = size if isinstance(end, int) and end >= FAR else _bound(size, end, require, low=0)
        count = maximum(last - first + (step - 1), 0) // step
    else:
        first = (
            size - 1 if isinstance(start, int) and start >= FAR else _bound(size - 1, start, require, low=-1)
        )
        last = -1 if isinstance(end, int) and end <= -FAR else _bound(size - 1, end, require, low=-1)
        count = maximum(first - last + (-step - 1), 0) // -step
    return dim_of(first), dim_of(count)


def _bound(most: Extent, at: Dim, require: Require, low: int) -> Extent:
    """A bound counted from the front, between `low` and `most`."""
    place = size_of(at)
    if isinstance(place, int) and place < 0:
        # From the end: -1 is the last one, whether or not `most` is the position behind it.
        return maximum(most + place + (1 if low < 0 else 0), low)
    requirement = at_most(place, most)
    if isinstance(place, Size) and isinstance(most, int) and requirement is not None:
        # A call with more would leave less than the model goes on with.
        require(requirement)
        return place
    return minimum(place, most)
