"""Importer of NonMaxSuppression: the best box of each class is taken, what overlaps it is dropped, and again.

All batches and classes take their next box in the same step of one loop:

    best = argmax(score);  picks[step] = best;  score = where(overlap(box[best], box) > limit, -inf, score)
"""

from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import f32, i64
from xdsl.ir import Block, SSAValue

from penstock.dialects.graph.base import Dim, flag, integers, product_of, rank_of, shape_of, tensor
from penstock.dialects.graph.reduction import ArgMaxOp
from penstock.onnx_import.axes import require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node
from penstock.onnx_import.regions import count, end_region, loop, scalar
from penstock.onnx_import.run_time_sizes import coordinates, number_term, positions_of, range_term
from penstock.onnx_import.terms import Term, stack

DROPPED = -np.inf
"""The score of a box that cannot be taken any more."""


@dataclass(frozen=True)
class Boxes:
    """Boxes by their lower and upper ends, each a term of the shape [2, batch, class or 1, box or 1]."""

    low: Term
    high: Term

    @staticmethod
    def of(node: Node, build: Builder, batch: Dim, boxes: Dim) -> "Boxes":
        """Input 0, [batch, box, 4]: two opposite corners, or the middle with width and height."""
        given = Term(build, node.input(0)).held_to(batch, boxes, 4).precise().transpose(2, 0, 1)
        a, b = (given.slice(0, i, i + 2).reshape(2, batch, 1, boxes) for i in (0, 2))
        if node.int("center_point_box", 0):
            return Boxes(a - b * 0.5, a + b * 0.5)
        return Boxes(a.minimum(b), a.maximum(b))

    def inside(self, build: Builder) -> "Boxes":
        """The same boxes as seen from a loop."""
        return Boxes(Term(build, self.low.value), Term(build, self.high.value))

    def picked(self, at: Term) -> "Boxes":
        """One box for each position, [batch, class, 1], in the boxes of all batches."""
        flat = (ends.reshape(2, product_of(ends.shape[1:])) for ends in (self.low, self.high))
        return Boxes(*(ends.take(at, axis=1) for ends in flat))

    @property
    def area(self) -> Term:
        """What each box covers."""
        return (self.high - self.low).product(0)

    def common(self, other: "Boxes") -> Term:
        """What both cover."""
        return (self.high.minimum(other.high) - self.low.maximum(other.low)).maximum(0).product(0)


def import_non_max_suppression(node: Node, build: Builder) -> SSAValue:
    """NonMaxSuppression: rows of batch, class and box, each class by falling score."""
    require(
        node, rank_of(node.input(0)) == 3 and shape_of(node.input(0))[2] == 4, "boxes are [batch, box, 4]"
    )
    require(node, rank_of(node.input(1)) == 3, "scores are [batch, class, box]")
    scores = Term(build, node.input(1)).precise()
    least = _number(node, build, 4)
    if least is not None:
        scores = (least < scores).where(scores, DROPPED)
    limit = _number(node, build, 3) or Term(build, build.constant(np.array(0.0, np.float32)))
    most = node.optional(2)
    given = build.constant(np.array(0)) if most is None else count(build, most)
    boxes = Boxes.of(node, build, scores.shape[0], scores.shape[2])
    return _rows(build, _picks(build, boxes, scores, limit, given))


def _number(node: Node, build: Builder, index: int) -> Term | None:
    given = node.optional(index)
    return None if given is None else Term(build, scalar(build, given)).cast(f32)


def _picks(build: Builder, boxes: Boxes, scores: Term, limit: Term, most: SSAValue) -> Term:
    """The box that each step takes, [batch, class, step]; -1 for a step that takes none."""
    block = Block(arg_types=[tensor([], i64), tensor(scores.shape, f32), tensor(scores.shape, i64)])
    inner = build.inside(block)
    step, left, picks = (Term(inner, argument) for argument in block.args)
    seen, area = boxes.inside(inner), Term(inner, boxes.area.value)
    last = {"axes": integers([2]), "keepdims": flag(True)}
    best = left.like(inner.op(ArgMaxOp, [left.value], last))
    is_left = left.greatest(2, keeps=True) > DROPPED
    taken = seen.picked(_in_all_batches(best, seen))
    common = taken.common(seen)
    overlaps = Term(inner, limit.value) < common / (taken.area + area - common)
    positions = range_term(inner, scores.shape[2])
    rest = (positions.equals(best) | overlaps).where(left.filled(DROPPED), left)
    going = rest.greatest(0, 1, 2) > DROPPED
    filled = (positions.equals(step) & is_left).where(best, picks)
    end_region(block, [going.value, rest.value, filled.value])
    start = [scores.value, Term(build, build.constant(np.array(-1))).broadcast(*scores.shape).value]
    # No more boxes are taken than there are.
    made = loop(build, block, limit=most, states=start, steps=scores.shape[2], is_conditional=True)
    return scores.like(made[1])


def _in_all_batches(best: Term, boxes: Boxes) -> Term:
    """Where boxes of each batch, [batch, class, 1], lie among those of all batches."""
    batch, _, length = boxes.low.shape[1:]
    if batch == 1:
        return best
    return best + range_term(best.build, batch).reshape(batch, 1, 1) * number_term(best.build, length)


def _rows(build: Builder, picks: Term) -> SSAValue:
    """Rows of batch, class and box, from the boxes that the steps take."""
    flat = picks.reshape(product_of(picks.shape))
    found = picks.like(positions_of(build, (flat >= 0).value))
    return stack([*coordinates(found, picks.shape)[:2], flat.take(found)], 1).value


SUPPRESSION: Family = {"NonMaxSuppression": import_non_max_suppression}
