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
from penstock.dialects.nest.schedule import smaller_tile
from penstock.passes.schedule_shapes import Shape, Stream, Tile, across, power_above
from penstock.passes.schedule_unrolling import shares_vectors, unrolled

TILE_START = 12
"""Cycles to enter and leave the loops around one tile (measured on small convolutions)."""
SMALL_TILE = 8
"""Accumulators up to which a tile begins while the one before it is still being finished."""
LARGE_START = 16
"""Cycles more that a larger one waits for it.

With AVX2, tiles of 9 to 14 accumulators took 18 to 30 cycles more than their multiply-adds, those of 8 took 4
to 14 (1x1 convolutions of 16 to 64 channels in yunet_s_320 and mobilenetv2_100, whatever the cache).
"""
SLACK = 1.025
"""How far above the latency of one step the machine gets where nothing else is waited for."""
SPILL = 2
"""Cycles to keep one register too many in memory, each time the body that was unrolled is run."""
MASKED = 6
"""Cycles of a store of some lanes of a vector."""
LINE, HALF_LINE = 64, 2
"""Bytes of a line of the cache, and the cycles that a tile takes longer which reads a part of lines."""
L2_BYTES, L3_BYTES = 40, 10
"""Bytes per cycle that one core streams from its second-level and from the shared cache."""
TILES_KEPT = 2
"""Tiles of one vector loop that may be chosen from: the cheapest, and the next in case the model errs."""


@lru_cache(maxsize=4096)
def best_tiles(
    shape: Shape, machine: Machine, vector: int | None, vector_size: int
) -> tuple[tuple[float, Tile], ...]:
    """The cheapest tiles whose vector loop has `vector_size` iterations in registers, with their cycles."""
    known: dict[Tile, float] = {}
    options = ((_cycles(shape, machine, t, known), t) for t in _tiles(shape, machine, vector, vector_size))
    return tuple(nsmallest(TILES_KEPT, options, key=lambda pair: (pair[0], pair[1].sizes)))


def _tiles(shape: Shape, machine: Machine, vector: int | None, vector_size: int) -> Iterator[Tile]:
    lanes = 1 if vector is None else min(shape.lanes, power_above(vector_size))
    base = [1] * len(shape.extents)
    if vector is not None:
        # An open size may be 0 at the hints.
        base[vector] = max(min(vector_size, shape.extents[vector]), 1)
    if vector is not None and (other := across(shape, vector)) is not None:
        base[other] = min(lanes, shape.extents[other])
        yield Tile(tuple(base), vector, lanes)
        return
    # Only loops that some read does not use give reuse; unrolling the others gains nothing.
    reuse = [i for i in shape.parallel if i != vector and shape.extents[i] > 1 and _reused(shape, i)]
    reuse = sorted(reuse, key=lambda i: (-min(shape.extents[i], 16), -i))[:2]
    chunks = Tile(tuple(base), vector, lanes).chunks
    for sizes in product(*(_factors(shape.extents[i], k) for k, i in enumerate(reuse))):
        repeated = prod(sizes)
        if repeated == 1 or chunks * repeated + chunks + 1 <= machine.registers:
            tile = list(base)
            for i, t in zip(reuse, sizes, strict=True):
                tile[i] = t
            yield Tile(tuple(tile), vector, lanes)


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


def _cycles(shape: Shape, machine: Machine, tile: Tile, known: dict[Tile, float]) -> float:
    """Modelled cycles of the whole nest under a tile; `known` are those of single tiles: remainders recur."""
    pieces = [
        _pieces(e, t, _smaller(shape, tile, i)) if i in shape.parallel else [(1, t)]
        for i, (e, t) in enumerate(zip(shape.extents, tile.sizes, strict=True))
    ]
    total = 0.0
    for combination in product(*pieces):
        piece = Tile(tuple(t for _, t in combination), tile.vector, tile.lanes)
        if piece not in known:
            known[piece] = _tile_cycles(shape, machine, piece)
        total += prod(n for n, _ in combination) * known[piece]
    return total


def _smaller(shape: Shape, tile: Tile, loop: int) -> Sequence[int] | None:
    """The tiles for what whole ones leave of an open loop; `None` for a loop whose rest is one tile."""
    if loop not in shape.symbolic:
        return None
    return (*smaller_tile(tile.sizes[loop], tile.lanes if loop == tile.vector else None), 1)


