"""Whole models are found again: by their bytes and options, undamaged, and if nobody adds to the compiler."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

import penstock
from penstock import api, cache, digests, model_cache
from penstock.cli.progress import progress_bar
from penstock.pass_statistics import PassStatistics
from tests.small_model import small_inputs, small_model

HEAVY = ("numpy", "xdsl", "llvmlite", "onnx", "rich", "penstock.driver", "penstock.model")
Damage = Callable[[Path], None]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the cache in an empty folder."""
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path / "cache"))
    return tmp_path / "cache" / model_cache.FOLDER


def entries(folder: Path) -> list[Path]:
    """The models in the cache."""
    return sorted(folder.glob(f"*{model_cache.ENTRY}"))


def found_again(folder: Path) -> bool:
    """Whether a compilation leaves the entries as they are, by their times: a new one is written anew."""
    before = [path.stat().st_ino for path in entries(folder)]
    penstock.compile(small_model())
    return before == [path.stat().st_ino for path in entries(folder)]


def test_a_model_is_found_again_and_computes_the_same(folder: Path) -> None:
    first, second = penstock.compile(small_model()), penstock.compile(small_model())
    assert len(entries(folder)) == 1 and found_again(folder)
    assert first.package.image == second.package.image and first.kernels == second.kernels
    for name, array in first(small_inputs()).items():
        np.testing.assert_array_equal(second(small_inputs())[name], array)


def test_bytes_names_and_options_tell_models_apart(folder: Path, tmp_path: Path) -> None:
    other = onnx.load_from_string(small_model())
    other.graph.initializer[0].raw_data = bytes(400)
    named = tmp_path / "named.onnx"
    named.write_bytes(small_model())
    penstock.compile(small_model())
    penstock.compile(other.SerializeToString())
    penstock.compile(named)
    penstock.compile(small_model(), target="x86-64")
    penstock.compile(small_model(), threads=2)
    assert len(entries(folder)) == 5


def weights_changed(path: Path) -> None:
    """The last byte is one of the weights."""
    path.write_bytes(path.read_bytes()[:-1] + b"!")


def emptied(path: Path) -> None:
    """Nothing is left."""
    path.write_bytes(b"")


def digest_lost(path: Path) -> None:
    """Nothing says what the bytes should be."""
    path.with_suffix(model_cache.DIGEST).unlink()


@pytest.mark.parametrize("damage", [weights_changed, emptied, digest_lost])
def test_what_is_damaged_is_compiled_again(folder: Path, damage: Damage) -> None:
    penstock.compile(small_model())
    (entry,) = entries(folder)
    damage(entry)
    assert not found_again(folder)
    assert found_again(folder)


def test_an_entry_is_read_again_only_when_it_was_touched(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    penstock.compile(small_model())
    (entry,) = entries(folder)
    # Sealed so soon after it was written, it is not trusted; from the first look on it is.
    assert found_again(folder)
    seal = entry.with_suffix(model_cache.DIGEST)
    os.utime(seal, ns=(2**62, entry.stat().st_ctime_ns + 2 * model_cache.TICK))
    read = list[Path]()

    def noted(path: Path) -> str:
        read.append(path)
        return digests.digest_of_file(path)

    monkeypatch.setattr(model_cache, "digest_of_file", noted)
    assert found_again(folder) and not read
    entry.touch()
    assert found_again(folder) and read == [entry]


def test_what_was_found_is_written_as_it_was(folder: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / f"{number}.penstock" for number in range(2)]
    for output in outputs:
        api.write(small_model(), output)
    (entry,) = entries(folder)
    assert entry.read_bytes() == outputs[0].read_bytes() == outputs[1].read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"cache", *(path.name for path in outputs)}


def test_what_was_written_is_left_until_another_model_is(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "small.penstock"
    other = onnx.load_from_string(small_model())
    other.graph.initializer[0].raw_data = bytes(400)
    written = list[tuple[int, bytes]]()
    for model in (small_model(), small_model(), other.SerializeToString(), small_model()):
        api.write(model, output)
        written.append((output.stat().st_ino, output.read_bytes()))
    first, second, third, fourth = written
    assert first == second and first[1] == fourth[1] != third[1]


def test_an_entry_that_is_made_anew_forgets_its_copy(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "small.penstock"
    api.write(small_model(), output)
    (entry,) = entries(folder)
    weights_changed(entry)
    penstock.compile(small_model())
    assert not entry.with_suffix(model_cache.COPY).exists()
    api.write(small_model(), output)
    assert output.read_bytes() == entries(folder)[0].read_bytes()


def test_what_was_found_is_written_without_the_compiler(folder: Path, tmp_path: Path) -> None:
    """Nor is anything imported that takes longer than to find it."""
    model, output = tmp_path / "small.onnx", tmp_path / "small.penstock"
    model.write_bytes(small_model())
    penstock.compile(model)
    script = f"""
import sys
from penstock.cli import cli
cli(["compile", {str(model)!r}, "-o", {str(output)!r}], standalone_mode=False)
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert output.read_bytes() == entries(folder)[0].read_bytes()


def test_an_artefact_is_written_without_its_entry(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_cache, "LIMIT", 0)
    api.write(small_model(), tmp_path / "small.penstock")
    assert not entries(folder) and (tmp_path / "small.penstock").exists()


def test_whoever_adds_or_watches_gets_a_new_one(folder: Path) -> None:
    penstock.compile(small_model(), passes={"nest": ["-winograd"]})
    assert not entries(folder)
    penstock.compile(small_model())
    counted = PassStatistics()
    penstock.compile(small_model(), watcher=counted)
    assert counted.records


def test_a_bar_needs_no_passes() -> None:
    with progress_bar() as bar:
        assert bar is None or not bar.needs_passes


def test_models_with_files_of_weights_are_not_kept(folder: Path) -> None:
    model = onnx.load_from_string(small_model())
    entry = model.metadata_props.add()
    entry.key, entry.value = "location", "weights.bin"
    penstock.compile(model.SerializeToString())
    assert not entries(folder)


def test_the_oldest_go_when_there_is_no_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    penstock.compile(small_model())
    (oldest,) = entries(folder)
    monkeypatch.setattr(model_cache, "LIMIT", oldest.stat().st_size + 1)
    penstock.compile(small_model(), target="x86-64")
    assert len(entries(folder)) == 1 and entries(folder) != [oldest]
    assert not oldest.with_suffix(model_cache.DIGEST).exists()


def test_what_is_no_file_is_not_read(folder: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.onnx"
    os.mkfifo(pipe)
    assert model_cache.key_of(pipe, ()) is None
    assert model_cache.key_of(tmp_path, ()) is None
    assert model_cache.key_of(tmp_path / "missing.onnx", ()) is None


def test_no_cache_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.ENVIRONMENT, "")
    assert model_cache.key_of(small_model(), ()) is None
