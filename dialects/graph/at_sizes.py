"""Puts numbers in for the symbols of operations of the graph level: types and formulas alike."""

from collections.abc import Iterable, Mapping

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter

from penstock.dialects.graph.base import GraphOp, is_static, shape_of, tensor, tensor_of
from penstock.dialects.graph.binding import at_sizes, dim_at


def settle(op: Operation, sizes: Mapping[str, int]) -> None:
    """Put numbers in for the symbols of an operation and of those inside of it; sizes without a name stay."""
    for each in op.walk():
        blocks = (block for region in each.regions for block in region.blocks)
        settle_values((*each.results, *(argument for block in blocks for argument in block.args)), sizes)
        if isinstance(each, GraphOp):
            each.properties.update(at_sizes(each, sizes).properties)


def settle_values(values: Iterable[SSAValue], sizes: Mapping[str, int]) -> None:
    """Put numbers in for the symbols in the types of values."""
    for value in values:
        if isinstance(value.type, TensorType) and not is_static(value):
            shape = [dim_at(d, sizes) for d in shape_of(value)]
            Rewriter.replace_value_with_new_type(value, tensor(shape, tensor_of(value).get_element_type()))
