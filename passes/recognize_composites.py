"""`recognize-composites`: what exporters write out in elementary ops becomes the one op it means."""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from penstock.dialects.graph.base import flag, integers, is_static, rank_of, shape_of, spatial_axes
from penstock.dialects.graph.pooling import AveragePoolOp, MaxPoolOp
from penstock.dialects.graph.reduction import (
    ArgReduction,
    ReduceMaxOp,
    ReduceMeanOp,
    ReduceMinOp,
    ReduceProdOp,
    ReduceSumOp,
    Reduction,
)
from penstock.passes.graph_rewriting import Graft, apply_patterns
from penstock.passes.recognize_activations import ACTIVATIONS
from penstock.passes.recognize_layer_norm import LAYER_NORM


class MergeReductions(RewritePattern):
    """`mean(mean(x, a), b) -> mean(x, a + b)`, and alike for sums, products and extremes."""

    @op_type_rewrite_pattern
    def match_and_rewrite(
        self,
        op: ReduceMeanOp | ReduceSumOp | ReduceProdOp | ReduceMaxOp | ReduceMinOp,
        rewriter: PatternRewriter,
    ) -> None:
        inner = op.x.owner
        if not isinstance(inner, Reduction) or isinstance(inner, ArgReduction) or type(inner) is not type(op):
            return
        if not op.x.has_one_use() or not is_static(inner.x):
            return
        axes = {*inner.reduced(), *outer_axes(op, inner)}
        graft = Graft(rewriter, op, inner)
        properties = {"axes": integers(sorted(axes)), "keepdims": flag(True)}
        graft.replace(graft.reshape(graft.op(type(op), [inner.x], properties), shape_of(op.y)))


def outer_axes(op: Reduction, inner: Reduction) -> list[int]:
    """The axes of the second of two reductions, as dims of the operand of the first."""
    if inner.keepdims.value.data:
        return list(op.reduced())
    left = [a for a in range(rank_of(inner.x)) if a not in inner.reduced()]
    return [left[a] for a in op.reduced()]


class RecognizeGlobalPool(RewritePattern):
    """`average_pool(x) -> mean(x)`, `max_pool(x) -> max(x)` where one window is the whole of each channel."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: AveragePoolOp | MaxPoolOp, rewriter: PatternRewriter) -> None:
        axes = spatial_axes(op.layout.data, rank_of(op.x))
        _, pads, dilations = op.window()
        sizes = tuple(shape_of(op.x)[a] for a in axes)
        if sizes != op.taps_per_dim() or any(pads) or set(dilations) != {1}:
            return
        kind = ReduceMeanOp if isinstance(op, AveragePoolOp) else ReduceMaxOp
        graft = Graft(rewriter, op)
        graft.replace(graft.op(kind, [op.x], {"axes": integers(axes), "keepdims": flag(True)}))


@dataclass(frozen=True)
class RecognizeCompositesPass(ModulePass):
    """Recognize layer and RMS norms, GELU, sigmoids, leaky ReLU, softmax, global pools and nested reductions.

    Needs the squares and constants that `simplify` and `fold-constants` leave.  Ops in between that have
    other users stay for those.  The one op rounds less often than its parts.
    """

    name = "recognize-composites"
    numerics: ClassVar[str] = "reassociates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        kinds = (*LAYER_NORM, *ACTIVATIONS, MergeReductions, RecognizeGlobalPool)
        apply_patterns(op, *(kind() for kind in kinds))
