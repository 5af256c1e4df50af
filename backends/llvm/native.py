"""Images made executable: the code of a compiled model, called in this process without LLVM or a linker."""

import ctypes
import mmap
import os
from collections.abc import Callable
from functools import cache

from penstock.backends.llvm.image import Image
from penstock.errors import TargetError


@cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    libc.mprotect.restype = ctypes.c_int
    return libc


class NativeFunction:
    """A function of an image, called with addresses and other 64-bit integers; it does not hold the GIL."""

    def __init__(self, image: "NativeImage", address: int) -> None:
        # The memory must outlive every function that points into it.
        self._image = image
        self._address = address
        self._by_arity: dict[int, Callable[..., None]] = {}

    def __call__(self, *arguments: int) -> None:
        native = self._by_arity.get(len(arguments))
        if native is None:
            prototype = ctypes.CFUNCTYPE(None, *[ctypes.c_size_t] * len(arguments))
            native = self._by_arity[len(arguments)] = prototype(self._address)
        native(*arguments)


class NativeImage:
    """An image in memory of its own: written first, then made executable and no longer writable."""

    def __init__(self, image: Image) -> None:
        if not image.code:
            raise TargetError("an image without code cannot be loaded")
        self._symbols = image.symbols
        self._memory = mmap.mmap(-1, len(image.code), prot=mmap.PROT_READ | mmap.PROT_WRITE)
        self._memory.write(image.code)
        self._base = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        if _libc().mprotect(self._base, len(image.code), mmap.PROT_READ | mmap.PROT_EXEC) != 0:
            raise TargetError(f"memory cannot be made executable: {os.strerror(ctypes.get_errno())}")

    def has(self, symbol: str) -> bool:
        """Whether there is such a function."""
        return symbol in self._symbols

    def address(self, symbol: str) -> int:
        """Where a function of the image starts."""
        found = self._symbols.get(symbol)
        if found is None:
            raise TargetError(
                f"the image has no function '{symbol}'", remedy=f"It has: {', '.join(self._symbols)}."
            )
        return self._base + found.offset

    def function(self, symbol: str) -> NativeFunction:
        """The function `symbol`, ready to be called."""
        return NativeFunction(self, self.address(symbol))
