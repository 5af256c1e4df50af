"""Whole models mean the same after all graph passes; PENSTOCK_MODELS is where others than the example are."""

import os
from pathlib import Path

import pytest
from xdsl.dialects.builtin import ModuleOp

from penstock.dialects.graph.movement import TransposeOp
from penstock.onnx_import import import_model
from penstock.passes.graph_rewriting import bytes_of
from penstock.pipeline import graph_passes
from penstock.registry import context
from penstock.testing import assert_same_meaning, inputs_for

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits" / "digits.onnx"
MODELS: dict[str, dict[str, int]] = {
    "misc/hand_keypoint_classifier.onnx": {"batch": 1},
    "vision_cls/mnist_cntk.onnx": {},
    "vision_det/ultraface_rfb_320.onnx": {},
    "vision_det/yunet_s_320.onnx": {},
}


def optimised(path: Path, **dims: int) -> tuple[ModuleOp, ModuleOp]:
    """A model before and after all graph passes."""
    before = import_model(path, dims=dims)
    after = before.clone()
    for each in graph_passes():
        each.apply(context(), after)
    after.verify()
    return before, after


def test_example() -> None:
    before, after = optimised(EXAMPLE)
    assert_same_meaning(before, after, inputs_for(before), "reassociates")
    assert len(list(after.walk())) < len(list(before.walk()))


@pytest.mark.parametrize("name", MODELS)
def test_model(name: str) -> None:
    folder = os.environ.get("PENSTOCK_MODELS")
    if folder is None or not (Path(folder) / name).is_file():
        pytest.skip("PENSTOCK_MODELS names no folder with this model")
    before, after = optimised(Path(folder) / name, **MODELS[name])
    assert_same_meaning(before, after, inputs_for(before), "reassociates")


def test_transposes_are_few() -> None:
    before, after = optimised(EXAMPLE)
    assert moved(after) <= moved(before) + sum(
        bytes_of(a) for f in after.ops for a in f.regions[0].block.args
    )


def moved(module: ModuleOp) -> int:
    """The bytes that all transposes of a module move."""
    return sum(bytes_of(op.y) for op in module.walk() if isinstance(op, TransposeOp))
