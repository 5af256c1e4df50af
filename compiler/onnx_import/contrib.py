"""Importers of operations of the domain com.microsoft that quantised models use.

https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md says what they mean: an operation
on the real numbers that its inputs stand for, quantised once.  Products and sums of integers are exact here;
ONNX Runtime computes some of the others from tables or with scales combined before, and may differ by one.
"""

from collections.abc import Callable

import numpy as np
from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue

from penstock.dialects.graph.activation import LeakyReluOp, SigmoidOp
from penstock.dialects.graph.base import flag, integer, integers, number, rank_of
from penstock.dialects.graph.elementwise import AddOp, DivOp, MulOp, SubOp
from penstock.dialects.graph.movement import ConcatOp
from penstock.dialects.graph.normalization import SoftmaxOp
from penstock.dialects.graph.reduction import ReduceSumOp
from penstock.dialects.quant.scaling import DequantizeOp
from penstock.onnx_import.activation import scaled
from penstock.onnx_import.arithmetic import cast_to
from penstock.onnx_import.axes import front_axis, require, static_size
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family, Importer
from penstock.onnx_import.linear import matmul_of_reals
from penstock.onnx_import.node import Node
from penstock.onnx_import.pooling import average_pool
from penstock.onnx_import.quantization import quantize, requantize, single, zero_point

Real = Callable[[Node, Builder, SSAValue], SSAValue]
"""An operation on the real numbers that a quantised input stands for."""


def dequantized(node: Node, build: Builder, index: int) -> SSAValue:
    """The reals of a value whose scale and zero point follow it among the inputs."""
    x = node.input(index)
    zero = single(build, zero_point(node, build, index + 2, x))
    return build.op(DequantizeOp, [x, single(build, node.input(index + 1)), zero])


def quantized(node: Node, build: Builder, y: SSAValue, index: int) -> SSAValue:
    """Reals in the scale of input `index` and the zero point behind it, of the type of input 0."""
    zero = zero_point(node, build, index + 1, node.input(0))
    return quantize(build, y, single(build, node.input(index)), single(build, zero))


def on_reals(function: Real) -> Importer:
    """The importer of a quantised function of one input."""
    return lambda node, build: quantized(node, build, function(node, build, dequantized(node, build, 0)), 3)


def import_qlinear_add(node: Node, build: Builder) -> SSAValue:
    """QLinearAdd: the sum of both reals."""
    total = build.op(AddOp, [dequantized(node, build, 0), dequantized(node, build, 3)])
    return quantized(node, build, total, 6)


def import_qlinear_mul(node: Node, build: Builder) -> SSAValue:
    """QLinearMul: the exact product of both distances from zero, requantised."""
    product = build.op(MulOp, [_distance(node, build, 0), _distance(node, build, 3)])
    scales = [single(build, node.input(index)) for index in (1, 4, 6)]
    scale = build.op(DivOp, [build.op(MulOp, scales[:2]), scales[2]])
    return requantize(build, product, scale, zero_point(node, build, 7, node.input(0)))


def _distance(node: Node, build: Builder, index: int) -> SSAValue:
    """A quantised value less its zero point, in 32 bits."""
    x = node.input(index)
    zero = single(build, zero_point(node, build, index + 2, x))
    return build.op(SubOp, [cast_to(build, x, i32), cast_to(build, zero, i32)])


def import_qlinear_concat(node: Node, build: Builder) -> SSAValue:
    """QLinearConcat: the scale of the result comes first, then each part with its own."""
    parts = range(2, len(node.inputs), 3)
    require(node, len(node.inputs) % 3 == 2 and len(parts) > 0, "QLinearConcat has a part without a scale")
    axis = front_axis(node, node.int("axis"), rank_of(node.input(2)))
    scale, zero = single(build, node.input(0)), single(build, node.input(1))
    made = [quantize(build, dequantized(node, build, part), scale, zero) for part in parts]
    return build.op(ConcatOp, [made], {"axis": integer(axis)})


def import_qlinear_global_average_pool(node: Node, build: Builder) -> SSAValue:
    """QLinearGlobalAveragePool: the exact sum over all positions, with their number in the scale."""
    rank = rank_of(node.input(0))
    axes = range(1, rank - 1) if node.int("channels_last", 0) else range(2, rank)
    count = int(np.prod([static_size(node, node.input(0), axis) for axis in axes], dtype=np.int64))
    properties = {"axes": integers(axes), "keepdims": flag(True)}
    total = build.op(ReduceSumOp, [_distance(node, build, 0)], properties)
    x_scale, y_scale = single(build, node.input(1)), single(build, node.input(3))
    scale = build.op(DivOp, [x_scale, scaled(build, y_scale, count)])
    return requantize(build, total, scale, zero_point(node, build, 4, node.input(0)))


def _average(node: Node, build: Builder, x: SSAValue) -> SSAValue:
    last = [0, *range(2, rank_of(x)), 1]
    if not node.int("channels_last", 0):
        return average_pool(node, build, x)
    first = build.transpose(x, [0, rank_of(x) - 1, *range(1, rank_of(x) - 1)])
    return build.transpose(average_pool(node, build, first), last)


def _leaky_relu(node: Node, build: Builder, x: SSAValue) -> SSAValue:
    return build.op(LeakyReluOp, [x], {"alpha": number(node.float("alpha", 0.01))})


def _sigmoid(node: Node, build: Builder, x: SSAValue) -> SSAValue:
    return build.op(SigmoidOp, [x])


def _softmax(node: Node, build: Builder, x: SSAValue) -> SSAValue:
    """Softmax as of the opset that the attribute names: up to 12 over all dims from the axis on."""
    old = node.int("opset") < 13
    axis = front_axis(node, node.int("axis", 1 if old else -1), rank_of(x))
    if not old or axis == rank_of(x) - 1:
        return build.op(SoftmaxOp, [x], {"axis": integer(axis)})
    shape = [static_size(node, x, i) for i in range(rank_of(x))]
    flat = build.reshape(x, [*shape[:axis], int(np.prod(shape[axis:], dtype=np.int64))])
    return build.reshape(build.op(SoftmaxOp, [flat], {"axis": integer(axis)}), shape)


def import_fused_matmul(node: Node, build: Builder) -> SSAValue:
    """FusedMatMul: `alpha` times the product of perhaps transposed operands."""
    a, b = (_oriented(node, build, index, name) for index, name in enumerate("AB"))
    return scaled(build, matmul_of_reals(build, a, b), node.float("alpha", 1.0))


def _oriented(node: Node, build: Builder, index: int, name: str) -> SSAValue:
    """An operand, its first dim moved behind the batch and its matrices transposed if asked."""
    x = node.input(index)
    rank = rank_of(x)
    if node.int(f"transBatch{name}", 0) and rank > 2:
        x = build.transpose(x, [*range(1, rank - 1), 0, rank - 1])
    if node.int(f"trans{name}", 0) and rank > 1:
        x = build.transpose(x, [*range(rank - 2), rank - 1, rank - 2])
    return x


CONTRIB: Family = {
    "FusedMatMul": import_fused_matmul,
    "QLinearAdd": import_qlinear_add,
    "QLinearAveragePool": on_reals(_average),
    "QLinearConcat": import_qlinear_concat,
    "QLinearGlobalAveragePool": import_qlinear_global_average_pool,
    "QLinearLeakyRelu": on_reals(_leaky_relu),
    "QLinearMul": import_qlinear_mul,
    "QLinearSigmoid": on_reals(_sigmoid),
    "QLinearSoftmax": on_reals(_softmax),
}
