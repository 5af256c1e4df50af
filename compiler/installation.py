"""What is installed and decides what becomes of a model: the compiler, what it computes with, plugins.

To read all sources and to ask for versions and plugins takes longer than to find a compiled model.  So the
answer is kept in the cache, with the states of all files that it comes from.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from penstock.cache import SOURCES, digest_of
from penstock.file_state import SETTLED, last_change, state_of

PACKAGES = ("penstock", "penstock.dialects", "penstock.passes", "penstock.backends")
LIBRARIES = ("numpy", "onnx", "xdsl", "llvmlite", "networkx")
PLUGINS = "penstock.plugins"
METADATA = (".dist-info", ".egg-info")
ENTRY_POINTS = "entry_points.txt"


@dataclass(frozen=True)
class Installation:
    """The compiler and its libraries as a digest, and whether packages add to it."""

    digest: str
    has_plugins: bool


@cache
def installation(folder: Path) -> Installation:
    """What is installed; the answer is kept in a folder for the processes to come."""
    start = time.time_ns()
    evidence = list(_evidence())
    states = sha256("\n".join(f"{path} {state_of(status)}" for path, status in evidence).encode()).hexdigest()
    note = folder / f"installed-{sha256(repr((_roots(), sys.path)).encode()).hexdigest()[:16]}"
    known = _noted(note, states)
    if known is not None:
        return known
    found = _found()
    if start - max(last_change(status) for _, status in evidence) > SETTLED:
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            note.write_text(f"{states} {found.digest} {found.has_plugins}", encoding="ascii")
    return found


def _noted(note: Path, states: str) -> Installation | None:
    """What was found when all files had these states."""
    try:
        known, digest, has_plugins = note.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    return Installation(digest, has_plugins == str(True)) if known == states else None


def _found() -> Installation:
    from importlib.metadata import entry_points

    return Installation(digest_of(LIBRARIES, PACKAGES), bool(entry_points(group=PLUGINS)))


@cache
def _roots() -> list[str]:
    """The folders of the packages."""
    specs = map(find_spec, PACKAGES)
    return [folder for spec in specs if spec is not None for folder in spec.submodule_search_locations or ()]


def _evidence() -> Iterator[tuple[str, os.stat_result]]:
    """All files that the answer comes from, with their states."""
    for root in _roots():
        yield from _sources(root)
    for folder in dict.fromkeys(sys.path):
        yield from _metadata(folder or os.curdir)


def _sources(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_dir():
            yield from _sources(entry.path)
        elif entry.name.endswith(SOURCES):
            yield entry.path, entry.stat()


def _metadata(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """What tells of the packages in a folder of the search path, or an archive there by itself."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(METADATA))
    except NotADirectoryError:
        yield folder, os.stat(folder)
        return
    except OSError:
        return
    for path in (os.path.join(folder, name) for name in names):
        for each in (path, os.path.join(path, ENTRY_POINTS)):
            with suppress(OSError):
                yield each, os.stat(each)
