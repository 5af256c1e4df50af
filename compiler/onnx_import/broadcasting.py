"""The operands of a binary operation: up to opset 6, attributes say how the second one is broadcast."""

from xdsl.ir import SSAValue

from penstock.dialects.graph.base import rank_of
from penstock.onnx_import.axes import axis_attribute, require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.node import Node


def operand_pair(node: Node, build: Builder) -> tuple[SSAValue, SSAValue]:
    """Both operands, with dims of size 1 behind the second where `axis` puts it further to the front."""
    a, b = node.input(0), node.input(1)
    if node.opset >= 7 or not node.has("axis"):
        return a, b
    behind = rank_of(a) - axis_attribute(node, a) - rank_of(b)
    require(node, behind >= 0, f"{node.op_type} broadcasts rank {rank_of(b)} from axis {node.int('axis')} on")
    return a, build.append_axes(b, behind)
