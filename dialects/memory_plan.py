"""The memory plan of a model as plain data: made by the pass `plan-memory`, proven by an independent checker.

Time is counted in steps: the operations of `main` that touch memory, in order, from 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import accumulate

from penstock.dialects.sizes import Extent, added, maximum, number

ALIGNMENT = 64
LONG_FORMULA = 400
"""Characters of a formula from which on a sum of all values is the better bound: maxima of maxima explode."""


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


@dataclass(frozen=True)
class GrowingValue:
    """A value whose bytes depend on symbols, and the values that lie below it in the arena."""

    name: str
    first: int
    last: int
    size: Extent
    below: tuple[int, ...]


@dataclass(frozen=True)
class GrowingPlan:
    """A plan for all sizes: each value begins where the last of those below it ends, all rounded up.

    Of two values that live at one step, one lies below the other, maybe with others in between.
    """

    values: tuple[GrowingValue, ...]

    def at(self, sizes: Mapping[str, int]) -> Plan:
        """The plan for given sizes."""
        intervals = [Interval(v.name, v.first, v.last, max(number(v.size, sizes), 0)) for v in self.values]
        ends: dict[int, int] = {}
        for i in self.order():
            ends[i] = max((ends[j] for j in self.values[i].below), default=0) + round_up(intervals[i].size)
        placements = [Placement(each, ends[i] - round_up(each.size)) for i, each in enumerate(intervals)]
        return Plan(tuple(placements), max(ends.values(), default=0), fullest(intervals))

    @cached_property
    def arena(self) -> Extent:
        """A size of the arena that is enough at all sizes, and little more than the least one.

        Of a long formula it is the sum of all values.  What rounding adds is taken as its most: formulas of
        quotients are hard to compare.
        """
        room = [_room(value.size) for value in self.values]
        everything = reduce(added, room, 0)
        ends: dict[int, Extent] = {}
        for i in self.order():
            ends[i] = reduce(maximum, (ends[j] for j in self.values[i].below), 0) + room[i]
            if len(str(ends[i])) > LONG_FORMULA:
                return everything
        most = reduce(maximum, ends.values(), 0)
        return most if len(str(most)) <= LONG_FORMULA else everything

    def order(self) -> list[int]:
        """The values, each behind those below it."""
        found: list[int] = []
        seen: set[int] = set()
        pending = list(reversed(range(len(self.values))))
        while pending:
            value = pending[-1]
            missing = [j for j in self.values[value].below if j not in seen]
            if not missing:
                pending.pop()
                found += [] if value in seen else [value]
                seen.add(value)
            pending += missing
        return found


def fullest(intervals: Sequence[Interval]) -> int:
    """The greatest sum of the rounded sizes of the intervals live at one step."""
    changes: dict[int, int] = {}
    for interval in intervals:
        size = round_up(interval.size)
        changes[interval.first] = changes.get(interval.first, 0) + size
        changes[interval.last + 1] = changes.get(interval.last + 1, 0) - size
    return max(accumulate((changes[step] for step in sorted(changes)), initial=0))


def _room(size: Extent) -> Extent:
    """At least what a value of a size takes."""
    return round_up(size) if isinstance(size, int) else size + ALIGNMENT - 1


def round_up_size(size: Extent) -> Extent:
    """The least multiple of `ALIGNMENT` that is not below a size."""
    return (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


def round_up(size: int, alignment: int = ALIGNMENT) -> int:
    """The least multiple of `alignment` that is not below `size`."""
    return -(-size // alignment) * alignment
