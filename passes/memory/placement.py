"""Places intervals in an arena: the part of `plan-memory` that knows no IR.

Finding the smallest arena is NP-hard (dynamic storage allocation: Garey and Johnson, SR2).  Any order of the
values gives a plan, by placing each at the lowest offset that is free while it lives, and some order gives
the best plan.  So several orders are tried (by size and by breadth as in Pisarchyk and Lee, "Efficient Memory
Management for Deep Neural Net Inference", 2020), then the best one is improved by moves, and a handful of
values is searched in full.  Work is bounded by counts, never by a clock: equal input gives equal plans.
"""

from bisect import insort
from collections.abc import Callable, Sequence

from penstock.dialects.memory_plan import Interval, Placement, Plan, fullest
from penstock.passes.memory.search import best_of_all_orders, improve
from penstock.passes.memory.space import Space

EXACT_SEARCH_UP_TO = 7

Key = Callable[[int], tuple[int, ...]]


def plan_intervals(intervals: Sequence[Interval]) -> Plan:
    """A plan for all intervals, in their order, with an arena as near to the bound as the search gets."""
    bound = fullest(intervals)
    space = Space.of(intervals)
    order, offsets = _best_order(space, intervals, bound)
    if len(intervals) <= EXACT_SEARCH_UP_TO:
        offsets = best_of_all_orders(space, offsets, bound)
    else:
        offsets = improve(space, order, offsets, bound)
    placements = tuple(Placement(*each) for each in zip(intervals, offsets, strict=True))
    return Plan(placements, space.arena(offsets), bound)


def _best_order(space: Space, intervals: Sequence[Interval], bound: int) -> tuple[list[int], list[int]]:
    """The order whose plan is smallest, and the plan; the first that reaches the bound will do."""
    found: list[tuple[int, list[int], list[int]]] = []
    for order in (_by_breadth(intervals), *_orders(intervals)):
        offsets = space.place(order)
        found.append((space.arena(offsets), order, offsets))
        if found[-1][0] == bound:
            break
    _, order, offsets = min(found, key=lambda plan: plan[0])
    return order, offsets


def _orders(intervals: Sequence[Interval]) -> list[list[int]]:
    """Large values first, long-lived ones first, early ones first, and mixtures."""

    def length(i: int) -> int:
        return intervals[i].last - intervals[i].first + 1

    keys: list[Key] = [
        lambda i: (-intervals[i].size, -length(i), i),
        lambda i: (-length(i), -intervals[i].size, i),
        lambda i: (-intervals[i].size * length(i), i),
        lambda i: (intervals[i].first, -intervals[i].size, i),
        lambda i: (intervals[i].first, -length(i), i),
        lambda i: (-intervals[i].last, -intervals[i].size, i),
        lambda i: (-min(length(i), 3), -intervals[i].size, i),
    ]
    return [sorted(range(len(intervals)), key=key) for key in keys]


def _by_breadth(intervals: Sequence[Interval]) -> list[int]:
    """The values of the fullest step first, large ones first, then those of the next fullest."""
    starts: dict[int, list[int]] = {}
    for i, interval in enumerate(intervals):
        starts.setdefault(interval.first, []).append(i)
    breadths: list[tuple[int, int, list[int]]] = []
    live: list[int] = []
    # Breadth only peaks where a value starts.
    for step in sorted(starts):
        live = [i for i in live if intervals[i].last >= step] + starts[step]
        insort(breadths, (-sum(intervals[i].size for i in live), step, live))
    fullest_first = (i for _, _, values in breadths for i in sorted(values, key=lambda i: -intervals[i].size))
    return list(dict.fromkeys(fullest_first))
