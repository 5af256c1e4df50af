"""Computed positions in the bodies of nests, and tables of positions that are in truth linear."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import memref
from xdsl.dialects.builtin import IndexType, i64
from xdsl.ir import SSAValue

from penstock.dialects import arith_ext
from penstock.dialects.nest.access import Access
from penstock.dialects.nest.ops import ApplyOp, ConstantOp
from penstock.dialects.sizes import Extent
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars

Positions = NDArray[np.int64]

INDEX = IndexType()


@dataclass(frozen=True)
class Ramp:
    """A table `t[factor * q + r] = first + along_q * q + along_r * r`, with r less than the factor."""

    factor: int
    first: int
    along_q: int
    along_r: int


@dataclass(frozen=True)
class Piece:
    """`count` blocks from block `start` of the rows of a table, whose columns are ramps."""

    start: int
    count: int
    factor: int
    ramps: tuple[Ramp, ...]


def ramp_of(table: Positions, factors: Sequence[int] = ()) -> Ramp | None:
    """The table as a ramp with the least factor (of those given) that fits, if there is one.

    >>> ramp_of(np.array([3, 2, 1]))
    Ramp(factor=1, first=3, along_q=-1, along_r=0)
    >>> ramp_of(np.array([0, 0, 1, 1]))
    Ramp(factor=2, first=0, along_q=1, along_r=0)
    >>> ramp_of(np.array([0, 0, 1]))
    """
    for factor in factors or _divisors(table.size):
        grid = table.reshape(-1, factor)
        down, across = (_step(grid, axis) for axis in (0, 1))
        q, r = np.indices(grid.shape, sparse=True)
        if table.size and np.array_equal(grid, table[0] + down * q + across * r):
            return Ramp(factor, int(table[0]), down, across)
    return None


def _divisors(size: int) -> list[int]:
    return [factor for factor in range(1, size // 2 + 1) if size % factor == 0] or [1]


def _step(grid: Positions, axis: int) -> int:
    """The first difference along an axis; none where there is but one element."""
    return int(np.diff(grid, axis=axis).flat[0]) if grid.shape[axis] > 1 else 0


def pieces_of(table: Positions) -> list[Piece]:
    """The rows of a table in few ranges in which each column is a ramp; empty when that takes too many."""
    rows, columns = table.shape
    # A clamped tap ends a range, and every tap is clamped at either end.
    most = 2 * columns + 1
    cuts = [_cut(table.reshape(-1, factor, columns), most) for factor in _divisors(rows)]
    return min([pieces for pieces in cuts if pieces] or [list[Piece]()], key=len)


def _cut(blocks: NDArray[np.int64], most: int) -> list[Piece]:
    """Ranges of blocks, as long as they can be; empty when one block is no ramp or `most` are not enough."""
    pieces: list[Piece] = []
    start, factor = 0, blocks.shape[1]
    while start < len(blocks) and len(pieces) < most:
        count = _reach(blocks[start:])
        ramps = [
            ramp_of(blocks[start : start + count, :, k].ravel(), [factor]) for k in range(blocks.shape[2])
        ]
        found = tuple(r for r in ramps if r is not None)
        if len(found) < len(ramps):
            return []
        pieces.append(Piece(start, count, factor, found))
        start += count
    return pieces if start == len(blocks) else []


def _reach(blocks: NDArray[np.int64]) -> int:
    """How many blocks follow the first one at equal steps, the same for all rows of a block."""
    if len(blocks) == 1:
        return 1
    step = blocks[1, :1] - blocks[0, :1]
    same = (blocks == blocks[0] + np.arange(len(blocks))[:, None, None] * step).all((1, 2))
    return len(same) if same.all() else int(np.argmin(same))


def known_positions(buffer: SSAValue, size: int) -> Positions | None:
    """The positions in a buffer that is known at compile time, brought into a dim of `size`."""
    if not isinstance(buffer.owner, ConstantOp):
        return None
    try:
        table = buffer.owner.value.array.astype(np.int64)
    except LookupError:
        # A module read back from its text knows its constants by name only.
        return None
    return np.clip(np.where(table < 0, table + size, table), 0, size - 1)


def within(s: Scalars, position: SSAValue, size: Extent) -> SSAValue:
    """A position as an index into a dim: counted from the end if negative, and never outside."""
    wide = s.whole(position, i64)
    from_end = s.add(wide, s.size(size))
    wide = s.select(s.compare("lt", wide, s.constant(0, i64)), from_end, wide)
    wide = s.at_most(s.at_least(wide, s.constant(0, i64)), s.size(size - 1))
    return as_index(s, wide)


def as_index(s: Scalars, position: SSAValue) -> SSAValue:
    """An integer that is known to be inside as an index."""
    return s.add_op(arith_ext.IndexCastOp(position, INDEX))


def index_of(s: Scalars, count: int, loop: int) -> SSAValue:
    """The index of one of `count` loops."""
    return s.add_op(ApplyOp(Access.of(count, loop)))


def load_at(s: Scalars, buffer: SSAValue, indices: Sequence[SSAValue]) -> SSAValue:
    """The element of a buffer at computed indices."""
    return s.add_op(memref.LoadOp.get(buffer, list(indices)))


def store_at(s: Scalars, value: SSAValue, buffer: SSAValue, indices: Sequence[SSAValue]) -> None:
    """Write an element of a buffer at computed indices."""
    s.block.add_op(memref.StoreOp.get(value, buffer, list(indices)))
