"""Sizes that requirements allow: symbols that a requirement ties to others are moved until it holds."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from itertools import product

from penstock.dialects.requirements import alternatives, holds, sides, symbols_of_requirement
from penstock.dialects.sizes import Extent, evaluate, number, symbol, symbols_of, terms_of

Sizes = Mapping[str, int]
Bounds = Mapping[str, tuple[int, int | None]]
SEARCHED = 64
"""How far behind a size the next one is looked for that a formula with quotients allows."""

OTHERS: Sequence[Callable[[int], int]] = (
    lambda size: size + max(size // 2, 1),
    lambda size: 2 * size,
    lambda size: size + 1,
    lambda size: size // 2,
    lambda size: max(size - 1, 0),
)
"""Other sizes that are tried, the best first: those that tiles leave something of."""


def settled(requirements: Sequence[str], sizes: Sizes) -> dict[str, int]:
    """The sizes, or others that the requirements allow; where none are found, some stay broken.

    >>> settled(["past + new == total", "past <= 512"], {"past": 600, "new": 1, "total": 1})
    {'past': 512, 'new': 1, 'total': 513}
    >>> settled(["a == b", "c == b"], {"a": 1, "b": 2, "c": 2})
    {'a': 1, 'b': 1, 'c': 1}
    """
    found, seen = dict(sizes), set[str]()
    for _ in range(2 * len(requirements)):
        broken = next((each for each in requirements if not holds(each, found)), None)
        moved = None if broken is None else next(_moves(broken, found, seen), None)
        if moved is None:
            break
        found.update([moved])
        seen.add(moved[0])
    return found


def _moves(requirement: str, sizes: Sizes, seen: Container[str]) -> Iterator[tuple[str, int]]:
    """Sizes of one symbol with which a requirement holds, the rest being as it is; the best first.

    Of two symbols that must be equal, the one that was moved before stays: of `a == b` and `c == b`, the
    second requirement does not undo the first.
    """
    left, right = sides(alternatives(requirement)[0])
    # What stands alone on its side follows from the rest.
    alone = [name for side in (right, left) for name in symbols_of(side) if str(side) == name]
    names = dict.fromkeys([*sorted(alone, key=lambda name: name in seen), *symbols_of(left, right)])
    solved = [(name, _solved(left - right, name, sizes)) for name in names]
    yield from ((name, value) for name, value in solved if value is not None and value >= 0)
    for name, step in product(names, range(1, SEARCHED)):
        tried = sizes[name] + step
        if holds(requirement, {**sizes, name: tried}):
            yield name, tried


def _solved(difference: Extent, name: str, sizes: Sizes) -> int | None:
    """The size of a symbol with which a sum is 0, if the symbol is a term of it and in no other."""
    factor = dict(terms_of(difference)).get((name,), 0)
    rest = evaluate(difference, {name: 0})
    if abs(factor) != 1 or difference - rest != factor * symbol(name):
        return None
    return -factor * number(rest, sizes)


def other_sizes(requirements: Sequence[str], bounds: Bounds, sizes: Sizes) -> dict[str, int]:
    """Sizes that a call may have as well, with other numbers for as many symbols as is found.

    Requirements on sizes that values of the call decide are left out: only the call can tell.
    """
    found, decided = dict(sizes), [r for r in requirements if symbols_of_requirement(r) <= sizes.keys()]
    for names in (list(sizes), *([name] for name in sizes)):
        for rule in OTHERS:
            changed = {name: rule(found[name]) for name in names if found[name] == sizes[name]}
            tried = settled(decided, {**found, **changed})
            if tried != found and _are_allowed(tried, decided, bounds):
                found = tried
                break
    return found


def _are_allowed(sizes: Sizes, requirements: Sequence[str], bounds: Bounds) -> bool:
    ranges = ((size, *bounds.get(name, (0, None))) for name, size in sizes.items())
    inside = all(low <= size and (high is None or size <= high) for size, low, high in ranges)
    return inside and all(holds(each, sizes) for each in requirements)
