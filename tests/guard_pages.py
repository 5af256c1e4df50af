"""Memory between pages that nobody may touch: what reads or writes beside an array ends the process."""

import ctypes
import mmap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]
LIBC = ctypes.CDLL(None, use_errno=True)
PAGE = mmap.PAGESIZE
PROT_NONE = 0
"""Which `mmap` has no name for."""
SIDES = ("low", "high")


@dataclass(frozen=True)
class Fenced:
    """An array that begins, or ends, where its memory does."""

    region: mmap.mmap
    array: Array

    @staticmethod
    def like(array: Array, side: str, alignment: int = 1) -> "Fenced":
        """A copy of an array; one that must be aligned may end some bytes before its memory does."""
        size = array.nbytes
        pages = max(-(-size // PAGE), 1)
        region = mmap.mmap(-1, (pages + 2) * PAGE)
        for page in (0, pages + 1):
            _forbid(region, page)
        start = PAGE if side == "low" else ((pages + 1) * PAGE - size) // alignment * alignment
        copy = np.frombuffer(region, np.uint8, size, start).view(array.dtype).reshape(array.shape)
        copy[...] = array
        return Fenced(region, copy)


def _forbid(region: mmap.mmap, page: int) -> None:
    base = ctypes.addressof(ctypes.c_char.from_buffer(region))
    done = LIBC.mprotect(ctypes.c_void_p(base + page * PAGE), ctypes.c_size_t(PAGE), PROT_NONE)
    assert done == 0, "a page cannot be protected"


def call_fenced(
    function: Callable[..., None], arrays: Sequence[Array], side: str, alignments: Sequence[int] = ()
) -> list[Array]:
    """Call native code on copies of arrays, all with the same side at the end of their memory; the copies."""
    wanted = alignments or [1] * len(arrays)
    fenced = [Fenced.like(a, side, n) for a, n in zip(arrays, wanted, strict=True)]
    function(*(each.array.ctypes.data for each in fenced))
    return [each.array.copy() for each in fenced]
