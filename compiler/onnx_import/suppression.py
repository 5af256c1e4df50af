"""Importer of NonMaxSuppression: what `graph.suppress` picks, as rows of batch, class and box."""

import numpy as np
from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import flag, product_of, rank_of, shape_of
from penstock.dialects.graph.suppression import SuppressOp
from penstock.onnx_import.axes import require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node
from penstock.onnx_import.regions import count, scalar
from penstock.onnx_import.run_time_sizes import coordinates, positions_of
from penstock.onnx_import.terms import Term, stack


def import_non_max_suppression(node: Node, build: Builder) -> SSAValue:
    """NonMaxSuppression: rows of batch, class and box, each class by falling score."""
    require(
        node, rank_of(node.input(0)) == 3 and shape_of(node.input(0))[2] == 4, "boxes are [batch, box, 4]"
    )
    require(node, rank_of(node.input(1)) == 3, "scores are [batch, class, box]")
    scores = Term(build, node.input(1)).precise()
    least = _number(node, build, 4)
    if least is not None:
        scores = (least < scores).where(scores, -np.inf)
    limit = _number(node, build, 3) or Term(build, build.constant(np.array(0.0, np.float32)))
    most = node.optional(2)
    given = build.constant(np.array(0)) if most is None else count(build, most)
    batch, _, boxes = scores.shape
    held = Term(build, node.input(0)).held_to(batch, boxes, 4).precise()
    centered = {"is_centered": flag(bool(node.int("center_point_box", 0)))}
    picks = build.op(SuppressOp, [held.value, scores.value, given, limit.value], centered)
    return _rows(build, scores.like(picks))


def _number(node: Node, build: Builder, index: int) -> Term | None:
    given = node.optional(index)
    return None if given is None else Term(build, scalar(build, given)).cast(f32)


def _rows(build: Builder, picks: Term) -> SSAValue:
    """Rows of batch, class and box, from the boxes that the steps take."""
    flat = picks.reshape(product_of(picks.shape))
    found = picks.like(positions_of(build, (flat >= 0).value))
    return stack([*coordinates(found, picks.shape)[:2], flat.take(found)], 1).value


SUPPRESSION: Family = {"NonMaxSuppression": import_non_max_suppression}
