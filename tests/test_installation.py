"""What is installed is asked again when anything changed that the answer comes from, and not before."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock import installation as module
from penstock.installation import Installation, installation

Change = Callable[[Path], None]
OLD = -(1 << 60)
"""With this, all files are old enough to be believed."""


class Asked:
    """Another answer each time, with the number of times."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> Installation:
        self.count += 1
        return Installation(f"digest{self.count}", has_plugins=self.count % 2 == 0)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Put a compiler of two files and an installed package in the place of those that there are."""
    sources, package = tmp_path / "sources" / "inner", tmp_path / "site" / "package-1.dist-info"
    sources.mkdir(parents=True)
    package.mkdir(parents=True)
    (sources / "pass.py").write_text("code")
    (sources.parent / "table.json").write_text("{}")
    (package / module.ENTRY_POINTS).write_text("none")
    double = Asked()
    monkeypatch.setattr(module, "_found", double)
    monkeypatch.setattr(module, "_roots", lambda: [str(tmp_path / "sources")])
    monkeypatch.setattr(module, "SETTLED", OLD)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), str(tmp_path / "missing")])
    return double


def in_new_process(folder: Path) -> Installation:
    """The answer as a process gets it that was just started."""
    installation.cache_clear()
    try:
        return installation(folder / "cache")
    finally:
        installation.cache_clear()


def test_the_answer_is_kept(asked: Asked, tmp_path: Path) -> None:
    first = in_new_process(tmp_path)
    assert in_new_process(tmp_path) == first == Installation("digest1", has_plugins=False)
    assert asked.count == 1


def rewrite(path: Path, text: str) -> None:
    """Write a file later than it was written before."""
    later = path.stat().st_mtime + 1
    path.write_text(text)
    os.utime(path, (later, later))


def source_changed(folder: Path) -> None:
    """A file of the same size."""
    rewrite(folder / "sources" / "inner" / "pass.py", "cope")


def table_changed(folder: Path) -> None:
    """A table of the same size."""
    rewrite(folder / "sources" / "table.json", "[]")


def source_added(folder: Path) -> None:
    """One file more."""
    (folder / "sources" / "added.py").write_text("")


def source_removed(folder: Path) -> None:
    """One file less."""
    (folder / "sources" / "inner" / "pass.py").unlink()


def package_added(folder: Path) -> None:
    """One more is installed."""
    (folder / "site" / "other-1.dist-info").mkdir()


def package_raised(folder: Path) -> None:
    """Another version is installed."""
    (folder / "site" / "package-1.dist-info").rename(folder / "site" / "package-2.dist-info")


def plugin_declared(folder: Path) -> None:
    """It has a plugin now."""
    rewrite(folder / "site" / "package-1.dist-info" / module.ENTRY_POINTS, "some")


def archive_added(folder: Path) -> None:
    """What was missing in the search path is there."""
    (folder / "missing").write_text("archive")


def note_damaged(folder: Path) -> None:
    """Nothing is known."""
    for note in (folder / "cache").iterdir():
        note.write_text("damaged")


CHANGES = (
    source_changed,
    table_changed,
    source_added,
    source_removed,
    package_added,
    package_raised,
    plugin_declared,
    archive_added,
    note_damaged,
)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(asked: Asked, tmp_path: Path, change: Change) -> None:
    in_new_process(tmp_path)
    change(tmp_path)
    assert in_new_process(tmp_path) == Installation("digest2", has_plugins=True)
    assert in_new_process(tmp_path) == Installation("digest2", has_plugins=True)


def test_files_that_are_too_new_are_not_believed(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLED", 1 << 60)
    assert in_new_process(tmp_path) != in_new_process(tmp_path)
    assert not (tmp_path / "cache").exists()


def test_another_search_path_is_another_installation(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = in_new_process(tmp_path)
    path = list(sys.path)
    monkeypatch.setattr(sys, "path", path[:1])
    assert in_new_process(tmp_path) != first
    monkeypatch.setattr(sys, "path", path)
    assert in_new_process(tmp_path) == first


def test_the_compiler_itself_is_found(tmp_path: Path) -> None:
    found = installation(tmp_path)
    roots = vars(module)["_roots"]()
    assert len(found.digest) == 32 and len(roots) == len(module.PACKAGES)
    assert all((Path(root) / "__init__.py").exists() for root in roots)
