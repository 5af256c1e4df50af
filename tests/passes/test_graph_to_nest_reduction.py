"""Reductions, positions of extremes, running sums and ranking keep their meaning as loop nests."""

from collections.abc import Sequence

import numpy as np
import pytest
from xdsl.dialects.builtin import IntegerAttr, i64

from penstock.dialects.graph import ordering, reduction
from penstock.dialects.graph.base import GraphOp, flag, integers
from penstock.dialects.graph.movement import dims_attr
from penstock.passes.lowering.graph_to_nest.rules import rules
from tests.passes.lowering_kit import check_op
from tests.passes.lowering_samples import BFLOAT16, BOOL, FLOATS, INTEGERS, Array, sample, small

DType = np.dtype[np.generic]
SINGLE = np.dtype(np.float32)
SOME = [*FLOATS, INTEGERS[0], INTEGERS[3], INTEGERS[4], INTEGERS[7]]
SUMS = [reduction.ReduceSumOp, reduction.ReduceMeanOp]
EXTREMES = [reduction.ReduceMaxOp, reduction.ReduceMinOp]
POSITIONS = [reduction.ArgMaxOp, reduction.ArgMinOp]
names = pytest.mark.parametrize


def test_every_op_has_a_rule() -> None:
    assert {*reduction.OPS, *ordering.OPS} <= set(rules())


def _reduce(op: type[GraphOp], x: Array, axes: Sequence[int], keepdims: bool = True, ulps: float = 2) -> None:
    check_op(op, [x], {"axes": integers(axes), "keepdims": flag(keepdims)}, ulps=ulps)


@names("keepdims", [False, True])
@names("axes", [(0,), (1,), (2,), (0, 2), (2, 1), (0, 1, 2), ()], ids=str)
@names("op", [reduction.ReduceMeanOp, reduction.ReduceMaxOp])
def test_axes(op: type[GraphOp], axes: tuple[int, ...], keepdims: bool) -> None:
    _reduce(op, sample((2, 3, 5), SINGLE), axes, keepdims)


@names("dtype", SOME, ids=str)
@names("op", SUMS)
def test_sums(op: type[GraphOp], dtype: DType) -> None:
    _reduce(op, small((3, 40), dtype, limit=20), [1], ulps=1)


@names("dtype", SOME, ids=str)
def test_products(dtype: DType) -> None:
    _reduce(reduction.ReduceProdOp, small((4, 6), dtype, seed=3), [1], ulps=3)


@names("dtype", [*SOME, BOOL], ids=str)
@names("op", EXTREMES)
def test_extremes(op: type[GraphOp], dtype: DType) -> None:
    _reduce(op, sample((4, 7), dtype), [1], ulps=0)


@names("dtype", FLOATS[:2], ids=str)
@names("op", SUMS)
def test_halves_accumulate_in_single_precision(op: type[GraphOp], dtype: DType) -> None:
    """A sum kept in the type itself stops growing at 2048 (float16) or 256 (bfloat16)."""
    _reduce(op, np.full((1, 4096), 1.0, dtype), [1], ulps=0.5)


@names("dtype", [INTEGERS[0], INTEGERS[4]], ids=str)
def test_integer_sums_wrap_and_means_do_not(dtype: DType) -> None:
    for op in SUMS:
        _reduce(op, sample((3, 33), dtype), [1])


WITH_NAN = np.array(
    [[1, np.nan, 3], [-np.inf, 2, np.inf], [np.nan, np.nan, 0], [-np.inf] * 3, [np.inf] * 3], SINGLE
)


@names("dtype", FLOATS, ids=str)
@names("op", [*SUMS, *EXTREMES, reduction.ReduceProdOp])
def test_nan_and_infinities(op: type[GraphOp], dtype: DType) -> None:
    _reduce(op, WITH_NAN.astype(dtype), [1])


@names("op", [*SUMS, *EXTREMES, reduction.ReduceProdOp])
def test_of_nothing(op: type[GraphOp]) -> None:
    _reduce(op, np.zeros((2, 0, 3), SINGLE), [1])


@names("last", [False, True])
@names("op", POSITIONS)
@names("dtype", [*SOME, BOOL], ids=str)
def test_positions(op: type[GraphOp], dtype: DType, last: bool) -> None:
    x = small((4, 9), dtype, limit=2)
    check_op(op, [x], {"axes": integers([1]), "select_last": flag(last)})


@names("last", [False, True])
@names("op", POSITIONS)
def test_positions_among_nan_and_infinities(op: type[GraphOp], last: bool) -> None:
    check_op(op, [WITH_NAN], {"axes": integers([1]), "select_last": flag(last)})
    check_op(op, [WITH_NAN], {"axes": integers([0]), "select_last": flag(last), "keepdims": flag(False)})


@names("reverse", [False, True])
@names("exclusive", [False, True])
@names("size", [1, 2, 3, 8, 13])
@names("op", [ordering.CumSumOp, ordering.CumProdOp])
def test_running(op: type[GraphOp], size: int, exclusive: bool, reverse: bool) -> None:
    properties = {"axis": IntegerAttr(1, i64), "exclusive": flag(exclusive), "reverse": flag(reverse)}
    check_op(op, [small((2, size, 3), SINGLE)], properties)


@names("dtype", SOME, ids=str)
def test_running_sum_of_every_type(dtype: DType) -> None:
    check_op(ordering.CumSumOp, [sample((20, 2), dtype)], {"axis": IntegerAttr(0, i64)}, ulps=3)


def test_running_sum_of_nothing() -> None:
    check_op(ordering.CumSumOp, [np.zeros((2, 0), SINGLE)], {"axis": IntegerAttr(1, i64)})


def _top(x: Array, k: int, axis: int = -1, largest: bool = True) -> None:
    properties = {
        "k": dims_attr([k]),
        "axis": IntegerAttr(axis % x.ndim, i64),
        "largest": flag(largest),
    }
    check_op(ordering.TopKOp, [x], properties, ulps=0, results=2)


@names("largest", [False, True])
@names("dtype", [*SOME, BOOL], ids=str)
def test_ranking_keeps_the_order_of_equals(dtype: DType, largest: bool) -> None:
    _top(small((2, 11), dtype, limit=2), 11, largest=largest)


@names("size", [1, 2, 3, 4, 5, 8, 9, 16, 17, 33])
def test_ranking_of_every_size(size: int) -> None:
    _top(sample((size,), SINGLE), (size + 1) // 2)


@names("largest", [False, True])
@names("axis", [0, 1, 2])
def test_ranking_along_an_axis(axis: int, largest: bool) -> None:
    _top(sample((3, 4, 5), SINGLE), 2, axis, largest)


@names("largest", [False, True])
@names("dtype", FLOATS, ids=str)
def test_ranking_of_nan_zeros_and_infinities(dtype: DType, largest: bool) -> None:
    x = np.array([0.0, np.nan, -0.0, np.inf, -np.inf, 1.0, -1.0, 0.0, np.inf, -1.0], SINGLE)
    _top(x.astype(dtype), 10, largest=largest)


@names("k", [0, 1])
def test_ranking_of_few(k: int) -> None:
    _top(sample((3, 7), SINGLE), k)


def test_a_long_mean_of_bfloat16_is_rounded_once() -> None:
    _reduce(reduction.ReduceMeanOp, np.abs(sample((1, 3000), BFLOAT16)), [1], ulps=0.5)
