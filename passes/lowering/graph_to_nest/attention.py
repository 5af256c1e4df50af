"""Attention as nests: scores, softmax over them, and their product with the values."""

from collections.abc import Callable, Mapping, Sequence
from math import inf

from xdsl.dialects.builtin import i1
from xdsl.ir import Operation, SSAValue

from penstock.dialects.graph.attention import AttentionOp
from penstock.dialects.graph.base import GraphOp
from penstock.dialects.nest.access import Access
from penstock.dialects.nest.ops import DimAttr, Read, Write, element_of, parallel, reduction
from penstock.dialects.nest.sizes import sizes_of
from penstock.dialects.sizes import Extent
from penstock.passes.lowering.graph_to_nest.builder import Expression, Lowering, broadcast_access
from penstock.passes.lowering.graph_to_nest.linear import multiply_add
from penstock.passes.lowering.graph_to_nest.normalization import softmax_into
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars, number_attr, working

Rule = Callable[[GraphOp, Lowering], None]


def lower_attention(op: GraphOp, low: Lowering) -> None:
    """scores = scale * q k^T, masked; weights = softmax(scores); y = weights v."""
    assert isinstance(op, AttentionOp)
    q, k, v, y = low.buffer(op.q), low.buffer(op.k), low.buffer(op.v), low.result(op.y)
    kind, shape = working(element_of(y)), [*sizes_of(y)[:-1], sizes_of(k)[-2]]
    scores, weights = low.alloc(kind, shape), low.alloc(kind, shape)
    _scores(op, low, q, k, scores)
    softmax_into(low, scores, len(shape) - 1, weights)
    batch = len(shape) - 2
    reads = [_batched(weights, batch, batch, batch + 2), _batched(v, batch, batch + 2, batch + 1)]
    low.compute(
        _dims(sizes_of(y), shape[-1]),
        reads,
        [_written(y)],
        multiply_add,
        init=[number_attr(0, kind)],
        epilogue=lambda s, v: [s.real(v[0], element_of(y))],
    )


def _scores(op: AttentionOp, low: Lowering, q: SSAValue, k: SSAValue, scores: SSAValue) -> None:
    """scores[b, m, n] = scale * sum over d of q[b, m, d] k[b, n, d] + mask, -inf where it forbids."""
    shape, kind, batch = sizes_of(scores), element_of(scores), len(sizes_of(scores)) - 2
    mask = None if op.mask is None else low.buffer(op.mask)
    extras = [] if mask is None else [Read(mask, broadcast_access(batch + 3, sizes_of(mask), shape))]

    def finish(s: Scalars, v: Sequence[SSAValue]) -> Sequence[SSAValue]:
        score, nothing = s.scaled(v[0], op.scale.value.data), s.constant(-inf, kind)
        for m in v[1:]:
            score = s.select(m, score, nothing) if m.type == i1 else s.add(score, s.real(m, kind))
        if op.causal.value.data:
            query, key = (s.position(Access.of(batch + 3, batch + i)) for i in range(2))
            score = s.select(s.compare("le", key, query), score, nothing)
        return [score]

    reads = [_batched(q, batch, batch, batch + 2), _batched(k, batch, batch + 1, batch + 2)]
    low.compute(
        _dims(shape, sizes_of(q)[-1]),
        reads,
        [_written(scores)],
        multiply_add,
        extras=extras,
        init=[number_attr(0, kind)],
        epilogue=finish,
    )


def _dims(shape: Sequence[Extent], inner: Extent) -> list[DimAttr]:
    """The loops of a matrix product: batch, rows, columns and the inner dim."""
    return [*(parallel(f"d{i}", size) for i, size in enumerate(shape)), reduction("k", inner)]


def _written(y: SSAValue) -> Write:
    rank = len(sizes_of(y))
    return Write(y, Access.of(rank + 1, *range(rank)))


def _batched(operand: SSAValue, batch: int, *last: int) -> Read:
    """An operand of a matrix product over batch + 3 loops; its batch dims broadcast."""
    sizes = sizes_of(operand)[:-2]
    skip = batch - len(sizes)
    outer: list[Expression] = [{} if size == 1 else skip + i for i, size in enumerate(sizes)]
    return Read(operand, Access.of(batch + 3, *outer, *last))


RULES: Mapping[type[Operation], Rule] = {AttentionOp: lower_attention}