def _pieces(extent: int, tile: int, smaller: Sequence[int] | None) -> list[tuple[int, int]]:
    """How many tiles of which sizes."""
    whole, rest = divmod(extent, tile)
    pieces = [(whole, tile), (1, rest)] if smaller is None else [(whole, tile)]
    for size in smaller or ():
        pieces.append((rest // size, size))
        rest %= size
    return [p for p in pieces if p[0] and p[1]]


def _tile_cycles(shape: Shape, machine: Machine, tile: Tile) -> float:
    lanes = tile.accumulators
    reduced = tile.vector is not None and tile.vector in shape.reductions
    steps = float(shape.steps)
    if reduced and tile.vector is not None and steps:
        extent = shape.extents[tile.vector]
        steps *= ceil(extent / tile.sizes[tile.vector]) / extent
    arithmetic = lanes * shape.body_cost / machine.arithmetic_ports
    loads = sum(_loads(s, tile, shape.parallel) * _unshared(s, shape, tile) for s in shape.reads)
    loads /= machine.load_ports
    loads = max(loads, sum(_streaming(s, shape, machine, tile) for s in shape.reads))
    latency = machine.latency * SLACK if shape.reductions else 0
    stores = sum(_store_cost(s, tile) for s in shape.writes)
    fold = lanes * 6 if reduced else 0
    return (
        steps * (max(arithmetic, loads, latency) + _spilling(shape, machine, tile))
        + TILE_START
        + (LARGE_START if shape.reductions and lanes > SMALL_TILE else 0)
        + (HALF_LINE if any(_is_half_line(s, shape, tile) for s in shape.reads) else 0)
        + lanes * (shape.epilogue_cost / 2 + stores)
        + fold
    )


def _spilling(shape: Shape, machine: Machine, tile: Tile) -> float:
    """Cycles per step for what an unrolled window keeps in registers beyond those that there are.

    That is a vector of weights for each tap, which all positions of the tile use, and one of data.
    """
    if tile.vector is None or tile.vector in shape.reductions or not shares_vectors(shape, tile):
        return 0
    taps = prod(shape.extents[i] for i in unrolled(shape, tile))
    missing = tile.accumulators + tile.chunks * taps + 1 - machine.registers
    return max(missing, 0) * SPILL / taps


def _loads(stream: Stream, tile: Tile, parallel: tuple[int, ...]) -> float:
    count = prod(t for i, t in enumerate(tile.sizes) if stream.strides[i] and i != tile.vector)
    if tile.vector is None or not stream.strides[tile.vector]:
        return count
    if stream.strides[tile.vector] == 1 or (stream.packable and tile.vector in parallel):
        return count * tile.chunks
    if any(t > 1 and stream.strides[i] == 1 for i, t in enumerate(tile.sizes)):
        # As many vectors as they have lanes are loaded, and shuffled in log2(lanes) rounds.
        return tile.chunks * tile.lanes * tile.lanes.bit_length()
    return count * tile.chunks * 2 * tile.lanes


def _unshared(stream: Stream, shape: Shape, tile: Tile) -> float:
    """The part of the loads that is left where neighbouring positions of an unrolled window share theirs."""
    if tile.vector is None or not stream.strides[tile.vector] or not shares_vectors(shape, tile):
        return 1
    rows = [i for i, t in enumerate(tile.sizes) if t > 1 and stream.strides[i] and i != tile.vector]
    taps = [i for i in unrolled(shape, tile) if stream.strides[i]]
    if len(rows) != 1 or len(taps) != 1 or stream.strides[rows[0]] % stream.strides[taps[0]]:
        return 1
    count, window = tile.sizes[rows[0]], shape.extents[taps[0]]
    read = (count - 1) * stream.strides[rows[0]] // stream.strides[taps[0]] + window
    return min(read / (count * window), 1)


def _is_half_line(stream: Stream, shape: Shape, tile: Tile) -> bool:
    """Whether vectors of data, all along what is contiguous, are less than a line at each position."""
    if stream.packable or tile.vector is None or stream.strides[tile.vector] != 1:
        return False
    at_once, whole = tile.sizes[tile.vector], shape.extents[tile.vector]
    return at_once * stream.element < LINE and at_once < whole


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
    if tile.vector is None:
        return 1
    size = tile.sizes[tile.vector]
    if stream.strides[tile.vector] not in (0, 1):
        return 2 * tile.lanes
    # The last of several vectors has but some of its lanes.
    return 1 + MASKED / tile.chunks if size % min(tile.lanes, power_above(size)) else 1
