"""`move-reshapes`: reshapes move behind what is computed element by element, so that it fuses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from penstock.dialects.graph.base import Dim, Elementwise, is_static, rank_of, shape_of
from penstock.dialects.graph.linear import ConvOp, ConvTransposeOp, MatMulOp
from penstock.dialects.graph.movement import ReshapeOp
from penstock.dialects.graph.normalization import LayerNormOp, LogSoftmaxOp, RmsNormOp, SoftmaxOp
from penstock.passes.cancel_inverse_pairs import MergeReshapes
from penstock.passes.graph_rewriting import (
    Graft,
    apply_patterns,
    axis_attr,
    constant_of,
    copied_properties,
    groups_of,
    is_single,
)

Heavy = ConvOp | ConvTransposeOp | MatMulOp


def reshaped(value: SSAValue) -> ReshapeOp | None:
    """The reshape that a value comes from, if nothing else reads it and its sizes are known."""
    owner = value.owner
    if isinstance(owner, ReshapeOp) and value.has_one_use() and is_static(owner.x) and is_static(value):
        return owner
    return None


def common_suffix(a: Sequence[Dim], b: Sequence[Dim]) -> int:
    """How many dims at the end of two shapes are the same.

    >>> common_suffix([256, 768], [1, 256, 768]), common_suffix([256, 768], [256, 12, 64])
    (2, 0)
    """
    count = 0
    for x, y in zip(reversed(a), reversed(b), strict=False):
        if x != y:
            break
        count += 1
    return count


def under_reshape(value: SSAValue, old: Sequence[Dim], new: Sequence[Dim], graft: Graft) -> SSAValue | None:
    """What stands for an operand of an elementwise op on `new` when the op works on `old` instead."""
    shape = shape_of(value)
    inner = reshaped(value)
    if inner is not None and shape == tuple(new) and shape_of(inner.x) == tuple(old):
        return inner.x
    if is_single(value):
        return graft.reshape(value, []) if len(shape) > len(old) else value
    suffix = common_suffix(old, new)
    if all(size == 1 for size in shape[: max(len(shape) - suffix, 0)]):
        return graft.reshape(value, shape[-suffix:]) if len(shape) > suffix else value
    if shape != tuple(new):
        return None
    array = constant_of(value)
    if array is not None:
        return graft.constant(array.reshape([d for d in old if isinstance(d, int)]))
    return None if isinstance(value.owner, Heavy) else graft.reshape(value, old)


class SinkThroughElementwise(RewritePattern):
    """`f(reshape(x), c) -> reshape(f(x, c'))` where every other operand has a form that fits `x`.

    Another whole tensor is reshaped in its stead, which moves nothing, if `x` alone is a product of matrices.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: Elementwise, rewriter: PatternRewriter) -> None:
        (y,) = op.results
        reshape = next((r for r in map(reshaped, op.operands) if r is not None and self._leads(r, op)), None)
        if reshape is None:
            return
        old, new = shape_of(reshape.x), shape_of(y)
        graft = Graft(rewriter, op, reshape)
        operands = [under_reshape(o, old, new, graft) for o in op.operands]
        known = [o for o in operands if o is not None]
        if len(known) == len(operands):
            graft.replace(graft.reshape(graft.op(type(op), known, copied_properties(op)), new))

    def _leads(self, reshape: ReshapeOp, op: Elementwise) -> bool:
        """Whether the op can follow the operand of the reshape rather than that of another."""
        if shape_of(reshape.y) != shape_of(op.results[0]):
            return False
        whole = [
            o
            for o in op.operands
            if shape_of(o) == shape_of(reshape.y) and constant_of(o) is None and reshaped(o) is not reshape
        ]
        same = [r for r in map(reshaped, whole) if r is not None and shape_of(r.x) == shape_of(reshape.x)]
        return len(same) == len(whole) or isinstance(reshape.x.owner, Heavy)


class SinkThroughNorm(RewritePattern):
    """`norm(reshape(x)) -> reshape(norm(x))` where what is normalized together stays so, softmax alike."""

    @op_type_rewrite_pattern
    def match_and_rewrite(
        self, op: LayerNormOp | RmsNormOp | SoftmaxOp | LogSoftmaxOp, rewriter: PatternRewriter
    ) -> None:
        reshape = reshaped(op.x)
        if reshape is None:
            return
        old, new = shape_of(reshape.x), shape_of(op.y)
        from_end = rank_of(op.y) - op.axis.value.data
        others = [o for o in op.operands if o is not op.x]
        if common_suffix(old, new) < from_end or any(rank_of(o) > from_end for o in others):
            return
        graft = Graft(rewriter, op, reshape)
        operands = groups_of(op, lambda v: reshape.x if v is op.x else v)
        properties = copied_properties(op, axis=axis_attr(len(old) - from_end))
        graft.replace(graft.reshape(graft.op(type(op), operands, properties), new))


PATTERNS: tuple[type[RewritePattern], ...] = (MergeReshapes, SinkThroughElementwise, SinkThroughNorm)


@dataclass(frozen=True)
class MoveReshapesPass(ModulePass):
    """Sink reshapes that nothing else reads below elementwise ops, norms and softmax; merge those that meet.

    A reshape moves no data, but as long as it stands between a product and its bias they are not neighbours.
    """

    name = "move-reshapes"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, *(pattern() for pattern in PATTERNS))
