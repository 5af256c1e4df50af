"""What ops that slide a window over the spatial dims share: sizes, padding and the view that each tap has.

Output position `o` and tap `t` of a window read the padded input at `o * stride + t * dilation`.
"""

from abc import ABC
from collections.abc import Iterator, Sequence
from math import prod
from operator import add
from typing import TypeVar

import numpy as np
from xdsl.dialects.builtin import DenseArrayBase, StringAttr, i64
from xdsl.irdl import prop_def
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.graph.base import (
    CHANNELS_FIRST,
    Array,
    Dim,
    GraphOp,
    dim_of,
    extent_of,
    shape_of,
    size_of,
    spatial_axes,
)
from penstock.dialects.graph.movement import COUNTS, counts_of, in_numbers
from penstock.dialects.sizes import Extent, quotient

Count = TypeVar("Count", bound=Dim | Extent)
Tap = tuple[tuple[int, ...], tuple[slice, ...]]
"""The index of a tap and the part of the padded spatial dims that it reads over all windows."""


def window_dim(size: Dim, kernel: Dim, stride: int, dilation: int, low: Dim, high: Dim) -> Dim:
    """The number of windows of `kernel` taps that fit along a padded dim."""
    if "?" in (size, kernel, low, high):
        return "?"
    span = dilation * (size_of(kernel) - 1) + 1
    rest = size_of(size) + size_of(low) + size_of(high) - span
    if isinstance(rest, int) and rest < 0:
        raise VerifyException(f"a window of {span} does not fit into {size} + {low} + {high} padding")
    return dim_of(quotient(rest, stride) + 1)


def to_channels_first(x: Array, layout: str) -> Array:
    """A view of `x` with the channels behind the batch."""
    return x if layout == CHANNELS_FIRST else np.moveaxis(x, -1, 1)


def from_channels_first(x: Array, layout: str) -> Array:
    """The inverse of `to_channels_first`."""
    return x if layout == CHANNELS_FIRST else np.moveaxis(x, 1, -1)


class Windowed(GraphOp, ABC):
    """An op that slides a window over the spatial dims; pads are (low..., high...) per spatial dim."""

    strides = prop_def(DenseArrayBase.constr(i64))
    pads = prop_def(COUNTS)
    dilations = prop_def(DenseArrayBase.constr(i64))
    layout = prop_def(StringAttr, default_value=StringAttr(CHANNELS_FIRST))

    def verify_window(self, spatial: int, kernel: Sequence[Dim]) -> None:
        """The properties have one sensible entry (pads two) for each spatial dim."""
        strides, pads, dilations = self.window()
        if not spatial == len(kernel) == len(strides) == len(dilations) == len(pads) / 2 or not spatial:
            raise VerifyException(
                f"{self.name}: kernel {list(kernel)}, strides {strides}, pads {pads}, dilations {dilations} "
                f"do not match {spatial} spatial dims"
            )
        known = [[c for c in counts if isinstance(c, int)] for counts in (kernel, pads)]
        if min((*strides, *dilations, *known[0])) < 1 or min(known[1], default=0) < 0:
            raise VerifyException(
                f"{self.name}: kernel {list(kernel)}, strides {strides} and dilations {dilations} "
                f"must be positive, pads {pads} not negative"
            )

    def window(self) -> tuple[tuple[int, ...], tuple[Dim, ...], tuple[int, ...]]:
        """Strides, pads and dilations."""
        return (
            tuple(map(int, self.strides.get_values())),
            counts_of(self.pads),
            tuple(map(int, self.dilations.get_values())),
        )

    def formulas(self) -> Sequence[Dim]:
        return self.window()[1]

    def out_spatial(self, spatial: Sequence[Dim], kernel: Sequence[Dim]) -> list[Dim]:
        """Output sizes of the spatial dims."""
        self.verify_window(len(spatial), kernel)
        strides, pads, dilations = self.window()
        rows = zip(spatial, kernel, strides, dilations, *halves(pads), strict=True)
        return [window_dim(*row) for row in rows]

    def pooled_shape(self, kernel: Sequence[int]) -> list[Dim]:
        """The shape of the result when batch and channels stay."""
        shape = list(shape_of(self.operands[0]))
        axes = spatial_axes(self.layout.data, len(shape))
        for axis, size in zip(axes, self.out_spatial([shape[a] for a in axes], kernel), strict=True):
            shape[axis] = size
        return shape

    def effort(self) -> int:
        """The padding is gone through too, however far apart the windows are."""
        shape = list(shape_of(self.operands[0]))
        pads = [pad if isinstance(pad, int) else 0 for pad in self.window()[1]]
        for axis, pad in zip(
            spatial_axes(self.layout.data, len(shape)), map(add, *halves(pads)), strict=True
        ):
            shape[axis] = extent_of(shape[axis]) + pad
        return super().effort() + prod(map(extent_of, shape))

    def padded(self, x: Array, value: float | int) -> Array:
        """`x` (channels first) with its spatial dims padded by `value`."""
        low, high = halves(in_numbers(self.window()[1]))
        return np.pad(x, [(0, 0), (0, 0), *zip(low, high, strict=True)], constant_values=value)

    def taps(self, out: Sequence[int], kernel: Sequence[int]) -> Iterator[Tap]:
        """Every tap of the window, for `out` positions of the window."""
        strides, _, dilations = self.window()
        for tap in np.ndindex(*kernel):
            starts = [t * d for t, d in zip(tap, dilations, strict=True)]
            rows = zip(starts, out, strides, strict=True)
            yield tap, tuple(slice(start, start + (o - 1) * s + 1, s) for start, o, s in rows)

    def out_sizes(self, padded: Array, kernel: Sequence[int]) -> list[int]:
        """How many windows fit into the padded array along each spatial dim."""
        strides, _, dilations = self.window()
        rows = zip(padded.shape[2:], kernel, strides, dilations, strict=True)
        return [(size - d * (k - 1) - 1) // s + 1 for size, k, s, d in rows]


def halves(pads: Sequence[Count]) -> tuple[Sequence[Count], Sequence[Count]]:
    """The low and the high pads.

    >>> halves((1, 2, 3, 4))
    ((1, 2), (3, 4))
    """
    return pads[: len(pads) // 2], pads[len(pads) // 2 :]
