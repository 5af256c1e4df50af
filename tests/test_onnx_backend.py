"""The `onnx.backend` protocol: machine code for the shapes, and where needed the values, of a run."""

from collections.abc import Sequence

import ml_dtypes
import numpy as np
import pytest
from onnx import ModelProto, NodeProto, helper, parser
from onnx.backend.base import Backend

from penstock import onnx_backend
from penstock.dialects.graph.base import Array, wide
from penstock.errors import CallError, UnsupportedError
from penstock.onnx_values import Result

X = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)


def model(text: str) -> ModelProto:
    """A model from its text."""
    return parser.parse_model(f'<ir_version: 8, opset_import: ["" : 18]> {text}')


RESHAPE = """main (float[a, b, c] x, int64[n] shape, float[k] bias) => (float[p, q] y) {
  r = Reshape (x, shape)
  y = Add (r, bias)
}"""


def tensors(results: Sequence[Result]) -> list[Array]:
    """Results none of which is a sequence or an optional."""
    arrays = [y for y in results if isinstance(y, np.ndarray)]
    assert len(arrays) == len(results)
    return arrays


def test_the_module_speaks_the_protocol() -> None:
    assert issubclass(onnx_backend.PenstockBackend, Backend)
    assert onnx_backend.supports_device("CPU:0")
    assert not onnx_backend.supports_device("CUDA")


def test_outputs_come_in_the_order_of_the_model() -> None:
    proto = model("main (float[3] x) => (float[3] b, float[3] a) {a = Neg (x) b = Abs (x)}")
    b, a = onnx_backend.run_model(proto, [X[0, :, 0].copy()])
    np.testing.assert_array_equal(a, -X[0, :, 0])
    np.testing.assert_array_equal(b, np.abs(X[0, :, 0]))


def test_only_the_inputs_that_decide_shapes_are_fixed() -> None:
    prepared = onnx_backend.prepare(model(RESHAPE))
    given = {"x": X, "shape": np.array([4, 6]), "bias": np.ones(1, np.float32)}
    compiled = prepared.compiled_for(given)
    assert [info.name for info in compiled.inputs] == ["x", "bias"]
    (y,) = tensors(prepared.run(list(given.values())))
    np.testing.assert_array_equal(y, X.reshape(4, 6) + 1)


def test_other_values_and_shapes_make_other_code() -> None:
    prepared = onnx_backend.prepare(model(RESHAPE))
    bias = np.ones(1, np.float32)
    for x, shape in ((X, [4, 6]), (X, [2, 12]), (X[:1], [3, 4]), (X, [4, 6])):
        (y,) = tensors(prepared.run([x, np.array(shape), bias]))
        np.testing.assert_array_equal(y, x.reshape(shape) + 1)


def test_the_same_shapes_and_values_are_compiled_once() -> None:
    prepared = onnx_backend.prepare(model(RESHAPE))
    given = {"x": X, "shape": np.array([4, 6]), "bias": np.ones(1, np.float32)}
    assert prepared.compiled_for(given) is prepared.compiled_for({**given, "x": X + 1})


SEQUENCES = """main (seq(float[n]) s, int64 at, float[m] x) => (seq(float[n]) longer, float[k] picked) {
  longer = SequenceInsert (s, x, at)
  picked = SequenceAt (s, at)
}"""


def test_sequences_are_lists_of_arrays() -> None:
    prepared = onnx_backend.prepare(model(SEQUENCES))
    a, b, x = (np.arange(n, dtype=np.float32) for n in (2, 3, 4))
    given = {"s": [a, b], "at": np.array(1), "x": x}
    assert [info.name for info in prepared.compiled_for(given).inputs] == ["s[0]", "s[1]", "x"]
    longer, picked = prepared.run(list(given.values()))
    assert isinstance(longer, list) and [len(y) for y in longer] == [2, 4, 3]
    np.testing.assert_array_equal(picked, b)
    longer, picked = prepared.run({**given, "s": [a, b, x], "at": np.array(-1)})
    assert isinstance(longer, list) and [len(y) for y in longer] == [2, 3, 4, 4]
    np.testing.assert_array_equal(picked, x)


