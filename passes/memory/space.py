"""First fit: offsets for intervals in a given order, and again after a change of the order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from penstock.dialects.memory_plan import Interval, round_up

UNPLACED = -1


@dataclass(frozen=True)
class Space:
    """Sizes and alignments of values, and for each value those that it meets in time."""

    sizes: tuple[int, ...]
    alignments: tuple[int, ...]
    neighbours: tuple[tuple[int, ...], ...]

    @staticmethod
    def of(intervals: Sequence[Interval]) -> "Space":
        """The space of some intervals."""
        neighbours: list[list[int]] = [[] for _ in intervals]
        live: list[int] = []
        for i in sorted(range(len(intervals)), key=lambda i: intervals[i].first):
            live = [j for j in live if intervals[j].last >= intervals[i].first]
            for j in live:
                neighbours[i].append(j)
                neighbours[j].append(i)
            live.append(i)
        return Space(
            tuple(round_up(interval.size) for interval in intervals),
            tuple(interval.alignment for interval in intervals),
            tuple(map(tuple, neighbours)),
        )

    def arena(self, offsets: Sequence[int]) -> int:
        """The size of the arena that placed values need."""
        return max((offset + size for offset, size in zip(offsets, self.sizes, strict=True)), default=0)

    def lowest(self, value: int, placed: Iterable[int], offsets: Sequence[int]) -> int:
        """The lowest offset where `value` overlaps none of the placed values, which all meet it in time."""
        sizes = self.sizes
        taken = sorted([(offsets[other], sizes[other]) for other in placed])
        size, alignment = sizes[value], self.alignments[value]
        start = 0
        for offset, length in taken:
            if start + size <= offset:
                break
            if offset + length > start:
                start = -(-(offset + length) // alignment) * alignment
        return start

    def lowest_beside(self, value: int, offsets: Sequence[int]) -> int:
        """The same among all values that have an offset."""
        placed = [other for other in self.neighbours[value] if offsets[other] != UNPLACED]
        return self.lowest(value, placed, offsets)

    def place(self, order: Sequence[int]) -> list[int]:
        """The offset of each value when they are placed in this order."""
        offsets = [UNPLACED] * len(self.sizes)
        for value in order:
            offsets[value] = self.lowest_beside(value, offsets)
        return offsets
