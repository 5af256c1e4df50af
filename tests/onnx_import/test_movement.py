"""Operators that move, pick or resample elements compute after import what ONNX Runtime computes."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from penstock.backends.reference import run_graph
from penstock.dialects.graph.base import Array
from penstock.onnx_import import import_model
from tests.onnx_import import test_operators
from tests.onnx_import.movement_cases import CASES
from tests.onnx_import.operator_cases import Case, reals


@pytest.mark.parametrize("case", CASES, ids=str)
def test_agrees_with_onnxruntime(case: Case) -> None:
    test_operators.test_agrees_with_onnxruntime(case)


def outputs_of_constant(op_type: str, x: Array, outputs: int = 1, **attributes: int) -> list[Array]:
    """What a node computes for a constant."""
    names = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op_type, ["x"], names)
    node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
    results = [helper.make_empty_tensor_value_info(name) for name in names]
    graph = helper.make_graph([node], "g", [], results, [numpy_helper.from_array(x, "x")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    return list(run_graph(import_model(model), {}).values())


def test_positions_of_a_constant() -> None:
    (y,) = outputs_of_constant("NonZero", np.array([[0, 2], [3, 0]]))
    assert y.tolist() == [[0, 1], [1, 0]]


def test_distinct_elements_of_a_constant_in_order_of_appearance() -> None:
    values, first, inverse, counts = outputs_of_constant("Unique", np.array([5, 1, 5, 3, 1]), 4, sorted=0)
    assert values.tolist() == [5, 1, 3]
    assert first.tolist() == [0, 1, 3]
    assert inverse.tolist() == [0, 1, 0, 2, 1]
    assert counts.tolist() == [2, 2, 1]


def test_experimental_crop_removes_left_top_right_bottom() -> None:
    x = reals(1, 2, 6, 7)
    node = helper.make_node("Crop", ["x"], ["y"], border=[1, 2, 3, 0])
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)]
    graph = helper.make_graph([node], "g", inputs, [helper.make_empty_tensor_value_info("y")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 7)])
    np.testing.assert_array_equal(run_graph(import_model(model), {"x": x})["y"], x[:, :, 2:, 1:4])


def test_a_size_picked_from_a_list_is_a_shape() -> None:
    """A scalar of NumPy is no size."""
    x = reals(2, 3, 1, 4)
    sizes, first = (numpy_helper.from_array(np.array(v, np.int64), n) for v, n in (([24, 5], "s"), (0, "i")))
    nodes = [
        helper.make_node("Gather", ["s", "i"], ["size"]),
        helper.make_node("Reshape", ["x", "size"], ["y"]),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)]
    graph = helper.make_graph(nodes, "g", inputs, [helper.make_empty_tensor_value_info("y")], [sizes, first])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    np.testing.assert_array_equal(run_graph(import_model(model), {"x": x})["y"], x.reshape(24))
