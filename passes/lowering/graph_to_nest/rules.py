"""The rules of `lower-graph-to-nest`, by family: graph op class -> function that appends its nests."""

from collections.abc import Callable

from xdsl.ir import Operation

from penstock.dialects.graph.base import GraphOp
from penstock.passes.lowering.graph_to_nest.builder import Lowering

Rule = Callable[[GraphOp, Lowering], None]


def rules() -> dict[type[Operation], Rule]:
    """The whole table; a class that has no rule of its own uses its base's (`Elementwise`)."""
    from penstock.passes.lowering.graph_to_nest import elementwise, linear

    return {**elementwise.RULES, **linear.RULES}
