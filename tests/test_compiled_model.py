"""Calling a compiled model: what it accepts, what it declines and how; calls do not disturb each other."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

import penstock
from penstock.dialects.element_types import NARROW_NAMES
from penstock.errors import CallError
from penstock.package import STRINGS, TensorInfo, item_bytes, numpy_dtype
from tests.small_model import small_inputs, small_model

Array = NDArray[np.generic]
NAMES = (
    "bool",
    "int8",
    "uint16",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
)


@pytest.fixture(scope="module")
def model() -> penstock.CompiledModel:
    """Compile the small model."""
    return penstock.compile(small_model())


def test_it_tells_of_itself(model: penstock.CompiledModel) -> None:
    assert model.inputs == (
        TensorInfo("x.left", "float32", (3, 20)),
        TensorInfo("x.right", "float32", (3, 5)),
    )
    assert model.outputs == (TensorInfo("sum", "float32", (3, 5)), TensorInfo("total", "float32", (3,)))
    assert {node for kernel in model.kernels for node in kernel.nodes} == {
        "product",
        "positive",
        "sum",
        "total",
    }
    assert all(kernel.calls == 1 and kernel.size > 0 for kernel in model.kernels)
    assert model.memory.arena >= model.memory.bound >= 0


def test_results_are_those_of_numpy(model: penstock.CompiledModel) -> None:
    given = small_inputs()
    results = {name: array.astype(np.float64) for name, array in model(given).items()}
    assert list(results) == ["sum", "total"]
    np.testing.assert_allclose(results["total"], results["sum"].sum(axis=1), rtol=1e-5)
    above = results["sum"] - given["x.right"]
    assert (above > -1e-6).all() and (above > 0.5).any()


def without(name: str) -> dict[str, Array]:
    """The inputs but for one."""
    return {key: array for key, array in small_inputs().items() if key != name}


WRONG: dict[str, tuple[Mapping[str, object], str]] = {
    "missing": (without("x.right"), "input 'x.right' is missing. The inputs are: x.left, x.right."),
    "unknown": ({**small_inputs(), "y": np.zeros(1)}, "no input 'y'"),
    "list": (
        {**small_inputs(), "x.right": [[0.0] * 5] * 3},
        "input 'x.right' is a list. Pass a NumPy array.",
    ),
    "dtype": (
        {**small_inputs(), "x.right": np.zeros((3, 5))},
        "input 'x.right' is float64, the model takes float32. Convert it with .astype('float32').",
    ),
    "byte order": ({**small_inputs(), "x.right": np.zeros((3, 5), ">f4")}, "the model takes float32"),
    "shape": (
        {**small_inputs(), "x.right": np.zeros((5, 3), np.float32)},
        "input 'x.right' has shape (5, 3), the model was compiled for (3, 5). Reshape it, or compile",
    ),
    "rank": ({**small_inputs(), "x.right": np.zeros((1, 3, 5), np.float32)}, "has shape (1, 3, 5)"),
    "both": ({"y": np.zeros(1), **without("x.left")}, "no input 'y'; input 'x.left' is missing"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(model: penstock.CompiledModel, name: str) -> None:
    given, message = WRONG[name]
    with pytest.raises(CallError) as caught:
        model(cast(Mapping[str, Array], given))
    assert message in str(caught.value)


def test_keywords_are_inputs_too(model: penstock.CompiledModel) -> None:
    given = small_inputs()
    mixed = model({"x.left": given["x.left"]}, **{"x.right": given["x.right"]})
    np.testing.assert_array_equal(mixed["sum"], model(given)["sum"])


def test_views_are_taken_as_they_read(model: penstock.CompiledModel) -> None:
    given = small_inputs()
    turned = {name: np.asfortranarray(array) for name, array in given.items()}
    strided = {name: np.repeat(array, 2, axis=1)[:, ::2] for name, array in given.items()}
    for other in (turned, strided):
        np.testing.assert_array_equal(model(other)["sum"], model(given)["sum"])


def test_inputs_are_left_alone_and_outputs_are_new(model: penstock.CompiledModel) -> None:
    given, kept = small_inputs(), small_inputs()
    first = model(given)
    before = first["sum"].copy()
    second = model(small_inputs(seed=1))
    np.testing.assert_array_equal(first["sum"], before)
    assert not np.shares_memory(first["sum"], second["sum"]) and not np.array_equal(before, second["sum"])
    for name, array in kept.items():
        np.testing.assert_array_equal(given[name], array)


def test_threads_do_not_disturb_each_other(model: penstock.CompiledModel) -> None:
    inputs = [small_inputs(seed) for seed in range(8)]
    expected = [model(each)["sum"] for each in inputs]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(50):
            for got, wanted in zip(pool.map(model, inputs), expected, strict=True):
                np.testing.assert_array_equal(got["sum"], wanted)


@pytest.mark.parametrize("name", [*NAMES, "bfloat16", *NARROW_NAMES, STRINGS])
def test_the_size_of_an_element_is_told_by_its_name(name: str) -> None:
    assert item_bytes(name) == numpy_dtype(name).itemsize


def test_a_name_that_tells_no_size_is_refused() -> None:
    with pytest.raises(ValueError, match="no dtype 'object'"):
        item_bytes("object")
