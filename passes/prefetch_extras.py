"""`prefetch-extras`: what the end of a tile reads is brought near when the sum of the tile begins.

    for m: for n: y[m, n] = (sum over k of x[m, k] * w[k, n]) + r[m, n]   ->   prefetch_extras = array<i64: 0>

A residual, or a sum so far, is read once and at strides, which no prefetcher of the machine foresees, by
operations that have nothing to compute meanwhile.  The sum in front of them takes hundreds of cycles.
"""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from penstock.dialects.element_types import byte_size
from penstock.dialects.nest.machine import Machine
from penstock.dialects.nest.ops import ComputeOp, Read, element_of
from penstock.dialects.nest.prefetch import fetch_extras
from penstock.dialects.nest.sizes import is_static, numbers, sizes_of
from penstock.passes.nest_rewriting import kernels, nests

SHORTEST = 32
"""Steps of a sum below which there is no time to fetch anything."""


@dataclass(frozen=True)
class PrefetchExtrasPass(ModulePass):
    """Say on every nest which operands of its epilogue are to be fetched when a tile begins."""

    name = "prefetch-extras"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        machine = Machine.of(op)
        for kernel in kernels(op):
            for nest in nests(kernel):
                if _steps(nest) >= SHORTEST:
                    far = (i for i, r in enumerate(nest.extra_reads) if _is_far(r, nest, machine))
                    fetch_extras(nest, list(far))


def _steps(nest: ComputeOp) -> int:
    """The steps of the sum, those of open loops not counted; 0 where there is none."""
    walked = [d.iterations for d in nest.loops if d.is_reduction and not d.in_registers]
    return prod(size for size in walked if isinstance(size, int)) if nest.reduces else 0


def _is_far(read: Read, nest: ComputeOp, machine: Machine) -> bool:
    """Whether a whole buffer is read, element by element, that the caches nearby do not hold."""
    shape = sizes_of(read.buffer)
    if read.outside is not None or not is_static([*shape, *read.access.offsets]):
        return False
    varies = [i for i, d in enumerate(nest.loops) if not d.is_reduction and read.access.uses(i)]
    rows = [i for i in varies if not nest.loops[i].in_registers]
    size = prod(numbers(shape)) * byte_size(element_of(read.buffer))
    return len(rows) > 1 and size > machine.l2 // 2
