"""A transposed convolution reads outside on all sides, where two places may have one address."""

import numpy as np
from onnx import TensorProto, helper

import penstock
from penstock.backends.reference import evaluate_function
from penstock.packing import entry
from penstock.reading import read


def test_places_outside_are_told_apart() -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 3, 3])
    w = helper.make_tensor_value_info("w", TensorProto.FLOAT, [1, 2, 3, 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 5, 5])
    graph = helper.make_graph([helper.make_node("ConvTranspose", ["x", "w"], ["y"])], "up", [x, w], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    image = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
    weights = np.ones((1, 2, 3, 3), np.float32)
    (wanted,) = evaluate_function(entry(read(model)), [image, weights])
    np.testing.assert_array_equal(penstock.compile(model)(x=image, w=weights)["y"], wanted)
