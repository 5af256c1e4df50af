"""`hoist-slices`: what is cut away is not computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from penstock.dialects.graph.base import Elementwise, is_static, rank_of, static_shape_of
from penstock.dialects.graph.linear import MatMulOp
from penstock.dialects.graph.movement import SliceOp
from penstock.dialects.graph.normalization import LayerNormOp, LogSoftmaxOp, RmsNormOp, SoftmaxOp
from penstock.passes.cancel_inverse_pairs import MergeSlices, slice_properties
from penstock.passes.graph_rewriting import (
    Graft,
    apply_patterns,
    bytes_of,
    constant_of,
    copied_properties,
    groups_of,
)
from penstock.passes.remove_no_ops import RemoveSameShape


def taken_of(op: SliceOp) -> list[range] | None:
    """The positions that a slice takes, upwards, if it is the only reader of a tensor of known sizes."""
    if not op.x.has_one_use() or not is_static(op.x):
        return None
    ranges = op.ranges()
    return None if any(r.step < 0 or len(r) == 0 for r in ranges) else ranges


def sliced(value: SSAValue, taken: Sequence[range], graft: Graft) -> SSAValue:
    """The part of a broadcast operand that the positions `taken` of the result read."""
    shape = static_shape_of(value)
    own = [
        range(1) if size == 1 else positions
        for size, positions in zip(shape, taken[len(taken) - len(shape) :], strict=True)
    ]
    if all(len(r) == size for r, size in zip(own, shape, strict=True)):
        return value
    array = constant_of(value)
    if array is not None:
        return graft.constant(array[tuple(slice(r.start, r.stop, r.step) for r in own)])
    return graft.op(SliceOp, [value], slice_properties(own))


class HoistAboveElementwise(RewritePattern):
    """`slice(f(x, y)) -> f(slice(x), slice(y))`, where the slices read less than `f` would have written."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SliceOp, rewriter: PatternRewriter) -> None:
        inner, taken = op.x.owner, taken_of(op)
        if not isinstance(inner, Elementwise) or taken is None or not all(map(is_static, inner.operands)):
            return
        whole = [o for o in inner.operands if constant_of(o) is None and bytes_of(o) >= bytes_of(op.y)]
        if len(whole) * bytes_of(op.y) >= bytes_of(op.x):
            return
        graft = Graft(rewriter, op, inner)
        operands = [sliced(o, taken, graft) for o in inner.operands]
        graft.replace(graft.op(type(inner), operands, copied_properties(inner)))


class HoistAboveNorm(RewritePattern):
    """`slice(norm(x)) -> norm(slice(x))` where all that is normalized together is taken; softmax alike."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SliceOp, rewriter: PatternRewriter) -> None:
        inner, taken = op.x.owner, taken_of(op)
        if not isinstance(inner, LayerNormOp | RmsNormOp | SoftmaxOp | LogSoftmaxOp) or taken is None:
            return
        axis, rank = inner.axis.value.data, rank_of(op.x)
        together = [axis] if isinstance(inner, SoftmaxOp | LogSoftmaxOp) else list(range(axis, rank))
        if any(taken[a] != range(static_shape_of(op.x)[a]) for a in together):
            return
        if bytes_of(op.y) >= bytes_of(op.x) or not all(map(is_static, inner.operands)):
            return
        graft = Graft(rewriter, op, inner)
        operands = groups_of(inner, lambda v: sliced(v, taken, graft))
        graft.replace(graft.op(type(inner), operands, copied_properties(inner)))


class HoistAboveMatMul(RewritePattern):
    """`slice(matmul(a, b)) -> matmul(slice(a), slice(b))`: rows of `a`, columns of `b`, batches of both."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SliceOp, rewriter: PatternRewriter) -> None:
        inner, taken = op.x.owner, taken_of(op)
        if not isinstance(inner, MatMulOp) or taken is None or bytes_of(op.y) >= bytes_of(op.x):
            return
        if not is_static(inner.a) or not is_static(inner.b):
            return
        depth = range(static_shape_of(inner.a)[-1])
        *batch, rows, columns = taken
        graft = Graft(rewriter, op, inner)
        a = sliced(inner.a, [*batch, rows, depth], graft)
        b = sliced(inner.b, [*batch, depth, columns], graft)
        graft.replace(graft.op(MatMulOp, [a, b]))


PATTERNS: tuple[type[RewritePattern], ...] = (
    MergeSlices,
    RemoveSameShape,
    HoistAboveElementwise,
    HoistAboveNorm,
    HoistAboveMatMul,
)


@dataclass(frozen=True)
class HoistSlicesPass(ModulePass):
    """Move slices above elementwise ops, norms and matrix products whose result nothing else reads.

    Slices of which several share a producer stay: together they may need all of it.
    """

    name = "hoist-slices"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, *(pattern() for pattern in PATTERNS))
