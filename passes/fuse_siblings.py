"""`fuse-siblings`: nests of one kernel that walk the same outermost loop walk it together.

    for oc: interior(oc)        for oc:
    for oc: left(oc)      ->        interior(oc), left(oc), right(oc)
    for oc: right(oc)

The pieces that peeling and tiling made of one convolution then use a panel of weights while it is in the
cache.  The nests stay as they are, one behind another, and carry `together = "oc"`; the lowering makes one
loop around them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass

from penstock.dialects.nest.ops import TOGETHER, ComputeOp
from penstock.dialects.sizes import Extent
from penstock.passes.nest_rewriting import captured, kernels, nests


@dataclass(frozen=True)
class FuseSiblingsPass(ModulePass):
    """Bring independent nests with equal outermost parallel loops next to each other and mark them."""

    name = "fuse-siblings"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for kernel in kernels(op):
            siblings = nests(kernel)
            if len(siblings) > 1 and independent(siblings):
                _gather(kernel, siblings)


def independent(siblings: Sequence[ComputeOp]) -> bool:
    """Whether no nest reads, or stores at computed places to, a buffer that one of them writes."""
    written = {buffer for nest in siblings for buffer in nest.outs}
    read = {b for nest in siblings for b in (*nest.ins, *nest.extras, *captured(nest))}
    return not written & read


def _gather(kernel: func.FuncOp, siblings: Sequence[ComputeOp]) -> None:
    groups: dict[tuple[str, Extent], list[ComputeOp]] = {}
    for nest in siblings:
        outermost = next((d for d in nest.loops if not d.in_registers and d.iterations != 1), None)
        if outermost is not None and not outermost.is_reduction:
            groups.setdefault((outermost.label.data, outermost.iterations), []).append(nest)
    for (label, _), group in groups.items():
        if len(group) > 1:
            _bring_together(kernel, group, label)


def _bring_together(kernel: func.FuncOp, group: Sequence[ComputeOp], label: str) -> None:
    block = kernel.body.block
    for before, nest in zip(group, group[1:], strict=False):
        nest.detach()
        block.insert_op_after(nest, before)
    for nest in group:
        nest.attributes[TOGETHER] = StringAttr(label)
