"""Loop and Scan are written out where the number of iterations is known, and declined where it is not."""

from typing import cast

import numpy as np
import pytest
from onnx import ModelProto, parser
from onnx.reference import ReferenceEvaluator

from penstock.backends.reference import main_function, run_graph
from penstock.dialects.graph.base import Array, wide
from penstock.errors import LimitError, ModelError, UnsupportedError
from penstock.limits import limited
from penstock.onnx_import import import_model

HEAD = '<ir_version: 8, opset_import: ["" : 18]>'
ROWS = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)


def model(text: str) -> ModelProto:
    """A model from its text."""
    return parser.parse_model(f"{HEAD} {text}")


def agrees(text: str, **inputs: Array) -> None:
    """What a model computes after import is what ONNX's reference computes."""
    proto = model(text)
    # onnx leaves the parameters of `run` without types.
    wanted = cast(list[Array], ReferenceEvaluator(proto).run(None, inputs))  # pyright: ignore[reportUnknownMemberType]
    results = run_graph(import_model(proto), inputs).values()
    for y, w in zip(results, wanted, strict=True):
        assert y.dtype == w.dtype
        np.testing.assert_allclose(wide(y), wide(w), rtol=1e-6)


LOOP = """
main (float[3] x) => (float[3] y, float[n, 3] all) {{
  {head}
  y, all = Loop <body = step (int64 i, bool go, float[3] a) => (bool again, float[3] b, float[3] each) {{
    two = Constant <value: tensor = float {{2}}> ()
    b = Mul (a, two)
    each = Add (b, x)
    {condition}
  }}> (most, going, x)
}}
"""


def loop(head: str, condition: str) -> str:
    """A loop that doubles its state and collects it, with a captured value added."""
    return LOOP.format(head=head, condition=condition)


FOUR = "most = Constant <value: tensor = int64 {4}> ()"
TRUE = "going = Constant <value: tensor = bool {1}> ()"
BELOW_TWO = "limit = Constant <value: tensor = int64 {2}> () again = Less (i, limit)"


def test_loop_of_a_known_number_of_iterations() -> None:
    agrees(loop(f"{FOUR} {TRUE}", "again = Identity (go)"), x=ROWS[0])


def test_loop_ends_when_its_condition_fails() -> None:
    text = loop(f"{FOUR} {TRUE}", BELOW_TWO)
    agrees(text, x=ROWS[0])
    assert run_graph(import_model(model(text)), {"x": ROWS[0]})["all"].shape == (3, 3)


def test_loop_without_iterations_keeps_its_state() -> None:
    text = """main (float[3] x) => (float[3] y) {
      most = Constant <value: tensor = int64 {0}> ()
      y = Loop <body = step (int64 i, bool go, float[3] a) => (bool again, float[3] b) {
        again = Identity (go)
        b = Neg (a)
      }> (most, "", x)
    }"""
    agrees(text, x=ROWS[0])


def test_data_dependent_conditions_are_declined() -> None:
    zero = "zero = Constant <value: tensor = float {0}> ()"
    condition = f"{zero} s = ReduceSum <keepdims = 0> (b) again = Less (s, zero)"
    with pytest.raises(UnsupportedError, match="the number of iterations depends on the inputs"):
        import_model(model(loop(f"{FOUR} {TRUE}", condition)))


def test_endless_loops_are_refused() -> None:
    text = loop(TRUE, "again = Identity (go)").replace("(most,", '("",')
    with limited(operations=300), pytest.raises(LimitError, match="over 300 operations more than its file"):
        import_model(model(text))


def test_loops_of_too_many_iterations_are_declined_before_they_start() -> None:
    many = "many = Constant <value: tensor = int64 {9223372036854775807}> ()"
    text = loop(f"{many} {TRUE}", "on = Identity (go) again = Identity (on)").replace("(most,", "(many,")
    with pytest.raises(UnsupportedError, match="9223372036854775807 iterations .* --limit operations="):
        import_model(model(text))


def test_nested_loops_that_multiply_are_refused() -> None:
    body = "in (int64 k, bool p, float[3] c) => (bool q, float[3] d) {q = Identity (p) d = Neg (c)}"
    inner = f"f = Loop <body = {body}>"
    text = loop(
        f"{FOUR} {TRUE}",
        f"again = Identity (go) many = Constant <value: tensor = int64 {{99}}> () {inner} (many, go, a)",
    )
    with limited(operations=500), pytest.raises(LimitError, match="over 500 operations"):
        import_model(model(text))


def test_a_body_of_other_inputs_is_refused() -> None:
    text = loop(f"{FOUR} {TRUE}", "again = Identity (go)").replace("(most, going, x)", "(most, going, x, x)")
    with pytest.raises(ModelError, match="the body has 3 inputs, it gets 4"):
        import_model(model(text))


def test_what_a_body_cannot_do_is_told_once() -> None:
    text = loop(f"{FOUR} {TRUE}", "again = Identity (go)").replace("Mul (a, two)", "RandomNormalLike (a)")
    with pytest.raises(UnsupportedError) as error:
        import_model(model(text))
    assert [problem.op for problem in error.value.problems] == ["RandomNormalLike"]


SCAN = """
main (float[3] start, float[4, 3] rows, float[3, 4] columns)
  => (float[3] total, float[a, b] sums, float[c] heads) {{
  total, sums, heads = Scan <num_scan_inputs = 2, {attributes}
    body = step (float[3] before, float[3] row, float[3] column)
      => (float[3] after, float[3] sum, float head) {{
    after = Add (before, row)
    sum = Mul (after, column)
    axis = Constant <value: tensor = int64[1] {{0}}> ()
    head = ReduceMax <keepdims = 0> (sum, axis)
  }}> (start, rows, columns)
}}
"""


@pytest.mark.parametrize(
    "attributes",
    [
        "scan_input_axes = [0, 1],",
        "scan_input_axes = [0, -1], scan_input_directions = [1, 0], scan_output_directions = [0, 1],",
        "scan_input_axes = [0, 1], scan_output_axes = [1, 0],",
    ],
)
def test_scan(attributes: str) -> None:
    """Against the definition: ONNX's reference evaluates neither directions nor axes."""
    function = import_model(model(SCAN.format(attributes=attributes)))
    columns, start = np.arange(12, dtype=np.float32).reshape(3, 4), ROWS[0]
    got = run_graph(function, {"start": start, "rows": ROWS, "columns": columns})
    rows = ROWS[::-1] if "[1, 0], scan_output" in attributes else ROWS
    totals = [start + rows[: t + 1].sum(0) for t in range(4)]
    sums = np.stack([total * columns[:, t] for t, total in enumerate(totals)])
    heads = sums.max(1)[::-1] if "scan_output_directions" in attributes else sums.max(1)
    np.testing.assert_allclose(wide(got["total"]), totals[-1], rtol=1e-5)
    np.testing.assert_allclose(
        wide(got["sums"]), sums.T if "scan_output_axes" in attributes else sums, rtol=1e-5
    )
    np.testing.assert_allclose(wide(got["heads"]), heads, rtol=1e-5)


def test_iterations_are_named_after_the_loop() -> None:
    module = import_model(model(loop(f"{FOUR} {TRUE}", "again = Identity (go)")))
    named = {str(op.attributes.get("nodes")) for op in main_function(module).body.block.ops}
    assert any("/2/Mul" in name for name in named)
