"""The weights of a compiled model: one block of memory, in parts for as long as nobody needs it whole.

A compiler that only writes the block into files never holds it: each part is the memory that a pass left.
Weights in a file stay there.  NumPy is imported where arrays are made: to read an artefact takes less time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from mmap import ACCESS_READ, ALLOCATIONGRANULARITY, mmap
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALIGNMENT = 64
Bytes: TypeAlias = "NDArray[np.uint8]"


@dataclass(frozen=True)
class Part:
    """Bytes, where they lie in the block, and what lets them leave memory when they were read."""

    at: int
    data: memoryview
    release: Callable[[], None] = lambda: None

    @property
    def end(self) -> int:
        """Where the next part may lie."""
        return self.at + len(self.data)


def aligned_bytes(size: int) -> Bytes:
    """Uninitialised memory that starts at a multiple of 64 bytes."""
    import numpy as np

    block = np.empty(size + ALIGNMENT, np.uint8)
    start = -block.ctypes.data % ALIGNMENT
    return block[start : start + size]


class Weights:
    """The block: as a whole, or made of parts in order, with zeros between them."""

    def __init__(self, parts: Sequence[Part] = ()) -> None:
        self._parts = parts
        self._block: Bytes | None = None

    @staticmethod
    def in_file(file: BinaryIO, at: int, size: int) -> "Weights":
        """Those that lie at a place of a file, which is mapped."""
        if size == 0:
            return Weights()
        start = at - at % ALLOCATIONGRANULARITY
        mapped = mmap(file.fileno(), at + size - start, offset=start, access=ACCESS_READ)
        return Weights([Part(0, memoryview(mapped)[at - start :])])

    @property
    def nbytes(self) -> int:
        """The size of the block."""
        return max((part.end for part in self._parts), default=0)

    @property
    def block(self) -> Bytes:
        """The block as a whole, which takes the place of its parts."""
        if self._block is None:
            self._block = _whole(self._parts, self.nbytes)
            self._parts = [Part(0, self._block.data)]
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
        for part in self._parts:
            yield bytes(part.at - end)
            yield part.data
            part.release()
            end = part.end


def _whole(parts: Sequence[Part], size: int) -> Bytes:
    """One part that lies as it must, or a copy of all."""
    import numpy as np

    if len(parts) == 1 and parts[0].at == 0:
        whole = np.asarray(parts[0].data)
        if whole.ctypes.data % ALIGNMENT == 0:
            return whole
    block = aligned_bytes(size)
    block[:] = 0
    for part in parts:
        block[part.at : part.end] = np.asarray(part.data)
        part.release()
    return block
