"""Loops and recurrent layers of open sizes: one artefact gives at many sizes what others give at one."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx.parser
import pytest
from onnx import ModelProto

import penstock
from penstock.backends.reference import evaluate_function
from penstock.driver import check
from penstock.errors import CallError
from penstock.model import Array
from penstock.packing import entry
from penstock.reading import read

Call = Mapping[str, tuple[int, ...]]
"""The shapes of the inputs."""


def layer(kind: str, gates: int, attributes: str = "", directions: int = 1) -> str:
    """A recurrent layer all of whose sizes are open, with sequences that end early and a first state."""
    sizes = "float[s, b, i] x, float[d, g, i2] w, float[d2, g2, h] r, float[d3, p] bias"
    return f"""<ir_version: 9, opset_import: ["": 17]>
        net ({sizes}, int32[b2] ends, float[d4, b3, h2] start) => (float[s, d, b, h] y, float[d, b, h] last)
        {{ y, last = {kind} <hidden_size = 6{attributes}> (x, w, r, bias, ends, start) }}
    """


def layer_calls(gates: int, directions: int) -> Sequence[Call]:
    """Calls of such a layer."""
    weights = {
        "w": (directions, 6 * gates, 5),
        "r": (directions, 6 * gates, 6),
        "bias": (directions, 12 * gates),
    }
    return [
        {"x": (s, b, 5), **weights, "ends": (b,), "start": (directions, b, 6)}
        for s, b in ((3, 1), (1, 2), (17, 9), (8, 16))
    ]


FORTH_AND_BACK = ', direction = "bidirectional"'
SCAN = """<ir_version: 9, opset_import: ["": 17]>
    net (float[n] start, float[m, t] x) => (float[n] last, float[n, t] y)
    {
        last, y = Scan <
            num_scan_inputs = 1, scan_input_axes = [1], scan_output_axes = [1], scan_output_directions = [1],
            body = step (float[n] s, float[m] e) => (float[n] s2, float[n] o) {
                s2 = Add (s, e)
                o = Exp (s2)
            }
        > (start, x)
    }"""
OLD_SCAN = """<ir_version: 4, opset_import: ["": 8]>
    net (float[b, n] start, float[b, t, n] x) => (float[b, n] last, float[b, t, n] y)
    {
        last, y = Scan <
            num_scan_inputs = 1,
            body = step (float[n] s, float[n] e) => (float[n] s2, float[n] o) {
                s2 = Add (s, e)
                o = Identity (s2)
            }
        > (, start, x)
    }"""
LOOP_OVER_ROWS = """<ir_version: 9, opset_import: ["": 17]>
    net (float[n, m] x) => (float[m] last, float[k, m] y)
    {
        zero = Constant <value_ints = [0]> ()
        one = Constant <value_ints = [1]> ()
        shape = Shape (x)
        rows = Slice (shape, zero, one)
        first = Gather <axis = 0> (x, zero)
        flat = Squeeze (first, zero)
        last, y = Loop <
            body = step (int64 i, bool going, float[m] s) => (bool again, float[m] s2, float[m] o) {
                row = Gather <axis = 0> (x, i)
                s2 = Add (s, row)
                o = Mul (s2, row)
                again = Identity (going)
            }
        > (rows, , flat)
    }"""
AS_LONG_AS_SMALL = """<ir_version: 9, opset_import: ["": 17]>
    net (float[n] x) => (float[n] last)
    {
        last = Loop <
            body = step (int64 i, bool going, float[n] s) => (bool again, float[n] s2) {
                s2 = Add (s, s)
                top = ReduceMax <keepdims = 0> (s2)
                hundred = Constant <value_float = 100.0> ()
                again = Less (top, hundred)
            }
        > (, , x)
    }"""
AS_OFTEN_AS_TOLD = """<ir_version: 9, opset_import: ["": 17]>
    net (int64 count, float[n] x) => (float[n] last, float[k, n] y)
    {
        last, y = Loop <
            body = step (int64 i, bool going, float[n] s) => (bool again, float[n] s2, float[n] o) {
                s2 = Exp (s)
                o = Neg (s2)
                again = Identity (going)
            }
        > (count, , x)
    }"""
SCAN_CALLS: Sequence[Call] = [
    {"start": (4,), "x": (4, 1)},
    {"start": (17,), "x": (17, 9)},
    {"start": (3,), "x": (3, 80)},
]

CASES: dict[str, tuple[str, Sequence[Call]]] = {
    "lstm": (layer("LSTM", 4, FORTH_AND_BACK, 2), layer_calls(4, 2)),
    "gru": (layer("GRU", 3, ', direction = "reverse", linear_before_reset = 1'), layer_calls(3, 1)),
    "rnn": (layer("RNN", 1), layer_calls(1, 1)),
    "scan": (SCAN, SCAN_CALLS),
    "scan of a batch": (
        OLD_SCAN,
        [{"start": (b, n), "x": (b, t, n)} for b, t, n in ((1, 3, 2), (5, 1, 9), (2, 12, 17))],
    ),
    "loop over rows": (LOOP_OVER_ROWS, [{"x": (1, 3)}, {"x": (60, 1)}, {"x": (9, 33)}]),
    "as long as": (AS_LONG_AS_SMALL, [{"x": (1,)}, {"x": (33,)}]),
}


def arrays_of(call: Call) -> dict[str, Array]:
    """Inputs of some shapes; sequences end anywhere."""
    generator = np.random.default_rng(0)
    steps = call["x"][0]
    return {
        name: generator.integers(0, steps + 1, shape).astype(np.int32)
        if name == "ends"
        else (generator.standard_normal(shape) / 2).astype(np.float32)
        for name, shape in call.items()
    }


def model_of(text: str) -> ModelProto:
    """A model from its text."""
    return onnx.parser.parse_model(text)


def by_definition(model: ModelProto, given: Mapping[str, Array]) -> Sequence[Array]:
    """What a model imported for the sizes of these inputs gives by the definitions of its operations."""
    return evaluate_function(
        entry(read(model, shapes={n: a.shape for n, a in given.items()})), [*given.values()]
    )


@pytest.mark.parametrize("name", CASES)
def test_one_artefact_serves_all_sizes(name: str) -> None:
    text, calls = CASES[name]
    model = model_of(text)
    dynamic = penstock.compile(model)
    for call in calls:
        given = arrays_of(call)
        results = dynamic(given)
        for output, array in zip(model.graph.output, by_definition(model, given), strict=True):
            found = results[output.name]
            assert found.shape == array.shape, f"{output.name} at {call}"
            assert np.allclose(found, array, rtol=2e-5, atol=2e-6), f"{output.name} at {call}"


def test_a_run_may_say_how_often() -> None:
    model = penstock.compile(model_of(AS_OFTEN_AS_TOLD))
    x = np.array([0.1, -0.3], np.float32)
    for count in (0, 1, 3):
        rows = [x]
        for _ in range(count):
            rows.append(np.exp(rows[-1]))
        found = model(count=np.array(count), x=x)
        assert np.allclose(found["last"], rows[-1], rtol=1e-6)
        assert found["y"].shape == (count, 2)
        assert np.allclose(found["y"], -np.array(rows[1:]).reshape(count, 2), rtol=1e-6)


def test_no_steps_leave_the_state_as_it_is() -> None:
    model = penstock.compile(model_of(SCAN))
    start = np.arange(3, dtype=np.float32)
    found = model(start=start, x=np.zeros((3, 0), np.float32))
    assert (found["last"] == start).all() and found["y"].shape == (3, 0)


def test_weights_of_other_sizes_are_an_error_of_the_call() -> None:
    model = penstock.compile(model_of(CASES["rnn"][0]))
    call = dict(CASES["rnn"][1][0])
    with pytest.raises(CallError, match="the model needs"):
        model(arrays_of({**call, "bias": (1, 11)}))


def test_every_pass_keeps_the_meaning_at_two_sizes(tmp_path: Path) -> None:
    steps = list(check(model_of(CASES["rnn"][0]), hints={"s": 3, "b": 4}, folder=tmp_path))
    assert all(step.passed for step in steps)
    assert sum(step.name == "plan-memory" for step in steps) == 2
