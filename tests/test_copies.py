"""A copy is the same bytes as its original; one that nobody touched is left, with a new time."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock import copies
from penstock.copies import copy

Touch = Callable[[Path], None]
DATA = b"original" * 1000


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """An original, where its copy lies, and the note of it."""
    original = tmp_path / "original"
    original.write_bytes(DATA)
    paths = original, tmp_path / "copy", tmp_path / "note"
    copy(*paths)
    return paths


def is_left(files: tuple[Path, Path, Path]) -> bool:
    """Whether a second copy is the first; it is as the original in any case."""
    before = files[1].lstat()
    copy(*files)
    after = files[1].lstat()
    assert files[1].read_bytes() == DATA and after.st_mtime_ns > before.st_mtime_ns
    return after.st_ino == before.st_ino


def test_a_copy_is_left_with_a_new_time(files: tuple[Path, Path, Path]) -> None:
    assert is_left(files) and is_left(files)
    assert {path.name for path in files[0].parent.iterdir()} == {"original", "copy", "note"}


def written(path: Path) -> None:
    """One byte differs."""
    with open(path, "r+b") as file:
        file.write(b"O")


def cut(path: Path) -> None:
    """Half of it is gone."""
    os.truncate(path, len(DATA) // 2)


def dated(path: Path) -> None:
    """A byte differs, and the time says nothing of it."""
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    # Not within the tick of the clock in which it was copied.
    time.sleep(0.02)
    written(path)
    os.utime(path, ns=times)


def replaced(path: Path) -> None:
    """Another file is in its place."""
    path.unlink()
    path.write_bytes(DATA[::-1])


def linked(path: Path) -> None:
    """A link to another file is in its place."""
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def removed(path: Path) -> None:
    """Nothing is there."""
    path.unlink()
    path.with_name("copy").touch()


def unnoted(path: Path) -> None:
    """Nothing says what the copy was."""
    path.with_name("note").unlink()


def misnoted(path: Path) -> None:
    """The note is no text."""
    path.with_name("note").write_bytes(bytes([255]))


@pytest.mark.parametrize("touch", [written, cut, dated, replaced, linked, removed, unnoted, misnoted])
def test_what_was_touched_is_copied_anew(files: tuple[Path, Path, Path], touch: Touch) -> None:
    touch(files[1])
    assert not is_left(files)
    assert is_left(files) and not files[1].is_symlink()


def test_a_copy_without_exact_time_is_not_noted(
    files: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def coarse(descriptor: int) -> int:
        os.utime(descriptor)
        return 0

    monkeypatch.setattr(copies, "_date", coarse)
    assert is_left(files) and not files[2].exists()
    assert not is_left(files) and not files[2].exists()


def test_where_the_system_cannot_copy_bytes_are_moved(
    files: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: object) -> int:
        raise OSError("not between these")

    monkeypatch.setattr(os, "copy_file_range", refused)
    files[1].unlink()
    copy(*files)
    assert files[1].read_bytes() == DATA and is_left(files)


def test_what_cannot_be_copied_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        copy(tmp_path / "missing", tmp_path / "copy", tmp_path / "note")
    assert not list(tmp_path.iterdir())
