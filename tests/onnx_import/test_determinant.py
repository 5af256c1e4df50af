"""Determinants: pivots where the first element is 0, singular matrices, batches."""

import ml_dtypes
import numpy as np
import pytest
from onnx import ModelProto, helper

from penstock.backends.reference import run_graph
from penstock.dialects.graph.base import Array, Dim, wide
from penstock.errors import ShapeError, UnsupportedError
from penstock.onnx_import import import_model
from penstock.onnx_values import arrays_of

RANDOM = np.random.default_rng(0)


def model(*shape: Dim, dtype: np.dtype[np.generic] | type[np.generic] = np.float32) -> ModelProto:
    """A model of one determinant."""
    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    x = helper.make_tensor_value_info("x", element, list(shape))
    graph = helper.make_graph(
        [helper.make_node("Det", ["x"], ["y"])], "g", [x], [helper.make_empty_tensor_value_info("y")]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])


def det(x: Array) -> Array:
    """What is computed after import."""
    return run_graph(import_model(model(*x.shape, dtype=x.dtype)), arrays_of({"x": x}))["y"]


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (5, 5), (3, 4, 4), (2, 3, 6, 6), (0, 3, 3)])
def test_determinants(shape: tuple[int, ...]) -> None:
    x = RANDOM.standard_normal(shape)
    np.testing.assert_allclose(wide(det(x)), np.linalg.det(x), rtol=1e-10)


def test_of_nothing_it_is_one() -> None:
    np.testing.assert_array_equal(det(np.zeros((3, 0, 0), np.float32)), np.ones(3, np.float32))


def test_rows_change_places_where_the_first_element_is_zero() -> None:
    positions = RANDOM.permuted(np.tile(np.arange(5), (8, 1)), axis=1)
    permutations = (positions[:, :, None] == np.arange(5)).astype(np.float64)
    np.testing.assert_allclose(wide(det(permutations)), np.linalg.det(permutations), rtol=1e-12)


def test_singular_matrices() -> None:
    x = RANDOM.integers(-3, 4, (4, 4)).astype(np.float64)
    without_column, twice = x.copy(), x.copy()
    without_column[:, 2], twice[1] = 0, twice[3]
    np.testing.assert_allclose(wide(det(np.stack([without_column, twice]))), 0, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_narrow_reals_are_rounded_once(dtype: type[np.generic]) -> None:
    x = RANDOM.standard_normal((3, 3)).astype(dtype)
    y = det(x)
    assert y.dtype == x.dtype
    np.testing.assert_allclose(wide(y), np.linalg.det(wide(x)), rtol=2**-8)


def test_the_size_of_a_batch_may_be_open() -> None:
    x = RANDOM.standard_normal((3, 4, 4)).astype(np.float32)
    y = run_graph(import_model(model("n", 4, 4)), {"x": x})["y"]
    np.testing.assert_allclose(wide(y), np.linalg.det(x), rtol=1e-4)


def test_what_has_no_determinant_is_told() -> None:
    with pytest.raises(ShapeError, match="2 rows and 3 columns"):
        import_model(model(2, 3))
    with pytest.raises(ShapeError, match="a rank of 1"):
        import_model(model(3))
    with pytest.raises(UnsupportedError, match="of 65 rows"):
        import_model(model(65, 65))
    with pytest.raises(UnsupportedError, match="needs the size of axis 1"):
        import_model(model(3, "n"))
