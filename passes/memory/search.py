"""Improves a plan: all orders of a handful of values, or moves in the order of many."""

from collections.abc import Sequence
from random import Random

from penstock.passes.memory.space import UNPLACED, Space

# What all moves may cost together, in units of one neighbour looked at: up to half a second,
# spent only while the arena is above the bound.
BUDGET = 600_000
# What a placement and a move cost besides their neighbours and values.
OVERHEAD = 20
# How often a value beside the top is moved, the largest of how many drawn, and how often to any place.
BESIDE, DRAWN, ANYWHERE = 0.5, 4, 0.5


def best_of_all_orders(space: Space, offsets: list[int], bound: int) -> list[int]:
    """The best offsets that any order gives: branch and bound over the next value to place."""
    best, best_arena = offsets, space.arena(offsets)
    current = [UNPLACED] * len(offsets)

    def extend(left: Sequence[int], arena: int) -> None:
        nonlocal best, best_arena
        if best_arena == bound or arena >= best_arena:
            return
        if not left:
            best, best_arena = list(current), arena
            return
        for value in left:
            current[value] = space.lowest_beside(value, current)
            extend(
                [other for other in left if other != value], max(arena, current[value] + space.sizes[value])
            )
            current[value] = UNPLACED

    extend(range(len(offsets)), 0)
    return best


def improve(space: Space, order: Sequence[int], offsets: list[int], bound: int) -> list[int]:
    """Hill climbing: move one value in the order, keep what is not worse.

    The value touches the top of the arena, or lives beside one that does: often the top is only as high as it
    is because something large below it stands in the middle of a gap.
    """
    order = list(order)
    best, best_arena = offsets, space.arena(offsets)
    rng = Random(0)
    budget = BUDGET
    while best_arena > bound and budget > 0:
        top = [value for value in order if best[value] + space.sizes[value] == best_arena]
        source = order.index(_value_to_move(space, top, rng))
        target = int(rng.random() * (len(order) if rng.random() < ANYWHERE else max(source, 1)))
        moved = [each for each in order if each != order[source]]
        moved.insert(target, order[source])
        candidate, work = place_again(space, moved, best, min(source, target), max(source, target))
        budget -= work + len(order) // 2 + OVERHEAD
        arena = space.arena(candidate)
        if arena <= best_arena:
            order, best, best_arena = moved, candidate, arena
    return best


def _value_to_move(space: Space, top: Sequence[int], rng: Random) -> int:
    """One of the values at the top, or the largest of some that it meets in time."""
    # Drawn from `random` alone, the one method whose results Python promises to keep.
    value = top[int(rng.random() * len(top))]
    near = space.neighbours[value]
    if not near or rng.random() >= BESIDE:
        return value
    drawn = [near[int(rng.random() * len(near))] for _ in range(DRAWN)]
    return max(drawn, key=lambda each: space.sizes[each])


def place_again(
    space: Space, order: Sequence[int], before: Sequence[int], first: int, last: int
) -> tuple[list[int], int]:
    """Offsets after a change of the order between two positions, and what they cost to find.

    A value is placed again if it is between these positions or if one that it meets has moved.
    """
    rank = {value: i for i, value in enumerate(order)}
    offsets = list(before)
    stale = set(order[first : last + 1])
    work = 0
    for position in range(first, len(order)):
        value = order[position]
        if value not in stale:
            continue
        earlier = [other for other in space.neighbours[value] if rank[other] < position]
        offsets[value] = space.lowest(value, earlier, offsets)
        work += len(earlier) + OVERHEAD
        if offsets[value] != before[value]:
            stale.update(space.neighbours[value])
    return offsets, work
