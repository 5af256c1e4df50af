"""The on-disk cache of compiled kernels, by the content of the kernel, the target and the compiler itself."""

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import get_ident

ENVIRONMENT = "PENSTOCK_CACHE"
"""Names the cache's folder; set to nothing, it turns the cache off."""
SOURCES = (".py", ".json")
"""The ends of names of files that decide what the compiler makes: its code and its tables."""
DIGEST_SIZE = 16
"""Bytes in front of each entry: the digest of what follows, so that a damaged entry is compiled again."""


@cache
def compiler_digest() -> str:
    """A digest of all sources of the compiler: another compiler may make other code of the same kernel."""
    return digest_of(("xdsl", "llvmlite"), ("penstock.dialects", "penstock.passes", "penstock.backends"))


def digest_of(libraries: Iterable[str], packages: Iterable[str]) -> str:
    """A digest of the versions of libraries and of all sources of packages."""
    # They take their time to import, and what was compiled before is found without them.
    from importlib.metadata import version
    from importlib.resources import files

    h = hashlib.blake2b(digest_size=16)
    for library in libraries:
        h.update(f"{library} {version(library)} ".encode())
    for package in packages:
        root = Path(str(files(package)))
        for path in sorted(path for path in root.rglob("*") if path.name.endswith(SOURCES)):
            h.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return h.hexdigest()


def key_of(parts: Iterable[str]) -> str:
    """The key of a kernel from all that decides its code."""
    h = hashlib.blake2b(compiler_digest().encode(), digest_size=20)
    for part in parts:
        data = part.encode()
        h.update(len(data).to_bytes(8, "little") + data)
    return h.hexdigest()


def folder() -> Path | None:
    """Where the cache lies, or `None` when it is off."""
    given = os.environ.get(ENVIRONMENT)
    if given is not None:
        return Path(given) if given else None
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "penstock" / "kernels"


def find(key: str) -> bytes | None:
    """The object stored under a key; an entry that is damaged is as good as none."""
    root = folder()
    if root is None:
        return None
    try:
        entry = (root / key[:2] / key).read_bytes()
    except OSError:
        return None
    stored, data = entry[:DIGEST_SIZE], entry[DIGEST_SIZE:]
    return data if stored == _digest(data) else None


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST_SIZE).digest()


def store(key: str, data: bytes) -> None:
    """Store an object; a cache that cannot be written is no error, the next run compiles again."""
    root = folder()
    if root is None:
        return
    path = root / key[:2] / key
    # Threads and processes may store the same kernel at once.
    temporary = path.with_name(f"{key}.{os.getpid()}.{get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(_digest(data) + data)
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
