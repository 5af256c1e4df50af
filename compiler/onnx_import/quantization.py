"""Importers of quantised operations: reals to integers and back, and exact products of integers."""

from collections.abc import Mapping

from xdsl.dialects.builtin import StringAttr, f32, i8
from xdsl.ir import Attribute, SSAValue

from penstock.dialects.element_types import element_type, is_float, unsigned
from penstock.dialects.graph.base import element_of, flag, integer, rank_of, shape_of, tensor
from penstock.dialects.graph.elementwise import DivOp, MulOp
from penstock.dialects.minifloats import is_minifloat
from penstock.dialects.quant import products, scaling
from penstock.onnx_import.arithmetic import cast_to
from penstock.onnx_import.axes import front_axis, require, static_size
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.linear import filter_sizes, matmul
from penstock.onnx_import.node import Node
from penstock.onnx_import.tensors import numpy_dtype_of
from penstock.onnx_import.unsupported import Unsupported
from penstock.onnx_import.window import read_window

HALF_EVEN: Mapping[str, Attribute] = {"rounding": StringAttr("half_even")}
"""How ONNX rounds."""


def import_quantize(node: Node, build: Builder) -> SSAValue:
    """QuantizeLinear: the division is done in the type of the scale, or in the one asked for."""
    x, scale = node.input(0), node.input(1)
    precision = _type_attribute(node, "precision") or _real_type(node, scale)
    zero = node.optional(2)
    if zero is None:
        zero = build.scalar(0, like=tensor([], _type_attribute(node, "output_dtype") or unsigned(8)))
    operands = [placed(node, build, cast_to(build, scale, precision)), placed(node, build, zero)]
    saturate = flag(node.int("saturate", 1) != 0)
    return quantize(build, cast_to(build, x, precision), *operands, saturate=saturate)


def quantize(
    build: Builder, x: SSAValue, scale: SSAValue, zero: SSAValue, **properties: Attribute
) -> SSAValue:
    """Reals as values of the zero point's type; scale and zero point broadcast."""
    return build.op(scaling.QuantizeOp, [x, scale, zero], {**HALF_EVEN, **properties})


def import_dequantize(node: Node, build: Builder) -> SSAValue:
    """DequantizeLinear: the product is formed in the type of the result."""
    x, scale = node.input(0), node.input(1)
    real = _type_attribute(node, "output_dtype") or _real_type(node, scale)
    zero = zero_point(node, build, 2, x)
    operands = [placed(node, build, cast_to(build, scale, real)), placed(node, build, zero)]
    return build.op(scaling.DequantizeOp, [x, *operands])


def _type_attribute(node: Node, name: str) -> Attribute | None:
    """The element type an attribute asks for; 0 asks for none."""
    kind = node.int(name, 0)
    return element_type(numpy_dtype_of(kind)) if kind else None


def _real_type(node: Node, scale: SSAValue) -> Attribute:
    """The type of a scale; powers of two are taken as singles."""
    if is_minifloat(element_of(scale)):
        return f32
    if not is_float(element_of(scale)):
        raise Unsupported(f"{node.op_type} has a scale of {element_of(scale)}", "Use a scale of reals.")
    return element_of(scale)


def zero_point(node: Node, build: Builder, index: int, like: SSAValue) -> SSAValue:
    """The zero point of a tensor, 0 where it is left out."""
    given = node.optional(index)
    return build.scalar(0, like=like) if given is None else given


def single(build: Builder, parameter: SSAValue) -> SSAValue:
    """A scale or zero point without dims if it is one number."""
    return build.reshape(parameter, []) if all(size == 1 for size in shape_of(parameter)) else parameter


def placed(node: Node, build: Builder, parameter: SSAValue) -> SSAValue:
    """A scale or zero point that broadcasts to input 0: one number, one per slice of an axis, or blocks."""
    x, parameter = node.input(0), single(build, parameter)
    if rank_of(parameter) == 0:
        return parameter
    axis = front_axis(node, node.int("axis", 1), rank_of(x)) if rank_of(x) > 1 else 0
    block = node.int("block_size", 0)
    if block:
        return _repeated(node, build, parameter, axis, block)
    ranks = f"{node.op_type} has a scale or zero point of {list(shape_of(parameter))}"
    require(node, rank_of(parameter) == 1, ranks)
    return build.append_axes(parameter, rank_of(x) - 1 - axis)


