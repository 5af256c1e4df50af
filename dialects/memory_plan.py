"""The memory plan of a model as plain data: made by the pass `plan-memory`, proven by an independent checker.

Time is counted in steps: the operations of `main` that touch memory, in order, from 0.
"""

from dataclasses import dataclass

ALIGNMENT = 64


@dataclass(frozen=True)
class Interval:
    """A value that needs `size` bytes from step `first` to step `last`, both included."""

    name: str
    first: int
    last: int
    size: int
    alignment: int = ALIGNMENT

    def meets(self, other: "Interval") -> bool:
        """Whether both are live at some step, so that they cannot share memory."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Placement:
    """An interval and its offset in the arena."""

    interval: Interval
    offset: int

    @property
    def end(self) -> int:
        """The first byte behind the value."""
        return self.offset + self.interval.size


@dataclass(frozen=True)
class Plan:
    """All placements, the size of the arena, and the size that no arena can go below.

    The bound is the greatest sum of the sizes of the values live at one step, each rounded up to `ALIGNMENT`.
    """

    placements: tuple[Placement, ...]
    arena: int
    bound: int


def round_up(size: int, alignment: int = ALIGNMENT) -> int:
    """The least multiple of `alignment` that is not below `size`."""
    return -(-size // alignment) * alignment
