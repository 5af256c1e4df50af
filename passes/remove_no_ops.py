"""`remove-no-ops`: ops that change nothing, by their kind or by what they are told, are taken out."""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from penstock.dialects.graph.base import element_of, is_static, shape_of
from penstock.dialects.graph.elementwise import CastOp
from penstock.dialects.graph.movement import (
    BroadcastToOp,
    ConcatOp,
    PadOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    counts_of,
)
from penstock.dialects.graph.pooling import AveragePoolOp, MaxPoolOp
from penstock.dialects.graph.reduction import (
    ReduceMaxOp,
    ReduceMeanOp,
    ReduceMinOp,
    ReduceProdOp,
    ReduceSumOp,
)
from penstock.dialects.graph.resize import ResizeOp
from penstock.passes.graph_rewriting import Graft, apply_patterns, keeps_order


class RemoveSameShape(RewritePattern):
    """`reshape(x) -> x`, `broadcast_to(x) -> x`, `slice(x) -> x`, `pad(x) -> x` where every size stays.

    A slice of all elements backwards, or a pad that cuts what it adds, is none of these.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(
        self, op: ReshapeOp | BroadcastToOp | SliceOp | PadOp, rewriter: PatternRewriter
    ) -> None:
        if not is_static(op.x) or op.x.type != op.y.type:
            return
        if isinstance(op, SliceOp) and any(r.step < 0 and len(r) > 1 for r in op.ranges()):
            return
        if isinstance(op, PadOp) and any((*counts_of(op.low), *counts_of(op.high))):
            return
        rewriter.replace(op, [], [op.x])


class TransposeToReshape(RewritePattern):
    """`transpose(x) -> reshape(x)` where only dims of size 1 change places, `x` where none does."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: TransposeOp, rewriter: PatternRewriter) -> None:
        permutation = op.permutation.get_values()
        if not is_static(op.x) or not keeps_order(permutation, shape_of(op.x)):
            return
        graft = Graft(rewriter, op)
        graft.replace(graft.reshape(op.x, shape_of(op.y)))


class RemoveCast(RewritePattern):
    """`cast(x, type of x) -> x`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CastOp, rewriter: PatternRewriter) -> None:
        if op.to == element_of(op.x):
            rewriter.replace(op, [], [op.x])


class RemoveConcat(RewritePattern):
    """`concat(x) -> x`, and operands without elements are left out."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ConcatOp, rewriter: PatternRewriter) -> None:
        axis = op.axis.value.data % len(shape_of(op.y))
        parts = [x for x in op.inputs if shape_of(x)[axis] != 0] or [op.inputs[0]]
        if len(parts) == len(op.inputs) and len(parts) > 1:
            return
        graft = Graft(rewriter, op)
        graft.replace(parts[0] if len(parts) == 1 else graft.op(ConcatOp, [parts], {"axis": op.axis}))


class RemovePool(RewritePattern):
    """`pool(x) -> x` where the window is one element, moves by one, and nothing is padded."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MaxPoolOp | AveragePoolOp, rewriter: PatternRewriter) -> None:
        strides, pads, _ = op.window()
        if set(op.taps_per_dim()) == {1} and set(strides) == {1} and not any(pads):
            rewriter.replace(op, [], [op.x])


class RemoveReduction(RewritePattern):
    """`reduce(x) -> reshape(x)` where every reduced dim is of size 1: sums, means, products, extremes."""

    @op_type_rewrite_pattern
    def match_and_rewrite(
        self,
        op: ReduceSumOp | ReduceMeanOp | ReduceProdOp | ReduceMaxOp | ReduceMinOp,
        rewriter: PatternRewriter,
    ) -> None:
        if is_static(op.x) and all(shape_of(op.x)[axis] == 1 for axis in op.reduced()):
            graft = Graft(rewriter, op)
            graft.replace(graft.reshape(op.x, shape_of(op.y)))


class RemoveResize(RewritePattern):
    """`resize(x) -> x` where each dim is sampled at its own rate over its whole length."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ResizeOp, rewriter: PatternRewriter) -> None:
        if not is_static(op.x) or op.x.type != op.y.type or op.roi is not None:
            return
        if set(op.scales.get_values()) <= {1.0}:
            rewriter.replace(op, [], [op.x])


PATTERNS: tuple[type[RewritePattern], ...] = (
    RemoveSameShape,
    TransposeToReshape,
    RemoveCast,
    RemoveConcat,
    RemovePool,
    RemoveReduction,
    RemoveResize,
)


@dataclass(frozen=True)
class RemoveNoOpsPass(ModulePass):
    """Take out what only copies its operand; a transpose that moves nothing in memory becomes a reshape."""

    name = "remove-no-ops"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, *(pattern() for pattern in PATTERNS))
