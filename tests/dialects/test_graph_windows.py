"""Convolution and pooling of the `graph` dialect against loops written from their definitions."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pytest
from xdsl.dialects import test
from xdsl.dialects.builtin import IntegerAttr, StringAttr, f16, f32, i1, i64
from xdsl.ir import Attribute
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.element_types import element_type
from penstock.dialects.graph.base import Array, GraphOp, Tensor, integers, shape_of, tensor
from penstock.dialects.graph.linear import ConvOp, ConvTransposeOp, MatMulOp
from penstock.dialects.graph.pooling import AveragePoolOp, MaxPoolIndicesOp, MaxPoolOp

STRIDES, PADS, DILATIONS = [2, 1], [1, 0, 2, 1], [1, 2]
KERNEL = (3, 2)


def window(
    strides: Sequence[int] = STRIDES,
    pads: Sequence[int] = PADS,
    dilations: Sequence[int] = DILATIONS,
    layout: str = "nchw",
) -> dict[str, Attribute]:
    """The properties that every windowed op has."""
    return {
        "strides": integers(strides),
        "pads": integers(pads),
        "dilations": integers(dilations),
        "layout": StringAttr(layout),
    }


def groups(count: int) -> dict[str, Attribute]:
    """The property of a grouped convolution."""
    return {"groups": IntegerAttr(count, i64)}


def numbers(*shape: int) -> Array:
    """Small whole numbers, so that every sum is exact."""
    return np.random.default_rng(math.prod(shape)).integers(-4, 5, shape).astype(np.float32)


def make(kind: type[GraphOp], types: Sequence[Tensor | None], properties: Mapping[str, Attribute]) -> GraphOp:
    """The op on values of these types, `None` for an operand left out."""
    given = iter(test.TestOp(result_types=[t for t in types if t is not None]).results)
    return kind.make([None if t is None else next(given) for t in types], properties)


def apply(kind: type[GraphOp], arrays: Sequence[Array | None], properties: Mapping[str, Attribute]) -> Array:
    """What the op computes; its result must have the type that it infers."""
    types = [None if a is None else tensor(a.shape, element_type(a.dtype)) for a in arrays]
    op = make(kind, types, properties)
    op.verify()
    (y,) = op.evaluate(*(a for a in arrays if a is not None))
    assert op.results[0].type == tensor(y.shape, element_type(y.dtype))
    return y


def channels_last(x: Array) -> Array:
    """The array with its channels behind the spatial dims."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def taps(position: Sequence[int], size: Sequence[int]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The taps of the window at an output position that lie inside the input, and where they read."""
    for tap in np.ndindex(*KERNEL):
        rows = zip(position, tap, STRIDES, PADS[:2], DILATIONS, strict=True)
        where = tuple(o * s - low + t * d for o, t, s, low, d in rows)
        if all(0 <= w < n for w, n in zip(where, size, strict=True)):
            yield tap, where


