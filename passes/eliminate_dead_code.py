"""`eliminate-dead-code`: what no output depends on is not computed."""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from penstock.dialects.graph.base import GraphOp
from penstock.passes.graph_rewriting import graph_blocks


@dataclass(frozen=True)
class EliminateDeadCodePass(ModulePass):
    """Erase the graph ops whose results nothing reads, and what only they read.

    Ops of the `graph` dialect have no side effects; anything else is kept.
    """

    name = "eliminate-dead-code"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for block in graph_blocks(op):
            # Backwards, each op is met after all its users.
            for each in reversed(list(block.ops)):
                if isinstance(each, GraphOp) and all(r.first_use is None for r in each.results):
                    Rewriter.erase_op(each)
