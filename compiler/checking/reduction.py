"""Reduces a failing module: leaves out the steps without which the pass still changes the result."""

from collections.abc import Callable, Sequence

from xdsl.ir import Operation

from penstock.checking.execution import Case
from penstock.checking.slices import part_of, recorded, steps_of

ATTEMPTS = 300
"""Parts tried at most: work is bounded by a count, so that equal failures reduce to equal modules."""

Fails = Callable[[Case], bool]


def reduced(case: Case, fails: Fails) -> Case:
    """The smallest part found that still fails; the case itself where no part does."""
    steps = steps_of(case.module)
    if not steps:
        return case
    values = recorded(case)

    def fails_with(kept: Sequence[Operation]) -> bool:
        return bool(kept) and fails(part_of(case, values, kept))

    kept = minimal(steps, fails_with)
    part = part_of(case, values, kept)
    return part if fails(part) else case


def minimal(steps: Sequence[Operation], fails: Callable[[Sequence[Operation]], bool]) -> list[Operation]:
    """Leave out ever smaller runs of steps, as in delta debugging.

    A. Zeller and R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002.
    """
    kept, attempts = list(steps), 0
    size = len(kept) // 2
    while size and attempts < ATTEMPTS:
        start = 0
        while start < len(kept) and attempts < ATTEMPTS:
            rest = kept[:start] + kept[start + size :]
            attempts += 1
            if fails(rest):
                kept = rest
            else:
                start += size
        size //= 2
    return kept
