"""If, Loop and Scan: written out where they are short and known, operations with regions elsewhere."""

from typing import cast

import numpy as np
import pytest
from onnx import ModelProto, parser
from onnx.reference import ReferenceEvaluator
from xdsl.ir import Operation

import penstock
from penstock.backends.reference import main_function, run_graph
from penstock.dialects.graph.base import Array, wide
from penstock.dialects.graph.control import IfOp, LoopOp
from penstock.errors import CallError, LimitError, ModelError, ShapeError, UnsupportedError
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


LARGE = """hundred = Constant <value: tensor = float {100}> ()
    s = ReduceSum <keepdims = 0> (b) again = Less (s, hundred)"""
"""A condition that depends on the input."""


def test_a_collection_of_unknown_length_is_declined() -> None:
    with pytest.raises(UnsupportedError, match="a length that is known only when it has run"):
        import_model(model(loop(f"{FOUR} {TRUE}", LARGE)))


def has(text: str, kind: type[Operation], **inputs: Array) -> None:
    """A model agrees with ONNX's reference and has an operation of a kind."""
    agrees(text, **inputs)
    assert any(isinstance(op, kind) for op in import_model(model(text)).walk())


@pytest.mark.parametrize("most", [0, 1, 3, 30])
def test_loop_that_ends_by_its_state(most: int) -> None:
    text = f"""main (int64 most, float[3] x) => (float[3] y, float[3] past) {{
      {TRUE}
      y, past = Loop <body = step (int64 i, bool go, float[3] a, float[3] p)
          => (bool again, float[3] b, float[3] q) {{
        b = Add (a, x) q = Add (a, p)
        {LARGE}
      }}> (most, going, x, x)
    }}"""
    has(text, LoopOp, most=np.array(most), x=np.abs(ROWS[0]) * 3)


def test_loop_that_may_not_begin() -> None:
    text = """main (bool going, float[3] x) => (float[3] y) {
      most = Constant <value: tensor = int64 {301}> ()
      y = Loop <body = step (int64 i, bool go, float[3] a) => (bool again, float[3] b) {
        again = Identity (go)
        b = Neg (a)
      }> (most, going, x)
    }"""
    for going in (False, True):
        has(text, LoopOp, going=np.array(going), x=ROWS[0])


def test_long_loop_of_a_known_number_of_iterations() -> None:
    text = loop("most = Constant <value: tensor = int64 {90}> ()" + TRUE, "again = Identity (go)")
    has(text.replace("float {2}", "float {0.9}"), LoopOp, x=ROWS[0])


def test_long_loop_whose_state_grows_is_written_out() -> None:
    text = loop("most = Constant <value: tensor = int64 {90}> ()" + TRUE, "again = Identity (go)")
    for old, new in (("Mul (a, two)", "Concat <axis = 0> (a, x)"), ("Add (b, x)", "Identity (x)")):
        text = text.replace(old, new)
    text = text.replace("float[3] b", "float[m] b").replace("float[3] y", "float[m] y")
    assert not any(isinstance(op, LoopOp) for op in import_model(model(text)).walk())


BRANCH = """main (bool c, float[3] x) => (float[3] y, float[3] z) {
  one = Constant <value: tensor = float {1}> ()
  s = Add (x, one)
  y, z = If <then_branch = a () => (float[3] p, float[3] q) {p = Neg (s) q = Mul (x, one)},
             else_branch = b () => (float[3] u, float[3] v) {u = Identity (s) v = Tanh (x)}> (c)
}"""


def test_if_that_is_decided_at_run_time() -> None:
    for condition in (False, True):
        has(BRANCH, IfOp, c=np.array(condition), x=ROWS[0])


def test_branches_of_two_shapes_are_declined() -> None:
    text = BRANCH.replace("p = Neg (s)", "p = Concat <axis = 0> (s, s)").replace("(float[3] p", "(float[6] p")
    with pytest.raises(UnsupportedError, match=r"its branches give \[6\] of f32 and \[3\] of f32"):
        import_model(model(text))


IMPOSSIBLE = """main (bool c, float[3] x) => (float[3] y) {
  four = Constant <value: tensor = float[4] {1, 2, 3, 4}> ()
  s = Neg (x)
  y = If <then_branch = a () => (float[3] p) {p = Add (s, x)},
          else_branch = b () => (float[3] q) {q = Add (s, four)}> (c)
}"""


@pytest.mark.parametrize("text", [IMPOSSIBLE, IMPOSSIBLE.replace("Add (s, x)", "Add (s, four)")])
def test_a_branch_that_does_not_fit_the_shapes(text: str) -> None:
    """As ONNX Runtime does, it is an error to take it, and none to have it."""
    if text is not IMPOSSIBLE:
        with pytest.raises(ShapeError, match="do not broadcast"):
            import_model(model(text))
        return
    compiled = penstock.compile(model(text))
    assert compiled(c=np.array(True), x=ROWS[0])["y"].tolist() == [0, 0, 0]
    with pytest.raises(CallError, match="its condition is false, and that branch does not fit the shapes"):
        compiled(c=np.array(False), x=ROWS[0])


def test_a_weight_that_is_first_read_in_a_branch() -> None:
    text = """main (bool c, float[2] x) => (float[2] y, float[2] z) <float[2] w = {1, 2}> {
      y = If <then_branch = a () => (float[2] p) {p = Add (x, w)},
              else_branch = b () => (float[2] q) {q = Mul (x, w)}> (c)
      z = Sub (x, w)
    }"""
    has(text, IfOp, c=np.array(True), x=ROWS[0, :2])


def test_endless_loops_are_refused() -> None:
    text = loop(TRUE, "again = Identity (go)").replace("(most,", '("",')
    with limited(operations=300), pytest.raises(LimitError, match="over 300 operations more than its file"):
        import_model(model(text))


def test_loops_that_collect_too_much_are_refused_before_they_start() -> None:
    many = "many = Constant <value: tensor = int64 {9223372036854775807}> ()"
    text = loop(f"{many} {TRUE}", "on = Identity (go) again = Identity (on)").replace("(most,", "(many,")
    with pytest.raises(LimitError, match="a loop of 9223372036854775807 iterations"):
        import_model(model(text))
    with (
        limited(iterations=2**63),
        pytest.raises(ShapeError, match=r"a tensor of \[9223372036854775807, 3\]"),
    ):
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
    text = loop(f"{FOUR} {TRUE}", "again = Identity (go)").replace("Mul (a, two)", "MaxRoiPool (a, a)")
    with pytest.raises(UnsupportedError) as error:
        import_model(model(text))
    assert [problem.op for problem in error.value.problems] == ["MaxRoiPool"]


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
