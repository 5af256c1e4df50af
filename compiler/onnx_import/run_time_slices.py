"""Slices and paddings whose bounds a run computes: each axis is a gather along positions made there."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import Dim, integer, rank_of, shape_of
from penstock.dialects.graph.indexing import GatherOp, ScatterElementsOp
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.run_time_sizes import number_term, range_term
from penstock.onnx_import.terms import Term, stack

NO_SIZE = -1
"""What a size becomes that makes no sense: binding it is an error of the run."""


def spread(build: Builder, values: Term, axes: Term | None, blank: Term) -> Term:
    """A value for each axis: those given for some axes, else what the blank says."""
    if axes is None:
        return values
    operands = [blank.value, axes.value, values.value]
    properties = {"axis": integer(0), "reduction": StringAttr("none")}
    return values.like(build.indexing(ScatterElementsOp, operands, properties))


def sliced(
    build: Builder, x: SSAValue, starts: Term, ends: Term, axes: Sequence[int] | Term, steps: Term | None
) -> SSAValue:
    """`x[start:end:step]` along axes that may themselves be computed; without steps, each is 1.

    start = clip(start < 0 ? start + n : start);   n' = max(0, ceil((end - start) / step))
    """
    if isinstance(axes, Term):
        starts, ends, steps = _along_all(build, x, starts, ends, axes, steps)
        axes = range(rank_of(x))
    n = stack([number_term(build, shape_of(x)[axis]) for axis in axes], 0)
    start, end = ((at < 0).where(at + n, at) for at in (starts, ends))
    if steps is None:
        start, end = start.maximum(0).minimum(n), end.maximum(0).minimum(n)
        count = (end - start).maximum(0)
    else:
        rises = steps > 0
        start = rises.where(start.maximum(0).minimum(n), start.maximum(0).minimum(n - 1))
        end = rises.where(end.maximum(0).minimum(n), end.maximum(-1).minimum(n - 1))
        count = counted(start, end, steps)
    for place, (axis, size) in enumerate(zip(axes, build.sizes(count.value), strict=True)):
        at = range_term(build, size)
        at = at if steps is None else at * steps.slice(0, place, place + 1)
        at += start.slice(0, place, place + 1)
        x = build.op(GatherOp, [x, at.value], {"axis": integer(axis)})
    return x


def _along_all(
    build: Builder, x: SSAValue, starts: Term, ends: Term, axes: Term, steps: Term | None
) -> tuple[Term, Term, Term | None]:
    """A start, end and step for every axis, which leave alone those that are not among the axes."""
    n = stack([number_term(build, d) for d in shape_of(x)], 0)
    zeros, ones = (n.table(np.full(rank_of(x), number)) for number in (0, 1))
    start, end = spread(build, starts, axes, zeros), spread(build, ends, axes, n)
    return start, end, None if steps is None else spread(build, steps, axes, ones)


def counted(start: Term, end: Term, step: Term) -> Term:
    """How many integers there are from a start to an end; no size for a step of 0."""
    rises = step > 0
    span = rises.where(end - start, start - end).maximum(0)
    width = rises.where(step, step * -1).maximum(1)
    return step.equals(0).where(step.filled(NO_SIZE), (span + width - 1) / width)


def padded_by_run(
    build: Builder, x: SSAValue, pads: Term, axes: Term | None, mode: str, value: Term
) -> SSAValue:
    """`x` with computed numbers of elements in front and behind; negative ones cut."""
    shape = shape_of(x)
    half = pads.shape[0]
    assert isinstance(half, int), "a list of paddings has a known length"
    zeros = pads.table(np.zeros(len(shape)))
    low, high = (
        spread(build, pads.slice(0, start, start + half // 2), axes, zeros) for start in (0, half // 2)
    )
    n = stack([number_term(build, d) for d in shape], 0)
    sizes = build.sizes((n + low + high).value)
    inside: list[Term] = []
    for axis, size in enumerate(sizes):
        at, length = range_term(build, size) - low.at(0, axis), n.at(0, axis)
        if mode == "constant":
            kept = ((at >= 0) & (at < length)).reshape(*_along(axis, len(shape), size))
            inside.append(kept)
        source = PLACES[mode](at, length)
        x = build.op(GatherOp, [x, source.value], {"axis": integer(axis)})
    y = value.like(x)
    for kept in inside:
        y = kept.where(y, value)
    return y.value


def _along(axis: int, rank: int, size: Dim) -> Sequence[Dim]:
    return [size if i == axis else 1 for i in range(rank)]


def _nearest(at: Term, n: Term) -> Term:
    return at.maximum(0).minimum(n - 1)


def _wrapped(at: Term, n: Term) -> Term:
    return at % n.maximum(1)


def _reflected(at: Term, n: Term) -> Term:
    period = (n * 2 - 2).maximum(1)
    place = at % period
    return (place < n).where(place, period - place)


PLACES: Mapping[str, Callable[[Term, Term], Term]] = {
    "constant": _nearest,
    "edge": _nearest,
    "reflect": _reflected,
    "wrap": _wrapped,
}
"""Mode of padding -> the position in a dim of `n` elements that is read for one that may lie outside."""
