"""The threads of a compiled model: they run the parts that its code hands out, and sleep in between.

Native code runs without the GIL, so threads of Python run parts at the same time.  The code never runs on
the main thread: a signal there would interrupt the handing out, and the model would go on without the parts.
"""

import ctypes
import os
from collections.abc import Callable, Sequence
from functools import partial
from queue import SimpleQueue
from threading import Thread, current_thread, main_thread
from weakref import finalize

from penstock.backends.llvm.native import NativeFunction

_TASK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
_PARALLEL_FOR = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)

Job = Callable[[], None]
Jobs = SimpleQueue[Job | None]
Task = Callable[[int, int, int], None]


def _work(jobs: Jobs) -> None:
    """What a thread does until it is told to stop."""
    while (job := jobs.get()) is not None:
        job()
        # A job holds memory, which must not live until the next one comes.
        del job


class _Crew:
    """Threads that wait for jobs, in the process that started them."""

    def __init__(self, count: int) -> None:
        self.jobs: Jobs = SimpleQueue()
        self.process = os.getpid()
        self.parallel_for = _PARALLEL_FOR(partial(_parallel_for, self.jobs, dict[int, Task]()))
        for _ in range(count):
            Thread(target=_work, args=(self.jobs,), name="penstock", daemon=True).start()
        finalize(self, _dismiss, self.jobs, count)

    @property
    def address(self) -> int:
        """Where native code finds `parallel_for`."""
        return ctypes.cast(self.parallel_for, ctypes.c_void_p).value or 0


def _dismiss(jobs: Jobs, count: int) -> None:
    for _ in range(count):
        jobs.put(None)


def _parallel_for(jobs: Jobs, tasks: dict[int, Task], parts: int, address: int, arguments: int) -> None:
    """Run the parts of a task, the first on this thread and the others as jobs; return when all are done."""
    task = tasks[address] = tasks.get(address) or _TASK(address)
    done = SimpleQueue[None]()
    for part in range(1, parts):
        jobs.put(partial(_run_part, task, (arguments, part, parts), done))
    task(arguments, 0, parts)
    for _ in range(1, parts):
        done.get()


def _run_part(task: Task, call: tuple[int, int, int], done: "SimpleQueue[None]") -> None:
    task(*call)
    done.put(None)


class Threads:
    """Calls functions whose last argument is `parallel_for`; `count` threads are made when first needed.

    Part 0 runs on the thread that runs the function, the others on `count - 1` more, which all calls share.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._workers: _Crew | None = None
        self._caller: _Crew | None = None

    def call(self, function: NativeFunction, addresses: Sequence[int], held: object) -> None:
        """Call a function with addresses; `held` lives until it returns, even if the wait is interrupted."""
        workers = self._workers = _present(self._workers, self.count - 1)
        done: SimpleQueue[BaseException | None] = SimpleQueue()
        run = partial(_run, function, (*addresses, workers.address), (held, workers), done)
        if current_thread() is main_thread():
            caller = self._caller = _present(self._caller, 1)
            caller.jobs.put(run)
        else:
            run()
        failure = done.get()
        if failure is not None:
            raise failure


def _run(
    function: NativeFunction,
    arguments: tuple[int, ...],
    held: object,
    done: "SimpleQueue[BaseException | None]",
) -> None:
    try:
        function(*arguments)
    except BaseException as failure:
        done.put(failure)
    else:
        done.put(None)


def _present(crew: _Crew | None, count: int) -> _Crew:
    """The crew, or a new one: a child process has none of the threads of its parent."""
    return crew if crew is not None and crew.process == os.getpid() else _Crew(count)
