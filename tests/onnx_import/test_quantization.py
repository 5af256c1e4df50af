"""Quantised nodes: the integers of ONNX Runtime, or of the definition where that is what is asked."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from penstock.backends.reference import run_graph
from penstock.dialects.graph.base import Array, wide
from penstock.errors import ShapeError, UnsupportedError
from penstock.onnx_import import import_model
from tests.onnx_import.operator_cases import reals
from tests.onnx_import.test_operators import outputs_of_onnxruntime

names = pytest.mark.parametrize
Attributes = Mapping[str, int | float | str | Sequence[int]]
CONTRIB = "com.microsoft"


def model_of(op: str, inputs: Sequence[Array | None], attributes: Attributes, domain: str = "") -> ModelProto:
    """A model of one node whose first input is given by the caller; the others are constants."""
    given = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    node = helper.make_node(op, given, ["y"], name="n", domain=domain)
    node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
    constants = [numpy_helper.from_array(x, f"x{i}") for i, x in enumerate(inputs) if i and x is not None]
    first = inputs[0]
    assert first is not None, "the first input is there"
    kind = helper.np_dtype_to_tensor_dtype(first.dtype)
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x0", kind, first.shape)],
        [helper.make_empty_tensor_value_info("y")],
        constants,
    )
    versions = [helper.make_opsetid("", 21), helper.make_opsetid(CONTRIB, 1)]
    return helper.make_model(graph, opset_imports=versions, ir_version=10)


def check(
    op: str, inputs: Sequence[Array | None], attributes: Attributes, *, domain: str = "", most: int = 0
) -> None:
    """The result is that of ONNX Runtime, up to `most` steps of the quantised grid."""
    model = model_of(op, inputs, attributes, domain)
    first = inputs[0]
    assert first is not None, "the first input is there"
    given = {"x0": first}
    (wanted,) = outputs_of_onnxruntime(model, given)
    (got,) = run_graph(import_model(model), given).values()
    assert got.dtype == wanted.dtype and got.shape == wanted.shape
    assert np.max(np.abs(wide(got) - wide(wanted)), initial=0) <= most


def values(shape: Sequence[int], dtype: str, seed: int = 0) -> Array:
    """Bytes from half of the range, so that ONNX Runtime's sums of pairs stay in 16 bits."""
    low, high = (0, 64) if dtype == "uint8" else (-64, 64)
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


def real(first: float, *others: float) -> Array:
    """A scale, or one per channel."""
    return np.array([first, *others] if others else first, np.float32)


def zero(first: int, *others: int, dtype: str = "uint8") -> Array:
    """A zero point, or one per channel."""
    return np.array([first, *others] if others else first, dtype)


REALS = np.linspace(-30, 30, 24, dtype=np.float32).reshape(2, 3, 4)
PAIRS = np.linspace(0.1, 1, 12, dtype=np.float32).reshape(2, 3, 2)
"""A scale for each pair along the last axis of `REALS`."""
BYTES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@names(
    ("scale", "point", "attributes"),
    [
        (real(0.1), zero(128), {}),
        (real(0.1), None, {}),
        (real(0.1, 0.2, 0.3), zero(1, 2, 3), {}),
        (real(0.1, 0.2), zero(1, 2), {"axis": -3}),
        (PAIRS, np.arange(12, dtype=np.uint8).reshape(2, 3, 2), {"axis": 2, "block_size": 2}),
        (PAIRS.reshape(2, 2, 3).repeat(2, 2)[:, :, :4], None, {"axis": 1, "block_size": 2}),
        (real(0.1), None, {"output_dtype": TensorProto.INT16}),
    ],
)  # fmt: skip
def test_quantize(scale: Array, point: Array | None, attributes: Attributes) -> None:
    check("QuantizeLinear", [REALS, scale, point], attributes)
    if "output_dtype" not in attributes:
        check("DequantizeLinear", [BYTES, scale, point], attributes)


