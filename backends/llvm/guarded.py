"""Runs native code where its mistakes do no harm: in a child process, on arguments with guards around them.

Each argument lies in memory shared with the child, between regions of a known pattern that is NaN in every
float type: a write outside of an argument is found, and what is read there spoils the result.
"""

import ctypes
import faulthandler
import mmap
import os
import resource
import select
import signal
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penstock.backends.llvm.image import Image
from penstock.backends.llvm.native import NativeFunction, NativeImage

Array = NDArray[np.generic]

PATTERN = np.uint16(0xFFD5)
ALIGNMENT = 64
LEAST_GUARD, LARGEST_GUARD = 1 << 10, 1 << 20


@dataclass(frozen=True)
class Outcome:
    """The arguments as the code left them, and what it did wrong besides, if anything."""

    arrays: list[Array]
    problem: str | None


@dataclass(frozen=True)
class _Slot:
    """Where an argument lies in the shared memory."""

    start: int
    size: int


def run_guarded(
    image: Image, symbol: str, arguments: Sequence[Array | int], *, seconds: float = 60
) -> Outcome:
    """Call a function of an image on copies of its arguments; a crash or an endless loop is an outcome.

    Numbers among the arguments are handed over as they are.
    """
    given, arguments = arguments, [a for a in arguments if not isinstance(a, int)]
    slots, size = _lay_out([a.nbytes for a in arguments])
    shared = mmap.mmap(-1, size)
    memory = np.frombuffer(shared, np.uint8)
    _fill(memory)
    for array, slot in zip(arguments, slots, strict=True):
        memory[slot.start : slot.start + slot.size] = _bytes(array)
    base = ctypes.addressof(ctypes.c_char.from_buffer(shared))
    places = iter(slots)
    addresses = [a if isinstance(a, int) else base + next(places).start for a in given]
    ended = _in_child(NativeImage(image).function(symbol), addresses, seconds)
    arrays = [_taken(memory, slot, like) for slot, like in zip(slots, arguments, strict=True)]
    return Outcome(arrays, ended or _trespass(memory, slots))


def _lay_out(sizes: Sequence[int]) -> tuple[list[_Slot], int]:
    """Every argument between guards as large as itself, within limits: most wrong strides stay inside."""
    slots: list[_Slot] = []
    end = 0
    for size in sizes:
        guard = min(max(size, LEAST_GUARD), LARGEST_GUARD)
        start = _round_up(end + guard)
        slots.append(_Slot(start, size))
        end = start + size + guard
    return slots, _round_up(end + LEAST_GUARD)


def _round_up(position: int) -> int:
    return -(-position // ALIGNMENT) * ALIGNMENT


def _bytes(array: Array) -> NDArray[np.uint8]:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _taken(memory: NDArray[np.uint8], slot: _Slot, like: Array) -> Array:
    return memory[slot.start : slot.start + slot.size].copy().view(like.dtype).reshape(like.shape)


def _in_child(function: NativeFunction, addresses: Sequence[int], seconds: float) -> str | None:
    """Run the function in a process of its own; how that ended, if not well."""
    child = os.fork()
    if child == 0:
        _be_child(function, addresses)
    waiting = select.poll()
    handle = os.pidfd_open(child)
    waiting.register(handle, select.POLLIN)
    in_time = bool(waiting.poll(seconds * 1000))
    os.close(handle)
    if not in_time:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not in_time:
        return f"the code did not end within {seconds:g} seconds"
    if os.WIFSIGNALED(status):
        return f"the code crashed: {signal.strsignal(os.WTERMSIG(status))}"
    return None


def _be_child(function: NativeFunction, addresses: Sequence[int]) -> None:
    """Nothing of the parent may run here again, whatever happens."""
    try:
        faulthandler.disable()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        function(*addresses)
    finally:
        os._exit(0)


def _trespass(memory: NDArray[np.uint8], slots: Sequence[_Slot]) -> str | None:
    """The first argument outside of which the code has written; arguments are lost."""
    for slot in slots:
        _fill(memory[slot.start : slot.start + slot.size])
    wrong = np.flatnonzero(memory.view(np.uint16) != PATTERN)
    if wrong.size == 0:
        return None
    first = 2 * int(wrong[0])
    at = first if memory[first] != PATTERN.tobytes()[0] else first + 1
    nearest = min(range(len(slots)), key=lambda i: _distance(slots[i], at))
    return f"the code wrote {_distance(slots[nearest], at)} bytes outside of its argument {nearest}"


def _fill(memory: NDArray[np.uint8]) -> None:
    """Write the pattern from an even place on."""
    whole = memory.size - memory.size % 2
    memory[:whole].view(np.uint16)[...] = PATTERN
    memory[whole:] = PATTERN.tobytes()[0]


def _distance(slot: _Slot, at: int) -> int:
    """Bytes between a position outside of a slot and the slot."""
    return slot.start - at if at < slot.start else at - (slot.start + slot.size) + 1
