"""Transposed convolution as gathering nests: each result element sums the products that reach it.

Along a spatial dim, result position j = s t + r (stride s) is reached by the taps k with j + pad - k d = s i.
They are every `s / gcd(s, d)`-th tap from a first one that depends on r.  Neighbouring residues r whose taps
differ by r alone form one piece: within it, all accesses are linear in t, r and the number m of the tap.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from math import gcd

from xdsl.ir import Operation, SSAValue

from penstock.dialects.graph.base import GraphOp, channel_axis, size_of, spatial_axes
from penstock.dialects.graph.linear import ConvTransposeOp
from penstock.dialects.graph.window import halves
from penstock.dialects.nest.ops import DimAttr, Read, Write, element_of, parallel, reduction
from penstock.dialects.nest.sizes import numbers, sizes_of
from penstock.dialects.requirements import equal
from penstock.dialects.sizes import Extent, Size, maximum
from penstock.passes.lowering.graph_to_nest.builder import Expression, Lowering, padded_read
from penstock.passes.lowering.graph_to_nest.linear import Groups, arrange, biases, multiply_add
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars, number_attr, working

Rule = Callable[[GraphOp, Lowering], None]


@dataclass(frozen=True)
class Piece:
    """Some residues of one spatial dim: j = s t + r + first, k = r + tap + step m, i = t + shift - back m."""

    first: int
    residues: int
    repeats: Extent
    taps: Extent
    tap: int
    step: int
    shift: int
    back: int


@dataclass(frozen=True)
class Spatial:
    """One spatial dim of a transposed convolution."""

    size: Extent
    kernel: Extent
    stride: int
    dilation: int
    pad: int

    def pieces(self) -> Iterator[Piece]:
        """The pieces that together are all result positions."""
        for _, group in groupby(range(self._residues), self._kind):
            members = list(group)
            yield self._piece(members[0], len(members))

    @property
    def _residues(self) -> int:
        """The residues that there may be positions of."""
        return min(self.stride, self.size) if isinstance(self.size, int) else self.stride

    @property
    def _step(self) -> int:
        """From a tap that reaches positions of a residue to the next one."""
        return self.stride // gcd(self.stride, self.dilation)

    def _first_tap(self, residue: int) -> int | None:
        """The first tap that reaches positions of a residue, if any does."""
        taps = range(self._step if isinstance(self.kernel, Size) else min(self._step, self.kernel))
        return next((k for k in taps if (residue + self.pad - k * self.dilation) % self.stride == 0), None)

    def _count(self, first: int) -> Extent:
        """The number of taps from a first one on."""
        return maximum(self.kernel - first + (self._step - 1), 0) // self._step

    def _kind(self, residue: int) -> tuple[Extent, ...]:
        """What residues of one piece have in common."""
        tap = self._first_tap(residue)
        repeats = (self.size - residue - 1) // self.stride
        return (
            (repeats,)
            if tap is None
            else (repeats, self._count(tap), tap - residue, self._shift(residue, tap))
        )

    def _shift(self, residue: int, tap: int) -> int:
        return (residue + self.pad - tap * self.dilation) // self.stride

    def _piece(self, first: int, residues: int) -> Piece:
        found = self._first_tap(first)
        tap, taps = (0, 0) if found is None else (found, self._count(found))
        repeats = (self.size - first - 1) // self.stride + 1
        back = self.dilation // gcd(self.stride, self.dilation)
        return Piece(first, residues, repeats, taps, tap, self._step, self._shift(first, tap), back)


def lower_conv_transpose(op: GraphOp, low: Lowering) -> None:
    """y[n, j, oc] = bias + sum over i, k with j + pad = s i + d k, and ic, of x[n, i, ic] * w[ic, oc, k]."""
    assert isinstance(op, ConvTransposeOp)
    x, w, y = low.buffer(op.x), low.buffer(op.w), low.result(op.y)
    (strides, pads, dilations), layout = op.window(), op.layout.data
    sizes = [sizes_of(y)[axis] for axis in spatial_axes(layout, len(sizes_of(y)))]
    low.require(equal(sizes_of(x)[channel_axis(layout, len(sizes_of(x)))], sizes_of(w)[0]))
    lows = numbers([size_of(pad) for pad in halves(pads)[0]])
    rows = zip(sizes, sizes_of(w)[2:], strides, dilations, lows, strict=True)
    for pieces in product(*(Spatial(*row).pieces() for row in rows)):
        loops = _Loops(pieces, strides, layout, op.groups.value.data)
        if all(piece.taps != 0 for piece in pieces):
            _gather(low, loops, x, w, op.bias, y)
        else:
            _fill(low, loops, op.bias, y)


@dataclass(frozen=True)
class _Loops:
    """The loops over one piece of the result: n, t per dim, r per dim, g, oc; then m per dim, ic."""

    pieces: Sequence[Piece]
    strides: Sequence[int]
    layout: str
    groups: int

    @property
    def group(self) -> int:
        """The number of the loop over groups; that over channels of a group follows."""
        return 1 + 2 * len(self.pieces)

    def outer(self, batch: Extent, channels: Extent) -> list[DimAttr]:
        """The parallel loops."""
        repeats = [parallel(f"t{i}", p.repeats) for i, p in enumerate(self.pieces)]
        residues = [parallel(f"r{i}", p.residues) for i, p in enumerate(self.pieces)]
        last = [parallel("g", self.groups), parallel("oc", channels // self.groups)]
        return [parallel("n", batch), *repeats, *residues, *last]

    def written(self) -> list[Expression]:
        """Where the result is written along the spatial dims: s t + r."""
        rank = len(self.pieces)
        return [
            ({1 + i: s, 1 + rank + i: 1}, piece.first)
            for i, (piece, s) in enumerate(zip(self.pieces, self.strides, strict=True))
        ]

    def read(self) -> list[Expression]:
        """Where the input is read along the spatial dims: t + shift - back m."""
        return [({1 + i: 1, self.group + 2 + i: -p.back}, p.shift) for i, p in enumerate(self.pieces)]

    def taps(self) -> list[Expression]:
        """The taps: r + tap + step m."""
        rank = len(self.pieces)
        return [({1 + rank + i: 1, self.group + 2 + i: p.step}, p.tap) for i, p in enumerate(self.pieces)]


def _gather(
    low: Lowering, loops: _Loops, x: SSAValue, w: SSAValue, bias: SSAValue | None, y: SSAValue
) -> None:
    """A piece that taps reach."""
    ins, outs, *_ = sizes_of(w)
    batch, channels, per_group = sizes_of(y)[0], outs * loops.groups, ins // loops.groups
    dims = loops.outer(batch, channels)
    dims += [*(reduction(f"m{i}", p.taps) for i, p in enumerate(loops.pieces)), reduction("ic", per_group)]
    total, g, oc, ic = len(dims), loops.group, loops.group + 1, len(dims) - 1
    kind = working(element_of(y))
    parts, axis = Groups(low, loops.groups, g, total), channel_axis(loops.layout, len(sizes_of(y)))
    x, seen = parts.reached(x, axis, arrange(loops.layout, 0, ic, loops.read()))
    filters = parts.reached(w, 0, [ic, oc, *loops.taps()])
    write = Write(*parts.reached(y, axis, arrange(loops.layout, 0, oc, loops.written())))

    def finish(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        biased = v[0] if bias is None else s.add(v[0], s.real(v[1], kind))
        return [s.real(biased, element_of(y))]

    low.compute(
        dims,
        [padded_read(x, seen, dims, 0), Read(*filters)],
        [write],
        multiply_add,
        extras=biases(low, bias, parts, oc, channels),
        init=[number_attr(0, kind)],
        epilogue=finish,
    )


def _fill(low: Lowering, loops: _Loops, bias: SSAValue | None, y: SSAValue) -> None:
    """A piece that no tap reaches: the bias or zero."""
    axis = channel_axis(loops.layout, len(sizes_of(y)))
    channels = sizes_of(y)[axis]
    dims = loops.outer(sizes_of(y)[0], channels)
    parts, oc = Groups(low, loops.groups, loops.group, len(dims)), loops.group + 1
    write = Write(*parts.reached(y, axis, arrange(loops.layout, 0, oc, loops.written())))
    reads = biases(low, bias, parts, oc, channels)
    low.compute(dims, reads, [write], lambda s, v: v or [s.constant(0, element_of(y))])


RULES: Mapping[type[Operation], Rule] = {ConvTransposeOp: lower_conv_transpose}
