"""A model that compiles in a moment, to test files and calls with: two inputs, weights, a dot in a name."""

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, ValueInfoProto, helper, numpy_helper

Floats = NDArray[np.float32]

LEFT, RIGHT = (3, 20), (3, 5)


def small_model() -> bytes:
    """`sum = relu(x.left @ weight) + x.right`, and `total`, the sums of its rows."""
    weight = np.random.default_rng(7).standard_normal((20, 5)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["x.left", "weight"], ["product"], name="product"),
        helper.make_node("Relu", ["product"], ["positive"], name="positive"),
        helper.make_node("Add", ["positive", "x.right"], ["sum"], name="sum"),
        helper.make_node("ReduceSum", ["sum", "axes"], ["total"], name="total", keepdims=0),
    ]
    initializers = [
        numpy_helper.from_array(weight, "weight"),
        numpy_helper.from_array(np.array([1], np.int64), "axes"),
    ]
    ends = (
        [_tensor("x.left", LEFT), _tensor("x.right", RIGHT)],
        [_tensor("sum", RIGHT), _tensor("total", (3,))],
    )
    graph = helper.make_graph(nodes, "small", *ends, initializers)
    model: ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString(deterministic=True)


def small_inputs(seed: int = 0) -> dict[str, Floats]:
    """Inputs of the small model."""
    generator = np.random.default_rng(seed)
    return {
        "x.left": generator.standard_normal(LEFT).astype(np.float32),
        "x.right": generator.standard_normal(RIGHT).astype(np.float32),
    }


def _tensor(name: str, shape: tuple[int, ...]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
