"""What a node computes after import is what ONNX Runtime computes for it."""

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, helper, numpy_helper

from penstock.backends.reference import run_graph
from penstock.dialects.graph.base import Array, wide
from penstock.onnx_import import import_model
from tests.onnx_import.operator_cases import CASES, Case

IR_VERSION = 8


def model_of(case: Case) -> ModelProto:
    """The model of one node."""
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(case.inputs)]
    outputs = [f"y{i}" for i in range(case.outputs)]
    node = helper.make_node(case.op_type, names, outputs, name="n", **case.attributes)
    arrays = [(i, x) for i, x in enumerate(case.inputs) if x is not None]
    inputs = [
        helper.make_tensor_value_info(f"x{i}", helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for i, x in arrays
        if i not in case.constants
    ]
    initializers = [numpy_helper.from_array(x, f"x{i}") for i, x in arrays if i in case.constants]
    results = [helper.make_empty_tensor_value_info(name) for name in outputs]
    graph = helper.make_graph([node], "g", inputs, results, initializers)
    opset = helper.make_opsetid("", case.opset)
    return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)


def inputs_of(case: Case) -> dict[str, Array]:
    """The arrays that are inputs of the model."""
    given = {f"x{i}": x for i, x in enumerate(case.inputs) if x is not None and i not in case.constants}
    return given


@pytest.mark.parametrize("case", CASES, ids=str)
def test_agrees_with_onnxruntime(case: Case) -> None:
    model = model_of(case)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    wanted = session.run(None, inputs_of(case))
    module = import_model(model)
    module.verify()
    results = run_graph(module, inputs_of(case)).values()
    for y, w in zip(results, wanted, strict=True):
        assert (y.dtype, y.shape) == (w.dtype, w.shape)
        np.testing.assert_allclose(wide(y), wide(w), rtol=2e-6, atol=2e-6)
