"""Gradients of parts of a graph: every rule against differences, and what the node says of its values."""

from collections.abc import Callable, Sequence

import numpy as np
import onnx.parser
import pytest

import penstock
from penstock.backends.reference import run_graph
from penstock.dialects.graph.base import Array, wide
from penstock.errors import ModelError, UnsupportedError
from penstock.onnx_import import import_model
from penstock.onnx_import.derivatives import RULES

HEAD = '<ir_version: 9, opset_import: ["": 20, "ai.onnx.preview.training": 1]>'
A = np.array([[0.3, -0.7, 0.45], [-0.2, 0.8, 0.1]])
B = np.array([[1.3, 0.4, 2.1]])
STEP = 1e-6

UNARY = (
    "Abs Neg Sqrt Exp Log Erf Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh Atanh Sigmoid Softplus "
    "Elu LeakyRelu HardSigmoid Relu Gelu Sign Floor Ceil Round"
).split()
DOMAIN: dict[str, Callable[[Array], Array]] = {
    "Sqrt": lambda x: np.abs(wide(x)) + 0.1,
    "Log": lambda x: np.abs(wide(x)) + 0.1,
    "Acosh": lambda x: np.abs(wide(x)) + 1.1,
}
FORMULAS = {
    "sub": "y = Sub (a, b)",
    "div": "y = Div (a, b)",
    "pow": "p = Abs (a) y = Pow (p, b)",
    "max": "y = Max (a, b)",
    "min": "y = Min (a, b)",
    "where": "c = Less (a, b) d = Mul (a, a) y = Where (c, d, b)",
    "clip": "low = CastLike (l, a) high = CastLike (h, a) y = Clip (a, low, high)",
    "matmul": "t = Transpose <perm = [1, 0]> (b) y = MatMul (a, t)",
    "batches": "q = Unsqueeze (a, two) r = Reshape (b, shape) y = MatMul (q, r)",
    "gemm": "y = Gemm <transB = 1> (a, b)",
    "concat": "c = Concat <axis = 0> (a, b, a) y = Mul (c, c)",
    "slice": "c = Slice (a, ones, twos, ones) d = Mul (c, c) y = Mul (d, b)",
    "sum": "s = ReduceSum <keepdims = 0> (a, one) t = Mul (s, s) y = Mul (t, e)",
    "mean": "s = ReduceMean (a) y = Mul (s, b)",
    "most": "y = ReduceMax <keepdims = 0> (a, one)",
    "least": "y = ReduceMin (a)",
    "softmax": "s = Softmax <axis = 1> (a) y = Mul (s, b)",
    "log softmax": "s = LogSoftmax <axis = 0> (a) y = Mul (s, b)",
    "expand": "s = Expand (b, big) y = Mul (s, s)",
    "used twice": "c = Mul (a, b) d = Sin (c) y = Mul (d, c)",
}


ADD = "y = Add (a, b)"
CAST = "f = Cast <to = 1> (b) d = Cast <to = 11> (f) y = Mul (a, d)"


def source(body: str, rest: str, outputs: str) -> str:
    """The text of a model of two inputs and some constants."""
    return f"""{HEAD} main (double[2, 3] a, double[1, 3] b) => ({outputs})
        <float l = {{-0.25}}, float h = {{0.5}}, int64[1] one = {{1}}, int64[1] ones = {{1}},
         int64[1] twos = {{2}}, int64[1] two = {{2}}, int64[2] big = {{4, 3}}, int64[3] shape = {{1, 1, 3}},
         int64[2] rows = {{2, 3}}, double e = {{0.5}}> {{ {body} {rest} }}"""


def run(text: str, *arrays: Array) -> dict[str, Array]:
    """The outputs of a model."""
    module = import_model(onnx.parser.parse_model(text))
    return run_graph(module, dict(zip("ab", arrays, strict=True)))


def differences(text: str, arrays: Sequence[Array], index: int) -> Array:
    """The gradient of the sum of `y` by central differences."""
    module = import_model(onnx.parser.parse_model(text))
    found = np.zeros(arrays[index].shape)
    for place in np.ndindex(found.shape):
        sums: list[float] = []
        for step in (STEP, -STEP):
            moved = [x.copy() for x in arrays]
            wide(moved[index])[place] += step
            sums.append(float(wide(run_graph(module, dict(zip("ab", moved, strict=True)))["y"]).sum()))
        found[place] = (sums[0] - sums[1]) / (2 * STEP)
    return found


