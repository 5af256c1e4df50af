"""Quantised models of others give what ONNX Runtime gives, bit by bit, where they are at hand."""

from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto

import penstock
from tests.onnx_import.test_operators import outputs_of_onnxruntime

MODELS = Path(__file__).parents[3] / "shared" / "models"


@pytest.mark.parametrize("name", ["ops/qtdnn_10x5.onnx", "rnn/qlstm_3-2-3.onnx"])
def test_agrees_with_onnxruntime(name: str) -> None:
    path = MODELS / name
    if not path.is_file():
        pytest.skip(f"there is no {path}")
    compiled = penstock.compile(path, dims={"input.0": 16})
    random = np.random.default_rng(0)
    given = {port.name: random.random(port.fixed, np.float32).astype(port.dtype) for port in compiled.inputs}
    wanted = outputs_of_onnxruntime(ModelProto.FromString(path.read_bytes()), given)
    for got, want in zip(compiled(given).values(), wanted, strict=True):
        np.testing.assert_array_equal(got, want)
