"""An analytical model of one core: about how many cycles a nest takes under a register tile.

Per step of the reduction a tile issues its arithmetic and its loads on the core's ports, bounded below by the
latency of the accumulation; per tile it pays for its start, its epilogue and its stores.  Constants of the
model are few and come from the machine; the tile that is cheapest over the whole nest, remainders included,
is chosen.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from heapq import nsmallest
from itertools import product
from math import ceil, prod

from penstock.dialects.nest.machine import Machine
from penstock.passes.schedule_shapes import Shape, Stream, Tile, accumulators, chunks, power_above

TILE_START = 12
"""Cycles to enter and leave the loops around one tile (measured on small convolutions)."""
L2_BYTES, L3_BYTES = 40, 10
"""Bytes per cycle that one core streams from its second-level and from the shared cache."""
TILES_KEPT = 2
"""Tiles of one vector loop that may be chosen from: the cheapest, and the next in case the model errs."""


@lru_cache(maxsize=4096)
def best_tiles(
    shape: Shape, machine: Machine, vector: int | None, vector_size: int
) -> tuple[tuple[float, Tile], ...]:
    """The cheapest tiles whose vector loop has `vector_size` iterations in registers, with their cycles."""
    options = ((cycles(shape, machine, t), t) for t in _tiles(shape, machine, vector, vector_size))
    return tuple(nsmallest(TILES_KEPT, options, key=lambda pair: (pair[0], pair[1].sizes)))


def _tiles(shape: Shape, machine: Machine, vector: int | None, vector_size: int) -> Iterator[Tile]:
    lanes = 1 if vector is None else min(shape.lanes, power_above(vector_size))
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
        if accumulators(candidate) + chunks(candidate) + 1 <= machine.registers or not any(
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


def _loads(stream: Stream, tile: Tile, parallel: tuple[int, ...]) -> float:
    count = prod(t for i, t in enumerate(tile.sizes) if stream.strides[i] and i != tile.vector)
    if tile.vector is None or not stream.strides[tile.vector]:
        return count
    contiguous = stream.strides[tile.vector] == 1 or (stream.packable and tile.vector in parallel)
    return count * chunks(tile) * (1 if contiguous else 2 * tile.lanes)


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
