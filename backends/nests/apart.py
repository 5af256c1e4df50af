"""Whether the iterations of a walked loop leave each other's elements alone, so that any order will do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import memref
from xdsl.ir import SSAValue

from penstock.dialects.nest.access import Access, row_bounds
from penstock.dialects.nest.ops import ComputeOp

Array = NDArray[np.generic]
Buffers = Mapping[SSAValue, Array]
Lanes = frozenset[tuple[int, int, int]]
"""Axes along which iteration h touches none but the elements from `step * (h + first)` up to the next step:
each with that step and that first one."""


@dataclass(frozen=True)
class _Touch:
    """What the iterations of a walked loop do with a buffer at one place of a nest."""

    array: Array
    lanes: Lanes

    def shares_memory(self, other: "_Touch") -> bool:
        """Whether the buffers may overlap."""
        return np.may_share_memory(self.array, other.array)

    def is_of(self, other: "_Touch") -> bool:
        """Whether both touch one buffer, not two that overlap."""
        mine, others = self.array.__array_interface__, other.array.__array_interface__
        return all(mine[key] == others[key] for key in ("data", "shape", "strides", "typestr"))


def are_apart(nests: Sequence[ComputeOp], loops: Sequence[int], buffers: Buffers) -> bool:
    """Whether no iteration of nests that walk a loop touches what another one writes; `False` if unsure."""
    pairs = list(zip(nests, loops, strict=True))
    written = [t for nest, loop in pairs for t in _written(nest, loop, buffers)]
    touched = [*written, *(t for nest, loop in pairs for t in _read(nest, loop, buffers))]
    return all(_is_apart(target, [t for t in touched if t.shares_memory(target)]) for target in written)


def _is_apart(target: _Touch, touches: Sequence[_Touch]) -> bool:
    lanes = target.lanes.intersection(*(t.lanes for t in touches))
    return bool(lanes) and all(t.is_of(target) for t in touches)


def _written(nest: ComputeOp, loop: int, buffers: Buffers) -> Iterator[_Touch]:
    for write in nest.writes:
        yield _Touch(buffers[write.buffer], _lanes(write.access, loop, nest.extents))
    stores = (op for op in nest.walk() if isinstance(op, memref.StoreOp))
    yield from (_Touch(buffers[op.memref], frozenset()) for op in stores)


def _read(nest: ComputeOp, loop: int, buffers: Buffers) -> Iterator[_Touch]:
    for read in (*nest.reads, *nest.extra_reads):
        yield _Touch(buffers[read.buffer], _lanes(read.access, loop, nest.extents))
    loads = (op for op in nest.walk() if isinstance(op, memref.LoadOp))
    yield from (_Touch(buffers[op.memref], frozenset()) for op in loads)


def _lanes(access: Access, loop: int, extents: Sequence[int]) -> Lanes:
    first = [1 if i == loop else extent for i, extent in enumerate(extents)]
    found: set[tuple[int, int, int]] = set()
    for axis, (row, offset) in enumerate(zip(access.rows, access.shifts, strict=True)):
        low, high = row_bounds(row, offset, first)
        if row[loop] > 0 and low // row[loop] == high // row[loop]:
            found.add((axis, row[loop], low // row[loop]))
    return frozenset(found)
