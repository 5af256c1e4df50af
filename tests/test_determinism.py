"""The same model, flags and version give the same bytes: no hash order, clock or address gets into them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.artefact import save
from penstock.cache import ENVIRONMENT
from penstock.dialects import spool
from penstock.driver import build
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


def test_weights_in_a_file_and_in_memory_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = list[int]()
    keep = spool.Spool.keep

    def noted(self: spool.Spool, array: spool.Array) -> spool.Array:
        kept.append(array.nbytes)
        return keep(self, array)

    monkeypatch.setattr(spool.Spool, "keep", noted)
    written = list[bytes]()
    for least in (1, 1 << 60):
        monkeypatch.setattr(spool, "LEAST", least)
        save(build(DIGITS), tmp_path / "digits.penstock")
        written.append((tmp_path / "digits.penstock").read_bytes())
    assert kept and written[0] == written[1]
