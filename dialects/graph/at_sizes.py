"""Puts numbers in for the symbols of a function of the graph level: types and formulas alike."""

from collections.abc import Mapping

from xdsl.dialects.func import FuncOp
from xdsl.ir import Block

from penstock.dialects.graph.base import GraphOp
from penstock.dialects.graph.binding import at_sizes, settle_type


def function_at_sizes(function: FuncOp, sizes: Mapping[str, int]) -> FuncOp:
    """A copy of a function with numbers for its symbols; sizes without a name stay."""
    copy = function.clone()
    for block in (block for op in copy.walk() for region in op.regions for block in region.blocks):
        _specialize(block, sizes)
    return copy


def _specialize(block: Block, sizes: Mapping[str, int]) -> None:
    for value in (*block.args, *(result for op in block.ops for result in op.results)):
        settle_type(value, sizes)
    for op in block.ops:
        if isinstance(op, GraphOp):
            op.properties.update(at_sizes(op, sizes).properties)
