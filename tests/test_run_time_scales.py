"""Resize by scales, and to sizes, that are inputs of the model: as if the model had had them."""

import numpy as np
import onnx.parser
import pytest
from onnx import ModelProto, numpy_helper

import penstock

RULES = {
    "nearest": 'mode = "nearest"',
    "repeated": 'mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"',
    "linear": 'mode = "linear"',
    "cubic": 'mode = "cubic", coordinate_transformation_mode = "align_corners"',
}
CLOSE = 4e-6
"""A scale of the run is rounded: places among 7 elements are off by 7 / 2**24, times slopes of up to 3."""


def _model(rule: str, operands: str, element: str) -> ModelProto:
    return onnx.parser.parse_model(f"""
        <ir_version: 9, opset_import: ["": 18]>
        net (float[1, 2, 5, 7] x, {element}[2] wanted) => (float[n, c, h, w] y)
        {{ y = Resize <axes = [3, 2], {rule}> ({operands}) }}""")


def _with_constant(model: ModelProto, wanted: np.ndarray) -> ModelProto:
    """The model with its second input turned into a constant."""
    fixed = ModelProto()
    fixed.CopyFrom(model)
    fixed.graph.initializer.append(numpy_helper.from_array(wanted, "wanted"))
    del fixed.graph.input[1]
    return fixed


@pytest.mark.parametrize("rule", RULES)
def test_scales_may_be_inputs(rule: str) -> None:
    model = _model(RULES[rule], "x, , wanted", "float")
    compiled = penstock.compile(model)
    x = np.random.default_rng(0).standard_normal((1, 2, 5, 7)).astype(np.float32)
    for scales in ((2.0, 3.0), (1.6, 1.4), (0.6, 2.5), (1.0, 1.0)):
        wanted = np.array(scales, np.float32)
        expected = penstock.compile(_with_constant(model, wanted))(x=x)["y"]
        made = compiled(x=x, wanted=wanted)["y"]
        assert made.shape == expected.shape and np.allclose(made, expected, rtol=0, atol=CLOSE)


def test_sizes_may_be_inputs_where_those_before_are_fixed() -> None:
    model = _model(RULES["linear"], "x, , , wanted", "int64")
    compiled = penstock.compile(model)
    x = np.random.default_rng(0).standard_normal((1, 2, 5, 7)).astype(np.float32)
    for sizes in ((14, 10), (3, 9), (7, 5)):
        wanted = np.array(sizes)
        expected = penstock.compile(_with_constant(model, wanted))(x=x)["y"]
        made = compiled(x=x, wanted=wanted)["y"]
        assert made.shape == expected.shape and np.allclose(made, expected, rtol=0, atol=CLOSE)
