"""`tile`: split loops as scheduled into a loop over tiles and a loop inside of the tile.

for i < 100   ->   for i < 14, i.r < 7  with  i := 7*i + i.r,   and a nest for the last 2

How many are left of an open size is known only at run time: they are taken in smaller tiles, then one by one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from penstock.dialects.nest.access import Row, Substitution
from penstock.dialects.nest.ops import ComputeOp
from penstock.dialects.nest.schedule import BLOCK, INNER, Schedule, smaller_tile
from penstock.dialects.sizes import Extent
from penstock.passes.nest_rewriting import change_loops, kernels, nests
from penstock.passes.partial_folds import can_go_on, in_sequence

SHORT = 8
"""So many tiles of a sum can be unrolled."""
EVEN = 8
"""Tiles of a multiple of this fill vectors."""
Part = tuple[Extent, Extent, int]
"""Where tiles begin, how many there are, and their size."""


@dataclass(frozen=True)
class TilePass(ModulePass):
    """Carry out the `tiles` of every schedule; a remainder becomes a nest of its own."""

    name = "tile"
    numerics: ClassVar[str] = "reassociates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for nest in [n for k in kernels(op) for n in nests(k)]:
            schedule = Schedule.of(nest)
            if schedule is None:
                continue
            pieces = [nest.clone()]
            for label, size in schedule.tiles.items():
                smaller = smaller_tile(size, schedule.lanes if label == schedule.vector else None)
                split = (label, (size, *smaller), label, label + INNER)
                pieces = [part for piece in pieces for part in tile(piece, *split)]
            for label, count in schedule.blocks.items():
                split = (label, (count,), label + BLOCK, label)
                pieces = [part for piece in pieces for part in tile(piece, *split)]
            Rewriter.replace_op(nest, pieces, [])


def tile(nest: ComputeOp, label: str, sizes: Sequence[int], outer: str, inner: str) -> list[ComputeOp]:
    """Split a loop into `outer` and `inner`: the nest, and others for the remainder if there is one.

    Of the sizes of tiles, those behind the first are for the remainder of an open size.  The remainder of a
    reduction goes on with the results of the whole tiles.
    """
    loop = [d.label.data for d in nest.loops].index(label)
    parts = list(
        _parts_of_fold(nest, loop, sizes)
        if nest.loops[loop].is_reduction
        else _parts(nest.iterations[loop], sizes)
    )
    pieces = [nest, *(nest.clone() for _ in parts[1:])]
    for piece, part in zip(pieces, parts, strict=True):
        _split(piece, loop, (outer, inner), *part)
    return in_sequence(pieces) if nest.loops[loop].is_reduction else pieces


def _parts(extent: Extent, sizes: Sequence[int]) -> Iterator[Part]:
    """All whole tiles, and what they leave over."""
    whole, rest = extent // sizes[0], extent % sizes[0]
    if isinstance(rest, int):
        yield from [(0, whole, sizes[0])] * bool(whole or not rest)
        yield from [(whole * sizes[0], 1, rest)] * bool(rest)
    else:
        yield from (part for part in parts_of_open(extent, sizes) if part[1] != 0)


def _parts_of_fold(nest: ComputeOp, loop: int, sizes: Sequence[int]) -> Iterator[Part]:
    """The same for a reduction: a short one is one tile, and what cannot go on has tiles that divide it."""
    extent, size = nest.iterations[loop], sizes[0]
    if extent % size == 0 or can_go_on(nest) and not is_short(extent, size):
        yield from _parts(extent, sizes)
    else:
        # One by one where the number is known only at run time.
        fit = tile_that_divides(extent, size) if isinstance(extent, int) else 1
        yield 0, extent // fit, fit


def is_short(extent: Extent, size: int) -> bool:
    """Whether a reduction is a single tile rather than several and a remainder."""
    return isinstance(extent, int) and extent <= SHORT * size


def tile_that_divides(extent: int, size: int) -> int:
    """A tile of about a size that leaves nothing over: all of a short loop.

    >>> tile_that_divides(197, 64), tile_that_divides(1000, 64), tile_that_divides(15130, 64)
    (197, 40, 34)
    """
    if is_short(extent, size):
        return extent
    divisors = [d for d in range(1, size + 1) if extent % d == 0]
    return max(divisors, key=lambda d: (d % EVEN == 0, d))


def parts_of_open(extent: Extent, sizes: Sequence[int]) -> Iterator[Part]:
    """Tiles of several sizes: each size takes what those before it leave."""
    start: Extent = 0
    for size in (*sizes, 1):
        count = (extent - start) // size
        yield start, count, size
        start = start + count * size


def _split(
    nest: ComputeOp, loop: int, names: tuple[str, str], start: Extent, count: Extent, size: Extent
) -> None:
    """Leave the `count` tiles of `size` iterations that begin at `start`."""
    dims = [d.changed(label=names[0], size=count) if i == loop else d for i, d in enumerate(nest.loops)]
    dims.append(nest.loops[loop].changed(label=names[1], size=size))
    width = len(dims)
    # One tile has no step.
    step = size if isinstance(size, int) else 0

    def row(old: int) -> Row:
        if old != loop:
            return tuple(int(j == old) for j in range(width))
        return tuple(step if j == loop else int(j == width - 1) for j in range(width))

    offsets = tuple(start if old == loop else 0 for old in range(width - 1))
    change_loops(nest, dims, Substitution(tuple(map(row, range(width - 1))), offsets, width))
