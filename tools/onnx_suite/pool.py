"""Runs jobs in processes of their own: one that crashes or hangs is reported, and takes no other with it."""

import gc
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from time import monotonic

from tools.onnx_suite.judge import CRASHED, HUNG, Outcome

Job = Callable[[int], Outcome]
CONTEXT = get_context("fork")
"""Forked processes share the cases that are loaded already."""


@dataclass
class Worker:
    """A process that does one job after another, with the job at hand."""

    process: BaseProcess
    connection: "Connection[int | None, Outcome]"
    job: int
    deadline: float

    def start(self, job: int, seconds: float) -> None:
        """Hand over the next job."""
        self.job, self.deadline = job, monotonic() + seconds
        self.connection.send(job)


def run_all(job: Job, count: int, workers: int, seconds: float) -> Iterator[tuple[int, Outcome]]:
    """Outcomes of jobs 0 to count - 1, as they come in; a job has `seconds`."""
    gc.freeze()
    waiting = iter(range(count))
    busy = [_hired(job, first, seconds) for first in islice(waiting, workers)]
    while busy:
        done = wait([w.connection for w in busy], max(0.0, min(w.deadline for w in busy) - monotonic()))
        for worker in [w for w in busy if w.connection in done or w.deadline <= monotonic()]:
            outcome, alive = _outcome(worker)
            yield worker.job, outcome
            following = next(waiting, None)
            if following is not None and alive:
                worker.start(following, seconds)
                continue
            busy.remove(worker)
            _dismiss(worker)
            if following is not None:
                busy.append(_hired(job, following, seconds))


def _hired(job: Job, first: int, seconds: float) -> Worker:
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=_serve, args=(job, theirs), daemon=True)
    process.start()
    theirs.close()
    worker = Worker(process, ours, first, 0.0)
    worker.start(first, seconds)
    return worker


def _serve(job: Job, connection: "Connection[Outcome, int | None]") -> None:
    """The life of a worker process; what a case prints is nobody's business."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    while (number := connection.recv()) is not None:
        connection.send(job(number))


def _outcome(worker: Worker) -> tuple[Outcome, bool]:
    """What came of a job, and whether its process can go on."""
    if not worker.connection.poll():
        return Outcome(HUNG), False
    try:
        return worker.connection.recv(), True
    except EOFError:
        worker.process.join()
        code = worker.process.exitcode or 0
        return Outcome(CRASHED, signal.Signals(-code).name if code < 0 else f"exit status {code}"), False


def _dismiss(worker: Worker) -> None:
    worker.process.kill()
    worker.process.join()
    worker.connection.close()
