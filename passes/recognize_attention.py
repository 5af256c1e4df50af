"""`recognize-attention`: two matrix products with a softmax between them become one attention."""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from penstock.dialects.element_types import is_float
from penstock.dialects.graph.attention import AttentionOp
from penstock.dialects.graph.base import element_of, flag, number, rank_of
from penstock.dialects.graph.elementwise import AddOp
from penstock.dialects.graph.linear import MatMulOp
from penstock.dialects.graph.normalization import SoftmaxOp
from penstock.passes.cancel_inverse_pairs import MergeTransposes
from penstock.passes.graph_matching import broadcasts_into, either_order, made_by, scaled
from penstock.passes.graph_rewriting import Graft, apply_patterns, has_one_use


@dataclass(frozen=True)
class Scores:
    """`scale * matmul(q, keys) + mask`, the keys with their dims already swapped for the product."""

    product: MatMulOp
    q: SSAValue
    keys: SSAValue
    scale: float
    mask: SSAValue | None


def scores_of(value: SSAValue) -> Scores | None:
    """The scores that a softmax reads, if nothing else reads them or what they are made of."""
    unmasked = _plain_scores(value, None)
    total = made_by(value, AddOp)
    if unmasked is not None or total is None or not has_one_use(value):
        return unmasked
    for scores, mask in either_order(total):
        found = _plain_scores(scores, mask)
        if found is not None and broadcasts_into(mask, scores, 0):
            return found
    return None


def _plain_scores(value: SSAValue, mask: SSAValue | None) -> Scores | None:
    product, scale = scaled(value)
    matmul = made_by(product, MatMulOp)
    if matmul is None or not has_one_use(value) or not has_one_use(product):
        return None
    q, scale_of_q = scaled(matmul.a)
    keys, scale_of_keys = scaled(matmul.b)
    return Scores(matmul, q, keys, scale * scale_of_q * scale_of_keys, mask)


class RecognizeAttention(RewritePattern):
    """`matmul(softmax(scale * matmul(q, k^T) + mask), v) -> attention(q, k, v, mask)`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MatMulOp, rewriter: PatternRewriter) -> None:
        weights = made_by(op.a, SoftmaxOp)
        rank = rank_of(op.a)
        if weights is None or weights.axis.value.data != rank - 1 or not has_one_use(op.a):
            return
        scores = scores_of(weights.x) if is_float(element_of(op.a)) else None
        if scores is None:
            return
        graft = Graft(rewriter, op, scores.product, weights)
        key_rank = rank_of(scores.keys)
        k = graft.transpose(scores.keys, [*range(key_rank - 2), key_rank - 1, key_rank - 2])
        properties = {"scale": number(scores.scale), "causal": flag(False)}
        graft.replace(graft.op(AttentionOp, [scores.q, k, op.b, scores.mask], properties))


@dataclass(frozen=True)
class RecognizeAttentionPass(ModulePass):
    """Recognize attention, with an added mask if there is one.

    It is not part of the default pipeline: until attention is lowered without its matrix of scores, the
    products and the softmax alone fuse as well with what is around them.
    """

    name = "recognize-attention"
    numerics: ClassVar[str] = "reassociates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, RecognizeAttention(), MergeTransposes())
