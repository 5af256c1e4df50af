"""Operators that ONNX Runtime lacks or that need a closer look, and what is refused."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np
import pytest
from numpy.typing import ArrayLike
from onnx import ModelProto, helper
from onnx.parser import parse_model
from onnx.reference import ReferenceEvaluator

from penstock.backends.reference import main_function, run_graph
from penstock.dialects.graph.base import Array, Dim, shape_of, wide
from penstock.errors import ModelError, PenstockError, ShapeError, UnsupportedError
from penstock.onnx_import import import_model

Attributes = Mapping[str, int | float | str | Sequence[int] | Sequence[float]]
X = np.random.default_rng(0).standard_normal((2, 4, 3)).astype(np.float32)


def model(
    op_type: str, opset: int, shapes: Sequence[Sequence[Dim]], attributes: Attributes, outputs: int = 1
) -> ModelProto:
    """A model of one node over f32 inputs, perhaps of an operator that the standard has dropped."""
    names = [f"x{i}" for i in range(len(shapes))]
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op_type, names, results, name="n")
    node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
    inputs = [helper.make_tensor_value_info(n, 1, list(s)) for n, s in zip(names, shapes, strict=True)]
    graph = helper.make_graph([node], "g", inputs, [helper.make_empty_tensor_value_info(r) for r in results])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def run(
    op_type: str,
    opset: int,
    inputs: Sequence[Array],
    attributes: Attributes | None = None,
    outputs: int = 1,
) -> list[Array]:
    """What a node computes after import."""
    module = import_model(model(op_type, opset, [x.shape for x in inputs], attributes or {}, outputs))
    return list(run_graph(module, {f"x{i}": x for i, x in enumerate(inputs)}).values())


def close(actual: Array, wanted: ArrayLike) -> None:
    """Equal up to rounding."""
    np.testing.assert_allclose(wide(actual), np.asarray(wanted, np.float64), 2e-6, 2e-6)


def elementwise(function: Callable[[float], float], x: Array) -> ArrayLike:
    """A function of each element."""
    return np.reshape([function(float(v)) for v in x.reshape(-1)], x.shape)


def test_swish_and_swiglu() -> None:
    gate, value = X, np.flip(X)
    swish = elementwise(lambda g: g / (1 + math.exp(-1.5 * g)), gate)
    close(run("Swish", 24, [gate], {"alpha": 1.5})[0], swish)
    close(run("SwiGLU", 28, [gate, value], {"alpha": 1.5})[0], np.multiply(swish, value))


def test_experimental_operators() -> None:
    close(run("Affine", 7, [X], {"alpha": 2.0, "beta": 0.5})[0], elementwise(lambda x: 2 * x + 0.5, X))
    close(run("Scale", 7, [X], {"scale": 3.0})[0], elementwise(lambda x: 3 * x, X))
    half = {"alpha": 2.0, "beta": 0.5}
    close(run("ScaledTanh", 7, [X], half)[0], elementwise(lambda x: 2 * math.tanh(x / 2), X))
    softplus = run("ParametricSoftplus", 7, [X], half)[0]
    close(softplus, elementwise(lambda x: 2 * math.log1p(math.exp(x / 2)), X))


def test_image_scaler() -> None:
    bias = [1.0, 2.0, 3.0, 4.0]
    wanted = 0.5 * X.astype(np.float64) + np.array(bias)[:, None]
    close(run("ImageScaler", 7, [X], {"scale": 0.5, "bias": bias})[0], wanted)


def test_rms_normalization() -> None:
    scale = np.array([1.0, -2.0, 0.5], np.float32)
    x = X.astype(np.float64)
    wanted = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * scale
    close(run("RMSNormalization", 23, [X, scale])[0], wanted)


def test_group_normalization_of_opset_18_scales_groups() -> None:
    scale, bias = np.array([2.0, 3.0], np.float32), np.array([0.5, -0.5], np.float32)
    groups = X.astype(np.float64).reshape(2, 2, 6)
    normal = (groups - groups.mean(-1, keepdims=True)) / np.sqrt(groups.var(-1, keepdims=True) + 1e-5)
    wanted = (normal * scale[:, None] + bias[:, None]).reshape(X.shape)
    close(run("GroupNormalization", 18, [X, scale, bias], {"num_groups": 2})[0], wanted)


def test_batch_normalization_in_training_mode() -> None:
    parameters = [np.full(4, v, np.float32) for v in (2.0, 0.5, 1.0, 3.0)]
    y, mean, var = run(
        "BatchNormalization", 15, [X, *parameters], {"training_mode": 1, "momentum": 0.75}, outputs=3
    )
    x = X.astype(np.float64)
    batch_mean, batch_var = x.mean((0, 2)), x.var((0, 2))
    normal = (x - batch_mean[:, None]) / np.sqrt(batch_var[:, None] + 1e-5)
    close(y, 2 * normal + 0.5)
    close(mean, 0.75 * 1.0 + 0.25 * batch_mean)
    close(var, 0.75 * 3.0 + 0.25 * batch_var)


def test_log_sum_exp_neither_overflows_nor_loses_infinities() -> None:
    x = np.array([[1000, 1000], [-np.inf, -np.inf], [np.inf, 0], [-1000, -np.inf]], np.float32)
    (y,) = run("ReduceLogSumExp", 13, [x], {"axes": [1], "keepdims": 0})
    assert y.tolist() == [np.float32(1000 + math.log(2)), -np.inf, np.inf, -1000]


def test_lp_normalization_of_zeros_is_zero() -> None:
    x = np.array([[0, 0], [3, 4]], np.float32)
    close(run("LpNormalization", 22, [x])[0], [[0, 0], [0.6, 0.8]])


def test_a_rounded_up_window_does_not_start_in_the_padding() -> None:
    # Three windows would fit 5 + 1 elements rounded up, and the third would see padding alone.
    x = np.arange(4, dtype=np.float32).reshape(1, 1, 4)
    attributes = {"kernel_shape": [1], "strides": [2], "pads": [0, 1], "ceil_mode": 1}
    assert run("MaxPool", 12, [x], attributes)[0].tolist() == [[[0, 2]]]


def test_symbolic_sizes_are_carried() -> None:
    module = import_model(model("Conv", 11, [["n", 3, "h", 8], [4, 3, 3, 3]], {"pads": [1, 1, 1, 1]}))
    (result,) = main_function(module).function_type.outputs
    assert shape_of(result) == ("n", 4, "h", 8)
    module = import_model(model("Softmax", 11, [["n", 4, 5]], {"axis": 1}))
    (result,) = main_function(module).function_type.outputs
    assert shape_of(result) == ("n", 4, 5)


REFUSED: list[tuple[type[PenstockError], str, ModelProto]] = [
    (ShapeError, "a filter of rank 4", model("Conv", 11, [[1, 3, 8], [4, 3, 3, 3]], {})),
    (ShapeError, "its filter has", model("Conv", 11, [[1, 3, 8], [4, 3, 3]], {"kernel_shape": [5]})),
    (
        ShapeError,
        "output_padding",
        model("ConvTranspose", 11, [[1, 4, 8], [4, 3, 3]], {"output_shape": [9], "output_padding": [1, 1]}),
    ),
    (ShapeError, "the window of MaxPool", model("MaxPool", 12, [[1, 3, 8]], {"kernel_shape": [2, 2]})),
    (ShapeError, "the window of", model("MaxPool", 12, [[1, 3, 8]], {"kernel_shape": [2], "strides": [0]})),
    (ModelError, "MAYBE", model("MaxPool", 12, [[1, 3, 8]], {"kernel_shape": [2], "auto_pad": "MAYBE"})),
    (ShapeError, "Softmax has axis 2, its tensor has 2 dims", model("Softmax", 13, [[2, 3]], {"axis": 2})),
    (ShapeError, "axis -3", model("ReduceMax", 13, [[2, 3]], {"axes": [-3]})),
    (ShapeError, "3 groups", model("GroupNormalization", 21, [[1, 4, 2], [4], [4]], {"num_groups": 3})),
    (ShapeError, "no channels", model("GroupNormalization", 21, [[4], [4], [4]], {"num_groups": 2})),
    (ShapeError, "both must be 1", model("InstanceNormalization", 7, [[1, 4, 2], [1, 4], [4]], {})),
    (ShapeError, "no channels", model("BatchNormalization", 15, [[4]] * 5, {"training_mode": 1})),
    (ShapeError, "must be a scalar", model("Clip", 13, [[2, 3], ["n"]], {})),
    (ModelError, "UP", model("BitShift", 11, [[2], [2]], {"direction": "UP"})),
    (ModelError, "cubic", model("Gelu", 20, [[2]], {"approximate": "cubic"})),
    (ShapeError, "the dims 'j' are", model("Einsum", 12, [[2, 3], [4, 2]], {"equation": "ij,jk->ik"})),
    (ShapeError, "the term 'ijk'", model("Einsum", 12, [[2, 3]], {"equation": "ijk->i"})),
    (ShapeError, "the output 'kk'", model("Einsum", 12, [[2, 3]], {"equation": "ij->kk"})),
    (UnsupportedError, "spatial=0", model("BatchNormalization", 7, [[1, 2, 3], *[[2]] * 4], {"spatial": 0})),
]


@pytest.mark.parametrize(("error", "message", "case"), REFUSED, ids=[message for _, message, _ in REFUSED])
def test_what_cannot_be_imported_is_told(error: type[PenstockError], message: str, case: ModelProto) -> None:
    with pytest.raises(error, match=message):
        import_model(case)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_integers_that_shrink_with_antialias_are_rounded(mode: str) -> None:
    # ONNX Runtime rounds after each dim.
    text = f'''<ir_version: 9, opset_import: ["": 18]> a (uint8[9, 7] x) => (uint8[5, 4] y)
        <int64[2] s = {{5, 4}}> {{ y = Resize <mode = "{mode}", antialias = 1> (x, , , s) }}'''
    proto = parse_model(text)
    x = np.random.default_rng(2).integers(0, 256, (9, 7)).astype(np.uint8)
    # onnx leaves the parameters of `run` without types.
    outputs = ReferenceEvaluator(proto).run(None, {"x": x})  # pyright: ignore[reportUnknownMemberType]
    (wanted,) = cast(list[Array], outputs)
    np.testing.assert_array_equal(run_graph(import_model(proto), {"x": x})["y"], wanted)
