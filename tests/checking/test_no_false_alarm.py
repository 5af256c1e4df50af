"""A sound pipeline passes the check, on models that exercise its passes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from onnx import ModelProto

from penstock.pipeline import phases
from tests.checking.models import SOUND
from tests.checking.planting import checked


@pytest.mark.parametrize("make", SOUND, ids=lambda make: make.__name__)
def test_sound_pipeline_passes(make: Callable[[], ModelProto], tmp_path: Path) -> None:
    steps = checked(make(), phases(), tmp_path)
    assert steps and all(step.passed for step in steps)
    assert {step.level for step in steps} == {"graph", "nest", "loops", "llvm", "code"}
    assert not list(tmp_path.iterdir())
