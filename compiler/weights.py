"""The weights of a compiled model: one block of memory, in parts for as long as nobody needs it whole.

A compiler that only writes the block into files never holds it: each part is the array that a pass left.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 64
Bytes = NDArray[np.uint8]
Part = tuple[int, Bytes]
"""Bytes, and where they lie in the block."""


def aligned_bytes(size: int) -> Bytes:
    """Uninitialised memory that starts at a multiple of 64 bytes."""
    block = np.empty(size + ALIGNMENT, np.uint8)
    start = -block.ctypes.data % ALIGNMENT
    return block[start : start + size]


class Weights:
    """The block: as a whole, or made of parts in order, with zeros between them."""

    def __init__(self, parts: Sequence[Part] = (), block: Bytes | None = None) -> None:
        self._parts = parts if block is None else [(0, block)]
        self._block = block

    @property
    def nbytes(self) -> int:
        """The size of the block."""
        return max((at + len(data) for at, data in self._parts), default=0)

    @property
    def block(self) -> Bytes:
        """The block as a whole, which takes the place of its parts."""
        if self._block is None:
            self._block = _joined(self._parts, self.nbytes)
            self._parts = [(0, self._block)]
        return self._block

    def write(self, file: BinaryIO) -> None:
        """Write the block; nothing is copied in memory."""
        for data in self._pieces():
            file.write(data)

    def digest(self) -> str:
        """The SHA-256 of the block: processors have instructions for it, and weights are large."""
        digest = sha256()
        for data in self._pieces():
            digest.update(data)
        return digest.hexdigest()

    def _pieces(self) -> Iterator[bytes | memoryview]:
        """The parts and the zeros between them, in order."""
        end = 0
        for at, data in self._parts:
            yield bytes(at - end)
            yield data.data
            end = at + len(data)


def _joined(parts: Sequence[Part], size: int) -> Bytes:
    block = aligned_bytes(size)
    block[:] = 0
    for at, data in parts:
        block[at : at + len(data)] = data
    return block