def convolve(x: Array, w: Array, bias: Array, count: int, out: Sequence[int]) -> Array:
    """The convolution, one product at a time."""
    y = np.zeros((x.shape[0], w.shape[0], *out), np.float32)
    inner, outer = w.shape[1], w.shape[0] // count
    for n, o, *position in np.ndindex(*y.shape):
        channels = slice(o // outer * inner, o // outer * inner + inner)
        read = taps(position, x.shape[2:])
        products = (np.multiply(x[n, channels, *where], w[o, :, *tap]).sum() for tap, where in read)
        y[n, o, *position] = np.add(bias[o], sum(products))
    return y


@pytest.mark.parametrize("count", [1, 2, 4])
def test_conv(count: int) -> None:
    x, w, bias = numbers(2, 4, 6, 7), numbers(8, 4 // count, *KERNEL), numbers(8)
    wanted = convolve(x, w, bias, count, [4, 6])
    properties = {**window(), **groups(count)}
    np.testing.assert_array_equal(apply(ConvOp, [x, w, bias], properties), wanted)
    last = apply(ConvOp, [channels_last(x), w, bias], {**window(layout="nhwc"), **groups(count)})
    np.testing.assert_array_equal(last, channels_last(wanted))


def test_conv_over_one_and_three_dims() -> None:
    x, w = numbers(1, 2, 9), numbers(3, 2, 3)
    y = apply(ConvOp, [x, w, None], {**window([1], [0, 0], [1]), **groups(1)})
    np.testing.assert_array_equal(y[0, 2], sum(np.correlate(x[0, c], w[2, c]) for c in range(2)))
    cube = apply(
        ConvOp,
        [numbers(1, 1, 3, 3, 3), np.ones((1, 1, 3, 3, 3), np.float32), None],
        {**window([1] * 3, [0] * 6, [1] * 3), **groups(1)},
    )
    assert cube.reshape(-1).tolist() == [float(np.sum(numbers(1, 1, 3, 3, 3).astype(np.float64)))]


def test_conv_of_integers_wraps() -> None:
    x, w = np.full((1, 1, 2), 2**30, np.int32), np.full((1, 1, 2), 2, np.int32)
    y = apply(ConvOp, [x, w, None], {**window([1], [0, 0], [1]), **groups(1)})
    assert y.tolist() == [[[0]]]


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("extra", [[0, 0], [1, 0]])
def test_conv_transpose_is_the_adjoint_of_conv(count: int, extra: list[int]) -> None:
    """<conv(x), y> = <x, conv_transpose(y)> determines the transpose."""
    size = [2 * 3 + 3 - 3 + extra[0], 6 + 3 - 1]
    x, w = numbers(1, 4, *size), numbers(6, 4 // count, *KERNEL)
    forward = apply(ConvOp, [x, w, None], {**window(), **groups(count)})
    y = numbers(*forward.shape)
    properties = {**window(), **groups(count), "output_padding": integers(extra)}
    back = apply(ConvTransposeOp, [y, w, None], properties)
    assert back.shape == x.shape
    assert np.vdot(forward.astype(float), y.astype(float)) == np.vdot(x.astype(float), back.astype(float))
    last = apply(ConvTransposeOp, [channels_last(y), w, None], properties | window(layout="nhwc"))
    np.testing.assert_array_equal(last, channels_last(back))


def test_conv_transpose_adds_its_bias() -> None:
    y, w, bias = numbers(1, 2, 2, 2), numbers(2, 3, *KERNEL), numbers(3)
    properties = {**window(), **groups(1), "output_padding": integers([0, 0])}
    with_bias = apply(ConvTransposeOp, [y, w, bias], properties)
    without = apply(ConvTransposeOp, [y, w, None], properties)
    np.testing.assert_array_equal(with_bias, np.add(without, bias.reshape(3, 1, 1)))


def pool(x: Array, out: Sequence[int], choose: Callable[[Array], object]) -> list[object]:
    """The choice among the elements of each window that are no padding."""
    shape = (*x.shape[:2], *out)
    windows = ((n, c, [where for _, where in taps(at, x.shape[2:])]) for n, c, *at in np.ndindex(*shape))
    return [choose(np.array([x[n, c, *where] for where in read])) for n, c, read in windows]


def test_max_pool_and_where_it_found_the_maxima() -> None:
    x = numbers(2, 3, 6, 7)
    properties = {**window(), "kernel": integers(KERNEL)}
    y = apply(MaxPoolOp, [x], properties)
    assert y.reshape(-1).tolist() == pool(x, y.shape[2:], lambda seen: float(seen.max()))
    indices = apply(MaxPoolIndicesOp, [x], properties)
    np.testing.assert_array_equal(np.take(x, indices.astype(np.int64)), y)
    # Every element is its own position in the flattened input, so the first of equals has the least.
    positions = np.arange(x.size).reshape(x.shape)
    same = np.zeros_like(x)
    first = apply(MaxPoolIndicesOp, [same], properties)
    assert first.reshape(-1).tolist() == pool(positions, y.shape[2:], lambda seen: int(seen.min()))


def test_max_pool_keeps_nan_and_the_least_integer() -> None:
    properties = {**window([1], [1, 1], [1]), "kernel": integers([2])}
    nan = apply(MaxPoolOp, [np.array([[[1, np.nan, 2]]], np.float32)], properties)
    np.testing.assert_array_equal(nan, [[[1, np.nan, np.nan, 2]]])
    least = apply(MaxPoolOp, [np.full((1, 1, 2), -128, np.int8)], properties)
    assert least.tolist() == [[[-128] * 3]]
    assert apply(MaxPoolIndicesOp, [np.full((1, 1, 2), -np.inf, np.float32)], properties).tolist() == [
        [[0, 0, 1]]
    ]


def test_average_pool_without_and_with_padding_counted() -> None:
    x = numbers(1, 2, 6, 7)
    properties = {**window(), "kernel": integers(KERNEL), "counted": integers([0] * 4)}
    y = apply(AveragePoolOp, [x], properties)
    means = pool(x, y.shape[2:], lambda seen: np.float32(seen.astype(np.float64).mean()))
    np.testing.assert_array_equal(y.reshape(-1), means)
    counted = apply(AveragePoolOp, [x], properties | {"counted": integers(PADS)})
    sums = pool(x, y.shape[2:], lambda seen: np.float32(seen.astype(np.float64).sum() / 6))
    np.testing.assert_array_equal(counted.reshape(-1), sums)


def test_average_pool_counts_a_part_of_the_padding() -> None:
    x = np.array([[[6.0, 6.0]]], np.float32)
    properties = {**window([2], [1, 2], [1]), "kernel": integers([3]), "counted": integers([1, 1])}
    # Windows (0 6 6) and (6 0 -): the last element of padding does not count.
    assert apply(AveragePoolOp, [x], properties).tolist() == [[[4.0, 3.0]]]


def test_matmul_batches_and_sums_in_double() -> None:
    a, b = numbers(2, 1, 3, 4), numbers(5, 4, 2)
    y = apply(MatMulOp, [a, b], {})
    wanted = [[np.sum(np.multiply(a[i, 0, :, :, None], b[j][None]), 1) for j in range(5)] for i in range(2)]
    np.testing.assert_array_equal(y, wanted)
    row, column = np.array([[2048, 1, 1]], np.float16), np.ones((3, 1), np.float16)
    assert apply(MatMulOp, [row, column], {}).tolist() == [[2050]]


def test_symbolic_sizes() -> None:
    x, w = tensor(["n", 3, "h", 8], f32), tensor([4, 3, *KERNEL], f32)
    conv = make(ConvOp, [x, w, None], {**window(), **groups(1)})
    assert shape_of(conv.results[0]) == ("n", 4, "h//2 + 1", 7)
    pooled = make(MaxPoolOp, [x], {**window([1, 2], [0] * 4, [1, 1]), "kernel": integers([1, 2])})
    assert shape_of(pooled.results[0]) == ("n", 3, "h", 4)
    transposed = {**window(), **groups(1), "output_padding": integers([0, 0])}
    back = make(ConvTransposeOp, [x, tensor([3, 5, *KERNEL], f32), None], transposed)
    assert shape_of(back.results[0]) == ("n", 5, "2*h - 2", 9)
    product = make(MatMulOp, [tensor(["b", 2, "k"], f32), tensor(["k", "m"], f32)], {})
    assert shape_of(product.results[0]) == ("b", 2, "m")


IMAGE = tensor([1, 4, 8, 8], f32)
FILTER = tensor([6, 4, 3, 2], f32)


@pytest.mark.parametrize(
    ("kind", "types", "properties", "message"),
    [
        (ConvOp, [IMAGE, tensor([6, 3, 3, 2], f32), None], groups(1), "4 input channels, the filter wants 3"),
        (ConvOp, [IMAGE, tensor([6, 1, 3, 2], f32), None], groups(4), "4 to 6 channels in 4 groups"),
        (ConvOp, [IMAGE, tensor([6, 4, 3], f32), None], groups(1), "rank 4 with a filter of rank 3"),
        (ConvOp, [IMAGE, FILTER, tensor([5], f32)], groups(1), r"bias \[5\] for 6 output channels"),
        (ConvOp, [IMAGE, tensor([6, 4, 3, 2], f16), None], groups(1), "operands differ in element type"),
        (ConvOp, [IMAGE, tensor([6, 4, 99, 2], f32), None], groups(1), "a window of 99 does not fit into 8"),
        (ConvOp, [IMAGE, FILTER, None], groups(1) | {"strides": integers([0, 1])}, "must be positive"),
        (ConvOp, [IMAGE, FILTER, None], groups(1) | {"pads": integers([1])}, "do not match 2 spatial dims"),
        (ConvOp, [IMAGE, FILTER, None], groups(1) | {"pads": integers([-1, 0, 0, 0])}, "not negative"),
        (
            ConvOp,
            [tensor([1, 4, 8, 8], i1), tensor([6, 4, 3, 2], i1), None],
            groups(1),
            "needs numbers, got i1",
        ),
        (
            AveragePoolOp,
            [tensor([1, 4, 8, 8], i64)],
            {"kernel": integers([2, 2]), "counted": integers([0] * 4)},
            "graph.average_pool: needs reals, got i64",
        ),
        (MaxPoolOp, [IMAGE], {"kernel": integers([2])}, "do not match 2 spatial dims"),
        (
            AveragePoolOp,
            [IMAGE],
            {"kernel": integers([2, 2]), "counted": integers([9, 0, 0, 0])},
            "is not within the pads",
        ),
        (
            ConvTransposeOp,
            [IMAGE, tensor([4, 2, 3, 2], f32), None],
            groups(1) | {"output_padding": integers([0])},
            "output_padding",
        ),
    ],
)
def test_broken_rules_are_named(
    kind: type[GraphOp],
    types: Sequence[Tensor | None],
    properties: Mapping[str, Attribute],
    message: str,
) -> None:
    with pytest.raises(VerifyException, match=message):
        make(kind, types, {**window(), **properties})


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (tensor([3], f32), tensor([3, 2], f32), "operands of rank 1 and 2"),
        (tensor([2, 3], f32), tensor([4, 2], f32), r"inner sizes differ: \[2, 3\] against \[4, 2\]"),
        (tensor([2, 3], f32), tensor([3, 2], f16), "operands differ in element type: f16, f32"),
    ],
)
def test_broken_products_are_named(a: Tensor, b: Tensor, message: str) -> None:
    with pytest.raises(VerifyException, match=f"graph.matmul: {message}"):
        make(MatMulOp, [a, b], {})
