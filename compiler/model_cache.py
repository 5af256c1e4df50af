"""The on-disk cache of whole compiled models, beside that of kernels, by the bytes of the model.

An entry is an artefact with its digest beside it.  The oldest go when all take more than `LIMIT`, and one
that is damaged, or of another format, is as good as none.  Models that name files of weights are not kept:
the bytes of those files would belong to the key.
"""

import hashlib
import os
from contextlib import suppress
from functools import cache
from importlib.metadata import entry_points
from os import PathLike
from pathlib import Path
from typing import cast

from penstock import artefact
from penstock.cache import digest_of, folder
from penstock.errors import PenstockError
from penstock.package import Package

LIMIT = 4 << 30
"""Bytes that all entries may take."""
LARGEST = 2 << 30
"""Bytes of the largest model: no more fit into its format."""
FOLDER, ENTRY, DIGEST = "models", ".penstock", ".sha256"
PLUGINS = "penstock.plugins"
EXTERNAL = b"location"
"""The key under which a model names a file of weights."""
LIBRARIES = ("numpy", "onnx", "xdsl", "llvmlite", "networkx")


def key_of(model: object, options: object) -> str | None:
    """The key of a model, given as a path or bytes, with all that decides what becomes of it.

    `None` for a model whose bytes are not all of it, and where plugins or no cache make it pointless.
    """
    if folder() is None or _has_plugins() or not isinstance(model, str | PathLike | bytes):
        return None
    data = model if isinstance(model, bytes) else _bytes_of(Path(cast("str | PathLike[str]", model)))
    if data is None:
        return None
    if EXTERNAL in data:
        return None
    name = "" if isinstance(model, bytes) else Path(cast("str | PathLike[str]", model)).name
    h = hashlib.sha256(f"{compiler_digest()} {name} {options!r} ".encode())
    h.update(data)
    return h.hexdigest()


def _bytes_of(path: Path) -> bytes | None:
    """What a file holds; what is none, cannot be read or is too large is for the importer to judge."""
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_size <= LARGEST else None
    except OSError:
        return None


def find(key: str) -> Package | None:
    """The package under a key, if every byte of it is as it was stored."""
    path = _path(key)
    try:
        if path.with_suffix(DIGEST).read_text(encoding="ascii") != _digest(path):
            return None
        os.utime(path)
        return artefact.read(path)
    except (OSError, ValueError, PenstockError):
        return None


def store(key: str, package: Package) -> None:
    """Keep a package; a cache that cannot be written is no error."""
    path = _path(key)
    if package.constants.nbytes > LIMIT // 2:
        return
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        artefact.save(package, path)
        path.with_suffix(DIGEST).write_text(_digest(path), encoding="ascii")
        _make_room(path.parent)


def _path(key: str) -> Path:
    root = folder()
    assert root is not None, "a key is only made where there is a cache"
    return root / FOLDER / f"{key}{ENTRY}"


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _make_room(root: Path) -> None:
    """Remove the entries that were not used for longest."""
    found = ((path, path.stat()) for path in root.glob(f"*{ENTRY}"))
    entries = sorted(((s.st_mtime_ns, s.st_size, path) for path, s in found), reverse=True)
    taken = 0
    for _, size, path in entries:
        taken += size
        if taken > LIMIT:
            path.unlink(missing_ok=True)
            path.with_suffix(DIGEST).unlink(missing_ok=True)


@cache
def _has_plugins() -> bool:
    return bool(entry_points(group=PLUGINS))


@cache
def compiler_digest() -> str:
    """A digest of the whole compiler and of what it computes with."""
    return digest_of(LIBRARIES, ("penstock", "penstock.dialects", "penstock.passes", "penstock.backends"))
