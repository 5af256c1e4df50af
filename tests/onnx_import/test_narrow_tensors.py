"""Tensors of fewer than 8 bits an element: read from every place where a model keeps them, and run."""

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

import penstock
from penstock.errors import ModelError
from penstock.onnx_import.tensors import TensorReader

names = pytest.mark.parametrize
PACKED = [
    TensorProto.INT4,
    TensorProto.UINT4,
    TensorProto.INT2,
    TensorProto.UINT2,
    TensorProto.FLOAT4E2M1,
    TensorProto.FLOAT8E4M3FN,
]


def _numbers(kind: int) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    return np.arange(15).reshape(3, 5).astype(helper.tensor_dtype_to_np_dtype(kind))


@names("kind", PACKED)
def test_packed_bytes_are_unpacked(kind: int) -> None:
    wanted = _numbers(kind)
    got = TensorReader().read(numpy_helper.from_array(wanted, "w"), "w")
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got.view(np.uint8), wanted.view(np.uint8))


@names("kind", PACKED)
def test_packed_fields_are_unpacked(kind: int) -> None:
    wanted = _numbers(kind)
    got = TensorReader().read(helper.make_tensor("w", kind, wanted.shape, wanted.astype(np.float32)), "w")
    np.testing.assert_array_equal(got.view(np.uint8), wanted.view(np.uint8))


def test_a_tensor_of_too_few_bytes_is_refused() -> None:
    tensor = numpy_helper.from_array(_numbers(TensorProto.INT4), "w")
    tensor.raw_data = tensor.raw_data[:-1]
    with pytest.raises(ModelError, match=r"7 bytes, its shape \[3, 5\] needs 8"):
        TensorReader().read(tensor, "w")


def _adds_a_weight() -> ModelProto:
    weight = numpy_helper.from_array(_numbers(TensorProto.INT4), "w")
    nodes = [
        helper.make_node("Cast", ["w"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["x", "wide"], ["sum"]),
        helper.make_node("Cast", ["sum"], ["y"], to=TensorProto.FLOAT8E5M2),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 5])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT8E5M2, [3, 5])
    graph = helper.make_graph(nodes, "narrow", [x], [y], [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)])


@names("external", [False, True])
def test_a_model_of_narrow_types_runs_and_is_kept(tmp_path: Path, external: bool) -> None:
    path = tmp_path / "narrow.onnx"
    given = _adds_a_weight()
    if external:
        weight = given.graph.initializer[0]
        (tmp_path / "w.bin").write_bytes(weight.raw_data)
        set_external_data(weight, "w.bin")
        weight.ClearField("raw_data")
    path.write_bytes(given.SerializeToString())
    x = np.linspace(-9, 9, 15, dtype=np.float32).reshape(3, 5)
    model = penstock.compile(path)
    model.save(tmp_path / "narrow.penstock")
    wanted = (x + _numbers(TensorProto.INT4).astype(np.float32)).astype(ml_dtypes.float8_e5m2)
    for compiled in (model, penstock.load(tmp_path / "narrow.penstock")):
        y = compiled({"x": x})["y"]
        assert y.dtype == wanted.dtype
        np.testing.assert_array_equal(y.view(np.uint8), wanted.view(np.uint8))
