"""The rules of `lower-graph-to-nest`, by family: graph op class -> function that appends its nests."""

from collections.abc import Callable, Mapping

from xdsl.ir import Operation

from penstock.dialects.graph.base import GraphOp
from penstock.passes.lowering.graph_to_nest import (
    attention,
    control,
    elementwise,
    indexing,
    linear,
    movement,
    normalization,
    pooling,
    quantised_products,
    ranking,
    reduction,
    resize,
    running,
    transposed_conv,
)
from penstock.passes.lowering.graph_to_nest.builder import Lowering

Rule = Callable[[GraphOp, Lowering], None]
Rules = Mapping[type[Operation], Rule]

FAMILIES: tuple[Rules, ...] = (
    attention.RULES,
    control.RULES,
    elementwise.RULES,
    indexing.RULES,
    linear.RULES,
    movement.RULES,
    normalization.RULES,
    pooling.RULES,
    quantised_products.RULES,
    ranking.RULES,
    reduction.RULES,
    resize.RULES,
    running.RULES,
    transposed_conv.RULES,
)


def rules() -> Rules:
    """The whole table; a class that has no rule of its own uses its base's (`Elementwise`)."""
    return {op: rule for family in FAMILIES for op, rule in family.items()}
