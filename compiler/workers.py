"""Work done in processes of their own: lowering holds Python's lock, so threads would take turns.

The processes are forked, so they find all that there is in memory and only results travel.  A fork copies
just the thread that makes it; where others run, and where there is no fork, nothing is done in processes.
"""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import current_process, get_context

FEWEST = 4
"""Pieces of work from which processes are worth their start, some 20 ms."""

_forked: list[Callable[[int], bytes]] = []
"""The work of the pool that is being made: forked processes inherit it."""


def pay_off(pieces: int) -> bool:
    """Whether processes can be forked here, and so many pieces are done sooner by them."""
    # A daemonic process, as those of `multiprocessing.Pool` are, may not start others.
    free = threading.active_count() == 1 and not current_process().daemon
    return pieces >= FEWEST and (os.cpu_count() or 1) > 1 and hasattr(os, "fork") and free


def in_processes(work: Callable[[int], bytes], pieces: int) -> Iterator[tuple[int, bytes]]:
    """The results of the pieces, by number, as they come; those whose work failed are left out.

    The caller does the missing ones itself and gets their errors first hand.
    """
    _forked.append(work)
    try:
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("fork")) as pool:
            numbers = {pool.submit(_run, number): number for number in range(pieces)}
            for done in as_completed(numbers):
                # A process that died breaks all that are left.
                if done.exception() is None:
                    yield numbers[done], done.result()
    except BrokenProcessPool:
        return
    finally:
        _forked.remove(work)


def _run(number: int) -> bytes:
    return _forked[-1](number)
