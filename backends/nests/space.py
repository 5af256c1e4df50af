"""Boxes of an iteration space, sized so that the nest interpreter's arrays stay small."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

LIMIT = 1 << 22
"""Elements that one array over a box may have."""


@dataclass(frozen=True)
class Box:
    """The iterations from `starts`, `sizes` many of each loop."""

    starts: tuple[int, ...]
    sizes: tuple[int, ...]

    @staticmethod
    def whole(extents: Sequence[int]) -> "Box":
        """All iterations."""
        return Box((0,) * len(extents), tuple(extents))

    def along(self, loops: Sequence[int], part: "Box") -> "Box":
        """This box with the range of some loops taken from `part`."""
        chosen = set(loops)
        pairs = zip((self.starts, self.sizes), (part.starts, part.sizes), strict=True)
        starts, sizes = (
            tuple(p if i in chosen else s for i, (s, p) in enumerate(zip(*r, strict=True))) for r in pairs
        )
        return Box(starts, sizes)

    def split(self, loops: Sequence[int], steps: Sequence[int]) -> Iterator["Box"]:
        """Boxes of at most `steps` iterations along some loops, in the order of the loops."""
        ranges = [range(self.starts[i], self.starts[i] + self.sizes[i], max(steps[i], 1)) for i in loops]
        for corner in product(*ranges):
            starts, sizes = list(self.starts), list(self.sizes)
            for i, start in zip(loops, corner, strict=True):
                starts[i], sizes[i] = start, min(steps[i], self.starts[i] + self.sizes[i] - start)
            yield Box(tuple(starts), tuple(sizes))


def steps_within(extents: Sequence[int], arrays: Sequence[frozenset[int]], order: Sequence[int]) -> list[int]:
    """Iterations of each loop that a box may have so that no array over some of the loops exceeds the limit.

    The loops that come first in `order` are cut first; those not in it are never cut.
    """
    steps = list(extents)
    while True:
        points, largest = max(((prod(steps[i] for i in a), a) for a in arrays), key=lambda pair: pair[0])
        loop = next((i for i in order if i in largest and steps[i] > 1), None)
        if points <= LIMIT or loop is None:
            return steps
        steps[loop] = max(1, steps[loop] * LIMIT // points)
