"""`tile`: split loops as scheduled into a loop over tiles and a loop inside of the tile.

for i < 100   ->   for i < 14, i.r < 7  with  i := 7*i + i.r,   and a nest for the last 2
"""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from penstock.dialects.nest.access import Row, Substitution
from penstock.dialects.nest.ops import ComputeOp
from penstock.dialects.nest.schedule import BLOCK, INNER, Schedule
from penstock.dialects.sizes import Extent
from penstock.passes.nest_rewriting import change_loops, kernels, nests


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
            splits = [(label, size, label, label + INNER) for label, size in schedule.tiles.items()]
            splits += [(label, count, label + BLOCK, label) for label, count in schedule.blocks.items()]
            pieces = [nest]
            for split in splits:
                pieces = [part for piece in pieces for part in tile(piece, *split)]
            Rewriter.insert_op(pieces[1:], InsertPoint.after(nest))


def tile(nest: ComputeOp, label: str, size: int, outer: str, inner: str) -> list[ComputeOp]:
    """Split a loop into `outer` and `inner`: the nest, and another one for the remainder if there is one.

    The remainder of a reduction would have to go on with the sums of the whole tiles, so a reduction is only
    tiled when the size divides it; otherwise all of it stays in the tile.
    """
    loop = [d.label.data for d in nest.loops].index(label)
    extent = nest.iterations[loop]
    whole, rest = extent // size, extent % size
    if nest.loops[loop].is_reduction and rest != 0:
        # Whole, or one by one where the number is known only at run time.
        parts = [(0, 1, extent) if isinstance(extent, int) else (0, extent, 1)]
    elif isinstance(rest, int):
        parts = [(0, whole, size)] * bool(whole or not rest) + [(whole * size, 1, rest)] * bool(rest)
    else:
        # How many are left is known only at run time: they are taken one by one.
        parts = [(0, whole, size)] * (whole != 0) + [(whole * size, rest, 1)]
    pieces = [nest, *(nest.clone() for _ in parts[1:])]
    for piece, part in zip(pieces, parts, strict=True):
        _split(piece, loop, (outer, inner), *part)
    return pieces


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
