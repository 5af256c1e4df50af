"""`eliminate-dead-code`: what no output depends on is not computed."""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from penstock.dialects.graph.base import GraphOp
from penstock.dialects.graph.binding import is_needed
from penstock.passes.graph_rewriting import graph_blocks


@dataclass(frozen=True)
class EliminateDeadCodePass(ModulePass):
    """Erase the graph ops whose results nothing reads, and what only they read.

    Ops of the `graph` dialect have no side effects, but for those that decide a size that others speak of.
    Anything else is kept.
    """

    name = "eliminate-dead-code"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for block in graph_blocks(op):
            # Backwards, each op is met after all its users.
            for each in reversed(list(block.ops)):
                if isinstance(each, GraphOp) and not is_needed(each):
                    Rewriter.erase_op(each)
