"""The same model, flags and version give the same bytes: no hash order, clock or address gets into them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.cache import ENVIRONMENT
from tests.small_model import small_model

DIGITS = Path(__file__).parent.parent / "examples" / "digits" / "digits.onnx"


def compiled(model: Path, folder: Path, seed: int) -> dict[str, bytes]:
    """What a process of its own, with its own hash seed and an empty cache, makes of a model."""
    (folder / "out").mkdir(parents=True)
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), ENVIRONMENT: str(folder / "cache")}
    script = (
        "import sys, penstock\n"
        "model = penstock.compile(sys.argv[1])\n"
        "for suffix in ('.penstock', '.o', '.a'):\n"
        "    model.write(sys.argv[2] + '/model' + suffix)\n"
    )
    command = [sys.executable, "-c", script, str(model), str(folder / "out")]
    subprocess.run(command, env=environment, check=True)
    assert any((folder / "cache").rglob("*")), "the cache was not used: nothing proves that it was empty"
    return {path.name: path.read_bytes() for path in sorted((folder / "out").iterdir())}


@pytest.mark.parametrize("name", ["small", "digits"])
def test_two_processes_write_the_same_bytes(name: str, tmp_path: Path) -> None:
    model = DIGITS
    if name == "small":
        model = tmp_path / "small.onnx"
        model.write_bytes(small_model())
    first, second = (compiled(model, tmp_path / str(seed), seed) for seed in (1, 2))
    assert first.keys() == {"model.penstock", "model.o", "model.a", "model.h"}
    assert [n for n in first if first[n] != second[n]] == []
