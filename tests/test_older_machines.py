"""Code for older machines computes what code for this one does: without AVX-512, AVX2 or FMA."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

import penstock
from penstock.backends.targets import missing_features, target, target_names
from tests.checking import models
from tests.checking.models import node


def rounded() -> ModelProto:
    """Rounding in all directions, by itself and in remainders and powers."""
    nodes = [
        *[node(kind, "x", kind.lower()) for kind in ("Floor", "Ceil", "Round", "Abs")],
        node("Mod", "x abs", "mod", fmod=1),
        node("Pow", "abs x", "pow"),
        node("Sum", "floor ceil round mod pow", "y"),
    ]
    return models.model(nodes, {"x": [5, 77]})


def halves() -> ModelProto:
    """Half-precision arithmetic between two conversions."""
    nodes = [
        node("Cast", "x", "h", to=TensorProto.FLOAT16),
        node("Mul", "h h", "s"),
        node("Sub", "s h", "d"),
        node("Cast", "d", "y", to=TensorProto.FLOAT),
    ]
    return models.model(nodes, {"x": [5, 77]})


def quantized_rows() -> ModelProto:
    """Rows of 33 bytes, which leave one of a vector over, each behind one that is written later."""
    nodes = [node("Transpose", "x", "t", perm=[1, 0, 2]), node("QuantizeLinear", "t scale zero", "y")]
    constants = {"scale": np.array(0.01, np.float32), "zero": np.array(128, np.uint8)}
    return models.model(nodes, {"x": [2, 23, 33]}, constants, result=TensorProto.UINT8)


MODELS = [
    models.deep_convolution,
    models.convolution,
    models.perceptron,
    models.pools,
    rounded,
    halves,
    quantized_rows,
]
OLDER = [name for name in target_names() if name != "host"]


@cache
def outputs(number: int, name: str) -> dict[str, NDArray[np.generic]]:
    """What a model gives on fixed inputs when compiled for a machine."""
    model = penstock.compile(MODELS[number]().SerializeToString(), target=name)
    rng = np.random.default_rng(0)
    return model({t.name: rng.standard_normal(t.fixed).astype(np.float32) for t in model.inputs})


@pytest.mark.parametrize("name", OLDER)
@pytest.mark.parametrize("number", range(len(MODELS)), ids=[m.__name__ for m in MODELS])
def test_the_numbers_are_those_of_this_machine(number: int, name: str) -> None:
    if missing_features(target(name)):
        pytest.skip(f"this CPU cannot run code for {name}")
    expected, got = outputs(number, "host"), outputs(number, name)
    for key, wanted in expected.items():
        scale = np.abs(wanted.astype(np.float64)).max()
        assert np.abs(got[key].astype(np.float64) - wanted.astype(np.float64)).max() <= 2e-6 * scale
