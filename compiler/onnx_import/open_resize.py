"""Resize along dims whose sizes only a call tells: positions and weights of the taps are computed in the run.

The rules are those of `graph.resize`, which has tables of them where sizes are known.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from xdsl.dialects.builtin import f32, f64

from penstock.dialects.element_types import is_float
from penstock.dialects.graph.base import Dim, dim_of, integer, size_of
from penstock.dialects.graph.indexing import GatherOp
from penstock.dialects.graph.resize import FINE, ratio_of
from penstock.dialects.sizes import Extent, maximum, minimum, quotient
from penstock.onnx_import.terms import Term
from penstock.onnx_import.unsupported import Unsupported

HALF_PIXEL = ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel")


@dataclass(frozen=True)
class Rules:
    """How a tensor is sampled, by the names that ONNX has for it."""

    mode: str
    coordinates: str = "half_pixel"
    rounding: str = "round_prefer_floor"
    cubic_a: float = -0.75
    excludes_outside: bool = False
    antialias: bool = False
    region: Sequence[float] = ()
    extrapolation: float = 0.0


REPEATS = {
    ("asymmetric", "floor"),
    *((c, r) for c in HALF_PIXEL for r in ("round_prefer_floor", "round_prefer_ceil")),
}
"""Rules by which every element is repeated where a dim grows by a whole number."""


@dataclass(frozen=True)
class Line:
    """One dim: its old and its new size and their ratio, as values in double precision."""

    axis: int
    count: Dim
    old: Term
    new: Term
    scale: Term
    known_scale: float | None
    is_single: bool = False
    """Whether the ratio is that of single precision: then what is divided by it is as well."""

    @property
    def length(self) -> Term:
        """The new size before it is rounded."""
        return self.scale * self.old

    def before(self, at: Term) -> Term:
        """Where a place was before the dim was resized."""
        place = at / self.scale
        return place.cast(f32).cast(f64) if self.is_single else place


def needs_sizes(shape: Sequence[Dim], scales: Sequence[float], rules: Rules) -> bool:
    """Whether an open dim is resized by more than repeating its elements."""
    grown = [s for d, s in zip(shape, scales, strict=True) if isinstance(d, str) and s != 1]
    repeats = rules.mode == "nearest" and (rules.coordinates, rules.rounding) in REPEATS
    return bool(grown) and not (repeats and all(s.is_integer() for s in grown))


def scaled_lines(x: Term, scales: Sequence[float]) -> list[Line]:
    """The dims of a tensor that are resized by known scales."""
    return [scaled_line(x, axis, scale) for axis, scale in enumerate(scales) if scale != 1]


def scaled_line(x: Term, axis: int, scale: float) -> Line:
    """A dim that is resized by a known scale."""
    return _line(x, axis, dim_of(_grown(size_of(x.shape[axis]), scale)), scale)


def run_time_lines(x: Term, scales: Mapping[int, float | Term]) -> list[Line]:
    """The dims of a tensor that are resized by scales some of which only a run tells."""
    return [
        _scaled_by_run(x, axis, scale) if isinstance(scale, Term) else scaled_line(x, axis, scale)
        for axis, scale in scales.items()
        if scale != 1
    ]


def _scaled_by_run(x: Term, axis: int, scale: Term) -> Line:
    """The new size is a product in single precision, as in the standard; one that is whole says the ratio."""
    length = x.like(x.build.size(x.shape[axis], f32)) * scale.cast(f32)
    whole = length.floor()
    (count,) = x.build.sizes(whole.positions().value)
    line = _line(x, axis, count, None)
    return replace(line, scale=whole.equals(length).where(line.scale, scale.cast(f64)), is_single=True)


def sized_lines(x: Term, sizes: Mapping[int, Dim], policy: str) -> list[Line]:
    """The dims of a tensor that get new sizes, or the greatest (least) ones that keep its proportions."""
    if policy == "stretch":
        return [_line(x, axis, size, None) for axis, size in sizes.items() if size != x.shape[axis]]
    choose = {"not_larger": (minimum, Term.minimum), "not_smaller": (maximum, Term.maximum)}.get(policy)
    if choose is None:
        raise Unsupported(
            f"keep_aspect_ratio_policy is {policy!r}", "Use stretch, not_larger or not_smaller."
        )
    pairs = [(size_of(wanted), size_of(x.shape[axis])) for axis, wanted in sizes.items()]
    rate = reduce(choose[1], [_real(x, dim_of(wanted)) / _real(x, dim_of(old)) for wanted, old in pairs])

    def proportional(size: Extent) -> Extent:
        # Rounded to the nearest, as is each of the sizes that one is chosen from.
        return reduce(choose[0], [quotient(size * wanted * 2 + old, old * 2) for wanted, old in pairs])

    return [
        replace(_line(x, axis, dim_of(proportional(size_of(x.shape[axis]))), None), scale=rate)
        for axis in sizes
    ]


def _line(x: Term, axis: int, count: Dim, scale: float | None) -> Line:
    old, new = _real(x, x.shape[axis]), _real(x, count)
    ratio = new / old if scale is None else old.table(np.array(float(ratio_of(scale))))
    return Line(axis, count, old, new, ratio, scale)


def _real(x: Term, size: Dim) -> Term:
    """A size in double precision."""
    return x.like(x.build.size(size, f64))


def _grown(size: Extent, scale: float) -> Extent:
    ratio = ratio_of(scale)
    return quotient(size * ratio.numerator, ratio.denominator)


def resized(x: Term, lines: Sequence[Line], rules: Rules) -> Term:
    """The tensor sampled anew along some dims, one after the other."""
    element, inside = x.element, list[Term]()
    y = x if rules.mode == "nearest" else x.cast(element if is_float(element) else f64).precise()
    for line in lines:
        at = _places(line, rules, len(x.shape))
        if rules.coordinates == "tf_crop_and_resize":
            within = (at >= 0) & (at <= line.old - 1)
            inside.append(_along(within, line.axis, len(x.shape)))
        y = _nearest(y, line, at, rules) if rules.mode == "nearest" else _weighted(y, line, at, rules)
    # A cast to integers cuts towards zero and saturates.
    if rules.antialias and not is_float(element):
        y = ((y * FINE).rounded() * (1 / FINE)).rounded()
    y = y.cast(element)
    for truth in inside:
        y = truth.where(y, rules.extrapolation)
    return y


def _places(line: Line, rules: Rules, rank: int) -> Term:
    """Where each element of the result lies in the operand."""
    build = line.old.build
    at = line.old.like(build.positions(line.count, f64))
    middle = line.before(at + 0.5)
    match rules.coordinates:
        case "asymmetric":
            return line.before(at)
        case "align_corners":
            return at * (line.old - 1) / (line.length - 1).maximum(1e-9)
        case "tf_crop_and_resize":
            return _in_region(line, at, rules.region[line.axis], rules.region[rank + line.axis])
        case "tf_half_pixel_for_nn":
            return middle
        case "half_pixel_symmetric":
            return middle + line.old / 2 * (1 - line.new / line.length) - 0.5
        case "pytorch_half_pixel":
            return line.length.equals(1).where(at * 0 - 0.5, middle - 0.5)
        case _:
            return middle - 0.5


def _in_region(line: Line, at: Term, start: float, end: float) -> Term:
    step = (line.old - 1) * (end - start)
    spread = at * step / (line.length - 1).maximum(1e-9)
    return line.length.equals(1).where(at * 0 + step / 2, spread) + (line.old - 1) * start


ROUNDED: Mapping[str, Callable[[Term], Term]] = {
    "round_prefer_floor": lambda x: _ceiling(x - 0.5),
    "round_prefer_ceil": lambda x: (x + 0.5).floor(),
    "floor": lambda x: x.floor(),
    "ceil": lambda x: _ceiling(x),
}
"""How a place becomes a position."""


def _ceiling(x: Term) -> Term:
    return (x * -1).floor() * -1


def _picked(x: Term, line: Line, position: Term) -> Term:
    """The elements at some positions along a dim, which are held inside of it."""
    held = position.maximum(0).minimum(line.old - 1).positions()
    properties = {"axis": integer(line.axis)}
    return x.like(x.build.op(GatherOp, [x.value, held.value], properties))


def _nearest(x: Term, line: Line, at: Term, rules: Rules) -> Term:
    return _picked(x, line, ROUNDED[rules.rounding](at))


def _weighted(x: Term, line: Line, at: Term, rules: Rules) -> Term:
    """The weighted sum of the taps around each place."""
    rate, reach = _rate(line, rules), 1 if rules.mode == "linear" else 2
    first = int(-reach / rate // 1) + 1
    positions = [_ceiling(at) - 1 + k for k in range(first, 2 - first)]
    weights = [_kernel((p - at) * rate, rules) for p in positions]
    if rules.excludes_outside:
        inside = [(p >= 0) & (p <= line.old - 1) for p in positions]
        weights = [truth.where(w, 0) for truth, w in zip(inside, weights, strict=True)]
    if rate < 1 or rules.excludes_outside:
        total = reduce(Term.__add__, weights)
        weights = [w / total for w in weights]
    terms = [
        _picked(x, line, p) * _along(w.cast(x.element), line.axis, len(x.shape))
        for p, w in zip(positions, weights, strict=True)
    ]
    return reduce(Term.__add__, terms)


def _rate(line: Line, rules: Rules) -> float:
    """By how much a kernel is stretched over the elements that one result covers."""
    if not rules.antialias:
        return 1.0
    if line.known_scale is None:
        raise Unsupported("an antialiased Resize by a rate that only a call tells", "Give the scales.")
    return min(line.known_scale, 1.0)


def _kernel(distance: Term, rules: Rules) -> Term:
    d = distance.absolute()
    if rules.mode == "linear":
        return (1 - d).maximum(0)
    a = rules.cubic_a
    near = (d * (a + 2) - (a + 3)) * d * d + 1
    far = ((d * a - 5 * a) * d + 8 * a) * d - 4 * a
    return (d <= 1).where(near, (d < 2).where(far, 0))


def _along(x: Term, axis: int, rank: int) -> Term:
    """A list of numbers as one along an axis of a tensor."""
    return x.reshape(*x.shape, *[1] * (rank - 1 - axis))
