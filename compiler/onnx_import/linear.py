"""Importers of convolutions and matrix products."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from xdsl.ir import Attribute, SSAValue

from penstock.dialects.graph.base import Dim, GraphOp, dim_of, integer, rank_of, shape_of, size_of
from penstock.dialects.graph.elementwise import AddOp
from penstock.dialects.graph.linear import ConvOp, ConvTransposeOp, MatMulOp
from penstock.dialects.graph.movement import counts_attr
from penstock.dialects.sizes import Extent, maximum
from penstock.onnx_import.activation import scaled
from penstock.onnx_import.axes import require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node
from penstock.onnx_import.window import Window, auto_pad, explicit_window, read_window, split_padding


def import_conv(node: Node, build: Builder) -> SSAValue:
    """Conv: automatic padding becomes explicit."""
    x, w = node.input(0), node.input(1)
    window = read_window(node, x, filter_sizes(node, build, x, w))
    return _convolve(
        build, ConvOp, [x, w, node.optional(2)], window, {"groups": integer(node.int("group", 1))}
    )


def _convolve(
    build: Builder,
    kind: type[GraphOp],
    operands: Sequence[SSAValue | None],
    window: Window,
    properties: Mapping[str, Attribute],
) -> SSAValue:
    return build.op(kind, operands, {**window.properties(), **properties})


def filter_sizes(node: Node, build: Builder, x: SSAValue, w: SSAValue) -> list[Dim]:
    """The spatial sizes of a filter; an open one is what the attribute says, if it is there."""
    ranks = f"{node.op_type} has an input of rank {rank_of(x)} and a filter of rank {rank_of(w)}"
    require(node, rank_of(x) == rank_of(w), ranks)
    sizes = list(shape_of(w)[2:])
    for axis, size in enumerate(node.ints("kernel_shape", ())[: len(sizes)]):
        if sizes[axis] == "?" or isinstance(sizes[axis], int):
            continue
        build.require(f"{sizes[axis]} == {size}")
        sizes[axis] = size
    return sizes


def import_conv_transpose(node: Node, build: Builder) -> SSAValue:
    """ConvTranspose: the padding follows from `output_shape` or `auto_pad` where these are given."""
    x, w = node.input(0), node.input(1)
    window = explicit_window(node, x, filter_sizes(node, build, x, w))
    extra: Sequence[Dim] = node.ints("output_padding", [0] * len(window.kernel))
    if node.has("output_shape") or auto_pad(node).startswith("SAME"):
        window, extra = _fit_output(node, x, window, node.ints("output_padding", [0] * len(window.kernel)))
    elif auto_pad(node) == "VALID":
        window = replace(window, pads=(0,) * len(window.pads))
    properties = {"groups": integer(node.int("group", 1)), "output_padding": counts_attr(extra)}
    return _convolve(build, ConvTransposeOp, [x, w, node.optional(2)], window, properties)


def _fit_output(
    node: Node, x: SSAValue, window: Window, extra: Sequence[int]
) -> tuple[Window, tuple[Dim, ...]]:
    """The padding that gives the wanted output; what is missing is added at its high end."""
    n = len(window.kernel)
    sizes = [size_of(d) for d in shape_of(x)[2:]]
    # Some exporters write the whole shape, some its spatial part.
    given = node.ints("output_shape", ())[-n:]
    wanted: Sequence[Extent] = given or [size * s for size, s in zip(sizes, window.strides, strict=True)]
    rule = f"output_shape {wanted} and output_padding {extra} do not match {n} spatial dims"
    require(node, len(wanted) == len(extra) == n, rule)
    rows = zip(sizes, window.strides, window.spans(), extra, wanted, strict=True)
    totals = [s * (size - 1) + e + span - want for size, s, span, e, want in rows]
    pads = split_padding([maximum(t, 0) for t in totals], extra_high=auto_pad(node) == "SAME_UPPER")
    widened = [dim_of(e + maximum(0 - t, 0)) for e, t in zip(extra, totals, strict=True)]
    return replace(window, pads=pads), tuple(widened)


def import_matmul(node: Node, build: Builder) -> SSAValue:
    """MatMul: NumPy's product, vectors included."""
    return matmul_of_reals(build, node.input(0), node.input(1))


def matmul_of_reals(build: Builder, a: SSAValue, b: SSAValue) -> SSAValue:
    """NumPy's product."""
    return matmul(build, a, b, lambda rows, columns: build.op(MatMulOp, [rows, columns]))


def matmul(
    build: Builder, a: SSAValue, b: SSAValue, product: Callable[[SSAValue, SSAValue], SSAValue]
) -> SSAValue:
    """A product of matrices in which a vector is a row on the left and a column on the right."""
    row, column = rank_of(a) == 1, rank_of(b) == 1
    left = build.unsqueeze(a, [0]) if row else a
    right = build.unsqueeze(b, [1]) if column else b
    y = product(left, right)
    if not row and not column:
        return y
    shape = shape_of(y)
    dropped = {rank_of(y) - 2} if row else set[int]()
    dropped |= {rank_of(y) - 1} if column else set[int]()
    return build.reshape(y, [d for i, d in enumerate(shape) if i not in dropped])


def import_gemm(node: Node, build: Builder) -> SSAValue:
    """Gemm: `alpha * a b + beta * c`, either factor perhaps transposed."""
    a = build.transpose(node.input(0), [1, 0]) if node.int("transA", 0) else node.input(0)
    b = build.transpose(node.input(1), [1, 0]) if node.int("transB", 0) else node.input(1)
    product = scaled(build, build.op(MatMulOp, [a, b]), node.float("alpha", 1.0))
    c, beta = node.optional(2), node.float("beta", 1.0)
    if c is None or beta == 0:
        return product
    return build.op(AddOp, [product, scaled(build, c, beta)])


LINEAR: Family = {
    "Conv": import_conv,
    "ConvTranspose": import_conv_transpose,
    "Gemm": import_gemm,
    "MatMul": import_matmul,
}
