"""Runs jobs in processes of their own: one that crashes or hangs is reported, and takes no other with it."""

import gc
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")
Job = Callable[[int], T]
CONTEXT = get_context("fork")
"""Forked processes share all that is loaded already."""


@dataclass(frozen=True)
class Ended:
    """The process of a job ended without a result: how it died, or `None` if its time was up."""

    how: str | None


@dataclass
class Worker(Generic[T]):
    """A process that does one job after another, with the job at hand."""

    process: BaseProcess
    connection: "Connection[int | None, T]"
    job: int
    deadline: float

    def start(self, job: int, seconds: float) -> None:
        """Hand over the next job."""
        self.job, self.deadline = job, monotonic() + seconds
        self.connection.send(job)


def run_all(
    job: Job[T], numbers: Iterable[int], workers: int, seconds: float
) -> Iterator[tuple[int, T | Ended]]:
    """Results of jobs by number, as they come in; a job has `seconds`."""
    gc.freeze()
    waiting = iter(numbers)
    busy = [_hired(job, first, seconds) for first in islice(waiting, workers)]
    while busy:
        done = wait([w.connection for w in busy], max(0.0, min(w.deadline for w in busy) - monotonic()))
        for worker in [w for w in busy if w.connection in done or w.deadline <= monotonic()]:
            result = _result(worker)
            yield worker.job, result
            following = next(waiting, None)
            if following is not None and not isinstance(result, Ended):
                worker.start(following, seconds)
                continue
            busy.remove(worker)
            _dismiss(worker)
            if following is not None:
                busy.append(_hired(job, following, seconds))


def _hired(job: Job[T], first: int, seconds: float) -> Worker[T]:
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=_serve, args=(job, theirs), daemon=True)
    process.start()
    theirs.close()
    worker = Worker[T](process, ours, first, 0.0)
    worker.start(first, seconds)
    return worker


def _serve(job: Job[T], connection: "Connection[T, int | None]") -> None:
    """The life of a worker process; what a job prints is nobody's business."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    while (number := connection.recv()) is not None:
        connection.send(job(number))


def _result(worker: Worker[T]) -> T | Ended:
    """What came of a job; a process that ended, or whose time is up, does no other."""
    if not worker.connection.poll():
        return Ended(None)
    try:
        return worker.connection.recv()
    except EOFError:
        worker.process.join()
        code = worker.process.exitcode or 0
        return Ended(signal.Signals(-code).name if code < 0 else f"exit status {code}")


def _dismiss(worker: Worker[T]) -> None:
    worker.process.kill()
    worker.process.join()
    worker.connection.close()
