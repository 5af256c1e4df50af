"""Importer of NonMaxSuppression: the best box of each class is taken, what overlaps it is dropped, and again.

All batches and classes take their next box in the same step of one loop:

    best = argmax(score);  order[best] = step;  score = where(overlap(box[best], box) > limit, -inf, score)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import IntegerAttr, f32, i64
from xdsl.ir import Block, SSAValue

from penstock.dialects.graph.base import flag, integers, product_of, rank_of, shape_of, tensor
from penstock.dialects.graph.indexing import ScatterElementsOp
from penstock.dialects.graph.ordering import CumSumOp
from penstock.dialects.graph.reduction import ArgMaxOp, ReduceMaxOp
from penstock.onnx_import.axes import require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node
from penstock.onnx_import.regions import count, end_region, loop, scalar
from penstock.onnx_import.run_time_sizes import number_term, positions_of, range_term
from penstock.onnx_import.terms import Term, stack

DROPPED = -np.inf
"""The score of a box that cannot be taken any more."""


@dataclass(frozen=True)
class Boxes:
    """The corners of boxes, each a term of the shape [batch, 1, box]."""

    top: Term
    left: Term
    bottom: Term
    right: Term

    @staticmethod
    def of(node: Node, build: Builder) -> "Boxes":
        """Input 0, [batch, box, 4]: two opposite corners, or the middle with width and height."""
        given = Term(build, node.input(0)).precise()
        a, b, c, d = (given.at(2, i) for i in range(4))
        if node.int("center_point_box", 0):
            corners = b - d * 0.5, a - c * 0.5, b + d * 0.5, a + c * 0.5
        else:
            corners = a.minimum(c), b.minimum(d), a.maximum(c), b.maximum(d)
        batch, boxes = a.shape
        return Boxes(*(corner.reshape(batch, 1, boxes) for corner in corners))

    @property
    def corners(self) -> Sequence[Term]:
        """The corners in their order."""
        return self.top, self.left, self.bottom, self.right

    def inside(self, build: Builder) -> "Boxes":
        """The same boxes as seen from a loop."""
        return Boxes(*(Term(build, corner.value) for corner in self.corners))

    def picked(self, at: Term) -> "Boxes":
        """One box for each position in all boxes of all batches."""
        return Boxes(*(corner.reshape(product_of(corner.shape)).take(at) for corner in self.corners))

    @property
    def area(self) -> Term:
        """What each box covers."""
        return (self.bottom - self.top) * (self.right - self.left)

    def overlaps(self, other: "Boxes", limit: Term) -> Term:
        """Where what both cover is more than so much of what one of them covers."""
        height = self.bottom.minimum(other.bottom) - self.top.maximum(other.top)
        width = self.right.minimum(other.right) - self.left.maximum(other.left)
        both = height.maximum(0) * width.maximum(0)
        either = self.area + other.area - both
        return (both > 0) & (limit < both / either)


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
    order = _order(build, Boxes.of(node, build), scores, limit, given)
    return _rows(build, order)


def _number(node: Node, build: Builder, index: int) -> Term | None:
    given = node.optional(index)
    return None if given is None else Term(build, scalar(build, given)).cast(f32)


def _order(build: Builder, boxes: Boxes, scores: Term, limit: Term, most: SSAValue) -> Term:
    """The step at which each box is taken, [batch, class, box]; -1 for one that never is."""
    kinds = [tensor(scores.shape, f32), tensor(scores.shape, i64)]
    block = Block(arg_types=[tensor([], i64), *kinds])
    inner = build.inside(block)
    step, left, order = (Term(inner, argument) for argument in block.args)
    seen = boxes.inside(inner)
    batch, _, length = boxes.top.shape
    best = left.like(inner.op(ArgMaxOp, [left.value], {"axes": integers([2]), "keepdims": flag(True)}))
    top = left.like(inner.op(ReduceMaxOp, [left.value], {"axes": integers([2]), "keepdims": flag(True)}))
    first = range_term(inner, batch).reshape(batch, 1, 1) * number_term(inner, length)
    is_left = top > DROPPED
    taken = range_term(inner, length).equals(best) & is_left
    dropped = seen.picked(best + first).overlaps(seen, Term(inner, limit.value)) & is_left
    rest = (taken | dropped).where(left.filled(DROPPED), left)
    going = rest.greatest(0, 1, 2) > DROPPED
    end_region(block, [going.value, rest.value, taken.where(step, order).value])
    start = [scores.value, Term(build, build.constant(np.array(-1))).broadcast(*scores.shape).value]
    # No more boxes are taken than there are.
    steps = length if isinstance(length, int) else None
    made = loop(build, block, limit=most, states=start, steps=steps, is_conditional=True)
    return scores.like(made[1])


def _rows(build: Builder, order: Term) -> SSAValue:
    """Rows of batch, class and box, from the step at which each box was taken."""
    batch, classes, boxes = order.shape
    groups, total = product_of([batch, classes]), product_of(order.shape)
    is_taken = order >= 0
    counts = is_taken.positions().sum(2).reshape(groups)
    before = order.like(
        build.op(CumSumOp, [counts.value], {"axis": IntegerAttr(0, i64), "exclusive": flag(True)})
    )
    found = order.like(positions_of(build, is_taken.reshape(total).value))
    group = found / number_term(build, boxes)
    place = before.take(group) + order.reshape(total).take(found)
    blank = Term(build, build.constant(np.array(0))).broadcast(*found.shape)
    operands = [blank.value, place.value, found.value]
    sorted_ = order.like(build.op(ScatterElementsOp, operands, {"axis": IntegerAttr(0, i64)}))
    group = sorted_ / number_term(build, boxes)
    columns = [
        group / number_term(build, classes),
        group % number_term(build, classes),
        sorted_ % number_term(build, boxes),
    ]
    return stack(columns, 1).value


SUPPRESSION: Family = {"NonMaxSuppression": import_non_max_suppression}