def _repeated(node: Node, build: Builder, parameter: SSAValue, axis: int, block: int) -> SSAValue:
    """Every element of a parameter `block` times along an axis, as long as input 0 is."""
    x, shape = node.input(0), shape_of(parameter)
    text = f"blocks of {block} along axis {axis} of {list(shape_of(x))} with parameters {list(shape)}"
    require(node, block > 0 and len(shape) == rank_of(x), f"{node.op_type} has {text}")
    blocks, size = static_size(node, parameter, axis), static_size(node, x, axis)
    require(node, blocks == -(-size // block), f"{node.op_type} has {text}")
    wide = build.unsqueeze(parameter, [axis + 1])
    repeated = build.broadcast_to(wide, [*shape[: axis + 1], block, *shape[axis + 1 :]])
    whole = build.reshape(repeated, [*shape[:axis], blocks * block, *shape[axis + 1 :]])
    return whole if blocks * block == size else build.slice(whole, axis, 0, size)


def import_conv_integer(node: Node, build: Builder) -> SSAValue:
    """ConvInteger: the sums themselves."""
    x, w = node.input(0), node.input(1)
    return _convolve(node, build, x, w, None, zero_point(node, build, 2, x), zero_point(node, build, 3, w))


def import_qlinear_conv(node: Node, build: Builder) -> SSAValue:
    """QLinearConv: sums with a bias of the scale that they have, requantised."""
    x, w = node.input(0), node.input(3)
    sums = _convolve(node, build, x, w, node.optional(8), node.input(2), node.input(5))
    scale = _combined(build, node.input(1), node.input(4), node.input(6))
    if rank_of(scale) == 1:
        scale = build.append_axes(scale, rank_of(x) - 2)
    return requantize(build, sums, scale, node.input(7))


def _convolve(
    node: Node,
    build: Builder,
    x: SSAValue,
    w: SSAValue,
    bias: SSAValue | None,
    x_zero: SSAValue,
    w_zero: SSAValue,
) -> SSAValue:
    _require_bytes(node, x, w)
    window = read_window(node, x, filter_sizes(node, build, x, w))
    zeros = single(build, x_zero), single(build, w_zero)
    if rank_of(zeros[1]) == 1:
        zeros = zeros[0], build.append_axes(zeros[1], rank_of(w) - 1)
    properties = {**window.properties(), "groups": integer(node.int("group", 1))}
    return build.op(products.ConvOp, [x, w, bias, *zeros], properties)


def _require_bytes(node: Node, *values: SSAValue) -> None:
    """Products are of 8-bit integers."""
    strange = next((e for v in values if (e := element_of(v)) not in (i8, unsigned(8))), None)
    if strange is not None:
        raise Unsupported(f"{node.op_type} of {strange} is not supported", "Quantise to 8-bit integers.")


def _combined(build: Builder, a: SSAValue, b: SSAValue, y: SSAValue) -> SSAValue:
    """The scale of products over that of the result, `a * b / y`, as a single."""
    scales = [single(build, scale) for scale in (a, b, y)]
    ratio = build.op(DivOp, [build.op(MulOp, scales[:2]), scales[2]])
    return cast_to(build, ratio, f32)


def requantize(build: Builder, sums: SSAValue, scale: SSAValue, zero: SSAValue) -> SSAValue:
    """Sums of products as values of the zero point's type."""
    return build.op(scaling.RequantizeOp, [sums, scale, single(build, zero)], HALF_EVEN)


def import_matmul_integer(node: Node, build: Builder) -> SSAValue:
    """MatMulInteger: the sums themselves."""
    a, b = node.input(0), node.input(1)
    return _multiply(node, build, a, b, zero_point(node, build, 2, a), zero_point(node, build, 3, b))


def import_qlinear_matmul(node: Node, build: Builder) -> SSAValue:
    """QLinearMatMul: where scales are several, those of `a` are per row and those of `b` per column."""
    a, b = node.input(0), node.input(3)
    sums = _multiply(node, build, a, b, node.input(2), node.input(5))
    scale = _combined(build, _per_row(build, node.input(1)), node.input(4), node.input(6))
    return requantize(build, sums, scale, node.input(7))


def _per_row(build: Builder, parameter: SSAValue) -> SSAValue:
    plain = single(build, parameter)
    return build.append_axes(plain, 1) if rank_of(plain) == 1 else plain


def _multiply(
    node: Node, build: Builder, a: SSAValue, b: SSAValue, a_zero: SSAValue, b_zero: SSAValue
) -> SSAValue:
    _require_bytes(node, a, b)
    zeros = [_per_row(build, a_zero), single(build, b_zero)]
    return matmul(build, a, b, lambda rows, columns: build.op(products.MatMulOp, [rows, columns, *zeros]))


QUANTIZATION: Family = {
    "ConvInteger": import_conv_integer,
    "DequantizeLinear": import_dequantize,
    "MatMulInteger": import_matmul_integer,
    "QLinearConv": import_qlinear_conv,
    "QLinearMatMul": import_qlinear_matmul,
    "QuantizeLinear": import_quantize,
}
