"""The cache of kernels: what is found need not be compiled, and what is damaged is not found."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import penstock
from penstock import cache
from penstock.pass_statistics import PassStatistics
from tests.small_model import small_inputs, small_model


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the cache in an empty folder."""
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path / "cache"))
    return tmp_path / "cache"


def compiled_and_found() -> tuple[int, int, bytes]:
    """Compile the small model: how many functions LLVM compiled, how many were found, the code."""
    counted = PassStatistics()
    model = penstock.compile(small_model(), watcher=counted)
    assert model(small_inputs())["sum"].shape == (3, 5)
    return len(counted.code_seconds), len(counted.from_cache), model.package.image.code


def entries(folder: Path) -> list[Path]:
    """The files in the cache."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_the_second_time_all_is_found(folder: Path) -> None:
    made, found, code = compiled_and_found()
    assert found == 0 and made == len(entries(folder)) > 1
    assert compiled_and_found() == (0, made, code)


def cut(data: bytes) -> bytes:
    """Half of an entry."""
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    """An entry whose last byte differs."""
    return data[:-1] + bytes([data[-1] ^ 1])


def emptied(data: bytes) -> bytes:
    """Nothing."""
    return b""


@pytest.mark.parametrize("damage", [cut, flipped, emptied])
def test_a_damaged_entry_is_compiled_again(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    made, _, code = compiled_and_found()
    victim = entries(folder)[0]
    whole = victim.read_bytes()
    victim.write_bytes(damage(whole))
    assert compiled_and_found() == (1, made - 1, code)
    assert victim.read_bytes() == whole


def test_set_to_nothing_there_is_no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(cache.ENVIRONMENT, "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made, found, _ = compiled_and_found()
    assert made > 1 and found == 0 and list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_no_error(folder: Path) -> None:
    folder.write_text("a file where the folder would be")
    made, found, _ = compiled_and_found()
    assert made > 1 and found == 0


def test_the_key_is_of_parts_and_not_of_their_sum() -> None:
    keys = {cache.key_of(parts) for parts in (["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""])}
    assert len(keys) == 4


def test_another_target_is_another_key(folder: Path) -> None:
    penstock.compile(small_model(), target="x86-64")
    before = entries(folder)
    _, found, _ = compiled_and_found()
    assert found == 0 and set(before) < set(entries(folder))


def test_entries_hold_what_was_stored(folder: Path) -> None:
    data = np.random.default_rng(0).bytes(1000)
    cache.store("0" * 40, data)
    assert cache.find("0" * 40) == data and cache.find("1" * 40) is None


def test_tables_belong_to_the_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "with_a_table"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "table.json").write_text("{}")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    before = cache.digest_of((), (package.name,))
    (package / "table.json").write_text("[]")
    assert cache.digest_of((), (package.name,)) != before
