"""The fused operations of transformers give what ONNX Runtime gives."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from onnx import ModelProto, helper

from penstock.backends.reference import run_graph
from penstock.dialects.graph.base import Array, wide
from penstock.errors import UnsupportedError
from penstock.onnx_import import import_model
from tests.onnx_import.test_operators import outputs_of_onnxruntime

Attributes = Mapping[str, int | float | str | Sequence[int]]
RANDOM = np.random.default_rng(0)
IDS = np.array([[1, 4, 2], [0, 3, 3]], np.int32)
MASK = np.array([[1, 1, 1], [1, 1, 0]], np.int32)
WIDER = np.array([[1, 1, 1, 1, 1], [0, 1, 1, 1, 1]], np.int32)


def reals(*shape: int) -> Array:
    return RANDOM.standard_normal(shape).astype(np.float32)


def model_of(
    op: str, inputs: Sequence[Array | None], outputs: Sequence[str], attributes: Attributes
) -> tuple[ModelProto, dict[str, Array]]:
    given = {f"x{i}": x for i, x in enumerate(inputs) if x is not None}
    names = ["" if x is None else f"x{i}" for i, x in enumerate(inputs)]
    node = helper.make_node(op, names, outputs, name="n", domain="com.microsoft")
    node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
    graph = helper.make_graph(
        [node],
        "g",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
            for name, x in given.items()
        ],
        [helper.make_empty_tensor_value_info(name) for name in outputs if name],
    )
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=versions, ir_version=9), given


@pytest.mark.parametrize(
    ("op", "inputs", "outputs", "attributes"),
    [
        ("FastGelu", [reals(2, 5), reals(5)], ["y"], {}),
        ("FastGelu", [reals(2, 5)], ["y"], {}),
        ("BiasGelu", [reals(2, 5), reals(5)], ["y"], {}),
        ("Gelu", [reals(2, 5)], ["y"], {}),
        ("QuickGelu", [reals(2, 5)], ["y"], {"alpha": 1.5}),
        ("SkipLayerNormalization", [reals(2, 3, 8), reals(2, 3, 8), reals(8), reals(8)], ["y"], {}),
        (
            "SkipLayerNormalization",
            [reals(2, 3, 8), reals(2, 3, 8), reals(8), None, reals(8)],
            ["y", "", "", "sum"],
            {"epsilon": 1e-3},
        ),
        (
            "EmbedLayerNormalization",
            [IDS, None, reals(5, 8), reals(4, 8), None, reals(8), reals(8), None, IDS % 4],
            ["y", "mask", "sum"],
            {"epsilon": 1e-5},
        ),
        (
            "EmbedLayerNormalization",
            [IDS, IDS % 2, reals(5, 8), reals(4, 8), reals(2, 8), reals(8), reals(8), MASK],
            ["y", "mask"],
            {"mask_index_type": 1},
        ),
        ("Attention", [reals(2, 3, 8), reals(8, 24), reals(24)], ["y"], {"num_heads": 2}),
        (
            "Attention",
            [reals(2, 3, 8), reals(8, 24), reals(24), MASK],
            ["y"],
            {"num_heads": 4, "unidirectional": 1, "scale": 0.25},
        ),
        (
            "Attention",
            [reals(2, 3, 8), reals(8, 24), reals(24), WIDER, reals(2, 2, 2, 2, 4)],
            ["y", "present"],
            {"num_heads": 2, "unidirectional": 1, "mask_filter_value": -3.4028234663852886e38},
        ),
        (
            "Attention",
            [reals(2, 3, 8), reals(8, 20), reals(20), None, None, reals(2, 2, 3, 3)],
            ["y"],
            {"num_heads": 2, "qkv_hidden_sizes": [8, 8, 4]},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_agrees_with_onnxruntime(
    op: str, inputs: Sequence[Array | None], outputs: Sequence[str], attributes: Attributes
) -> None:
    model, given = model_of(op, inputs, outputs, attributes)
    got = run_graph(import_model(model), given)
    for ours, theirs in zip(got.values(), outputs_of_onnxruntime(model, given), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(wide(ours), wide(theirs), rtol=1e-4, atol=1e-5)


def test_a_past_of_open_length() -> None:
    inputs = [reals(2, 3, 8), reals(8, 24), reals(24), WIDER, reals(2, 2, 2, 2, 4)]
    attributes: Attributes = {"num_heads": 2, "unidirectional": 1}
    model, given = model_of("Attention", inputs, ["y", "present"], attributes)
    for value, axis, name in ((0, 1, "new"), (3, 1, "total"), (4, 3, "past")):
        model.graph.input[value].type.tensor_type.shape.dim[axis].dim_param = name
    got = run_graph(import_model(model), given)
    for ours, theirs in zip(got.values(), outputs_of_onnxruntime(model, given), strict=True):
        np.testing.assert_allclose(wide(ours), wide(theirs), rtol=1e-4, atol=1e-5)


def test_what_is_not_meant_is_declined() -> None:
    model, _ = model_of(
        "Attention",
        [reals(2, 3, 8), reals(8, 24), reals(24)],
        ["y"],
        {"num_heads": 2, "do_rotary": 1},
    )
    with pytest.raises(UnsupportedError, match="do_rotary"):
        import_model(model)
