"""The sizes that a model leaves open: what the user says of them, and what is assumed otherwise."""

from collections.abc import Iterable, Sequence

from xdsl.dialects.builtin import ModuleOp

from penstock.dialects.hints import USUAL, Bounds, Hints, set_bounds, set_hints
from penstock.dialects.size_text import parse_size
from penstock.dialects.sizes import symbols_of
from penstock.errors import ShapeError

IMAGE = 224
"""The hint for height and width of an image."""
FOUND = 16
"""The hint for a size that values of a run decide: it may be one of several that are multiplied."""
Inputs = Sequence[tuple[str, tuple[int | str, ...]]]


def symbols_of_shapes(shapes: Iterable[Sequence[int | str]]) -> list[str]:
    """The symbols in some shapes."""
    return symbols_of(*(parse_size(d) for shape in shapes for d in shape if isinstance(d, str)))


def describe_symbols(
    module: ModuleOp, inputs: Inputs, bound: Sequence[str], bounds: Bounds, hints: Hints
) -> None:
    """Write bounds and hints on a module; `ShapeError` names a symbol that it does not have.

    The symbols are those of the inputs, and those that are bound to values of a run.
    """
    names = [*symbols_of_shapes(shape for _, shape in inputs), *bound]
    check_ranges(names, bounds, hints)
    set_bounds(module, bounds)
    usual = usual_hints(inputs)
    usual.update(dict.fromkeys(bound, FOUND))
    set_hints(module, {n: hints.get(n, _within(usual.get(n, USUAL), bounds.get(n))) for n in names})


def check_ranges(names: Sequence[str], bounds: Bounds, hints: Hints) -> None:
    """`ShapeError` where bounds or hints are of no size that is open, or bounds hold none."""
    for name in [*bounds, *hints]:
        if name not in names:
            raise ShapeError(f"the model has no open size {name!r}", remedy=f"It has {list(names)}.")
    for name, (low, high) in bounds.items():
        if low < 0 or (high is not None and high < low):
            raise ShapeError(f"the bounds {low} to {high} of {name!r} hold no size", remedy="Give others.")


def usual_hints(inputs: Inputs) -> dict[str, int]:
    """A batch of 1, images of 224; what comes first in a shape is a batch."""
    found: dict[str, int] = {}
    for _, shape in inputs:
        # Keys and values of a past have four dims too, but only one of the last two is open.
        is_image = len(shape) == 4 and all(isinstance(size, str) for size in shape[2:])
        for axis, size in enumerate(shape):
            if isinstance(size, str):
                usual = 1 if axis == 0 else IMAGE if is_image and axis > 1 else USUAL
                found[size] = min(found.get(size, usual), usual)
    return found


def _within(usual: int, bounds: tuple[int, int | None] | None) -> int:
    """The usual size if it is within the bounds, else the one in their middle."""
    low, high = bounds or (0, None)
    if usual >= low and (high is None or usual <= high):
        return usual
    return low if high is None else (low + high) // 2
