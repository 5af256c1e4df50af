"""`expand-suppression`: non-maximum suppression is a loop, which takes the next box of each class in a step.

    best = argmax(left);  picks[step] = best;  left = where(overlap(box[best], box) > limit, -inf, left)

Batches and classes do not hinder each other, so all of them take their next box in the same step.
"""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, i64
from xdsl.ir import Block
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from penstock.dialects.graph.base import (
    flag,
    integers,
    product_of,
    shape_of,
    tensor,
)
from penstock.dialects.graph.building import GraphBuilder
from penstock.dialects.graph.control import LoopOp, YieldOp
from penstock.dialects.graph.formulas import Formula
from penstock.dialects.graph.reduction import ArgMaxOp
from penstock.dialects.graph.suppression import NONE_LEFT, SuppressOp
from penstock.passes.graph_rewriting import Graft, apply_patterns

Term: TypeAlias = Formula[GraphBuilder]
DROPPED = -np.inf
"""The score of a box that cannot be taken any more."""


@dataclass(frozen=True)
class ExpandSuppressionPass(ModulePass):
    """Replace every `graph.suppress` by the loop that it is."""

    name = "expand-suppression"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, _Expand())


class _Expand(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SuppressOp, rewriter: PatternRewriter) -> None:
        graft = Graft(rewriter, op)
        scores, shape = Term(graft, op.scores), shape_of(op.scores)
        boxes = _Boxes.of(Term(graft, op.boxes), bool(op.is_centered.value.data))
        captures = [boxes.low.value, boxes.high.value, boxes.area.value, op.limit]
        kinds = [tensor([], i64), op.scores.type, op.picks.type, *(value.type for value in captures)]
        body = Block(arg_types=kinds)
        _step(graft.inside(body), body)
        nothing = graft.broadcast_to(graft.constant(np.array(NONE_LEFT)), shape)
        loop = LoopOp.of(
            body,
            limit=op.most,
            states=[scores.value, nothing],
            captures=captures,
            # No more boxes are taken than there are.
            steps=shape[2],
            is_conditional=True,
        )
        _, picks = graft.add(loop)
        graft.replace(picks)


def _step(build: GraphBuilder, body: Block) -> None:
    """What one step does with the scores that are left and the boxes picked so far."""
    step, left, picks, low, high, area, limit = (Term(build, each) for each in body.args)
    boxes = _Boxes(low, high)
    best = left.like(build.op(ArgMaxOp, [left.value], {"axes": integers([2]), "keepdims": flag(True)}))
    is_left = left.greatest(2, keeps=True) > DROPPED
    taken = boxes.at(_in_all_batches(best, boxes))
    common = taken.common(boxes)
    overlaps = limit < common / (taken.area + area - common)
    positions = step.like(build.positions(left.shape[2], i64))
    rest = (positions.equals(best) | overlaps).where(left.filled(DROPPED), left)
    going = rest.greatest(0, 1, 2) > DROPPED
    filled = (positions.equals(step) & is_left).where(best, picks)
    body.add_op(YieldOp([going.value, rest.value, filled.value]))


@dataclass(frozen=True)
class _Boxes:
    """Boxes by their lower and upper ends, each of the shape [2, batch, class or 1, box or 1]."""

    low: Term
    high: Term

    @staticmethod
    def of(given: Term, is_centered: bool) -> "_Boxes":
        """Of [batch, box, 4]: two opposite corners, or the middle with width and height."""
        batch, count, _ = given.shape
        ends = given.transpose(2, 0, 1)
        a, b = (ends.slice(0, i, i + 2).reshape(2, batch, 1, count) for i in (0, 2))
        if is_centered:
            half = b * 0.5
            return _Boxes(a - half, a + half)
        return _Boxes(a.minimum(b), a.maximum(b))

    def at(self, positions: Term) -> "_Boxes":
        """One box for each position, [batch, class, 1], in the boxes of all batches."""
        flat = (ends.reshape(2, product_of(ends.shape[1:])) for ends in (self.low, self.high))
        return _Boxes(*(ends.take(positions, axis=1) for ends in flat))

    @property
    def area(self) -> Term:
        """What each box covers."""
        return (self.high - self.low).product(0)

    def common(self, other: "_Boxes") -> Term:
        """What both cover."""
        return (self.high.minimum(other.high) - self.low.maximum(other.low)).maximum(0).product(0)


def _in_all_batches(best: Term, boxes: _Boxes) -> Term:
    """Where boxes of each batch, [batch, class, 1], lie among those of all batches."""
    batch, _, length = boxes.low.shape[1:]
    if batch == 1:
        return best
    build = best.build
    starts = best.like(build.positions(batch, i64)) * best.like(build.size(length, i64))
    return best + starts.reshape(batch, 1, 1)
