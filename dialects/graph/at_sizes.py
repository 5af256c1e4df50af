"""Puts numbers in for the symbols of operations of the graph level: types and formulas alike."""

from collections.abc import Iterable, Mapping

from xdsl.ir import Operation, SSAValue

from penstock.dialects.graph.base import GraphOp
from penstock.dialects.graph.binding import settle_properties, settle_type


def settle(op: Operation, sizes: Mapping[str, int]) -> None:
    """Put numbers in for the symbols of an operation and of those inside of it; sizes without a name stay."""
    for each in op.walk():
        blocks = (block for region in each.regions for block in region.blocks)
        settle_values((*each.results, *(argument for block in blocks for argument in block.args)), sizes)
        if isinstance(each, GraphOp):
            settle_properties(each, sizes)


def settle_values(values: Iterable[SSAValue], sizes: Mapping[str, int]) -> None:
    """Put numbers in for the symbols in the types of values."""
    for value in values:
        settle_type(value, sizes)
