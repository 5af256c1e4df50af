"""Resizing at every level, against the op's own definition: all modes, coordinates and roundings."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects import memref
from xdsl.dialects.builtin import DenseArrayBase, FloatAttr, StringAttr, f64
from xdsl.ir import Attribute

from penstock.dialects.graph.base import flag
from penstock.dialects.graph.movement import dims_attr
from penstock.dialects.graph.resize import COORDINATES, MODES, ROUNDINGS, ResizeOp
from penstock.dialects.nest.ops import ComputeOp
from penstock.passes.lowering.graph_to_nest import LowerGraphToNest
from penstock.passes.lowering.graph_to_nest.positions import Ramp, pieces_of, ramp_of
from tests.passes.lowering_kit import check_op, graph_module

Array = NDArray[np.generic]

RNG = np.random.default_rng(5)


def floats(*shape: int) -> NDArray[np.float32]:
    return RNG.standard_normal(shape).astype(np.float32)


def resizing(x: Array, scales: Sequence[float], mode: str, **more: Attribute) -> dict[str, Attribute]:
    shape = [int(size * scale) for size, scale in zip(x.shape, scales, strict=True)]
    scale = DenseArrayBase.from_list(f64, list(scales))
    return {"shape": dims_attr(shape), "scales": scale, "mode": StringAttr(mode), **more}


@pytest.mark.parametrize("scales", [(2.0, 3.0), (0.5, 2.0), (1.7, 0.6), (1.0, 1.0)])
@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("mode", MODES)
def test_coordinates(mode: str, coordinates: str, scales: tuple[float, float]) -> None:
    x = floats(1, 2, 4, 6)
    properties = resizing(x, (1.0, 1.0, *scales), mode, coordinates=StringAttr(coordinates))
    # Which tables and maps there are is settled above the loops; a few are run as code below.
    check_op(ResizeOp, [x], properties, levels=["nest"])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scale", [2.0, 1.7, 0.5])
def test_as_loops_and_code(mode: str, scale: float) -> None:
    x = floats(2, 4, 6)
    check_op(ResizeOp, [x], resizing(x, (1.0, scale, scale), mode))


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("scale", [1.5, 0.4, 2.0])
def test_roundings(rounding: str, scale: float) -> None:
    x = floats(2, 7)
    properties = resizing(x, (1.0, scale), "nearest", rounding=StringAttr(rounding))
    check_op(ResizeOp, [x], properties, ulps=0, levels=["nest", "loops"])


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("scale", [0.4, 2.0])
def test_antialias_and_exclude_outside(mode: str, scale: float) -> None:
    x = floats(3, 9)
    properties = resizing(x, (1.0, scale), mode, antialias=flag(True), exclude_outside=flag(True))
    check_op(ResizeOp, [x], properties, levels=["nest", "loops"])


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32])
def test_integers_are_rounded_with_antialias(dtype: type[np.generic]) -> None:
    x = np.arange(-20, 20).astype(dtype).reshape(2, 20)
    check_op(ResizeOp, [x], resizing(x, (1.0, 0.4), "linear", antialias=flag(True)), ulps=0)


def test_averages_in_the_middle_of_two_integers_are_the_same_at_every_level() -> None:
    # Their sums in double precision are a last digit below or above it.
    x = np.random.default_rng(1).integers(0, 256, (40, 30)).astype(np.uint8)
    properties = resizing(x, (3 / 4, 2 / 3), "linear", antialias=flag(True))
    check_op(ResizeOp, [x], properties, ulps=0, levels=("nest", "code"))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, np.uint8, np.bool_])
def test_values_outside_of_the_region(mode: str, dtype: type[np.generic]) -> None:
    x = RNG.integers(0, 100, (4, 6)).astype(dtype)
    properties = resizing(
        x,
        (2.0, 2.0),
        mode,
        coordinates=StringAttr("tf_crop_and_resize"),
        roi=DenseArrayBase.from_list(f64, [-0.25, 0.0, 0.75, 1.25]),
        extrapolation=FloatAttr(7.5, f64),
    )
    check_op(ResizeOp, [x], properties)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["float16", "bfloat16", "float64", "int8", "uint8", "int32", "bool"])
def test_element_types(mode: str, name: str) -> None:
    # The weights of a cubic at this scale are whole numbers of 2**-8: every order of summation is exact.
    x = RNG.integers(0, 120, (3, 5)).astype(np.dtype(name))
    check_op(ResizeOp, [x], resizing(x, (2.0, 2.0), mode), ulps=2, levels=["nest", "loops"])


def test_interpolated_integers_saturate() -> None:
    x = np.array([0, 255, 255, 0, 0, 255], np.uint8)
    check_op(ResizeOp, [x], resizing(x, (2.0,), "cubic"))


def nests_and_loads(x: Array, properties: dict[str, Attribute]) -> tuple[int, int]:
    """How many nests and loads at computed positions a resize becomes, without the copy of the result."""
    module = graph_module(ResizeOp, [x], properties)
    LowerGraphToNest().apply(Context(), module)
    ops = list(module.walk())
    loads = sum(isinstance(op, memref.LoadOp) for op in ops)
    return sum(isinstance(op, ComputeOp) for op in ops) - 1, loads


def test_nearest_at_whole_factors_is_one_linear_copy() -> None:
    x = floats(1, 2, 4, 6)
    assert nests_and_loads(x, resizing(x, (1.0, 1.0, 2.0, 3.0), "nearest")) == (1, 0)


def test_doubling_linearly_needs_no_tables_of_positions() -> None:
    x = floats(1, 2, 4, 6)
    nests, loads = nests_and_loads(x, resizing(x, (1.0, 1.0, 2.0, 1.0), "linear"))
    assert loads == 0
    assert nests == 3, "the middle and two ends"


def test_a_dim_that_stays_is_not_touched() -> None:
    x = floats(4, 6)
    assert nests_and_loads(x, resizing(x, (1.0, 1.0), "cubic")) == (0, 0)


def test_ramps() -> None:
    assert ramp_of(np.array([3, 2, 1])) == Ramp(1, 3, -1, 0)
    assert ramp_of(np.array([5])) == Ramp(1, 5, 0, 0)
    assert ramp_of(np.array([0, 0, 1, 1, 2, 2])) == Ramp(2, 0, 1, 0)
    assert ramp_of(np.array([0, 2, 1, 3, 2, 4])) == Ramp(2, 0, 1, 2)
    assert ramp_of(np.array([0, 0, 1])) is None
    assert ramp_of(np.array([0, 0, 1, 1]), [1]) is None


def test_pieces_cover_the_table_they_cut() -> None:
    table = np.clip(np.arange(24)[:, None] // 2 - 1 + np.arange(2) + np.arange(24)[:, None] % 2, 0, 11)
    pieces = pieces_of(table)
    rebuilt = [
        [t.first + t.along_q * q + t.along_r * r for t in piece.ramps]
        for piece in pieces
        for q in range(piece.count)
        for r in range(piece.factor)
    ]
    np.testing.assert_array_equal(rebuilt, table)
    assert pieces_of(RNG.integers(0, 9, (30, 2))) == []
