"""Digests of much data, taken on all cores: that of the digests of pieces."""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PIECE = 8 << 20
STEP = 1 << 20
"""Bytes that are read at a time: what is read goes through the caches and takes no memory."""


def digest_of_file(path: Path) -> str:
    """The digest of what a file holds."""
    with open(path, "rb") as file:
        descriptor = file.fileno()
        return _joined(lambda start: _read(descriptor, start), os.fstat(descriptor).st_size)


def digest_of_bytes(data: bytes) -> str:
    """The same for bytes.

    >>> digest_of_bytes(b"")
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    """
    view = memoryview(data)
    return _joined(lambda start: hashlib.sha256(view[start : start + PIECE]).digest(), len(data))


def _read(descriptor: int, start: int) -> bytes:
    piece, buffer = hashlib.sha256(), memoryview(bytearray(STEP))
    for position in range(start, start + PIECE, STEP):
        piece.update(buffer[: os.preadv(descriptor, [buffer], position)])
    return piece.digest()


def _joined(digest: Callable[[int], bytes], size: int) -> str:
    # Neither reading nor hashing holds Python's lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return hashlib.sha256(b"".join(pool.map(digest, range(0, size, PIECE)))).hexdigest()
