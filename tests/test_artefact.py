"""The `.penstock` file: it holds all of a model, says when it is damaged, and needs no compiler to run."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import penstock
from penstock.artefact import HEADER_AT, MAGIC, PAGE, read, save
from penstock.errors import ModelError, TargetError
from penstock.model import CompiledModel
from penstock.weights import Weights
from tests.small_model import small_inputs, small_model

COMPILER = ("xdsl", "llvmlite", "onnx", "networkx", "rich", "penstock.driver", "penstock.passes", "elftools")


@pytest.fixture(scope="module")
def model() -> CompiledModel:
    """Compile the small model."""
    return penstock.compile(small_model())


@pytest.fixture(scope="module")
def artefact(model: CompiledModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save the small model."""
    path = tmp_path_factory.mktemp("artefact") / "small.penstock"
    model.save(path)
    return path


def test_what_is_loaded_is_what_was_saved(model: CompiledModel, artefact: Path, tmp_path: Path) -> None:
    loaded = penstock.load(artefact)
    np.testing.assert_array_equal(loaded.package.weights, model.package.weights)
    empty = Weights()
    assert replace(loaded.package, constants=empty) == replace(model.package, constants=empty)
    for name, array in model(small_inputs()).items():
        np.testing.assert_array_equal(loaded(small_inputs())[name], array)
    loaded.save(tmp_path / "again.penstock")
    assert (tmp_path / "again.penstock").read_bytes() == artefact.read_bytes()


def test_running_needs_no_compiler(artefact: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "inputs.npz", allow_pickle=False, **small_inputs())
    script = f"""
import sys
import numpy as np
import penstock
model = penstock.load({str(artefact)!r})
print(sum(map(np.sum, model(dict(np.load({str(tmp_path / "inputs.npz")!r}))).values())))
print([name for name in {COMPILER!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    total, imported = done.stdout.splitlines()
    expected = sum(map(np.sum, penstock.load(artefact)(small_inputs()).values()))
    assert float(total) == pytest.approx(float(expected), rel=1e-6) and imported == "[]"


def complaint(data: bytes, folder: Path) -> str:
    """What loading some bytes is declined with; anything but a `ModelError` fails the test."""
    path = folder / "damaged.penstock"
    path.write_bytes(data)
    with pytest.raises(ModelError) as caught:
        penstock.load(path)
    assert caught.value.file == str(path) and caught.value.remedy is not None
    return str(caught.value)


def parts(data: bytes) -> tuple[int, int]:
    """Where the header and the code end."""
    header_end = HEADER_AT + int.from_bytes(data[8:16], "little")
    header = json.loads(data[HEADER_AT:header_end])
    return header_end, -(-header_end // PAGE) * PAGE + header["code"]["size"]


def test_a_file_cut_short_is_declined(artefact: Path, tmp_path: Path) -> None:
    data = artefact.read_bytes()
    header_end, code_end = parts(data)
    cuts = {0, 1, 7, 8, 15, 16, 17, header_end - 1, header_end, code_end - 1, code_end, len(data) - 1}
    for cut in sorted(cuts | set(range(0, len(data), 97))):
        complaint(data[:cut], tmp_path)


def test_a_file_that_has_grown_is_declined(artefact: Path, tmp_path: Path) -> None:
    assert "grown" in complaint(artefact.read_bytes() + b"\0", tmp_path)


def test_a_flipped_byte_of_header_or_code_is_declined(artefact: Path, tmp_path: Path) -> None:
    data = artefact.read_bytes()
    header_end, code_end = parts(data)
    code_at = -(-header_end // PAGE) * PAGE
    places = [*range(header_end), *range(code_at, code_end, 13)]
    for place in places:
        damaged = bytearray(data)
        damaged[place] ^= 0x20
        complaint(bytes(damaged), tmp_path)


def test_a_flipped_byte_of_the_weights_is_found_when_asked(artefact: Path, tmp_path: Path) -> None:
    damaged = bytearray(artefact.read_bytes())
    damaged[-1] ^= 0x20
    path = tmp_path / "damaged.penstock"
    path.write_bytes(damaged)
    penstock.load(path)
    with pytest.raises(ModelError, match="damaged.penstock: the weights of the artefact are damaged"):
        penstock.load(path, verify=True)
    penstock.load(artefact, verify=True)


@pytest.mark.parametrize("data", [b"", b"PENSTOCK", MAGIC + b"\xff" * 8, MAGIC + bytes(8), b"\x7fELF" * 99])
def test_other_files_are_declined(data: bytes, tmp_path: Path) -> None:
    complaint(data, tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="absent.penstock: cannot be read: No such file"):
        penstock.load(tmp_path / "absent.penstock")


def test_another_format_is_named(artefact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.artefact.FORMAT", 99)
    assert "this version reads 99" in complaint(artefact.read_bytes(), tmp_path)


def test_code_for_another_machine_is_declined(model: CompiledModel, tmp_path: Path) -> None:
    target = replace(model.package.target, name="future", required=("avx9", "fma"))
    save(replace(model.package, target=target), tmp_path / "future.penstock")
    assert read(tmp_path / "future.penstock").target == target
    with pytest.raises(TargetError, match="is for future and this CPU lacks avx9"):
        penstock.load(tmp_path / "future.penstock")
