"""`quant` ops mean the same at each level: the integers are equal, in every form of zero point and scale."""

from collections.abc import Mapping

import ml_dtypes
import numpy as np
import pytest
from xdsl.dialects.builtin import IntegerAttr, StringAttr, i64
from xdsl.ir import Attribute

from penstock.backends.reference import evaluate_function, main_function
from penstock.dialects.graph.base import flag, integers
from penstock.dialects.quant.products import ConvOp, MatMulOp
from penstock.dialects.quant.scaling import DequantizeOp, QuantizeOp, RequantizeOp
from tests.passes.lowering_kit import Array, check_op, graph_module
from tests.passes.lowering_samples import BFLOAT16, sample

names = pytest.mark.parametrize
QUANTISED = ["int8", "uint8", "int16", "uint16"]
NARROW = ["int4", "uint4", "int2", "uint2"]
MINIFLOATS = ["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float4_e2m1fn"]


def kind(name: str) -> np.dtype[np.generic]:
    return np.dtype(getattr(ml_dtypes, name) if name in NARROW + MINIFLOATS else name)


def halves(dtype: np.dtype[np.generic]) -> Array:
    """Ratios that are ties, their neighbours, and what is far outside or no number."""
    x = np.arange(-300, 300) / 2
    far = [1e9, -1e9, np.inf, -np.inf, np.nan, 70000, -70000]
    with np.errstate(over="ignore"):
        return np.concatenate([x, x + 0.01, far]).astype(dtype)


@names("target", [*QUANTISED, *NARROW])
@names("source", [np.dtype(np.float32), np.dtype(np.float16), BFLOAT16], ids=str)
@names("rounding", ["half_even", "half_away"])
def test_reals_are_quantised(source: np.dtype[np.generic], target: str, rounding: str) -> None:
    scale, zero = np.array(1, source), np.array(1).astype(kind(target))
    check_op(QuantizeOp, [halves(source), scale, zero], {"rounding": StringAttr(rounding)}, ulps=0)


@names("target", MINIFLOATS)
@names("saturate", [False, True])
@names("shift", [0, 1])
def test_reals_are_quantised_to_floats(target: str, saturate: bool, shift: int) -> None:
    scale, zero = np.array(0.75, np.float32), np.array(shift).astype(kind(target))
    check_op(QuantizeOp, [halves(np.dtype(np.float32)), scale, zero], {"saturate": flag(saturate)}, ulps=0)


@names("target", [*QUANTISED, "int4"])
def test_scales_and_zero_points_broadcast(target: str) -> None:
    x = sample((2, 3, 4), np.dtype(np.float32), scale=40)
    scale = np.array([0.1, 0.7, 3], np.float32).reshape(3, 1)
    zero = np.array([0, 1, 3]).reshape(3, 1).astype(kind(target))
    check_op(QuantizeOp, [x, scale, zero], ulps=0)
    check_op(DequantizeOp, [np.arange(24).reshape(2, 3, 4).astype(kind(target)), scale, zero], ulps=0)


@names("source", [*QUANTISED, "int32", *NARROW, *MINIFLOATS])
@names("target", [np.dtype(np.float32), np.dtype(np.float16), BFLOAT16], ids=str)
def test_values_become_reals(source: str, target: np.dtype[np.generic]) -> None:
    x, zero = np.arange(-20, 120).astype(kind(source)), np.array(source != "int32").astype(kind(source))
    check_op(DequantizeOp, [x, np.array(0.3).astype(target), zero], ulps=0.5)


@names("target", QUANTISED)
def test_sums_are_requantised(target: str) -> None:
    x = np.concatenate([np.arange(-3000, 3000, 7), [2**31 - 1, -(2**31), 2**24 + 1]]).astype(np.int32)
    check_op(RequantizeOp, [x, np.array(0.125, np.float32), np.array(5).astype(target)], ulps=0)


@names(("rounding", "wanted"), [("half_even", [0, 2, 0, -2, 0]), ("half_away", [1, 2, -1, -2, 0])])
def test_rounding_is_by_name(rounding: str, wanted: list[int]) -> None:
    x = np.array([0.5, 1.5, -0.5, -1.5, 0.49999997], np.float32)
    operands = [x, np.array(1, np.float32), np.array(0, np.int8)]
    module = graph_module(QuantizeOp, operands, {"rounding": StringAttr(rounding)})
    (y,) = evaluate_function(main_function(module), operands)
    np.testing.assert_array_equal(y, wanted)


CONV: Mapping[str, Attribute] = {
    "strides": integers([2, 1]),
    "pads": integers([1, 0, 1, 2]),
    "dilations": integers([1, 2]),
    "groups": IntegerAttr(2, i64),
}
ZEROS = {"none": [[0]], "one": [[3]], "per channel": [[0], [3], [1], [7]]}


@names("x_type", ["int8", "uint8"])
@names("w_type", ["int8", "uint8"])
@names("zeros", ZEROS)
@names("layout", ["nchw", "nhwc"])
@names("with_bias", [False, True])
def test_convolution(x_type: str, w_type: str, zeros: str, layout: str, with_bias: bool) -> None:
    x = sample((2, 4, 6, 5) if layout == "nchw" else (2, 6, 5, 4), np.dtype(x_type))
    w = sample((4, 2, 3, 2), np.dtype(w_type), seed=1)
    bias = sample((4,), np.dtype(np.int32), seed=2) if with_bias else None
    w_zero = np.array(ZEROS[zeros], w_type).reshape(-1, 1, 1, 1)
    operands = [x, w, bias, np.array(5, x_type), w_zero]
    check_op(ConvOp, operands, {**CONV, "layout": StringAttr(layout)}, ulps=0)


@names("types", [("int8", "int8"), ("uint8", "int8"), ("int8", "uint8"), ("uint8", "uint8")])
def test_matrix_product(types: tuple[str, str]) -> None:
    a, b = sample((2, 3, 4), np.dtype(types[0])), sample((4, 5), np.dtype(types[1]), seed=1)
    rows = np.array([1, 2, 3], types[0]).reshape(3, 1)
    columns = np.array([0, 1, 2, 3, 100], types[1])
    for a_zero in (rows, np.array(7, types[0])):
        for b_zero in (columns, np.array(0, types[1])):
            check_op(MatMulOp, [a, b, a_zero, b_zero], ulps=0)


def test_sums_wrap_in_32_bits() -> None:
    a = np.full((1, 140000), -128, np.int8)
    check_op(MatMulOp, [a, a.T.copy(), np.array(0, np.int8), np.array(0, np.int8)], ulps=0, levels=["code"])
