"""Which reductions a register tile unrolls, for the schedule and for the model of what it costs."""

from penstock.passes.schedule_shapes import Shape, Tile

UNROLL_LIMIT = 160
"""Operations of a register tile up to which the innermost reductions are unrolled, and bodies repeated."""
WINDOW = 12
"""Iterations of a reduction, such as the taps of a window, that may be unrolled."""
SHORT = 4
"""Iterations that are unrolled where it only saves the steps of a loop.

More cost more than they save: LLVM keeps what several taps read in registers that it has not got, and spills
them (first layer of mobilenetv2_100: 0.27 ms with its three channels unrolled, 0.46 with all nine
taps of a row; of yunet_s_320 0.29 and 0.41).
"""


def unrolled(shape: Shape, tile: Tile) -> list[int]:
    """Small inner reductions, so that neighbouring windows share their loads and short loops cost nothing.

    Only vectors are worth sharing: one number for all lanes is loaded as fast as it could be kept.
    """
    budget, found = UNROLL_LIMIT // max(tile.accumulators, 1), list[int]()
    if not shares_vectors(shape, tile):
        budget = min(budget, SHORT)
    for loop in sorted(shape.reductions - {tile.vector}, reverse=True):
        if not 1 < shape.extents[loop] <= min(budget, WINDOW) or loop in shape.sequential | shape.symbolic:
            break
        budget //= shape.extents[loop]
        found.append(loop)
    return found


def shares_vectors(shape: Shape, tile: Tile) -> bool:
    """Whether a reduction moves data along which the vectors go, as the window of a depthwise convolution."""
    return tile.vector is None or tile.vector in shape.sharing
