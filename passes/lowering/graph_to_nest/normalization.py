"""Softmax and normalizations as nests: one nest per pass over the data, moments in buffers between them.

Everything between two roundings of half-precision elements is held in `f32`.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf, prod

from xdsl.dialects import math
from xdsl.ir import Attribute, Operation, SSAValue

from penstock.dialects.graph import normalization as graph
from penstock.dialects.graph.base import GraphOp
from penstock.dialects.nest.access import Access
from penstock.dialects.nest.ops import Read, Write, element_of, parallel, reduction
from penstock.dialects.nest.sizes import sizes_of
from penstock.dialects.sizes import Extent
from penstock.passes.lowering.graph_to_nest.builder import Lowering, padded_read
from penstock.passes.lowering.graph_to_nest.elementwise import map_into
from penstock.passes.lowering.graph_to_nest.reduction import Fold, divided, reduce_into, sum_type
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars, number_attr, working

Rule = Callable[[GraphOp, Lowering], None]
Term = Callable[[Scalars, Sequence[SSAValue]], SSAValue]


def _row_buffer(low: Lowering, x: SSAValue, axes: Sequence[int], kind: Attribute) -> SSAValue:
    """A buffer like `x` with size 1 along axes."""
    return low.alloc(kind, [1 if i in axes else size for i, size in enumerate(sizes_of(x))])


def _sum_over(
    low: Lowering, x: SSAValue, axes: Sequence[int], term: Term, finish: Term, beside: Sequence[SSAValue] = ()
) -> SSAValue:
    """finish(sum of term(x, beside...)) along axes, in a new buffer of the working type."""
    kind = working(element_of(x))
    wide = sum_type(kind, prod(sizes_of(x)[a] for a in axes))
    y = _row_buffer(low, x, axes, kind)

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        return [s.add(v[-1], s.real(term(s, [s.real(a, kind) for a in v[:-1]]), wide))]

    fold = Fold([number_attr(0, wide)], body, lambda s, v: [s.real(finish(s, v), kind)])
    reduce_into(low, x, axes, y, fold, beside)
    return y


def _greatest(low: Lowering, x: SSAValue, axis: int) -> SSAValue:
    """The maximum along an axis, in a new buffer of the working type."""
    kind = working(element_of(x))
    y = _row_buffer(low, x, [axis], kind)
    fold = Fold([number_attr(-inf, kind)], lambda s, v: [s.maximum(v[1], s.real(v[0], kind))])
    reduce_into(low, x, [axis], y, fold)
    return y


def _first(s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    return v[0]


def _exp_of_difference(s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
    return s.exp(s.sub(s.widened(v[0]), v[1]))


def softmax_into(low: Lowering, x: SSAValue, axis: int, y: SSAValue) -> None:
    """y = e^(x - max) / sum of e^(x - max) along an axis."""
    greatest = _greatest(low, x, axis)
    powers = low.alloc(element_of(greatest), sizes_of(x))
    map_into(low, [x, greatest], powers, lambda s, v: [_exp_of_difference(s, v)])
    total = _sum_over(low, powers, [axis], _first, _first)
    map_into(low, [powers, total], y, lambda s, v: [s.real(s.div(v[0], v[1]), element_of(y))])


def lower_softmax(op: GraphOp, low: Lowering) -> None:
    """y = softmax(x)."""
    assert isinstance(op, graph.SoftmaxOp)
    softmax_into(low, low.buffer(op.x), op.axis.value.data, low.result(op.y))


def lower_log_softmax(op: GraphOp, low: Lowering) -> None:
    """y = (x - max) - log(sum of e^(x - max))."""
    assert isinstance(op, graph.LogSoftmaxOp)
    x, y, axis = low.buffer(op.x), low.result(op.y), op.axis.value.data
    greatest = _greatest(low, x, axis)
    log = _sum_over(low, x, [axis], _exp_of_difference, lambda s, v: s.add_op(math.LogOp(v[0])), [greatest])

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        return [s.real(s.sub(s.sub(s.widened(v[0]), v[1]), v[2]), element_of(y))]

    map_into(low, [x, greatest, log], y, body)


def lower_batch_norm(op: GraphOp, low: Lowering) -> None:
    """factor = scale / sqrt(var + eps) per channel; y = (x - mean) * factor + bias."""
    assert isinstance(op, graph.BatchNormOp)
    x, y = low.buffer(op.x), low.result(op.y)
    scale, bias, mean, var = (low.buffer(o) for o in (op.scale, op.bias, op.mean, op.var))
    rank, axis, kind = len(sizes_of(x)), op.axis.value.data, working(element_of(x))
    factor = low.alloc(kind, sizes_of(scale))

    def quotient(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        return [s.div(s.widened(v[0]), s.sqrt(s.shifted(s.widened(v[1]), op.eps.value.data)))]

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        value, centre, slope, offset = map(s.widened, v)
        return [s.real(s.add(s.mul(s.sub(value, centre), slope), offset), element_of(y))]

    map_into(low, [scale, var], factor, quotient)
    channels = [Read(b, Access.of(rank, axis)) for b in (mean, factor, bias)]
    map_into(low, [x, *channels], y, body)


def lower_layer_norm(op: GraphOp, low: Lowering) -> None:
    """mean, then 1 / sqrt(mean of (x - mean)^2 + eps), then y = (x - mean) * that * scale + bias."""
    assert isinstance(op, graph.LayerNormOp)
    x = low.buffer(op.x)
    axes = range(op.axis.value.data, len(sizes_of(x)))
    count = prod(sizes_of(x)[a] for a in axes)

    def square(s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
        centred = s.sub(*v)
        return s.mul(centred, centred)

    mean = _sum_over(low, x, axes, _first, lambda s, v: divided(s, v[0], count))
    inverse = _sum_over(low, x, axes, square, _inverse_root(count, op.eps.value.data), [mean])
    _normalize(low, x, [mean, inverse], op.scale, op.bias, low.result(op.y))


def lower_rms_norm(op: GraphOp, low: Lowering) -> None:
    """1 / sqrt(mean of x^2 + eps), then y = x * that * scale."""
    assert isinstance(op, graph.RmsNormOp)
    x = low.buffer(op.x)
    axes = range(op.axis.value.data, len(sizes_of(x)))
    count = prod(sizes_of(x)[a] for a in axes)
    finish = _inverse_root(count, op.eps.value.data)
    inverse = _sum_over(low, x, axes, lambda s, v: s.mul(v[0], v[0]), finish)
    _normalize(low, x, [inverse], op.scale, None, low.result(op.y))


def _inverse_root(count: Extent, eps: float) -> Term:
    """1 / sqrt(sum / count + eps)."""

    def finish(s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
        root = s.sqrt(s.shifted(divided(s, v[0], count), eps))
        return s.div(s.constant(1, root.type), root)

    return finish


def _normalize(
    low: Lowering,
    x: SSAValue,
    moments: Sequence[SSAValue],
    scale: SSAValue | None,
    bias: SSAValue | None,
    y: SSAValue,
) -> None:
    """y = (x - mean) * inverse * scale + bias; `moments` are the mean, if any, and the inverse."""
    affine = [low.buffer(o) for o in (scale, bias) if o is not None]

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        value, *rest = map(s.widened, v)
        if len(moments) == 2:
            value = s.sub(value, rest.pop(0))
        value = s.mul(value, rest.pop(0))
        if scale is not None:
            value = s.mul(value, rest.pop(0))
        return [s.real(value if bias is None else s.add(value, rest[0]), element_of(y))]

    map_into(low, [x, *moments, *affine], y, body)


def lower_lrn(op: GraphOp, low: Lowering) -> None:
    """y = x / (bias + alpha / size * sum over the neighbours of x^2)^beta, no neighbour outside."""
    assert isinstance(op, graph.LocalResponseNormOp)
    x, y, axis, size = low.buffer(op.x), low.result(op.y), op.axis.value.data, op.size.value.data
    rank, kind = len(sizes_of(x)), working(element_of(x))
    dims = [*(parallel(f"d{i}", n) for i, n in enumerate(sizes_of(x))), reduction("k", size)]
    neighbour = ({axis: 1, rank: 1}, -((size - 1) // 2))
    seen = Access.of(rank + 1, *(neighbour if i == axis else i for i in range(rank)))
    centre = Access.of(rank + 1, *range(rank))

    def body(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        value = s.widened(v[0])
        return [s.add(v[1], s.mul(value, value))]

    def finish(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        scale = s.shifted(s.scaled(v[0], op.alpha.value.data / size), op.bias.value.data)
        power = s.power(scale, s.constant(op.beta.value.data, kind))
        return [s.real(s.div(s.widened(v[1]), power), element_of(y))]

    low.compute(
        dims,
        [padded_read(x, seen, dims, 0)],
        [Write(y, centre)],
        body,
        extras=[Read(x, centre)],
        init=[number_attr(0, kind)],
        epilogue=finish,
    )


RULES: Mapping[type[Operation], Rule] = {
    graph.SoftmaxOp: lower_softmax,
    graph.LogSoftmaxOp: lower_log_softmax,
    graph.BatchNormOp: lower_batch_norm,
    graph.LayerNormOp: lower_layer_norm,
    graph.RmsNormOp: lower_rms_norm,
    graph.LocalResponseNormOp: lower_lrn,
}