@names("x_type", ["int8", "uint8"])
@names("groups", [1, 2])
@names("attributes", [{}, {"pads": [1, 1, 1, 1]}, {"strides": [2, 2], "auto_pad": "SAME_LOWER"}])
@names("per_channel", [False, True])
@names("with_bias", [False, True])
def test_qlinear_conv(
    x_type: str, attributes: Attributes, groups: int, per_channel: bool, with_bias: bool
) -> None:
    w = values((4, 4 // groups, 3, 3), "int8", 1)
    w_scale = real(0.02, 0.03, 0.01, 0.04) if per_channel else real(0.02)
    w_zero = zero(0, 0, 0, 0, dtype="int8") if per_channel else zero(0, dtype="int8")
    bias = np.array([100, -200, 300, 0], np.int32) if with_bias else None
    x = [values((1, 4, 6, 5), x_type), real(0.05), zero(7, dtype=x_type)]
    check(
        "QLinearConv",
        [*x, w, w_scale, w_zero, real(0.11), zero(3, dtype=x_type), bias],
        {**attributes, "group": groups},
    )


@names("types", [("uint8", "uint8"), ("uint8", "int8"), ("int8", "int8")])
def test_qlinear_matmul(types: tuple[str, str]) -> None:
    a = [values((2, 5, 8), types[0]), real(0.05), zero(7, dtype=types[0])]
    b = [values((8, 6), types[1], 1), real(0.02), zero(2, dtype=types[1])]
    check("QLinearMatMul", [*a, *b, real(0.07), zero(9, dtype=types[0])], {})
    check("MatMulInteger", [a[0], b[0], a[2], b[2]], {})


def test_products_of_bytes_are_exact() -> None:
    """255 * -128 twice leaves the 16 bits that ONNX Runtime has for a pair on machines without VNNI."""
    a, b = np.full((1, 64), 255, np.uint8), np.full((64, 1), -128, np.int8)
    (y,) = run_graph(import_model(model_of("MatMulInteger", [a, b], {})), {"x0": a}).values()
    assert y.item() == 64 * 255 * -128


FIRST = [values((1, 4, 6, 6), "uint8"), real(0.05), zero(7)]
SECOND = [values((1, 4, 6, 6), "uint8", 1), real(0.03), zero(20)]
RESULT = [real(0.07), zero(11)]
BESIDE: list[tuple[str, list[Array | None], Attributes]] = [
    ("QLinearAdd", [*FIRST, *SECOND, *RESULT], {}),
    ("QLinearMul", [*FIRST, *SECOND, *RESULT], {}),
    ("QLinearGlobalAveragePool", [*FIRST, *RESULT], {"channels_last": 0}),
    ("QLinearGlobalAveragePool", [*FIRST, *RESULT], {"channels_last": 1}),
    ("QLinearAveragePool", [*FIRST, *RESULT], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    ("QLinearAveragePool", [*FIRST, *RESULT], {"kernel_shape": [2, 2], "channels_last": 1}),
    ("QLinearLeakyRelu", [*FIRST, *RESULT], {"alpha": 0.2}),
    ("QLinearSigmoid", [*FIRST, real(1 / 256), zero(0)], {}),
    ("QLinearSoftmax", [*FIRST, real(1 / 256), zero(0)], {"opset": 13, "axis": -1}),
    ("QLinearSoftmax", [*FIRST, real(1 / 256), zero(0)], {"opset": 12, "axis": 2}),
]


@names(("op", "inputs", "attributes"), BESIDE)
def test_operations_of_onnxruntime(op: str, inputs: list[Array | None], attributes: Attributes) -> None:
    check(op, inputs, attributes, domain=CONTRIB, most=1)


def test_parts_of_a_concatenation_are_rescaled() -> None:
    parts = [*FIRST, *SECOND]
    model = model_of("QLinearConcat", [real(0.07), zero(11), *parts], {"axis": 1}, CONTRIB)
    # The scale comes first and is constant; the first part is what the caller gives.
    model.graph.ClearField("input")
    model.graph.input.append(helper.make_tensor_value_info("x2", TensorProto.UINT8, FIRST[0].shape))
    model.graph.initializer.append(numpy_helper.from_array(real(0.07), "x0"))
    kept = [tensor for tensor in model.graph.initializer if tensor.name != "x2"]
    model.graph.ClearField("initializer")
    model.graph.initializer.extend(kept)
    (wanted,) = outputs_of_onnxruntime(model, {"x2": FIRST[0]})
    (got,) = run_graph(import_model(model), {"x2": FIRST[0]}).values()
    np.testing.assert_array_equal(got, wanted)


@names("flags", ["", "A", "B", "AB"])
@names("batch", ["", "A", "B"])
def test_fused_matmul(flags: str, batch: str) -> None:
    def shape(name: str, rows: int, columns: int) -> list[int]:
        inner = [columns, rows] if name in flags else [rows, columns]
        return [inner[0], 2, 3, inner[1]] if name in batch else [2, 3, *inner]

    a, b = reals(*shape("A", 4, 5)), reals(*shape("B", 5, 6))
    asked = [f"trans{name}" for name in flags] + [f"transBatch{name}" for name in batch]
    attributes: dict[str, int | float] = {"alpha": 0.5} | dict.fromkeys(asked, 1)
    model = model_of("FusedMatMul", [a, b], attributes, CONTRIB)
    (wanted,) = outputs_of_onnxruntime(model, {"x0": a})
    (got,) = run_graph(import_model(model), {"x0": a}).values()
    np.testing.assert_allclose(wide(got), wide(wanted), rtol=1e-5, atol=1e-5)


def test_blocks_that_do_not_fit_are_refused() -> None:
    scale = np.full((2, 3, 3), 0.25, np.float32)
    with pytest.raises(ShapeError, match="blocks of 2 along axis 2"):
        import_model(model_of("QuantizeLinear", [REALS, scale, None], {"axis": 2, "block_size": 2}))


def test_products_of_floats_of_8_bits_are_declined() -> None:
    kind = helper.tensor_dtype_to_np_dtype(TensorProto.FLOAT8E4M3FN)
    a = [np.ones((2, 2)).astype(kind), real(1), np.zeros(()).astype(kind)]
    with pytest.raises(UnsupportedError, match="QLinearMatMul of f8E4M3FN"):
        import_model(model_of("QLinearMatMul", [*a, *a, real(1), np.zeros(()).astype(kind)], {}))
