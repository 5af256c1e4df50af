"""Puts numbers in for the symbols of a function of the graph level: types and formulas alike."""

from collections.abc import Mapping

from xdsl.dialects.builtin import TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block
from xdsl.rewriter import Rewriter

from penstock.dialects.graph.base import GraphOp, is_static, shape_of, tensor, tensor_of
from penstock.dialects.graph.binding import at_sizes, dim_at


def function_at_sizes(function: FuncOp, sizes: Mapping[str, int]) -> FuncOp:
    """A copy of a function with numbers for its symbols; sizes without a name stay."""
    copy = function.clone()
    for block in (block for op in copy.walk() for region in op.regions for block in region.blocks):
        _specialize(block, sizes)
    return copy


def _specialize(block: Block, sizes: Mapping[str, int]) -> None:
    for value in (*block.args, *(result for op in block.ops for result in op.results)):
        if isinstance(value.type, TensorType) and not is_static(value):
            shape = [dim_at(d, sizes) for d in shape_of(value)]
            Rewriter.replace_value_with_new_type(value, tensor(shape, tensor_of(value).get_element_type()))
    for op in block.ops:
        if isinstance(op, GraphOp):
            op.properties.update(at_sizes(op, sizes).properties)
