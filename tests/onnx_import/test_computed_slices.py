"""Slices whose bounds are values of the run, against NumPy: along known axes and along computed ones."""

from functools import cache

import numpy as np
import onnx.parser
import pytest

import penstock
from penstock.errors import PenstockError
from penstock.model import CompiledModel

X = np.arange(3 * 5 * 4, dtype=np.float32).reshape(3, 5, 4)
AT_RUN = "int64[2] starts, int64[2] ends"


@cache
def sliced(inputs: str, call: str, constants: str = "") -> CompiledModel:
    text = f"""
        <ir_version: 9, opset_import: ["": 17]>
        part (float[3, 5, 4] x, {inputs}) => (float[a, b, c] y) {constants}
        {{ y = Slice (x, {call}) }}"""
    return penstock.compile(onnx.parser.parse_model(text))


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        ([0, 0], [4, 5]),
        ([1, -2], [3, 9]),
        ([-9, 1], [-1, -1]),
        ([3, 2], [1, 2]),
        ([2**62, 0], [2**63 - 1, 1]),
    ],
)
def test_known_axes(starts: list[int], ends: list[int]) -> None:
    model = sliced(AT_RUN, "starts, ends, axes", "<int64[2] axes = {-1, 1}>")
    made = model(x=X, starts=np.array(starts), ends=np.array(ends))["y"]
    np.testing.assert_array_equal(made, X[:, starts[1] : ends[1], starts[0] : ends[0]])


@pytest.mark.parametrize(
    ("start", "end", "step"), [(0, 5, 2), (-1, -9, -1), (3, 0, -2), (9, -9, -3), (4, 4, 1)]
)
def test_computed_steps(start: int, end: int, step: int) -> None:
    model = sliced("int64[1] s, int64[1] e, int64[1] d", "s, e, axes, d", "<int64[1] axes = {1}>")
    made = model(x=X, s=np.array([start]), e=np.array([end]), d=np.array([step]))["y"]
    np.testing.assert_array_equal(made, X[:, start:end:step])


@pytest.mark.parametrize("axes", [[0, 2], [2, 1], [-1, -3]])
def test_computed_axes(axes: list[int]) -> None:
    model = sliced(f"{AT_RUN}, int64[2] axes", "starts, ends, axes")
    places = [slice(None)] * 3
    for axis, start, end in zip(axes, (1, -3), (3, -1), strict=True):
        places[axis] = slice(start, end)
    made = model(x=X, starts=np.array([1, -3]), ends=np.array([3, -1]), axes=np.array(axes))["y"]
    np.testing.assert_array_equal(made, X[tuple(places)])


def test_all_axes_of_a_smaller_list_are_the_first() -> None:
    made = sliced(AT_RUN, "starts, ends")(x=X, starts=np.array([1, 1]), ends=np.array([2, 4]))["y"]
    np.testing.assert_array_equal(made, X[1:2, 1:4])


def test_an_axis_that_is_not_there() -> None:
    with pytest.raises(PenstockError, match="Slice has axis 3, its tensor has 3 dims"):
        sliced(AT_RUN, "starts, ends, axes", "<int64[2] axes = {0, 3}>")