def agrees(body: str, a: Array, b: Array) -> None:
    """Compare the gradients of both inputs with differences."""
    node = 'da, db = ai.onnx.preview.training.Gradient <xs = ["a", "b"], y = "y"> (a, b)'
    made = run(source(body, node, "double[i, j] da, double[k, l] db"), a, b)
    plain = source(body, "", "y")
    for index, name in enumerate(("da", "db")):
        np.testing.assert_allclose(wide(made[name]), wide(differences(plain, (a, b), index)), 1e-5, 1e-7)


@pytest.mark.parametrize("op", UNARY)
def test_functions_of_one_number(op: str) -> None:
    a = DOMAIN[op](A) if op in DOMAIN else A
    agrees(f"u = {op} (a) y = Mul (u, b)", a, B)


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas(name: str) -> None:
    agrees(FORMULAS[name], A, B)


def test_every_rule_is_tested() -> None:
    """The modules of the cases above speak of each operation that has a rule."""
    seen: set[type] = set()
    for body in (*(f"y = {op} (a)" for op in UNARY), *FORMULAS.values(), ADD, CAST):
        module = import_model(onnx.parser.parse_model(source(body, "", "y")))
        seen.update(map(type, module.walk()))
    assert not {rule.name for rule in RULES if rule not in seen}


def gradient(body: str, xs: str, given: str, rest: str = "") -> str:
    """The text of a model that gives the gradient of `y`."""
    node = f'dx = ai.onnx.preview.training.Gradient <xs = [{xs}], y = "y"> ({given})'
    return source(body, f"{node} {rest}", "dx")


def test_through_another_type() -> None:
    dx = run(gradient(CAST, '"b"', "b"), A, B)["dx"]
    np.testing.assert_allclose(wide(dx), A.sum(0, keepdims=True), 1e-6)


def test_other_values_may_be_fed() -> None:
    """The gradient where the first input is twice the second."""
    body = "c = Add (a, b) t = Expand (b, rows) y = Mul (c, a)"
    dx = run(gradient(body, '"a"', "t"), A, B)["dx"]
    np.testing.assert_allclose(wide(dx), np.tile(3 * B, (2, 1)))


def test_of_the_second_order() -> None:
    first = 'd = ai.onnx.preview.training.Gradient <xs = ["a"], y = "z"> (a)'
    dx = run(gradient(f"c = Mul (a, a) z = Mul (c, a) {first} y = Identity (d)", '"a"', "a"), A, B)["dx"]
    np.testing.assert_allclose(wide(dx), 6 * A)


def test_of_what_is_between() -> None:
    dx = run(gradient("c = Mul (a, b) y = Exp (c)", '"c"', "c"), A, B)["dx"]
    np.testing.assert_allclose(wide(dx), np.exp(A * B))


def test_what_is_not_read_has_no_slope() -> None:
    assert not wide(run(gradient("y = Exp (b)", '"a"', "a"), A, B)["dx"]).any()


def test_it_is_compiled() -> None:
    model = penstock.compile(onnx.parser.parse_model(gradient("c = Mul (a, b) y = Sin (c)", '"b"', "b")))
    np.testing.assert_allclose(wide(model(a=A, b=B)["dx"]), (np.cos(A * B) * A).sum(0, keepdims=True), 1e-12)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("y = ReduceProd (a)", "the derivative of reduce_prod is not known"),
        ("y = ArgMax (a)", "no real number"),
        ("y = LayerNormalization (a, b)", "the derivative of layer_norm is not known"),
    ],
)
def test_what_has_no_rule_is_declined_by_name(body: str, message: str) -> None:
    with pytest.raises((UnsupportedError, ModelError), match=message):
        run(gradient(body, '"a"', "a"), A, B)


def test_an_unknown_name() -> None:
    with pytest.raises(ModelError, match="'q' is read and nobody writes it"):
        run(gradient("y = Exp (a)", '"q"', "a"), A, B)
