"""Recurrent layers of many steps: one loop, whatever their length."""

from typing import cast

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

import penstock
from penstock.backends.reference import run_graph
from penstock.dialects.graph.base import Array, wide
from penstock.dialects.graph.control import LoopOp
from penstock.onnx_import import import_model

RANDOM = np.random.default_rng(0)
STEPS, BATCH, FEATURES, HIDDEN = 60, 3, 5, 8
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def rows(*shape: int) -> Array:
    """Small numbers."""
    return (RANDOM.standard_normal(shape) * 0.3).astype(np.float32)


def layer(kind: str, steps: int, direction: str = "forward") -> onnx.ModelProto:
    """A layer with its weights as inputs."""
    count, gates = 1 + (direction == "bidirectional"), GATES[kind] * HIDDEN
    text = f"""<ir_version: 8, opset_import: ["" : 17]>
    main (float[{steps}, {BATCH}, {FEATURES}] x, float[{count}, {gates}, {FEATURES}] w,
          float[{count}, {gates}, {HIDDEN}] r, float[{count}, {2 * gates}] b, int32[{BATCH}] lengths)
      => (float[{steps}, {count}, {BATCH}, {HIDDEN}] y, float[{count}, {BATCH}, {HIDDEN}] h) {{
      y, h = {kind} <hidden_size = {HIDDEN}, direction = "{direction}"> (x, w, r, b, lengths)
    }}"""
    return onnx.parser.parse_model(text)


def inputs_of(model: onnx.ModelProto) -> dict[str, Array]:
    """Values for the inputs of a layer; its sequences end at different steps."""
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.input}
    made = {name: rows(*shape) for name, shape in shapes.items()}
    steps = shapes["x"][0]
    return {**made, "lengths": np.array([steps, steps // 2, 1], np.int32)}


def by_definition(kind: str, given: dict[str, Array]) -> Array:
    """The outputs of a forward layer, by ONNX's reference on each sequence without what is behind its end."""
    outputs = np.zeros((len(given["x"]), 1, BATCH, HIDDEN), np.float32)
    for b, length in enumerate(given["lengths"].tolist()):
        text = f"""<ir_version: 8, opset_import: ["" : 17]>
        main (float[s, 1, {FEATURES}] x, float[1, g, {FEATURES}] w, float[1, g, {HIDDEN}] r, float[1, i] b)
          => (float[s, 1, 1, {HIDDEN}] y) {{ y = {kind} <hidden_size = {HIDDEN}> (x, w, r, b) }}"""
        run = ReferenceEvaluator(onnx.parser.parse_model(text))
        part = {name: given[name] for name in "wrb"} | {"x": given["x"][:length, b : b + 1]}
        # onnx leaves the parameters of `run` without types.
        (y,) = cast(list[Array], run.run(None, part))  # pyright: ignore[reportUnknownMemberType]
        outputs[:length, :, b] = y[:, :, 0]
    return outputs


@pytest.mark.parametrize("kind", GATES)
def test_sequences_of_different_lengths(kind: str) -> None:
    model = layer(kind, STEPS)
    given = inputs_of(model)
    got = run_graph(import_model(model), given)
    np.testing.assert_allclose(wide(got["y"]), wide(by_definition(kind, given)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("direction", ["reverse", "bidirectional"])
def test_code_of_a_layer_agrees_with_its_meaning(direction: str) -> None:
    model = layer("LSTM", STEPS, direction)
    given = inputs_of(model)
    wanted = run_graph(import_model(model), given)
    for name, value in penstock.compile(model)(given).items():
        np.testing.assert_allclose(wide(value), wide(wanted[name]), rtol=1e-4, atol=1e-6)


def test_a_layer_is_as_large_as_one_of_its_steps() -> None:
    short, long = (list(import_model(layer("GRU", steps)).walk()) for steps in (5, 5000))
    assert len(short) == len(long)
    assert sum(isinstance(op, LoopOp) for op in long) == 1
