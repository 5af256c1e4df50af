"""Keeps Python's garbage collector out of the way while a model is compiled."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


def collect_paused() -> None:
    """One collection of what was made since the pause: nothing older is visited."""
    gc.collect(0)


@contextmanager
def collector_paused() -> Generator[None]:
    """No collection meanwhile: it visits all operations over and over, doubles the time and finds nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
