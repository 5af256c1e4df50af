"""The on-disk cache of compiled kernels, by the content of the kernel, the target and the compiler itself."""

import hashlib
import os
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path

ENVIRONMENT = "PENSTOCK_CACHE"
"""Names the cache's folder; set to nothing, it turns the cache off."""


@cache
def compiler_digest() -> str:
    """A digest of all sources of the compiler: another compiler may make other code of the same kernel."""
    h = hashlib.blake2b(digest_size=16)
    for package in ("penstock.dialects", "penstock.passes", "penstock.backends"):
        root = Path(str(files(package)))
        for path in sorted(root.rglob("*.py")):
            h.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return h.hexdigest()


def key_of(parts: Iterable[str]) -> str:
    """The key of a kernel from all that decides its code."""
    h = hashlib.blake2b(compiler_digest().encode(), digest_size=20)
    for part in parts:
        h.update(len(part).to_bytes(8, "little") + part.encode())
    return h.hexdigest()


def folder() -> Path | None:
    """Where the cache lies, or `None` when it is off."""
    given = os.environ.get(ENVIRONMENT)
    if given is not None:
        return Path(given) if given else None
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "penstock" / "kernels"


def find(key: str) -> bytes | None:
    """The object stored under a key."""
    root = folder()
    if root is None:
        return None
    try:
        return (root / key[:2] / key).read_bytes()
    except OSError:
        return None


def store(key: str, data: bytes) -> None:
    """Store an object; a cache that cannot be written is no error, the next run compiles again."""
    root = folder()
    if root is None:
        return
    path = root / key[:2] / key
    temporary = path.with_name(f"{key}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
