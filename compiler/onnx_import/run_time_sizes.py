"""Shapes that values of a run decide: what 0 and -1 mean is computed before a value becomes a size."""

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import i64
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import Dim, product_of, rank_of, shape_of
from penstock.dialects.graph.indexing import ShapeOp
from penstock.dialects.graph.movement import dims_attr
from penstock.dialects.graph.sections import PositionsOp
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.terms import Term, concat
from penstock.onnx_import.unsupported import Unsupported


def reshape_target(build: Builder, x: SSAValue, target: SSAValue, copies: bool) -> tuple[Dim, ...]:
    """The shape that a tensor gets; where a run decides it, 0 (if it `copies`) and -1 are resolved there.

    t = where(t == 0, shape(x), t);   t = where(t == -1, size(x) / product(where(t == -1, 1, t)), t)
    """
    if not build.is_decided_by_run(target):
        return build.sizes(target)
    wanted = Term(build, target).positions()
    if copies:
        wanted = wanted.equals(0).where(_sizes_up_to(build, x, rank_of(target) and wanted.shape[0]), wanted)
    is_rest = wanted.equals(-1)
    known = is_rest.where(wanted.like(build.scalar(1, like=wanted.value)), wanted)
    divisor = known.product(0).maximum(1)
    rest = number_term(build, product_of(shape_of(x))) / divisor
    return build.sizes(is_rest.where(rest.broadcast(*wanted.shape), wanted).value)


def _sizes_up_to(build: Builder, x: SSAValue, count: Dim) -> Term:
    """The first sizes of a tensor as values, with zeros behind them."""
    if isinstance(count, str):
        raise Unsupported("a list of sizes has a length that only a call tells", "Give its length.")
    sizes = Term(build, build.op(ShapeOp, [x])).slice(0, 0, count)
    missing = count - min(count, rank_of(x))
    return concat([sizes, sizes.table(np.zeros(missing))], 0) if missing else sizes


def number_term(build: Builder, size: Dim) -> Term:
    """A size as a value."""
    return Term(build, build.size(size, i64))


def range_term(build: Builder, size: Dim) -> Term:
    """The integers below a size."""
    return Term(build, build.positions(size, i64))


def coordinates(flat: Term, shape: Sequence[Dim]) -> list[Term]:
    """The position along each dim of a shape, from those in the list of all its elements."""
    places: list[Term] = []
    for i, size in enumerate(shape):
        inner = product_of(shape[i + 1 :])
        place = flat if 1 in (inner, size) else flat / number_term(flat.build, inner)
        is_first = all(each == 1 for each in shape[:i])
        places.append(place if is_first and size != 1 else place % number_term(flat.build, size))
    return places


def positions_of(build: Builder, truths: SSAValue) -> SSAValue:
    """Where a list of truths holds; how many there are is decided by the run."""
    (count,) = build.sizes(Term(build, truths).positions().sum(0).value)
    return build.op(PositionsOp, [truths], {"count": dims_attr([count])})
