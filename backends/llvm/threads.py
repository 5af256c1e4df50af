"""The threads of a compiled model: each runs the pool that is in the code, and sleeps there in between.

A thread is one call that ends when the model does: no Python runs, and no lock of Python is held, where parts
are handed out.  So the code may run on any thread, the main one too: a signal is seen when the call returns.
"""

import ctypes
import mmap
import os
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Thread
from weakref import finalize

from penstock.backends.llvm.native import NativeFunction, NativeImage
from penstock.dialects.thread_pool import (
    DEFAULT_SPINS,
    PARALLEL_FOR,
    POOL_BYTES,
    POOL_FUNCTIONS,
    SPINS,
    STOP,
    WORK,
)
from penstock.errors import TargetError


@dataclass(frozen=True)
class _Pool:
    """The memory of a pool and the code that works on it; lives as long as any of its threads."""

    memory: mmap.mmap
    address: int
    work: NativeFunction
    stop: NativeFunction

    @staticmethod
    def new(image: NativeImage, spins: int) -> "_Pool":
        """A pool that nobody works in yet."""
        # Private: a child process ends its copy of the pool and not the one of its parent.
        memory = mmap.mmap(-1, POOL_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory[SPINS : SPINS + 8] = spins.to_bytes(8, "little")
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        return _Pool(memory, address, image.function(WORK), image.function(STOP))

    def run(self) -> None:
        """What a thread of the pool does."""
        self.work(self.address)

    def end(self) -> None:
        """Let the threads return."""
        self.stop(self.address)


class _Crew:
    """The threads of a pool, in the process that started them."""

    def __init__(self, image: NativeImage, count: int, spins: int) -> None:
        self.process = os.getpid()
        pool = _Pool.new(image, spins)
        self.arguments = (image.address(PARALLEL_FOR), pool.address)
        # The threads hold the pool and not the crew, so that they end with it.
        finalize(self, pool.end)
        for _ in range(count):
            Thread(target=pool.run, name="penstock", daemon=True).start()


class Threads:
    """Calls functions whose last arguments are `parallel_for` and its context.

    The thread that calls runs parts too, so there are `count - 1` more; they are made when first needed.
    Calls at the same time are sound: one has the threads, the others do their parts alone.
    """

    def __init__(self, image: NativeImage, count: int, spins: int = DEFAULT_SPINS) -> None:
        lacking = [name for name in POOL_FUNCTIONS if not image.has(name)]
        if lacking:
            raise TargetError(
                f"the code is for {count} threads and has no pool of threads ({', '.join(lacking)})",
                remedy="Compile it again, for a target on which code can wait, or for one thread.",
            )
        self.count = count
        self._image = image
        self._spins = spins
        self._crew: _Crew | None = None

    def call(self, function: NativeFunction, addresses: Sequence[int]) -> None:
        """Call a function with addresses."""
        # Held until the function returns: another call may put a new crew in its place.
        crew = self._crew = self._present()
        function(*addresses, *crew.arguments)

    def _present(self) -> _Crew:
        """The crew, or a new one: a child process has none of the threads of its parent."""
        crew = self._crew
        if crew is not None and crew.process == os.getpid():
            return crew
        return _Crew(self._image, self.count - 1, self._spins)
