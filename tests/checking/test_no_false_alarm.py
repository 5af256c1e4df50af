"""A sound pipeline passes the check, on models that exercise its passes and on real ones."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from onnx import ModelProto

from penstock.driver import check
from penstock.pipeline import phases
from tests.checking.models import SOUND
from tests.checking.planting import checked

ROOT = Path(__file__).parents[2]
MODELS = ROOT.parent / "shared" / "models"
LEVELS = {"graph", "nest", "loops", "llvm", "code"}


@pytest.mark.parametrize("make", SOUND, ids=lambda make: make.__name__)
def test_sound_pipeline_passes(make: Callable[[], ModelProto], tmp_path: Path) -> None:
    steps = checked(make(), phases(), tmp_path)
    assert all(step.passed for step in steps)
    assert {step.level for step in steps} == LEVELS
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "path, dims",
    [
        (ROOT / "examples" / "digits" / "digits.onnx", {}),
        (MODELS / "vision_cls" / "mnist_cntk.onnx", {}),
        (MODELS / "misc" / "hand_keypoint_classifier.onnx", {"batch": 2}),
        (MODELS / "rl" / "mjx_go1_policy.onnx", {}),
        (MODELS / "vision_det" / "ultraface_rfb_320.onnx", {}),
    ],
    ids=lambda value: value.stem if isinstance(value, Path) else "",
)
def test_real_models_pass(path: Path, dims: Mapping[str, int], tmp_path: Path) -> None:
    if not path.exists():
        pytest.skip("the model is not there")
    if path.stem.startswith("ultraface") and not os.environ.get("PENSTOCK_SLOW_TESTS"):
        pytest.skip("takes minutes: set PENSTOCK_SLOW_TESTS to run it")
    told: list[str] = []
    steps = list(check(path, dims=dims, folder=tmp_path, progress=told.append))
    assert all(step.passed for step in steps)
    assert {step.level for step in steps} == LEVELS
    assert told[0] == steps[0].name and told[-1] == "the whole program"