def test_optionals_are_their_values_or_none() -> None:
    proto = model("main (float[3] x) => (float[3] y) {y = Identity (x)}")
    optional = helper.make_optional_type_proto(proto.graph.input[0].type)
    proto.graph.input[0].type.CopyFrom(optional)
    proto.graph.output[0].type.CopyFrom(optional)
    prepared = onnx_backend.prepare(proto)
    assert prepared.run([None]) == (None,)
    (y,) = tensors(prepared.run([X[0, :, 0]]))
    np.testing.assert_array_equal(y, X[0, :, 0])


def test_a_single_node_runs() -> None:
    node = helper.make_node(
        "Gemm",
        [
            "a",
            "b",
            "",
        ][:2],
        ["y"],
        alpha=2.0,
    )
    a, b = X[0], np.ones((4, 2), np.float32)
    (y,) = tensors(onnx_backend.run_node(node, [a, b]))
    np.testing.assert_allclose(wide(y), 2 * (a @ b), rtol=1e-5)


def test_wrong_calls_are_told() -> None:
    node = helper.make_node("Add", ["a", "b"], ["y"])
    with pytest.raises(CallError, match="1 inputs for 2"):
        onnx_backend.run_node(node, [X])
    with pytest.raises(CallError, match="no code for the device"):
        onnx_backend.prepare(model(RESHAPE), "CUDA")
    with pytest.raises(CallError, match="2 inputs for 3"):
        onnx_backend.prepare(model(RESHAPE)).run([X, X])


def test_what_cannot_be_compiled_is_listed() -> None:
    node = helper.make_node("MaxRoiPool", ["x", "rois"], ["y"], pooled_shape=[1, 1])
    with pytest.raises(UnsupportedError) as error:
        onnx_backend.run_node(node, [X, X])
    assert [problem.op for problem in error.value.problems] == ["MaxRoiPool"]


def test_random_initial_values_do_not_hide_an_input() -> None:
    proto = model("main (float[3] x) => (float[3] y) <float[3] w = {1, 2, 3}> {y = Add (x, w)}")
    (y,) = onnx_backend.run_model(proto, [np.zeros(3, np.float32)])
    assert y.tolist() == [1, 2, 3]


EMPTY: list[tuple[NodeProto, list[Array], tuple[int, ...]]] = [
    (helper.make_node("Neg", ["x0"], ["y"]), [X[:, :0]], (2, 0, 4)),
    (helper.make_node("Concat", ["x0", "x1"], ["y"], axis=0), [X[:, :0], X[:, :0]], (4, 0, 4)),
    (helper.make_node("Slice", ["x", "s", "e"], ["y"]), [X, np.array([5]), np.array([9])], (0, 3, 4)),
    (helper.make_node("ReduceSum", ["x", "axes"], ["y"]), [X[:, :0], np.array([2])], (2, 0, 1)),
    (helper.make_node("MatMul", ["a", "b"], ["y"]), [X[0, :0], np.ones((4, 5), np.float32)], (0, 5)),
]


@pytest.mark.parametrize(("node", "inputs", "shape"), EMPTY, ids=[n.op_type for n, _, _ in EMPTY])
def test_empty_results(node: NodeProto, inputs: list[Array], shape: tuple[int, ...]) -> None:
    (y,) = tensors(onnx_backend.run_node(node, inputs))
    assert y.shape == shape


def test_a_sum_over_nothing_is_zero() -> None:
    node = helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=0)
    (y,) = tensors(onnx_backend.run_node(node, [X[:, :0], np.array([1])]))
    np.testing.assert_array_equal(y, np.zeros((2, 4), np.float32))


def test_elements_are_placed_in_a_copied_tensor() -> None:
    node = helper.make_node("TensorScatter", ["cache", "update", "at"], ["y"])
    cache, update = np.zeros((2, 1, 4, 5), np.float32), np.ones((2, 1, 1, 5), np.float32)
    (y,) = tensors(onnx_backend.run_node(node, [cache, update, np.array([1, 3])], opset_version=24))
    assert (y[0, 0, 1], y[1, 0, 3], y.sum()) == (pytest.approx(1), pytest.approx(1), 10)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_products_of_halves_are_summed_in_single_precision(dtype: type[np.generic]) -> None:
    a, b = np.full((1, 4096), 0.5, dtype), np.full((4096, 1), 0.5, dtype)
    (y,) = tensors(onnx_backend.run_node(helper.make_node("MatMul", ["a", "b"], ["y"]), [a, b]))
    assert y.astype(np.float32).item() == 1024
