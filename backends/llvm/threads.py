"""The threads of a compiled model: they run the parts that its code hands out, and sleep between calls.

Native code runs without the GIL, so plain threads of Python run parts at the same time.  The code never runs
on the main thread: there a signal would interrupt the hand-out, and the model would go on without its parts.
"""

import ctypes
import os
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Thread, current_thread, main_thread
from weakref import finalize

from penstock.backends.llvm.native import NativeFunction

_TASK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
_PARALLEL_FOR = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)

Job = Callable[[], None]
Jobs = SimpleQueue[Job | None]


def _work(jobs: Jobs) -> None:
    """What a thread does until it is told to stop."""
    while (job := jobs.get()) is not None:
        job()
        # A job holds memory: not until the next one comes.
        del job


class _Crew:
    """Threads that wait for jobs, in the process that started them."""

    def __init__(self, count: int) -> None:
        self.jobs: Jobs = SimpleQueue()
        self.process = os.getpid()
        for _ in range(count):
            Thread(target=_work, args=(self.jobs,), name="penstock", daemon=True).start()
        finalize(self, _dismiss, self.jobs, count)


def _dismiss(jobs: Jobs, count: int) -> None:
    for _ in range(count):
        jobs.put(None)


class Threads:
    """Calls functions whose last argument is `parallel_for`, on `count` threads that are made when needed.

    Part 0 runs on the thread that calls, the others on `count - 1` more, which all callers share.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._tasks: dict[int, Callable[[int, int, int], None]] = {}
        self._workers: _Crew | None = None
        self._callers: _Crew | None = None

    def call(self, function: NativeFunction, addresses: Sequence[int], held: object) -> None:
        """Call a function with addresses; `held` lives until it has returned, even when this is interrupted."""
        workers = self._workers = _present(self._workers, self.count - 1)
        parallel_for = _PARALLEL_FOR(_hand_out(workers.jobs, self._tasks))
        address = ctypes.cast(parallel_for, ctypes.c_void_p).value or 0
        done: SimpleQueue[None] = SimpleQueue()

        def run(held: object = (held, workers, parallel_for)) -> None:
            try:
                function(*addresses, address)
            finally:
                done.put(None)

        if current_thread() is not main_thread():
            run()
            return
        self._callers = _present(self._callers, 1)
        self._callers.jobs.put(run)
        done.get()


def _present(crew: _Crew | None, count: int) -> _Crew:
    """The crew, or a new one: the child of a process has none of its threads."""
    return crew if crew is not None and crew.process == os.getpid() else _Crew(count)


def _hand_out(
    jobs: Jobs, tasks: dict[int, Callable[[int, int, int], None]]
) -> Callable[[int, int, int], None]:
    """`parallel_for`: the parts of a task as jobs, the first one on the calling thread, until all are done."""

    def parallel_for(parts: int, task: int, arguments: int) -> None:
        native = tasks.get(task)
        if native is None:
            native = tasks[task] = _TASK(task)
        run, done = native, SimpleQueue[None]()

        def job(part: int) -> Job:
            def run_part() -> None:
                run(arguments, part, parts)
                done.put(None)

            return run_part

        for part in range(1, parts):
            jobs.put(job(part))
        run(arguments, 0, parts)
        for _ in range(1, parts):
            done.get()

    return parallel_for
