"""Pooling, convolution, its transpose and matrix products keep their meaning as loop nests."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from xdsl.dialects.builtin import IntegerAttr, StringAttr, i64
from xdsl.ir import Attribute

from penstock.dialects.graph import linear, pooling
from penstock.dialects.graph.base import CHANNELS_FIRST, CHANNELS_LAST, GraphOp, integers
from penstock.passes.lowering.graph_to_nest.rules import rules
from penstock.passes.lowering.graph_to_nest.transposed_conv import Spatial
from tests.passes.lowering_kit import check_op
from tests.passes.lowering_samples import FLOATS, INTEGERS, Array, sample, small

DType = np.dtype[np.generic]
SINGLE = np.dtype(np.float32)
LAYOUTS = [CHANNELS_FIRST, CHANNELS_LAST]
POOLS = [pooling.MaxPoolOp, pooling.MaxPoolIndicesOp, pooling.AveragePoolOp]
names = pytest.mark.parametrize


def test_every_op_has_a_rule() -> None:
    assert {*linear.OPS, *pooling.OPS} <= set(rules())


def _window(
    rank: int,
    strides: Sequence[int] = (),
    pads: Sequence[int] = (),
    dilations: Sequence[int] = (),
    layout: str = CHANNELS_FIRST,
) -> dict[str, Attribute]:
    """The properties of an op with a window over `rank` spatial dims."""
    return {
        "strides": integers(strides or [1] * rank),
        "pads": integers(pads or [0] * 2 * rank),
        "dilations": integers(dilations or [1] * rank),
        "layout": StringAttr(layout),
    }


def _pool(
    op: type[GraphOp],
    x: Array,
    kernel: Sequence[int],
    window: Mapping[str, Attribute],
    counted: Sequence[int] = (),
    ulps: float = 2,
) -> None:
    properties = {**window, "kernel": integers(kernel)}
    if op is pooling.AveragePoolOp:
        properties["counted"] = integers(counted or [0] * 2 * len(kernel))
    check_op(op, [x], properties, ulps=ulps)


@names("layout", LAYOUTS)
@names("op", POOLS)
def test_pooling_of_images(op: type[GraphOp], layout: str) -> None:
    x = sample((2, 9, 8, 3) if layout == CHANNELS_LAST else (2, 3, 9, 8), SINGLE)
    _pool(op, x, (3, 2), _window(2, (2, 3), (1, 0, 1, 1), layout=layout))
    _pool(op, x, (2, 2), _window(2, (2, 2), layout=layout))


@names("op", POOLS)
def test_pooling_dilated_and_in_other_ranks(op: type[GraphOp]) -> None:
    _pool(op, sample((1, 2, 12), SINGLE), (3,), _window(1, (2,), (2, 1), (2,)))
    _pool(op, sample((1, 2, 4, 5, 4), SINGLE), (2, 3, 2), _window(3, (1, 2, 2), (0, 1, 1, 1, 1, 0)))


@names("dtype", FLOATS, ids=str)
@names("op", POOLS)
def test_pooling_of_reals(op: type[GraphOp], dtype: DType) -> None:
    _pool(op, sample((1, 2, 7), dtype), (3,), _window(1, (2,), (1, 1)), ulps=1)


@names("dtype", [INTEGERS[0], INTEGERS[4]], ids=str)
@names("op", POOLS[:2])
def test_pooling_of_integers(op: type[GraphOp], dtype: DType) -> None:
    _pool(op, sample((1, 2, 7), dtype), (3,), _window(1, (2,), (1, 1)), ulps=1)


@names("op", [pooling.MaxPoolOp, pooling.AveragePoolOp])
def test_pooling_among_nan_and_infinities(op: type[GraphOp]) -> None:
    x = np.array([[[1, np.nan, 3, -np.inf, -np.inf, -np.inf, 2, np.inf, 5]]], SINGLE)
    _pool(op, x, (3,), _window(1, (1,), (1, 1)))


def test_position_of_the_first_of_equals_and_of_the_least() -> None:
    x = np.array([[[-np.inf, -np.inf, -np.inf, 2, 2, 1, 2]]], SINGLE)
    _pool(pooling.MaxPoolIndicesOp, x, (3,), _window(1, (1,), (2, 2)))
    _pool(
        pooling.MaxPoolIndicesOp,
        small((1, 2, 6, 6), SINGLE, limit=1),
        (3, 3),
        _window(2, (1, 2), (1, 1, 1, 1)),
    )


@names("counted", [(0, 0, 0, 0), (1, 1, 1, 1), (1, 0, 0, 1)], ids=str)
def test_what_an_average_counts(counted: tuple[int, ...]) -> None:
    _pool(
        pooling.AveragePoolOp, sample((1, 2, 5, 6), SINGLE), (3, 3), _window(2, (2, 2), (1, 1, 1, 2)), counted
    )


def _filtered(
    op: type[GraphOp],
    x: Array,
    w: Array,
    window: Mapping[str, Attribute],
    groups: int = 1,
    bias: bool = False,
    extra: Sequence[int] = (),
    ulps: float = 4,
) -> None:
    properties = {**window, "groups": IntegerAttr(groups, i64)}
    channels = w.shape[0]
    if op is linear.ConvTransposeOp:
        properties["output_padding"] = integers(extra or [0] * (w.ndim - 2))
        channels = w.shape[1] * groups
    check_op(op, [x, w, sample((channels,), x.dtype, seed=5) if bias else None], properties, ulps=ulps)


@names("bias", [False, True])
@names("layout", LAYOUTS)
def test_convolution(layout: str, bias: bool) -> None:
    x = sample((2, 7, 6, 4) if layout == CHANNELS_LAST else (2, 4, 7, 6), SINGLE)
    window = _window(2, (2, 1), (1, 0, 1, 2), (1, 2), layout)
    _filtered(linear.ConvOp, x, sample((6, 2, 3, 2), SINGLE, seed=1), window, groups=2, bias=bias)


@names("extra", [(0, 0), (1, 1)])
@names("pads", [(0, 0, 0, 0), (1, 1, 1, 1), (2, 0, 1, 1)], ids=str)
@names("kernel", [(2, 2), (3, 3), (4, 3)])
def test_transposed_convolution(
    kernel: tuple[int, int], pads: tuple[int, ...], extra: tuple[int, int]
) -> None:
    x, w = sample((1, 2, 3, 4), SINGLE), sample((2, 3, *kernel), SINGLE, seed=1)
    _filtered(linear.ConvTransposeOp, x, w, _window(2, (2, 2), pads), extra=extra)


@names("layout", LAYOUTS)
def test_transposed_convolution_in_layouts(layout: str) -> None:
    x = sample((2, 3, 4, 2) if layout == CHANNELS_LAST else (2, 2, 3, 4), SINGLE)
    window = _window(2, (3, 2), (1, 0, 0, 1), layout=layout)
    _filtered(linear.ConvTransposeOp, x, sample((2, 3, 2, 4), SINGLE, seed=1), window, bias=True)


@names("dilation", [1, 2, 3, 4])
@names("stride", [1, 2, 3, 4, 6])
def test_transposed_convolution_strided_and_dilated(stride: int, dilation: int) -> None:
    """Kernels shorter than the stride leave gaps, which hold the bias."""
    for kernel, bias in ((1, False), (2, True), (5, False)):
        pads = (1, 0) if kernel > 1 else (0, 0)
        w = sample((4, 2, kernel), SINGLE, seed=1)
        window = _window(1, (stride,), pads, (dilation,))
        _filtered(linear.ConvTransposeOp, sample((2, 4, 5), SINGLE), w, window, groups=2, bias=bias)


@names("dtype", [FLOATS[0], FLOATS[1], FLOATS[3], INTEGERS[0], INTEGERS[2]], ids=str)
def test_transposed_convolution_of_every_type(dtype: DType) -> None:
    x, w = small((1, 8, 6), dtype), small((8, 2, 4), dtype, seed=1)
    _filtered(linear.ConvTransposeOp, x, w, _window(1, (2,), (1, 1)), ulps=1)


def test_a_large_stride_makes_few_nests() -> None:
    """The residues of a stride of 32 are one piece, or two when the pads cut through it."""
    assert len(list(Spatial(size=320, kernel=64, stride=32, dilation=1, pad=0).pieces())) == 1
    assert len(list(Spatial(size=320, kernel=64, stride=32, dilation=1, pad=16).pieces())) == 2


@names("shapes", [((3, 4), (4, 5)), ((2, 3, 4), (4, 5)), ((2, 1, 3, 4), (5, 4, 2)), ((1, 0), (0, 2))])
def test_matrix_product(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    a, b = shapes
    check_op(linear.MatMulOp, [sample(a, SINGLE), sample(b, SINGLE, seed=1)])
