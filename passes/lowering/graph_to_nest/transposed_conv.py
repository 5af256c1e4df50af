"""Transposed convolution as gathering nests: each result element sums the products that reach it.

Along a spatial dim, result position j = s t + r (stride s) is reached by the taps k with j + pad - k d = s i.  They are
every `s / gcd(s, d)`-th tap, from a first one that depends on r.  Residues r whose taps are the same up to a shift by r
form one piece: within it, all accesses are linear in t, r and the number of the tap.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from math import gcd

from xdsl.ir import Operation, SSAValue

from penstock.dialects.graph.base import GraphOp, channel_axis, spatial_axes
from penstock.dialects.graph.linear import ConvTransposeOp
from penstock.dialects.graph.window import halves
from penstock.dialects.nest.access import Access
from penstock.dialects.nest.ops import DimAttr, Read, Write, element_of, parallel, reduction, shape_of
from penstock.passes.lowering.graph_to_nest.builder import Expression, Lowering, padded_read
from penstock.passes.lowering.graph_to_nest.linear import arrange, multiply_add
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars, number_attr, working

Rule = Callable[[GraphOp, Lowering], None]


@dataclass(frozen=True)
class Piece:
    """Residues first, first + 1, ... of one spatial dim: j = s t + r + first, k = r + tap + step m, i = t + shift - back m."""

    first: int
    residues: int
    repeats: int
    taps: int
    tap: int
    step: int
    shift: int
    back: int


@dataclass(frozen=True)
class Spatial:
    """One spatial dim of a transposed convolution."""

    size: int
    kernel: int
    stride: int
    dilation: int
    pad: int

    def pieces(self) -> Iterator[Piece]:
        """The pieces that together are all result positions."""
        for _, group in groupby(range(min(self.stride, self.size)), self._kind):
            members = list(group)
            yield self._piece(members[0], len(members))

    def _taps(self, residue: int) -> list[int]:
        """The taps that reach positions of a residue."""
        return [k for k in range(self.kernel) if (residue + self.pad - k * self.dilation) % self.stride == 0]

    def _kind(self, residue: int) -> tuple[int, ...]:
        """What residues of one piece have in common."""
        taps = self._taps(residue)
        repeats = (self.size - residue - 1) // self.stride
        return (repeats, len(taps), taps[0] - residue, self._shift(residue, taps[0])) if taps else (repeats,)

    def _shift(self, residue: int, tap: int) -> int:
        return (residue + self.pad - tap * self.dilation) // self.stride

    def _piece(self, first: int, residues: int) -> Piece:
        taps, common = self._taps(first), gcd(self.stride, self.dilation)
        tap = taps[0] if taps else 0
        repeats = (self.size - first - 1) // self.stride + 1
        return Piece(first, residues, repeats, len(taps), tap, self.stride // common,
                     self._shift(first, tap), self.dilation // common)  # fmt: skip
