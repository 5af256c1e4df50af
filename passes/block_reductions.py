"""`block-reductions`: a long sum is formed block by block, so that what a block reads stays in the cache.

    y = f(sum over k < 3072 of x[m, k] * w[k, n])
->  y = sum over k < 512 of ...;   y = y + sum over k in [512, 1024) of ...;   ...;   y = f(y + the last sum)

Without it, rows of which few fit into the second-level cache go through all weights a few at a time, and the
weights come from memory again and again.  A block of the sum takes all rows through, at the price of writing
and reading the result once more.
"""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import ModuleOp, f32
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from penstock.dialects.hints import Hints, all_hinted, hinted, hints_of
from penstock.dialects.nest.combine import combiners
from penstock.dialects.nest.machine import Machine
from penstock.dialects.nest.ops import ComputeOp, Read, element_of
from penstock.dialects.nest.walk import walked_loop
from penstock.dialects.sizes import Size
from penstock.passes.nest_rewriting import argument_constants, kernels, nests, split_range
from penstock.passes.partial_folds import in_sequence

SHORTEST = 192
"""Terms of a block below which the traffic of results costs more than it saves."""
FEWEST_ROWS = 32
"""Rows that take the weights out of memory slowly enough for them to be fetched ahead."""
TILE_ROWS = 8
"""Rows of a register tile, at most."""
VECTORS = 2
"""Vectors of columns that a panel of weights is assumed to have."""
SHARE = 0.75
"""The part of the second-level cache that a block may fill."""


@dataclass(frozen=True)
class BlockReductionsPass(ModulePass):
    """Cut sums of products with weights, in single precision, into blocks of equal length."""

    name = "block-reductions"
    numerics: ClassVar[str] = "reassociates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        machine, hints = Machine.of(op), hints_of(op)
        for kernel in kernels(op):
            constants = argument_constants(kernel)
            for nest in nests(kernel):
                weights = [i for i, buffer in enumerate(nest.ins) if buffer in constants]
                count = _blocks(nest, weights, machine, hints)
                if count > 1:
                    Rewriter.replace_op(nest, _in_blocks(nest, count), [])


def _blocks(nest: ComputeOp, weights: list[int], machine: Machine, hints: Hints) -> int:
    """The number of blocks that pays off; 1 leaves the nest as it is."""
    loops = [i for i, d in enumerate(nest.loops) if d.is_reduction and d.iterations != 1]
    if len(loops) != 1 or len(weights) != 1 or len(nest.ins) != 2 or not _is_sum(nest):
        return 1
    if walked_loop(nest) is not None:
        return 1
    terms, data, extents = nest.iterations[loops[0]], nest.reads[1 - weights[0]], nest.iterations
    if isinstance(terms, Size):
        return 1
    room = SHARE * machine.l2
    data_bytes, panel = _touched(nest, data, hints), terms * VECTORS * machine.vector_bytes
    used = [i for i, d in enumerate(nest.loops) if data.access.uses(i) and not d.is_reduction]
    rows = prod(hinted(extents[i], hints) for i in used)
    fitting = rows * (room - 2 * panel) / data_bytes
    # A register tile takes a few rows at once: a panel is used but once where there are no more.
    if rows <= TILE_ROWS or fitting >= min(rows, FEWEST_ROWS):
        return 1
    counts = range(2, terms // SHORTEST + 1)
    return next((n for n in counts if terms % n == 0 and data_bytes + 2 * panel <= n * room), 1)


def _is_sum(nest: ComputeOp) -> bool:
    """Whether a nest adds up single-precision numbers and writes one for each sum."""
    kinds = combiners(nest)
    outs = [element_of(b) for b in nest.outs]
    return kinds == [arith.AddfOp] and outs == [f32] and [element_of(b) for b in nest.ins] == [f32, f32]


def _touched(nest: ComputeOp, read: Read, hints: Hints) -> int:
    """Bytes that a nest reads of a buffer."""
    spans = read.access.bounds(all_hinted(nest.iterations, hints))
    return prod(hinted(high - low + 1, hints) for low, high in spans) * 4


def _in_blocks(nest: ComputeOp, count: int) -> list[ComputeOp]:
    """The nest as one nest for each block of its sum."""
    loop = next(i for i, d in enumerate(nest.loops) if d.is_reduction and d.iterations != 1)
    size = nest.loops[loop].size // count
    return in_sequence([split_range(nest, loop, number * size, size) for number in range(count)])
