"""What a schedule takes the sizes known only at run time to be: `nest.hints = {n = 8}` on a module.

A hint decides how fast the code is at which sizes; the code is right at all of them.
"""

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import I64, DenseArrayBase, DictionaryAttr, IntegerAttr, ModuleOp, i64
from xdsl.utils.hints import isa

from penstock.dialects.sizes import Extent, number, symbols_of

ATTRIBUTE = "nest.hints"
BOUNDS = "nest.bounds"
USUAL = 128
"""The hint for a symbol that has none."""

Hints = Mapping[str, int]
Bounds = Mapping[str, tuple[int, int | None]]
"""Least and greatest size of symbols; `None`: any."""


def hints_of(module: ModuleOp) -> Hints:
    """The hints of a module by symbol."""
    given = module.attributes.get(ATTRIBUTE)
    if not isinstance(given, DictionaryAttr):
        return {}
    return {k: v.value.data for k, v in given.data.items() if isinstance(v, IntegerAttr)}


def set_hints(module: ModuleOp, hints: Hints) -> None:
    """Say the hints on a module; one without symbols has none."""
    if hints:
        module.attributes[ATTRIBUTE] = DictionaryAttr({k: IntegerAttr(v, i64) for k, v in hints.items()})


def bounds_of(module: ModuleOp) -> Bounds:
    """The bounds of symbols, as far as they have any."""
    given = module.attributes.get(BOUNDS)
    found = given.data.items() if isinstance(given, DictionaryAttr) else ()
    pairs = {name: pair.get_values() for name, pair in found if isa(pair, DenseArrayBase[I64])}
    return {name: (low, None if high < 0 else high) for name, (low, high) in pairs.items()}


def set_bounds(module: ModuleOp, bounds: Bounds) -> None:
    """Say the bounds on a module; an upper bound that is not there is written as -1."""
    if bounds:
        pairs = {k: [low, -1 if high is None else high] for k, (low, high) in bounds.items()}
        module.attributes[BOUNDS] = DictionaryAttr(
            {k: DenseArrayBase.from_list(i64, pair) for k, pair in pairs.items()}
        )


def hinted(size: Extent, hints: Hints) -> int:
    """A size in numbers, as the hints have it."""
    if isinstance(size, int):
        return size
    return max(number(size, {name: hints.get(name, USUAL) for name in symbols_of(size)}), 0)


def all_hinted(sizes: Sequence[Extent], hints: Hints) -> list[int]:
    """Sizes in numbers."""
    return [hinted(size, hints) for size in sizes]
