"""An analytical model of one core: about how many cycles a nest takes under a register tile.

Per step of the reduction a tile issues its arithmetic and its loads on the core's ports, bounded below by the
latency of the accumulation; per tile it pays for its start, its epilogue and its stores.  Constants of the
model are few and come from the machine; the tile that is cheapest over the whole nest, remainders included,
is chosen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from heapq import nsmallest
from itertools import product
from math import ceil, prod

from xdsl.dialects import arith, math, memref
from xdsl.ir import Block, Operation, SSAValue

from penstock.dialects.element_types import byte_size
from penstock.dialects.nest.access import Row
from penstock.dialects.nest.clamp import clamped_loops
from penstock.dialects.nest.combine import combiners
from penstock.dialects.nest.hints import Hints, all_hinted, hinted
from penstock.dialects.nest.machine import Machine
from penstock.dialects.nest.ops import ApplyOp, ComputeOp, YieldOp, element_of
from penstock.dialects.nest.sizes import sizes_of
from penstock.dialects.nest.walk import walked_loop
from penstock.dialects.sizes import Size

TILE_START = 12
"""Cycles to enter and leave the loops around one tile (measured on small convolutions)."""
L2_BYTES, L3_BYTES = 40, 10
"""Bytes per cycle that one core streams from its second-level and from the shared cache."""
TILES_KEPT = 2
"""Tiles of one vector loop that may be chosen from: the cheapest, and the next in case the model errs."""
HEAVY: dict[type[Operation], int] = {
    math.ExpOp: 10,
    math.TanhOp: 16,
    math.ErfOp: 16,
    math.PowFOp: 40,
    math.LogOp: 14,
    arith.DivfOp: 8,
    math.SqrtOp: 8,
}
"""Cost of an operation in simple operations, for those that are not simple."""


@dataclass(frozen=True)
class Stream:
    """One read or write: its rows and stride per loop, and whether it is a weight, laid out at will."""

    rows: tuple[Row, ...]
    strides: tuple[int, ...]
    packable: bool
    nbytes: int
    """Bytes of the part of the buffer that is touched."""
    element: int
    """Bytes of one element."""


@dataclass(frozen=True)
class Shape:
    """What the model needs of a nest."""

    extents: tuple[int, ...]
    reductions: frozenset[int]
    reads: tuple[Stream, ...]
    writes: tuple[Stream, ...]
    body_cost: int
    epilogue_cost: int
    folds: bool
    indirect: bool
    stores: bool
    lanes: int
    sequential: frozenset[int] = frozenset()
    """Loops that must stay loops: clamped taps, what their bounds depend on, what is walked together."""
    symbolic: frozenset[int] = frozenset()
    """Loops whose extents are but hints: what a tile leaves over runs one by one."""
    walked: int | None = None
    """The loop that is walked together with other nests, outside of all others."""

    @cached_property
    def parallel(self) -> tuple[int, ...]:
        """The loops that do not reduce."""
        return tuple(i for i in range(len(self.extents)) if i not in self.reductions)

    @cached_property
    def batch(self) -> tuple[int, ...]:
        """Parallel loops that move every read, as those over the matrices of a batch: they share nothing."""
        return tuple(i for i in self.parallel if all(s.strides[i] for s in self.reads))

    def per_batch(self, stream: Stream) -> int:
        """Bytes of a buffer that one iteration of the batch loops reads."""
        return stream.nbytes // max(prod(self.extents[i] for i in self.batch), 1)

    @property
    def steps(self) -> int:
        """Points of the reduction."""
        return prod(self.extents[i] for i in self.reductions)


@dataclass(frozen=True)
class Tile:
    """Iterations kept in registers per loop, the vector loop and its lanes."""

    sizes: tuple[int, ...]
    vector: int | None
    lanes: int


def shape_of_nest(nest: ComputeOp, constants: set[SSAValue], machine: Machine, hints: Hints) -> Shape:
    """Read the numbers off a nest, at the sizes that the hints say."""
    elements = [element_of(b) for b in nest.operands]
    ops = [op for op in nest.walk() if op is not nest]
    walked = walked_loop(nest)
    return Shape(
        tuple(all_hinted(nest.iterations, hints)),
        frozenset(i for i, d in enumerate(nest.loops) if d.is_reduction),
        tuple(_stream(nest, r.buffer, i, constants, hints) for i, r in enumerate(nest.reads)),
        tuple(
            _stream(nest, w.buffer, len(nest.ins) + len(nest.extras) + i, set(), hints)
            for i, w in enumerate(nest.writes)
        ),
        _cost(nest.body.block),
        _cost(nest.epilogue.block) + len(nest.extras) if nest.epilogue.blocks else 0,
        not nest.reduces or combiners(nest) is not None,
        any(isinstance(op, memref.LoadOp | ApplyOp) for op in ops),
        any(isinstance(op, memref.StoreOp) for op in ops),
        min((machine.lanes(e) for e in elements), default=1),
        frozenset(clamped_loops(nest) | ({walked} if walked is not None else set())),
        frozenset(i for i, size in enumerate(nest.iterations) if isinstance(size, Size)),
        walked,
    )


def _stream(
    nest: ComputeOp, buffer: SSAValue, position: int, constants: set[SSAValue], hints: Hints
) -> Stream:
    access, shape = nest.accesses.data[position].data, all_hinted(sizes_of(buffer), hints)
    strides = tuple(access.stride(i, shape) for i in range(len(nest.loops)))
    width = byte_size(element_of(buffer))
    bounds = access.bounds(all_hinted(nest.iterations, hints))
    touched = prod(hinted(high - low + 1, hints) for low, high in bounds)
    return Stream(access.rows, strides, buffer in constants, min(prod(shape), touched) * width, width)


def _cost(block: Block) -> int:
    return sum(
        HEAVY.get(type(op), 1) for op in block.ops if not isinstance(op, YieldOp | arith.ConstantOp | ApplyOp)
    )


@lru_cache(maxsize=4096)
def best_tiles(
    shape: Shape, machine: Machine, vector: int | None, vector_size: int
) -> tuple[tuple[float, Tile], ...]:
    """The cheapest tiles whose vector loop has `vector_size` iterations in registers, with their cycles."""
    options = ((cycles(shape, machine, t), t) for t in _tiles(shape, machine, vector, vector_size))
    return tuple(nsmallest(TILES_KEPT, options, key=lambda pair: (pair[0], pair[1].sizes)))


def _tiles(shape: Shape, machine: Machine, vector: int | None, vector_size: int) -> Iterator[Tile]:
    lanes = 1 if vector is None else min(shape.lanes, _power_above(vector_size))
    base = [1] * len(shape.extents)
    if vector is not None:
        # An open size may be 0 at the hints.
        base[vector] = max(min(vector_size, shape.extents[vector]), 1)
    # Only loops that some read does not use give reuse; unrolling the others gains nothing.
    reuse = [i for i in shape.parallel if i != vector and shape.extents[i] > 1 and _reused(shape, i)]
    reuse = sorted(reuse, key=lambda i: (-min(shape.extents[i], 16), -i))[:2]
    for sizes in product(*(_factors(shape.extents[i], k) for k, i in enumerate(reuse))):
        tile = list(base)
        for i, t in zip(reuse, sizes, strict=True):
            tile[i] = t
        candidate = Tile(tuple(tile), vector, lanes)
        if accumulators(candidate) + _chunks(candidate) + 1 <= machine.registers or not any(
            t > 1 for t in sizes
        ):
            yield candidate


def _reused(shape: Shape, loop: int) -> bool:
    return (
        bool(shape.reductions)
        and not shape.stores
        and loop not in shape.sequential
        and any(not s.strides[loop] for s in shape.reads)
    )


def _factors(extent: int, rank: int) -> Sequence[int]:
    limit = min(extent, 14 if rank == 0 else 7)
    return range(1, limit + 1)


def _power_above(n: int) -> int:
    return 1 << max(n - 1, 0).bit_length()


def accumulators(tile: Tile) -> int:
    """Registers that hold the results of a tile."""
    return _chunks(tile) * prod(t for i, t in enumerate(tile.sizes) if i != tile.vector)


def _chunks(tile: Tile) -> int:
    return 1 if tile.vector is None else ceil(tile.sizes[tile.vector] / tile.lanes)


def cycles(shape: Shape, machine: Machine, tile: Tile) -> float:
    """Modelled cycles of the whole nest under a tile."""
    pieces = [
        _pieces(e, t, i in shape.symbolic) if i in shape.parallel else [(1, t)]
        for i, (e, t) in enumerate(zip(shape.extents, tile.sizes, strict=True))
    ]
    total = 0.0
    for combination in product(*pieces):
        count = prod(n for n, _ in combination)
        total += count * _tile_cycles(
            shape, machine, Tile(tuple(t for _, t in combination), tile.vector, tile.lanes)
        )
    return total


def _pieces(extent: int, tile: int, one_by_one: bool) -> list[tuple[int, int]]:
    whole, rest = divmod(extent, tile)
    left = (rest, 1) if one_by_one else (1, rest)
    return [p for p in ((whole, tile), left) if p[0] and p[1]]


def _tile_cycles(shape: Shape, machine: Machine, tile: Tile) -> float:
    lanes = accumulators(tile)
    reduced = tile.vector is not None and tile.vector in shape.reductions
    steps = shape.steps / (shape.extents[tile.vector] if reduced and tile.vector is not None else 1)
    steps *= (
        ceil(shape.extents[tile.vector] / tile.sizes[tile.vector])
        if reduced and tile.vector is not None
        else 1
    )
    arithmetic = lanes * shape.body_cost / machine.arithmetic_ports
    loads = sum(_loads(s, tile, shape.parallel) for s in shape.reads) / machine.load_ports
    loads = max(loads, sum(_streaming(s, shape, machine, tile) for s in shape.reads))
    latency = machine.latency if shape.reductions else 0
    stores = sum(_store_cost(s, tile) for s in shape.writes)
    fold = lanes * 6 if reduced else 0
    return (
        steps * max(arithmetic, loads, latency)
        + TILE_START
        + lanes * (shape.epilogue_cost / 2 + stores)
        + fold
    )


def contiguous(shape: Shape, loop: int) -> bool:
    """Whether every access stands still or moves to the next element as a loop advances."""
    parallel = loop in shape.parallel
    reads = all(s.strides[loop] in (0, 1) or (s.packable and parallel) for s in shape.reads)
    return reads and all(s.strides[loop] in (0, 1) for s in shape.writes)


def _loads(stream: Stream, tile: Tile, parallel: tuple[int, ...]) -> float:
    count = prod(t for i, t in enumerate(tile.sizes) if stream.strides[i] and i != tile.vector)
    if tile.vector is None or not stream.strides[tile.vector]:
        return count
    contiguous = stream.strides[tile.vector] == 1 or (stream.packable and tile.vector in parallel)
    return count * _chunks(tile) * (1 if contiguous else 2 * tile.lanes)


def _streaming(stream: Stream, shape: Shape, machine: Machine, tile: Tile) -> float:
    """Cycles per step to bring a weight from the cache where its next use finds it."""
    if not stream.packable or tile.vector is None or not stream.strides[tile.vector]:
        return 0
    row = _loads(stream, tile, shape.parallel) * tile.lanes * stream.element
    panel = row * shape.steps
    whole = shape.per_batch(stream)
    reused = panel if whole > machine.l2 // 2 else whole
    if reused <= machine.l1 * 3 // 4:
        return 0
    return row / (L2_BYTES if reused <= machine.l2 * 3 // 4 else L3_BYTES)


def _store_cost(stream: Stream, tile: Tile) -> float:
    if tile.vector is None or stream.strides[tile.vector] in (0, 1):
        return 1
    return 2 * tile.lanes
