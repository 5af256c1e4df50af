"""Work done in a process of its own, within limits of time and memory: whatever it does, the rest goes on."""

import os
import pickle
import resource
import select
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Generic, TypeVar, cast

T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """What one piece of work may use."""

    seconds: float
    bytes: int


@dataclass(frozen=True)
class Ended(Generic[T]):
    """What the work gave, or else how its process ended."""

    result: T | None
    fate: str = ""


def apart(work: Callable[[], T], limits: Limits) -> Ended[T]:
    """Do the work in a forked process, which takes all that it started with it when its time is over."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        _serve(work, writing, limits)
    os.close(writing)
    # Done on both sides: whichever comes first, the group is there when it is killed.
    os.setpgid(process, process)
    data, in_time = b"", False
    try:
        data, in_time = _received(reading, monotonic() + limits.seconds)
    finally:
        if not in_time:
            os.killpg(process, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if not in_time:
        return Ended(None, f"took more than {limits.seconds:.0f} s")
    if data:
        return Ended(cast(T, pickle.loads(data)))
    return Ended(None, f"died of {signal.Signals(-status).name}" if status < 0 else f"exit code {status}")


def _serve(work: Callable[[], T], writing: int, limits: Limits) -> None:
    """The whole life of the process; it never returns."""
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_AS, (limits.bytes, limits.bytes))
    try:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(pickle.dumps(work()))
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _received(reading: int, deadline: float) -> tuple[bytes, bool]:
    """All that comes out of a pipe, and whether its end came in time."""
    parts: list[bytes] = []
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while select.select([pipe], [], [], max(0.0, deadline - monotonic()))[0]:
            part = pipe.read(1 << 16)
            if not part:
                return b"".join(parts), True
            parts.append(part)
    return b"", False
