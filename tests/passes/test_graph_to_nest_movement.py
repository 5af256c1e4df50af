"""Ops that move elements and compute none: every level moves the same bits to the same places."""

from math import prod

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, FloatAttr, IntegerAttr, ModuleOp, StringAttr, f64, i64
from xdsl.ir import Attribute

from penstock.dialects.element_types import numpy_dtype, unsigned
from penstock.dialects.graph.base import integers
from penstock.dialects.graph.constant import ConstantOp, constant_value
from penstock.dialects.graph.movement import (
    PAD_MODES,
    BroadcastToOp,
    ConcatOp,
    PadOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    dims_attr,
)
from penstock.dialects.nest.ops import ComputeOp
from penstock.passes.lowering.graph_to_nest import LowerGraphToNest
from tests.passes.lowering_kit import check_op, graph_module, run_as_nests

Array = NDArray[np.generic]

ALL = 2**63 - 1
ELEMENTS = ["float16", "bfloat16", "float64", "bool", "int8", "uint16", "int64"]


def numbers(*shape: int, dtype: str = "float32") -> Array:
    """Different numbers of a type, NaN among those of floats."""
    kind = numpy_dtype(unsigned(16)) if dtype == "uint16" else np.dtype(dtype)
    values = np.arange(prod(shape), dtype=np.float64).reshape(shape) % 5 * 1.5 - (
        0 if kind.kind == "u" else 3
    )
    array: Array = np.asarray(values).astype(kind)
    if array.size and kind.kind not in "iub":
        array.reshape(-1)[-1] = np.nan
    return array


def lowered(module: ModuleOp) -> list[ComputeOp]:
    """The nests of a module after the pass."""
    LowerGraphToNest().apply(Context(), module)
    return [op for op in module.walk() if isinstance(op, ComputeOp)]


@pytest.mark.parametrize("dtype", ELEMENTS)
def test_every_element_type_moves(dtype: str) -> None:
    check_op(TransposeOp, [numbers(2, 3, dtype=dtype)], {"permutation": integers([1, 0])}, ulps=0)


@pytest.mark.parametrize("permutation", [[0], [1, 0], [2, 0, 1], [1, 2, 0], [0, 3, 1, 2]])
def test_transpose(permutation: list[int]) -> None:
    shape = [2, 3, 4, 5][: len(permutation)]
    check_op(TransposeOp, [numbers(*shape)], {"permutation": integers(permutation)}, ulps=0)


@pytest.mark.parametrize(
    ("old", "new"),
    [([2, 6], [3, 4]), ([2, 3], [6]), ([6], [2, 1, 3]), ([1, 1], []), ([], [1]), ([0, 3], [3, 0])],
)
def test_reshape(old: list[int], new: list[int]) -> None:
    check_op(ReshapeOp, [numbers(*old)], {"shape": dims_attr(new)}, ulps=0)


def test_reshape_makes_no_copy_of_its_own() -> None:
    nests = lowered(graph_module(ReshapeOp, [numbers(2, 6)], {"shape": dims_attr([3, 4])}))
    assert len(nests) == 1, "the only copy is that into the result of the function"


@pytest.mark.parametrize(
    ("old", "new"),
    [([3], [2, 3]), ([2, 1], [2, 3]), ([1, 1], [2, 3]), ([], [2]), ([2, 1, 1], [4, 2, 1, 3]), ([1], [0])],
)
def test_broadcast_to(old: list[int], new: list[int]) -> None:
    check_op(BroadcastToOp, [numbers(*old)], {"shape": dims_attr(new)}, ulps=0)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_concat(axis: int) -> None:
    shapes = [[2, 3, 2] for _ in range(3)]
    for shape, size in zip(shapes, (2, 0, 5), strict=True):
        shape[axis] = size
    operands = [[numbers(*shape) for shape in shapes]]
    check_op(ConcatOp, operands, {"axis": IntegerAttr(axis, i64)}, ulps=0)


def test_concat_of_one_operand_twice() -> None:
    x = numbers(2, 3)
    check_op(ConcatOp, [[x, x]], {"axis": IntegerAttr(0, i64)}, ulps=0)


@pytest.mark.parametrize(
    ("starts", "ends", "steps"),
    [
        ([1, 0], [4, ALL], [1, 1]),
        ([0, 1], [ALL, -1], [2, 3]),
        ([-1, -2], [-ALL, -ALL], [-1, -2]),
        ([-99, 2], [99, 3], [4, 1]),
        ([3, 0], [1, 6], [1, 1]),
    ],
)
def test_slice(starts: list[int], ends: list[int], steps: list[int]) -> None:
    properties = {"starts": integers(starts), "ends": integers(ends), "steps": integers(steps)}
    check_op(SliceOp, [numbers(5, 6)], properties, ulps=0)


@pytest.mark.parametrize("mode", PAD_MODES)
@pytest.mark.parametrize(
    ("low", "high"),
    [([1, 2], [2, 0]), ([-1, 1], [2, -2]), ([0, 0], [0, 0]), ([3, 2], [-1, 3]), ([-2, 0], [-1, 3])],
)
def test_pad(mode: str, low: list[int], high: list[int]) -> None:
    check_op(PadOp, [numbers(5, 4)], pad(low, high, mode, 1.5), ulps=0)


def pad(low: list[int], high: list[int], mode: str, value: float) -> dict[str, Attribute]:
    return {
        "low": integers(low),
        "high": integers(high),
        "mode": StringAttr(mode),
        "value": FloatAttr(value, f64),
    }


def test_wrap_repeats_an_operand_that_is_shorter_than_the_padding() -> None:
    check_op(PadOp, [numbers(3)], pad([7], [5], "wrap", 0.0), ulps=0)


def test_all_of_an_operand_may_be_cut_before_a_constant_is_added() -> None:
    check_op(PadOp, [numbers(3)], pad([-3], [2], "constant", 4.0), ulps=0)


@pytest.mark.parametrize("value", [0.0, 1.0, 200.0])
@pytest.mark.parametrize("dtype", ["uint8", "bool", "int64", "bfloat16"])
def test_padding_in_the_element_type(value: float, dtype: str) -> None:
    check_op(PadOp, [numbers(3, dtype=dtype)], pad([1], [2], "constant", value), ulps=0)


@pytest.mark.parametrize(
    "array", [numbers(2, 3), numbers(6, 7), numbers(3, dtype="bool"), np.array(4, np.uint8)]
)
def test_constant(array: Array) -> None:
    check_op(ConstantOp, [], {"value": constant_value(array, "table")}, ulps=0)


def test_a_view_of_a_view_is_read_where_it_lies() -> None:
    module = graph_module(ReshapeOp, [numbers(2, 6)], {"shape": dims_attr([3, 4])})
    (result,) = run_as_nests(module, [np.arange(12, dtype=np.float32).reshape(2, 6)])
    np.testing.assert_array_equal(result, np.arange(12, dtype=np.float32).reshape(3, 4))


def test_the_result_names_its_model_nodes() -> None:
    module = graph_module(TransposeOp, [numbers(2, 3)], {"permutation": integers([1, 0])})
    nodes = ArrayAttr([StringAttr("t")])
    for op in module.walk():
        if isinstance(op, TransposeOp):
            op.attributes["nodes"] = nodes
    assert nodes in [nest.attributes.get("nodes") for nest in lowered(module)]
