"""Resizing as loop nests: one pass per dim that changes, over the taps that the op itself defines.

Tables of positions and weights are made by the op's own definition.  Where the dim grows by a whole factor
the loop is cut in two and the positions are linear maps, but for the clamped ones at the ends, which get
nests of their own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects import math
from xdsl.dialects.builtin import IntegerType, f64, i1
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.utils.hints import isa

from penstock.dialects import arith_ext
from penstock.dialects.element_types import is_float, is_unsigned, numpy_dtype
from penstock.dialects.graph.base import GraphOp, element_of, is_static, static_shape_of
from penstock.dialects.graph.resize import FINE, ResizeOp, Taps
from penstock.dialects.nest.access import Access
from penstock.dialects.nest.ops import DimAttr, Read, Write, parallel, reduction, shape_of
from penstock.dialects.nest.ops import element_of as buffer_element_of
from penstock.dialects.nest.sizes import OpenSizeError, sizes_of
from penstock.passes.lowering.graph_to_nest.builder import Expression, Lowering, zero
from penstock.passes.lowering.graph_to_nest.elementwise import map_into
from penstock.passes.lowering.graph_to_nest.positions import (
    Piece,
    Ramp,
    as_index,
    index_of,
    load_at,
    pieces_of,
    ramp_of,
)
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars, working

Rule = Callable[[GraphOp, Lowering], None]


@dataclass(frozen=True)
class Sampling:
    """One dim of the result: how its elements are made of those of the operand."""

    axis: int
    taps: Taps
    keeps: bool
    """Whether the dim stays as it is."""


def lower_resize(op: GraphOp, low: Lowering) -> None:
    """Pick or interpolate along each dim in turn, then put the extrapolation value outside of the operand."""
    assert isinstance(op, ResizeOp)
    if not is_static(op.x):
        _repeat(op, low)
        return
    x, shape = low.buffer(op.x), static_shape_of(op.y)
    samplings = [_sampling(op, i, *sizes) for i, sizes in enumerate(zip(shape_of(x), shape, strict=True))]
    changed = [s for s in samplings if not s.keeps]
    partial = [s for s in samplings if not s.taps.inside.all()]
    if not changed:
        low.buffers[op.y] = x
    elif op.mode.data == "nearest" and not partial:
        _pick(low, x, low.result(op.y), changed)
    elif op.mode.data == "nearest":
        picked = low.alloc(buffer_element_of(x), shape)
        _pick(low, x, picked, changed)
        _finish(op, low, picked, partial)
    else:
        _interpolate(op, low, x, changed, partial)


SAMPLE = 8
"""Elements from which it is seen how a dim of unknown size grows by a whole number."""
BY_SCALE = ("asymmetric", "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel")
"""Rules by which the place of an element depends on the scale and not on the size."""


def _repeat(op: ResizeOp, low: Lowering) -> None:
    """y[.., scale * i + r, ..] = x[.., i, ..] along dims whose sizes may be known only at run time."""
    x, y, ramps = low.buffer(op.x), low.result(op.y), dict[int, Ramp]()
    for axis, (size, grown) in enumerate(zip(sizes_of(x), sizes_of(y), strict=True)):
        if size == grown:
            continue
        scale = _whole_scale(op, axis)
        taps = op.taps(axis, SAMPLE, SAMPLE * scale)
        seen = ramp_of(taps.positions[:, 0], [scale]) if taps.inside.all() else None
        ramps[axis] = Ramp(scale, 0, 1, 0)
        if grown != size * scale or seen != ramps[axis]:
            raise OpenSizeError(f"{size} elements become {grown} by a rule that needs the size")
    _copy_along_ramps(low, x, y, ramps)


def _whole_scale(op: ResizeOp, axis: int) -> int:
    """By how much a dim grows, if each element is just repeated."""
    scale = float(op.scales.get_values()[axis])
    if op.mode.data != "nearest" or op.coordinates.data not in BY_SCALE or not scale.is_integer():
        raise OpenSizeError(f"{op.mode.data} by {scale} needs the size")
    return int(scale)


def _sampling(op: ResizeOp, axis: int, size: int, new_size: int) -> Sampling:
    taps = op.taps(axis, size, new_size)
    own = taps.positions == np.arange(new_size)[:, None]
    keeps = (
        size == new_size and bool(np.all(np.where(own, 1.0, taps.weights == 0))) and bool(taps.inside.all())
    )
    return Sampling(axis, taps, keeps)


def _pick(low: Lowering, x: SSAValue, y: SSAValue, samplings: Sequence[Sampling]) -> None:
    """y[.., o, ..] = x[.., positions[o], ..] for all dims at once."""
    tables = {s.axis: s.taps.positions[:, 0] for s in samplings}
    ramps = {axis: ramp_of(table) for axis, table in tables.items()}
    linear = {axis: ramp for axis, ramp in ramps.items() if ramp is not None}
    if len(linear) == len(tables):
        _copy_along_ramps(low, x, y, linear)
        return
    rank, axes = len(shape_of(y)), sorted(tables)
    reads = [Read(low.constant("positions", tables[axis]), Access.of(rank, axis)) for axis in axes]

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        at = [index_of(s, rank, i) for i in range(rank)]
        for axis, position in zip(axes, v, strict=True):
            at[axis] = as_index(s, position)
        return [load_at(s, x, at)]

    map_into(low, reads, y, body)


def _copy_along_ramps(low: Lowering, x: SSAValue, y: SSAValue, ramps: Mapping[int, Ramp]) -> None:
    """A copy by linear maps; a dim that repeats its elements is two loops."""
    dims: list[DimAttr] = []
    source: list[Expression] = []
    target: list[Expression] = []
    for axis, size in enumerate(sizes_of(y)):
        ramp = ramps.get(axis, Ramp(1, 0, 1, 0))
        q, r = len(dims), len(dims) + 1
        dims.append(parallel(f"d{axis}", size // ramp.factor))
        if ramp.factor == 1:
            source.append(({q: ramp.along_q}, ramp.first))
            target.append(q)
            continue
        dims.append(parallel(f"r{axis}", ramp.factor))
        source.append(({q: ramp.along_q, r: ramp.along_r}, ramp.first))
        target.append({q: ramp.factor, r: 1})
    read, write = Access.of(len(dims), *source), Access.of(len(dims), *target)
    low.compute(dims, [Read(x, read)], [Write(y, write)], lambda s, v: v)


def _interpolate(
    op: ResizeOp, low: Lowering, x: SSAValue, changed: Sequence[Sampling], partial: Sequence[Sampling]
) -> None:
    """One pass per dim; the last one gives the result unless its numbers have to be rounded or replaced."""
    kind, shape = _sum_type(op), list(shape_of(low.buffer(op.x)))
    is_final = kind == buffer_element_of(x) and not partial
    for sampling in changed:
        shape[sampling.axis] = len(sampling.taps.positions)
        is_last = is_final and sampling is changed[-1]
        y = low.result(op.y) if is_last else low.alloc(kind, shape)
        _interpolate_along(op, low, x, y, sampling)
        x = y
    if not is_final:
        _finish(op, low, x, partial)


def _interpolate_along(op: ResizeOp, low: Lowering, x: SSAValue, y: SSAValue, sampling: Sampling) -> None:
    """y[.., o, ..] = sum over k of x[.., positions[o, k], ..] * weights[o, k]."""
    axis, taps = sampling.axis, sampling.taps
    weights = low.constant("weights", taps.weights.astype(numpy_dtype(buffer_element_of(y))))
    pieces = pieces_of(taps.positions)
    for piece in pieces:
        _interpolate_piece(op, low, x, y, weights, axis, piece)
    if not pieces:
        _interpolate_by_table(op, low, x, y, weights, sampling)


def _interpolate_piece(
    op: ResizeOp, low: Lowering, x: SSAValue, y: SSAValue, weights: SSAValue, axis: int, piece: Piece
) -> None:
    """A range of results whose taps are linear maps: the sum is written out."""
    rank, kind, taps = len(shape_of(y)), buffer_element_of(y), len(piece.ramps)
    dims = [parallel(f"d{i}", piece.count if i == axis else size) for i, size in enumerate(shape_of(y))]
    dims += [parallel("r", piece.factor)] if piece.factor > 1 else []
    total, inner = len(dims), {rank: 1} if piece.factor > 1 else {}
    result: Expression = ({axis: piece.factor, **inner}, piece.start * piece.factor)
    sources: list[Expression] = [
        ({axis: t.along_q, **{r: t.along_r for r in inner}}, t.first) for t in piece.ramps
    ]
    places = [Access.of(total, *_with(rank, axis, source)) for source in sources]
    reads = [Read(x, place) for place in places]
    reads += [Read(weights, Access.of(total, result, ({}, k))) for k in range(taps)]

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        terms = [s.mul(_as_real(op, s, a, kind), w) for a, w in zip(v[:taps], v[taps:], strict=True)]
        total = terms[0]
        for term in terms[1:]:
            total = s.add(total, term)
        return [total]

    low.compute(dims, reads, [Write(y, Access.of(total, *_with(rank, axis, result)))], body)


def _with(rank: int, axis: int, expression: Expression) -> list[Expression]:
    """A loop per dim but for one expression."""
    return [expression if i == axis else i for i in range(rank)]


def _interpolate_by_table(
    op: ResizeOp, low: Lowering, x: SSAValue, y: SSAValue, weights: SSAValue, sampling: Sampling
) -> None:
    shape, kind, axis = shape_of(y), buffer_element_of(y), sampling.axis
    rank, along = len(shape), Access.of(len(shape) + 1, sampling.axis, len(shape))
    reads = [Read(low.constant("positions", sampling.taps.positions), along), Read(weights, along)]
    dims = [parallel(f"d{i}", size) for i, size in enumerate(shape)]
    dims.append(reduction("k", shape_of(weights)[1]))

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        at = [index_of(s, rank + 1, i) for i in range(rank)]
        at[axis] = as_index(s, v[0])
        return [s.add(v[2], s.mul(_as_real(op, s, load_at(s, x, at), kind), v[1]))]

    low.compute(dims, reads, [Write(y, Access.of(rank + 1, *range(rank)))], body, init=[zero(kind)])


def _sum_type(op: ResizeOp) -> Attribute:
    """Integers are summed in double precision, where their interpolation is cut at the same place."""
    element = element_of(op.x)
    return working(element) if is_float(element) else f64


def _as_real(op: ResizeOp, s: Scalars, x: SSAValue, kind: Attribute) -> SSAValue:
    if is_float(x.type):
        return s.real(x, kind)
    return s.from_whole(x, kind, is_unsigned(element_of(op.x)))


def _finish(op: ResizeOp, low: Lowering, x: SSAValue, partial: Sequence[Sampling]) -> None:
    """Elements inside of the operand in its type, the others as the extrapolation value."""
    y, outside = low.result(op.y), _extrapolation(op)
    rank, kind = len(shape_of(y)), buffer_element_of(y)
    inside = [Read(low.constant("inside", s.taps.inside), Access.of(rank, s.axis)) for s in partial]

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        result = v[0] if v[0].type == kind else _rounded(op, s, v[0], kind)
        for condition in v[1:]:
            result = s.select(condition, result, s.constant(outside, kind))
        return [result]

    map_into(low, [x, *inside], y, body)


def _extrapolation(op: ResizeOp) -> float | int:
    """The value outside in the type of the result: whole and within its limits."""
    value, dtype = op.extrapolation.value.data, numpy_dtype(element_of(op.x))
    if dtype.kind not in "iu":
        return np.asarray(value).astype(dtype).item()
    limits = np.iinfo(dtype.name)
    return min(max(int(value), limits.min), limits.max)


def _rounded(op: ResizeOp, s: Scalars, x: SSAValue, kind: Attribute) -> SSAValue:
    """An interpolated number in the type of the result: integers are cut or rounded, and saturate."""
    if not isa(kind, IntegerType):
        return s.real(x, kind)
    if kind == i1:
        return s.compare("ne", x, s.constant(0, x.type))
    x = _nearest(s, x) if op.antialias.value.data else x
    limits, unsigned = np.iinfo(numpy_dtype(element_of(op.x)).name), is_unsigned(element_of(op.x))
    x = s.at_most(s.at_least(x, s.constant(limits.min, x.type)), s.constant(limits.max, x.type))
    return s.add_op(arith_ext.FPToUIOp(x, kind) if unsigned else arith_ext.FPToSIOp(x, kind))


def _nearest(s: Scalars, x: SSAValue) -> SSAValue:
    """The nearest whole number, the even one of two."""
    fine = s.add_op(math.RoundEvenOp(s.mul(x, s.constant(FINE, x.type))))
    return s.add_op(math.RoundEvenOp(s.mul(fine, s.constant(1 / FINE, x.type))))


RULES: Mapping[type[Operation], Rule] = {ResizeOp: lower_resize}
