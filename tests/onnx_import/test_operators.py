"""What a node computes after import is what ONNX Runtime computes for it, and its text says all of it."""

from typing import cast

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin
from xdsl.dialects.func import Func
from xdsl.parser import Parser

from penstock.backends.reference import run_graph
from penstock.dialects.graph import Graph
from penstock.dialects.graph.base import Array, wide
from penstock.dialects.quant import Quant
from penstock.onnx_import import import_model
from tests.onnx_import.layer_cases import LAYERS, SPECTRA
from tests.onnx_import.operator_cases import CASES, Case

IR_VERSION = 8


def model_of(case: Case) -> ModelProto:
    """The model of one node."""
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(case.inputs)]
    outputs = [f"y{i}" for i in range(case.outputs)]
    node = helper.make_node(case.op_type, names, outputs, name="n")
    node.attribute.extend(helper.make_attribute(name, value) for name, value in case.attributes.items())
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
    return {f"x{i}": x for i, x in enumerate(case.inputs) if x is not None and i not in case.constants}


def outputs_of_onnxruntime(model: ModelProto, inputs: dict[str, Array]) -> list[Array]:
    """What ONNX Runtime computes."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    # onnxruntime leaves the parameters of `run` without types.
    return cast(list[Array], session.run(None, inputs))  # pyright: ignore[reportUnknownMemberType]


def outputs_of_reference(model: ModelProto, names: list[str], inputs: dict[str, Array]) -> list[Array]:
    """What ONNX's own evaluator computes."""
    evaluator = ReferenceEvaluator(model)
    # onnx leaves the parameters of `run` without types.
    return cast(list[Array], evaluator.run(names, inputs))  # pyright: ignore[reportUnknownMemberType]


@pytest.mark.parametrize("case", [*CASES, *LAYERS], ids=str)
def test_agrees_with_onnxruntime(case: Case) -> None:
    check(case, outputs_of_onnxruntime(model_of(case), inputs_of(case)))


@pytest.mark.parametrize("case", SPECTRA, ids=str)
def test_spectra_agree_with_the_reference_of_onnx(case: Case) -> None:
    """ONNX Runtime's twiddle factors are of single precision and lose a digit."""
    names = [f"y{i}" for i in range(case.outputs)]
    check(case, outputs_of_reference(model_of(case), names, inputs_of(case)))


def check(case: Case, wanted: list[Array]) -> None:
    """Compare what a node computes after import."""
    module = import_model(model_of(case))
    module.verify()
    results = run_graph(module, inputs_of(case)).values()
    for y, w in zip(results, wanted, strict=True):
        assert (y.dtype, y.shape) == (w.dtype, w.shape)
        np.testing.assert_allclose(wide(y), wide(w), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("case", [*CASES, *LAYERS, *SPECTRA], ids=str)
def test_prints_and_parses_back(case: Case) -> None:
    module = import_model(model_of(case))
    context = Context()
    for dialect in (Builtin, Func, Graph, Quant):
        context.load_dialect(dialect)
    again = Parser(context, str(module)).parse_module()
    again.verify()
    assert str(again) == str(module)
