"""Softmax, normalizations and attention keep their meaning as loop nests."""

from collections.abc import Mapping

import numpy as np
import pytest
from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import Attribute

from penstock.dialects.graph import attention, normalization
from penstock.dialects.graph.base import GraphOp, flag, number
from penstock.passes.lowering.graph_to_nest.rules import rules
from tests.passes.lowering_kit import check_op
from tests.passes.lowering_samples import FLOATS, Array, sample

DType = np.dtype[np.generic]
SINGLE = np.dtype(np.float32)
SOFTMAXES = [normalization.SoftmaxOp, normalization.LogSoftmaxOp]
names = pytest.mark.parametrize


def test_every_op_has_a_rule() -> None:
    assert {*normalization.OPS, *attention.OPS} <= set(rules())


def _axis(axis: int) -> IntegerAttr:
    return IntegerAttr(axis, i64)


@names("axis", [0, 1, 2])
@names("op", SOFTMAXES)
def test_softmax_along_an_axis(op: type[GraphOp], axis: int) -> None:
    check_op(op, [sample((2, 5, 3), SINGLE)], {"axis": _axis(axis)}, ulps=2)


@names("dtype", FLOATS, ids=str)
@names("op", SOFTMAXES)
def test_softmax_of_every_type(op: type[GraphOp], dtype: DType) -> None:
    check_op(op, [sample((3, 40), dtype, scale=5)], {"axis": _axis(1)}, ulps=1 if dtype.itemsize == 2 else 4)


@names("op", SOFTMAXES)
def test_softmax_of_large_numbers_nan_and_infinities(op: type[GraphOp]) -> None:
    rows = [[1000, 999, -1000], [-1e30, 0, 1], [-np.inf, 0, 1], [np.nan, 0, 1], [np.inf, 0, 1], [-np.inf] * 3]
    check_op(op, [np.array(rows, SINGLE)], {"axis": _axis(1)})


@names("axis", [1, 3])
@names("dtype", FLOATS, ids=str)
def test_batch_norm(dtype: DType, axis: int) -> None:
    shape = (2, 3, 4, 5)
    scale, bias, mean, var = (sample((shape[axis],), dtype, seed=i) for i in range(4))
    operands = [sample(shape, dtype, seed=9), scale, bias, mean, np.abs(var)]
    check_op(normalization.BatchNormOp, operands, {"axis": _axis(axis), "eps": number(1e-3)}, ulps=2)


@names("axis", [1, 2])
@names("scale", [None, (6,), (1, 6), (5, 6)], ids=str)
@names("bias", [None, (6,)], ids=str)
def test_layer_norm(axis: int, scale: tuple[int, ...] | None, bias: tuple[int, ...] | None) -> None:
    affine = [None if shape is None else sample(shape, SINGLE, seed=1) for shape in (scale, bias)]
    properties = {"axis": _axis(axis), "eps": number(1e-5)}
    check_op(normalization.LayerNormOp, [sample((3, 5, 6), SINGLE), *affine], properties)


@names("scale", [None, (7,)], ids=str)
def test_rms_norm(scale: tuple[int, ...] | None) -> None:
    operands = [sample((3, 7), SINGLE), None if scale is None else sample(scale, SINGLE, seed=1)]
    check_op(normalization.RmsNormOp, operands, {"axis": _axis(1), "eps": number(1e-6)})


@names("dtype", FLOATS, ids=str)
def test_norms_of_every_type(dtype: DType) -> None:
    x = (sample((2, 64), dtype) + np.asarray(20)).astype(dtype)
    properties = {"axis": _axis(1), "eps": number(1e-5)}
    check_op(normalization.LayerNormOp, [x, None, None], properties, ulps=1 if dtype.itemsize == 2 else 8)
    check_op(normalization.RmsNormOp, [x, None], properties, ulps=1 if dtype.itemsize == 2 else 4)


@names("size", [1, 2, 3, 5])
@names("axis", [1, 3])
def test_local_response_norm(axis: int, size: int) -> None:
    properties: dict[str, Attribute] = {
        "axis": _axis(axis),
        "size": _axis(size),
        "alpha": number(0.5),
        "beta": number(0.75),
        "bias": number(2.0),
    }
    check_op(normalization.LocalResponseNormOp, [sample((2, 4, 2, 4), SINGLE)], properties)


def _attend(
    q: Array, k: Array, v: Array, mask: Array | None = None, causal: bool = False, ulps: float = 4
) -> None:
    properties: Mapping[str, Attribute] = {"scale": number(0.35), "causal": flag(causal)}
    check_op(attention.AttentionOp, [q, k, v, mask], properties, ulps=ulps)


@names("causal", [False, True])
def test_attention(causal: bool) -> None:
    q, k, v = (sample((2, 3, n, d), SINGLE, seed=n) for n, d in ((4, 5), (6, 5), (6, 2)))
    _attend(q, k, v, causal=causal)


@names("mask", [(4, 6), (2, 1, 4, 6), (1, 6)], ids=str)
@names("kind", [np.dtype(np.bool_), SINGLE], ids=str)
def test_attention_with_a_mask(mask: tuple[int, ...], kind: DType) -> None:
    q, k, v = (sample((2, 3, n, d), SINGLE, seed=n) for n, d in ((4, 5), (6, 5), (6, 2)))
    _attend(q, k, v, sample(mask, kind, seed=7))


def test_attention_broadcasts_the_batch() -> None:
    q, k, v = sample((2, 3, 4, 5), SINGLE), sample((1, 6, 5), SINGLE, seed=1), sample((6, 2), SINGLE, seed=2)
    _attend(q, k, v, causal=True)


def test_attention_to_nothing_is_nan() -> None:
    q, k, v = (sample((3, 4), SINGLE, seed=i) for i in range(3))
    _attend(q, k, v, np.array([[True, False, True], [False] * 3, [True] * 3]))


@names("dtype", [FLOATS[0], FLOATS[1], FLOATS[3]], ids=str)
def test_attention_of_every_type(dtype: DType) -> None:
    q, k, v = (sample((5, 8), dtype, seed=i, scale=1) for i in range(3))
    _attend(q, k, v, ulps=1 if dtype.itemsize == 2 else 4)
