"""Measures how long a call takes: many short runs, told by their spread and not by their mean."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np


@dataclass(frozen=True)
class Timing:
    """Seconds per call, one entry per call."""

    seconds: tuple[float, ...]

    def quantile(self, part: float) -> float:
        """The time that this part of the calls stayed below."""
        return float(np.quantile(self.seconds, part))


def measure(call: Callable[[], object], *, budget: float, at_least: int = 5) -> Timing:
    """Call for `budget` seconds, after one call that fills the caches and is not counted."""
    call()
    seconds: list[float] = []
    end = perf_counter() + budget
    while (start := perf_counter()) < end or len(seconds) < at_least:
        call()
        seconds.append(perf_counter() - start)
    return Timing(tuple(seconds))
