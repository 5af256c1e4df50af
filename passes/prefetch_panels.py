"""`prefetch-panels`: while one panel of weights is in use, the next one is brought near, evenly over its use.

    for oc: for m < 32: for k: w[oc, k]   ->   prefetch = {read = 1, panel = "oc", along = "m", shift = 5}

A panel serves all rows before the next one.  Its first use would wait for memory, the others find it in the
cache.  Instead, iteration m fetches the m-th part of the panel behind it, a little at every step of the sum:
1/2^shift of the place that the step itself reads at.
"""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from penstock.dialects.hints import Hints, hinted, hints_of
from penstock.dialects.nest.ops import ComputeOp, shape_of
from penstock.dialects.nest.prefetch import Prefetch
from penstock.passes.nest_rewriting import argument_constants, kernels, nests

LINE = 64
"""Bytes of a panel below which there is nothing to gain."""


@dataclass(frozen=True)
class PrefetchPanelsPass(ModulePass):
    """Say on every nest which weights are to be fetched ahead; its loops must be in their order."""

    name = "prefetch-panels"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        hints = hints_of(op)
        for kernel in kernels(op):
            constants = argument_constants(kernel)
            for nest in nests(kernel):
                for position, read in enumerate(nest.reads):
                    if read.buffer in constants and (found := prefetch_of(nest, position, hints)) is not None:
                        found.attach(nest)


def prefetch_of(nest: ComputeOp, position: int, hints: Hints) -> Prefetch | None:
    """How to fetch the weights of a read, if a loop over other data stands inside one over panels."""
    if not nest.reduces:
        return None
    read = nest.reads[position]
    strides = [read.access.stride(i, shape_of(read.buffer)) for i in range(len(nest.loops))]
    walked = [not d.in_registers and d.iterations != 1 for d in nest.loops]
    outer = [i for i, d in enumerate(nest.loops) if walked[i] and not d.is_reduction]
    if not any(d.is_reduction and walked[i] for i, d in enumerate(nest.loops)):
        return None
    for place in reversed(range(len(outer))):
        panel, inside = outer[place], outer[place + 1 :]
        uses = [i for i in inside if not strides[i]]
        if strides[panel] >= LINE and uses:
            along = max(uses, key=lambda i: hinted(nest.iterations[i], hints))
            labels = [d.label.data for d in nest.loops]
            shift = max(hinted(nest.iterations[along], hints), 1).bit_length() - 1
            return Prefetch(position, labels[panel], labels[along], shift)
    return None
