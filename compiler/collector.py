"""Keeps Python's garbage collector out of the way while a model is compiled."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def collector_off() -> Generator[None]:
    """No collection meanwhile: it visits all modules and operations over and over and finds nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def collector_paused() -> Generator[None]:
    """No collection meanwhile but those that are asked for, and these visit nothing older."""
    # Who froze objects already, as servers do before they fork, must find them frozen.
    freezes = gc.get_freeze_count() == 0
    with collector_off():
        if freezes:
            gc.freeze()
        try:
            yield
        finally:
            if freezes:
                gc.unfreeze()


def collect_paused() -> None:
    """One collection of what was made since the pause."""
    gc.collect()
