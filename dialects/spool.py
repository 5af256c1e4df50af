"""Where the large weights that passes make lie during a compilation: in a file without a name, mapped.

They take memory only while they are read: `release` lets them leave it, as does the end of an array.  Whoever
asks for no spool keeps all in memory.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from mmap import ACCESS_READ, MADV_DONTNEED, PAGESIZE, mmap
from tempfile import TemporaryFile
from typing import cast
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]
LEAST = 1 << 20
"""Bytes from which an array is worth a place in a file."""
CHUNK = 64 << 20
"""Bytes of a file; a larger array has one of its own."""


class _Map(mmap):
    """The memory of a chunk; what leaves it is still in the file."""


class _Chunk:
    """A file of a fixed length, filled with arrays one after the other and mapped as a whole."""

    def __init__(self, size: int) -> None:
        self._file = TemporaryFile(buffering=0)
        self._file.truncate(size)
        self._map = _Map(self._file.fileno(), size, access=ACCESS_READ)
        self._end = 0

    def has_room(self, size: int) -> bool:
        """Whether an array fits behind the others."""
        return self._end + size <= len(self._map)

    def keep(self, array: Array) -> Array:
        """The same array in the file."""
        at, data = self._end, array.reshape(-1).view(np.uint8).data
        written = 0
        while written < len(data):
            written += os.pwrite(self._file.fileno(), data[written:], at + written)
        self._end = -(-(at + len(data)) // PAGESIZE) * PAGESIZE
        kept = np.frombuffer(self._map, array.dtype, array.size, at)
        finalize(kept, self._map.madvise, MADV_DONTNEED, at, len(data)).atexit = False
        return kept.reshape(array.shape)


class Spool:
    """Files that arrays are put in for as long as anybody needs them."""

    def __init__(self) -> None:
        self._chunk: _Chunk | None = None

    def keep(self, array: Array) -> Array:
        """The same array in a file."""
        if self._chunk is None or not self._chunk.has_room(array.nbytes):
            self._chunk = _Chunk(max(array.nbytes, CHUNK))
        return self._chunk.keep(array)


_current: ContextVar[Spool | None] = ContextVar("penstock_spool", default=None)


@contextmanager
def spooling() -> Generator[None]:
    """Large arrays that are made inside go into files."""
    token = _current.set(Spool())
    try:
        yield
    finally:
        _current.reset(token)


def spooled(array: Array) -> Array:
    """The array, in a file if it is large, takes memory of its own, and there is a spool."""
    spool = _current.get()
    if spool is None or array.nbytes < LEAST or not _is_in_memory(array):
        return array
    try:
        return spool.keep(np.ascontiguousarray(array))
    except OSError:
        # A disk that is full is no reason to fail.
        return array


def release(array: Array) -> None:
    """Let an array that lies in a file leave memory until it is read again."""
    part = _owner(array)
    # NumPy's types only know of arrays there.
    memory = getattr(cast(object, part.base), "obj", None)
    if isinstance(memory, _Map):
        start = np.frombuffer(memory, np.uint8, 1).ctypes.data
        memory.madvise(MADV_DONTNEED, part.ctypes.data - start, part.nbytes)


def _is_in_memory(array: Array) -> bool:
    """Whether NumPy made the memory of an array; else it is that of a file, or of somebody else."""
    return _owner(array).base is None


def _owner(array: Array) -> Array:
    return _owner(array.base) if isinstance(array.base, np.ndarray) else array
