"""Random layers: sums over many elements, from a reduction to a convolution."""

from collections.abc import Mapping
from math import prod

from xdsl.dialects.builtin import IntegerAttr, StringAttr, i64
from xdsl.ir import Attribute, SSAValue

from penstock.dialects.element_types import is_float
from penstock.dialects.graph.base import (
    CHANNELS_FIRST,
    CHANNELS_LAST,
    channel_axis,
    element_of,
    flag,
    integers,
    number,
    rank_of,
    spatial_axes,
    static_shape_of,
)
from penstock.dialects.graph.elementwise import AbsOp
from penstock.dialects.graph.linear import ConvOp, ConvTransposeOp, MatMulOp
from penstock.dialects.graph.normalization import BatchNormOp, LayerNormOp, SoftmaxOp
from penstock.dialects.graph.pooling import AveragePoolOp, MaxPoolOp
from penstock.dialects.graph.reduction import ReduceMaxOp, ReduceMeanOp, ReduceMinOp, ReduceSumOp
from penstock.testing.canvas import Canvas

Properties = Mapping[str, Attribute]


def reduce(c: Canvas) -> SSAValue | None:
    """A sum, mean or extreme along some axes."""
    x = c.value(1)
    kinds = [ReduceSumOp, ReduceMaxOp, ReduceMinOp, *([ReduceMeanOp] if is_float(element_of(x)) else [])]
    axes = [axis for axis in range(rank_of(x)) if c.chance()] or [rank_of(x) - 1]
    return c.op(c.choose(kinds), [x], {"axes": integers(axes), "keepdims": flag(c.chance())})


def matmul(c: Canvas) -> SSAValue | None:
    """A matrix product, perhaps of batches that broadcast."""
    a = c.value(2, 4, real=True)
    *batch, _, inner = static_shape_of(a)
    leading = [1 if c.chance() else size for size in batch] if c.chance() else []
    return c.op(MatMulOp, [a, c.fresh([*leading, inner, c.shape(1, 1)[0]], element_of(a))])


def softmax(c: Canvas) -> SSAValue | None:
    """A softmax along an axis."""
    x = c.value(1, real=True)
    return c.op(SoftmaxOp, [x], {"axis": IntegerAttr(c.integer(0, rank_of(x) - 1), i64)})


def layer_norm(c: Canvas) -> SSAValue | None:
    """A layer norm with a scale and perhaps a bias."""
    x = c.value(2, real=True)
    axis = c.integer(1, rank_of(x) - 1)
    scale, bias = (c.constant(static_shape_of(x)[axis:], element_of(x)) for _ in range(2))
    properties = {"axis": IntegerAttr(axis, i64), "eps": number(0.125)}
    return c.op(LayerNormOp, [x, scale, bias if c.chance() else None], properties)


def batch_norm(c: Canvas) -> SSAValue | None:
    """A batch norm of constants."""
    x = c.value(3, real=True)
    scale, bias, mean, var = (c.constant([static_shape_of(x)[1]], element_of(x)) for _ in range(4))
    positive = c.op(AbsOp, [var])
    properties = {"axis": IntegerAttr(1, i64), "eps": number(0.125)}
    return positive and c.op(BatchNormOp, [x, scale, bias, mean, positive], properties)


def conv(c: Canvas) -> SSAValue | None:
    """A convolution over one or two spatial dims, in either layout, perhaps in groups."""
    x, layout = c.value(3, 4, real=True), c.choose([CHANNELS_FIRST, CHANNELS_LAST])
    kernel, window = _window(c, x, layout)
    channels = static_shape_of(x)[channel_axis(layout, rank_of(x))]
    groups = c.choose([g for g in (1, 2, channels) if channels % g == 0])
    out = groups * c.choose([1, 2, 3, 8])
    if out * channels * prod(kernel) > c.limit * 4:
        return None
    w = c.constant([out, channels // groups, *kernel], element_of(x))
    bias = c.constant([out], element_of(x)) if c.chance() else None
    return c.op(ConvOp, [x, w, bias], {**window, "groups": IntegerAttr(groups, i64)})


def conv_transpose(c: Canvas) -> SSAValue | None:
    """A transposed convolution without padding."""
    x, layout = c.value(3, 4, real=True), c.choose([CHANNELS_FIRST, CHANNELS_LAST])
    spatial = rank_of(x) - 2
    channels = static_shape_of(x)[channel_axis(layout, rank_of(x))]
    kernel, strides = ([c.integer(1, 3) for _ in range(spatial)] for _ in range(2))
    w = c.constant([channels, c.choose([1, 2, 5]), *kernel], element_of(x))
    properties = {
        "strides": integers(strides),
        "pads": integers([0] * spatial * 2),
        "dilations": integers([1] * spatial),
        "output_padding": integers([0] * spatial),
        "layout": StringAttr(layout),
        "groups": IntegerAttr(1, i64),
    }
    return c.op(ConvTransposeOp, [x, w, None], properties)


def pool(c: Canvas) -> SSAValue | None:
    """The greatest or the mean of every window."""
    x, layout = c.value(3, 4, real=True), c.choose([CHANNELS_FIRST, CHANNELS_LAST])
    kernel, window = _window(c, x, layout)
    if c.chance():
        return c.op(MaxPoolOp, [x], {**window, "kernel": integers(kernel)})
    counted = window["pads"] if c.chance() else integers([0] * len(kernel) * 2)
    return c.op(AveragePoolOp, [x], {**window, "kernel": integers(kernel), "counted": counted})


def _window(c: Canvas, x: SSAValue, layout: str) -> tuple[list[int], Properties]:
    """A kernel that fits into the spatial dims, and how it slides; every window holds some of the input."""
    sizes = [static_shape_of(x)[a] for a in spatial_axes(layout, rank_of(x))]
    kernel = [c.integer(1, min(3, size)) for size in sizes]
    dilations = [2 if size > 2 * (k - 1) and c.chance() else 1 for k, size in zip(kernel, sizes, strict=True)]
    low, high = ([c.integer(0, 1 if k > 1 else 0) for k in kernel] for _ in range(2))
    return kernel, {
        "strides": integers([c.integer(1, 3) for _ in sizes]),
        "pads": integers([*low, *high]),
        "dilations": integers(dilations),
        "layout": StringAttr(layout),
    }
