"""Rows become columns in vector registers: of all types, on all machines, whatever squares leave over."""

import numpy as np
import pytest
from onnx import TensorProto, helper

import penstock
from penstock.backends.targets import missing_features, target, target_names
from penstock.driver import inspected

TYPES = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "int32": TensorProto.INT32,
    "float16": TensorProto.FLOAT16,
    "uint8": TensorProto.UINT8,
    "bool": TensorProto.BOOL,
}
SHAPES = [(3, 17), (33, 49), (160, 20)]


def transposed_model(kind: str, shape: tuple[int, int], batch: int = 3) -> bytes:
    """A transpose of matrices, and its equality to a tensor that is not transposed."""
    rows, columns = shape
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 2, 1], name="transpose"),
        helper.make_node("Equal", ["t", "z"], ["e"], name="equal"),
    ]
    sizes = {"x": [batch, rows, columns], "z": [batch, columns, rows]}
    ends = [helper.make_tensor_value_info(name, TYPES[kind], sizes[name]) for name in sizes]
    results = [
        helper.make_tensor_value_info("t", TYPES[kind], sizes["z"]),
        helper.make_tensor_value_info("e", TensorProto.BOOL, sizes["z"]),
    ]
    graph = helper.make_graph(nodes, "transposed", ends, results)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    return model.SerializeToString(deterministic=True)


@pytest.mark.parametrize("name", target_names())
@pytest.mark.parametrize("kind", TYPES)
def test_rows_become_columns(kind: str, name: str) -> None:
    if missing_features(target(name)):
        pytest.skip(f"this CPU cannot run code for {name}")
    random = np.random.default_rng(0)
    for shape in SHAPES:
        x = random.integers(0, 2 if kind == "bool" else 200, (3, *shape)).astype(kind)
        z = random.permutation(x.ravel()).reshape(3, *shape[::-1])
        z[:, ::2] = x.transpose(0, 2, 1)[:, ::2]
        outputs = penstock.compile(transposed_model(kind, shape), target=name)({"x": x, "z": z})
        assert np.array_equal(outputs["t"], x.transpose(0, 2, 1)), shape
        assert np.array_equal(outputs["e"], z == x.transpose(0, 2, 1)), shape


@pytest.mark.parametrize("rows", [8, 21])
def test_open_sizes(rows: int) -> None:
    model = penstock.compile(
        transposed_model("float32", (20, 30)), shapes={"x": [3, "m", "n"], "z": [3, "n", "m"]}
    )
    x = np.random.default_rng(1).standard_normal((3, rows, 13)).astype(np.float32)
    outputs = model({"x": x, "z": np.zeros((3, 13, rows), np.float32)})
    assert np.array_equal(outputs["t"], x.transpose(0, 2, 1))


def test_squares_are_in_registers() -> None:
    text = inspected(transposed_model("float32", (64, 64)), target="x86-64-v3").text("schedule")
    assert "r = 8 unroll" in text and "vector 8" in text
