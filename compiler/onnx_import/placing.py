"""Importers of the operations that place whole windows or sequences into a larger tensor."""

import math

import numpy as np
from xdsl.dialects.builtin import StringAttr, i64
from xdsl.ir import SSAValue

from penstock.dialects.element_types import numpy_dtype
from penstock.dialects.graph.base import (
    computed_dim,
    element_of,
    flag,
    integer,
    product_of,
    rank_of,
    shape_of,
    size_of,
)
from penstock.dialects.graph.elementwise import AddOp, ModOp
from penstock.dialects.graph.indexing import ScatterElementsOp
from penstock.dialects.requirements import equal
from penstock.dialects.sizes import quotient
from penstock.errors import ShapeError
from penstock.onnx_import.axes import axis_attribute
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node


def import_tensor_scatter(node: Node, build: Builder) -> SSAValue:
    """TensorScatter: a sequence is written into a cache from a position on, one per batch element."""
    cache, update = node.input(0), node.input(1)
    axis, rank = axis_attribute(node, cache, -2), rank_of(cache)
    steps = build.positions(shape_of(update)[axis], i64)
    positions = build.append_axes(steps, rank - axis - 1)
    start = node.optional(2)
    if start is not None:
        positions = build.op(AddOp, [build.append_axes(start, rank - 1), positions])
    if node.string("mode", "linear") == "circular":
        size = build.size(shape_of(cache)[axis], i64)
        positions = build.op(ModOp, [positions, size], {"truncated": flag(False)})
    everywhere = build.broadcast_to(positions, shape_of(update))
    return build.indexing(ScatterElementsOp, [cache, everywhere, update], {"axis": integer(axis)})


def import_col2im(node: Node, build: Builder) -> SSAValue:
    """Col2Im: windows written as columns are added up in the image they were cut from."""
    x, image, block = node.input(0), node.integers(1, "the image"), node.integers(2, "the block")
    n = len(image)
    dilations, strides = node.ints("dilations", [1] * n), node.ints("strides", [1] * n)
    pads = node.ints("pads", [0] * 2 * n)
    if not n == len(block) == len(dilations) == len(strides) == len(pads) // 2 or rank_of(x) != 3:
        raise ShapeError("image, block and x do not match", node=node.name, remedy="Correct the attributes.")
    padded = [d + pads[i] + pads[n + i] for i, d in enumerate(image)]
    at = _window_positions(build, padded, block, dilations, strides)
    batch, columns, windows = shape_of(x)
    channels = computed_dim(quotient, columns, math.prod(block))
    build.hold(equal(size_of(product_of([channels, math.prod(block)])), size_of(columns)))
    build.hold(equal(size_of(product_of([windows, math.prod(block)])), at.size))
    planes = product_of([batch, channels])
    zero = build.constant(np.zeros((), numpy_dtype(element_of(x))))
    canvas = build.broadcast_to(zero, [planes, math.prod(padded)])
    taps = build.reshape(x, [planes, at.size])
    indices = build.broadcast_to(build.constant(at.reshape(1, -1)), [planes, at.size])
    properties = {"axis": integer(1), "reduction": StringAttr("add")}
    whole = build.reshape(
        build.op(ScatterElementsOp, [canvas, indices, taps], properties), [batch, channels, *padded]
    )
    for i, size in enumerate(image):
        whole = build.slice(whole, i + 2, pads[i], pads[i] + size)
    return whole


def _window_positions(
    build: Builder,
    image: list[int],
    block: tuple[int, ...],
    dilations: tuple[int, ...],
    strides: tuple[int, ...],
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The row-major position in the image of each tap (outer) of each window (inner)."""
    position = np.zeros((1, 1), np.int64)
    for size, taps, dilation, stride in zip(image, block, dilations, strides, strict=True):
        count = (size - dilation * (taps - 1) - 1) // stride + 1
        if min(taps, dilation, stride, count) < 1:
            raise ShapeError(f"no window of {taps} fits into {size}", remedy="Correct the attributes.")
        build.bounded(position.size * taps * count)
        along = np.arange(taps)[:, None] * dilation + np.arange(count)[None, :] * stride
        outer = position[:, None, :, None] * size + along[None, :, None, :]
        position = outer.reshape(position.shape[0] * taps, position.shape[1] * count)
    return position


PLACING: Family = {"Col2Im": import_col2im, "TensorScatter": import_tensor_scatter}
