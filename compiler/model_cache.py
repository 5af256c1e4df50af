"""The on-disk cache of whole compiled models, beside that of kernels, by the bytes of the model.

An entry is an artefact with its digest beside it, and the times of the file for which that was found true.
The oldest go when all take more than `LIMIT`, and one that is damaged, or of another format, is as good as
none.  Models that name files of weights are not kept: the bytes of those files would belong to the key.
"""

import hashlib
import os
from contextlib import suppress
from mmap import ACCESS_READ, mmap
from os import PathLike
from pathlib import Path
from typing import cast

from penstock import artefact
from penstock.cache import folder
from penstock.copies import copy
from penstock.digests import digest_of_bytes, digest_of_file
from penstock.errors import PenstockError
from penstock.file_state import last_change, state_of
from penstock.installation import installation
from penstock.package import Package
from penstock.wire import split

LIMIT = 4 << 30
"""Bytes that all entries may take."""
LARGEST = 2 << 30
"""Bytes of the largest model: no more fit into its format."""
TICK = 20_000_000
"""Nanoseconds after which two changes of a file have different times, on any system."""
FOLDER, ENTRY, DIGEST, COPY = "models", ".penstock", ".sha256", ".copy"
EXTERNAL = b"location"
"""The key under which a model names a file of weights."""


def key_of(model: object, options: object) -> str | None:
    """The key of a model, given as a path or bytes, with all that decides what becomes of it.

    `None` for a model whose bytes are not all of it, and where plugins or no cache make it pointless.
    """
    root = folder()
    if root is None:
        return None
    installed = installation(root / FOLDER)
    if installed.has_plugins:
        return None
    if isinstance(model, bytes):
        name, digest = "", digest_of_bytes(model) if _is_whole(memoryview(model)) else None
    elif isinstance(model, str | PathLike):
        path = Path(cast("str | PathLike[str]", model))
        name, digest = path.name, _digest_of_model(path)
    else:
        return None
    if digest is None:
        return None
    return hashlib.sha256(f"{installed.digest} {name} {options!r} {digest}".encode()).hexdigest()


def _digest_of_model(path: Path) -> str | None:
    """That of a file; what is none, cannot be read or is too large is for the importer to judge."""
    try:
        # Asked before opening: a pipe would block.
        if not path.is_file() or not 0 < path.stat().st_size <= LARGEST:
            return None
        with open(path, "rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            return digest_of_file(path) if _is_whole(memoryview(data)) else None
    except OSError:
        return None


def _is_whole(model: memoryview) -> bool:
    """Whether a model names no other file."""
    try:
        return EXTERNAL not in split(model).structure
    except ValueError:
        return False


def find(key: str) -> Package | None:
    """The package under a key, if every byte of it is as it was stored."""
    path = _path(key)
    try:
        return artefact.read(path) if _is_as_stored(path) else None
    except (OSError, ValueError, PenstockError):
        return None


def copied(key: str, path: Path) -> bool:
    """Whether an entry could be copied to where its artefact is wanted."""
    entry = _path(key)
    try:
        copy(entry, path, entry.with_suffix(COPY))
        return True
    except OSError:
        return False


def store(key: str, package: Package) -> None:
    """Keep a package; a cache that cannot be written is no error."""
    path = _path(key)
    if package.weights_bytes > LIMIT // 2:
        return
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(COPY).unlink(missing_ok=True)
        artefact.save(package, path)
        _seal(path, digest_of_file(path))
        _make_room(path.parent)


def _path(key: str) -> Path:
    root = folder()
    assert root is not None, "a key is only made where there is a cache"
    return root / FOLDER / f"{key}{ENTRY}"


def _is_as_stored(path: Path) -> bool:
    """Whether a file has the digest that is beside it; one that nobody touched since is not read for it."""
    seal = path.with_suffix(DIGEST)
    digest, _, state = seal.read_text(encoding="ascii").partition(" ")
    status = path.stat()
    is_old = seal.stat().st_mtime_ns - last_change(status) > TICK
    if is_old and state == state_of(status):
        os.utime(seal)
        return True
    if digest != digest_of_file(path):
        return False
    _seal(path, digest)
    return True


def _seal(path: Path, digest: str) -> None:
    """Note the digest of a file, and what tells that it was not changed since."""
    path.with_suffix(DIGEST).write_text(f"{digest} {state_of(path.stat())}", encoding="ascii")


def _make_room(root: Path) -> None:
    """Remove the entries that were not used for longest."""
    found = [(_last_use(path), path.stat().st_size, path) for path in root.glob(f"*{ENTRY}")]
    entries = sorted(found, reverse=True)
    taken = 0
    for _, size, path in entries:
        taken += size
        if taken > LIMIT:
            for suffix in (ENTRY, DIGEST, COPY):
                path.with_suffix(suffix).unlink(missing_ok=True)


def _last_use(path: Path) -> int:
    seal = path.with_suffix(DIGEST)
    return (seal if seal.exists() else path).stat().st_mtime_ns
