"""Opset 6 says by attributes how operands broadcast, and whether a layer trains."""

import numpy as np
import pytest
from onnx import ModelProto, helper, parser

from penstock.backends.reference import run_graph
from penstock.dialects.graph.base import Array, wide
from penstock.errors import ModelError, ShapeError, UnsupportedError
from penstock.onnx_import import import_model

X = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)
SOFTSIGN = "main (float[3] x) => (float[3] y) {y = Softsign (x)}"
CHANNELS = np.array([1, -2, 3], np.float32)


def model(text: str, opset: int = 6) -> ModelProto:
    """A model from its text."""
    return parser.parse_model(f'<ir_version: 3, opset_import: ["" : {opset}]> {text}')


def run(node: str, rank: str, **inputs: Array) -> Array:
    """What `y = node` computes for x of a shape and s of another."""
    proto = model(f"main (float[2, 3, 4] x, float[{rank}] s) => (float[a, b, c] y) {{y = {node}}}")
    (y,) = run_graph(import_model(proto), inputs).values()
    return y


def test_the_second_operand_is_placed_at_an_axis() -> None:
    y = run("Sub <broadcast = 1, axis = 1> (x, s)", "3", x=X, s=CHANNELS)
    np.testing.assert_array_equal(y, X - CHANNELS[:, None])


def test_without_an_axis_the_last_dims_match() -> None:
    last = np.arange(4, dtype=np.float32)
    np.testing.assert_array_equal(run("Mul <broadcast = 1> (x, s)", "4", x=X, s=last), X * last)


def test_an_operand_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="Add has axis 3, its tensor has 3 dims"):
        run("Add <broadcast = 1, axis = 3> (x, s)", "3", x=X, s=CHANNELS)


def test_a_slope_is_per_channel() -> None:
    y = run("PRelu (x, s)", "3", x=X, s=CHANNELS)
    np.testing.assert_array_equal(y, np.where(X < 0, X * CHANNELS[:, None], X))


def test_layers_that_train_are_declined() -> None:
    with pytest.raises(UnsupportedError, match="dropout in training mode"):
        import_model(model("main (float[3] x) => (float[3] y) {y = Dropout (x)}"))
    layer = "main (float[2, 3] x, float[3] s) => (float[2, 3] y) {y = BatchNormalization (x, s, s, s, s)}"
    with pytest.raises(UnsupportedError, match="BatchNormalization in training mode"):
        import_model(model(layer))


def test_dropout_of_inference_is_nothing() -> None:
    proto = model("main (float[3] x) => (float[3] y) {y = Dropout <is_test = 1> (x)}")
    (y,) = run_graph(import_model(proto), {"x": CHANNELS}).values()
    np.testing.assert_array_equal(y, CHANNELS)


def test_upsample_has_its_scales_as_attributes() -> None:
    text = """main (float[1, 1, 2, 2] x) => (float[1, 1, 4, 6] y) {
      y = Upsample <height_scale = 2.0, width_scale = 3.0> (x)
    }"""
    x = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)
    (y,) = run_graph(import_model(model(text)), {"x": x}).values()
    np.testing.assert_array_equal(y, x.repeat(2, 2).repeat(3, 3))


def test_older_sets_are_imported_as_far_as_they_say_the_same() -> None:
    (y,) = run_graph(import_model(model(SOFTSIGN, opset=5)), {"x": CHANNELS}).values()
    np.testing.assert_allclose(wide(y), CHANNELS / (1 + np.abs(CHANNELS)), rtol=1e-6)
    with pytest.raises(UnsupportedError, match="its form of opset 5 is older than 6"):
        import_model(model("main (float[3] x) => (float[3] y) {y = Neg (x)}", opset=5))


def test_a_function_may_be_of_an_older_set_too() -> None:
    proto = model("main (float[3] x) => (float[3] y) {y = local.f (x)}")
    proto.opset_import.append(helper.make_opsetid("local", 1))
    body, old = [helper.make_node("Neg", ["a"], ["b"])], [helper.make_opsetid("", 5)]
    proto.functions.append(helper.make_function("local", "f", ["a"], ["b"], body, old))
    with pytest.raises(UnsupportedError, match="its form of opset 5 is older than 6"):
        import_model(proto)


def test_sets_that_never_were_are_refused() -> None:
    with pytest.raises(ModelError, match="uses opset 0, which does not exist"):
        import_model(model(SOFTSIGN, opset=0))
