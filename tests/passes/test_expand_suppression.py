"""`graph.suppress`, the loop that it becomes, and its code take the boxes that a loop written out takes."""

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

import penstock
from penstock.passes.expand_suppression import ExpandSuppressionPass
from penstock.registry import context
from penstock.testing import parse, run

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
CONTEXT = context()
BATCH, CLASSES, LIMIT = 2, 3, np.float32(0.3)


def boxes_and_scores(count: int, seed: int) -> tuple[Floats, Floats]:
    """Boxes of which many overlap, as corners in any order; some scores are equal, some minus infinity."""
    rng = np.random.default_rng(seed)
    boxes = rng.integers(0, 12, (BATCH, count, 4)).astype(np.float32)
    scores = rng.integers(0, 6, (BATCH, CLASSES, count)).astype(np.float32)
    scores[rng.random(scores.shape) < 0.2] = -np.inf
    return boxes, scores


def centered(boxes: Floats) -> Floats:
    """The same boxes by their middle, width and height: all of them halves, which are exact."""
    a, b = boxes[..., :2], boxes[..., 2:]
    return np.concatenate([(a + b) * np.float32(0.5), np.abs(b - a)], 2)


def overlap(a: Floats, b: Floats) -> np.float32:
    """Common area over the area of both."""
    ends = [(np.minimum(e[:2], e[2:]), np.maximum(e[:2], e[2:])) for e in (a, b)]
    common = np.prod(np.maximum(np.minimum(ends[0][1], ends[1][1]) - np.maximum(ends[0][0], ends[1][0]), 0))
    areas = [np.prod(high - low) for low, high in ends]
    with np.errstate(all="ignore"):
        return np.float32(common) / np.float32(areas[0] + areas[1] - common)


def taken(boxes: Floats, scores: Floats, most: int) -> Integers:
    """The picks by the definition, one class after the other."""
    picks = np.full(scores.shape, -1, np.int64)
    for batch, kind in np.ndindex(scores.shape[:2]):
        left = sorted(
            (i for i in range(scores.shape[2]) if scores[batch, kind, i] > -np.inf),
            key=lambda i: -scores[batch, kind, i],
        )
        for step in range(min(most, len(left))):
            if not left:
                break
            best = left[0]
            picks[batch, kind, step] = best
            left = [i for i in left[1:] if not overlap(boxes[batch, best], boxes[batch, i]) > LIMIT]
    return picks


def text(count: int, is_centered: bool) -> str:
    """One suppression as a module."""
    boxes, scores = f"tensor<{BATCH}x{count}x4xf32>", f"tensor<{BATCH}x{CLASSES}x{count}xf32>"
    picks = scores.replace("f32", "i64")
    return f"""
    func.func @main(%b: {boxes}, %s: {scores}, %m: tensor<i64>, %l: tensor<f32>) -> {picks} {{
      %p = graph.suppress %b, %s, %m, %l {{is_centered = {str(is_centered).lower()}}}
        : {boxes}, {scores}, tensor<i64>, tensor<f32> -> {picks}
      func.return %p : {picks}
    }}"""


@pytest.mark.parametrize("is_centered", [False, True])
@pytest.mark.parametrize(("count", "most"), [(1, 1), (9, 4), (30, 30), (30, 100), (17, 0)])
def test_picks_are_those_of_the_definition(count: int, most: int, is_centered: bool) -> None:
    boxes, scores = boxes_and_scores(count, seed=count)
    given = [centered(boxes) if is_centered else boxes, scores, np.array(most), np.array(LIMIT)]
    module = parse(text(count, is_centered), CONTEXT)
    np.testing.assert_array_equal(run(module, given)[0], taken(boxes, scores, most))
    ExpandSuppressionPass().apply(CONTEXT, module)
    assert "graph.suppress" not in str(module) and "graph.loop" in str(module)
    np.testing.assert_array_equal(run(module, given)[0], taken(boxes, scores, most))


def suppression(most: int) -> ModelProto:
    """A model of any number of boxes."""
    shapes = {"boxes": [BATCH, "n", 4], "scores": [BATCH, CLASSES, "n"]}
    constants = [
        helper.make_tensor("most", TensorProto.INT64, [1], [most]),
        helper.make_tensor("limit", TensorProto.FLOAT, [1], [float(LIMIT)]),
    ]
    node = helper.make_node("NonMaxSuppression", ["boxes", "scores", "most", "limit"], ["rows"])
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()]
    rows = helper.make_tensor_value_info("rows", TensorProto.INT64, ["taken", 3])
    graph = helper.make_graph([node], "suppression", inputs, [rows], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def test_code_for_any_number_of_boxes_takes_them() -> None:
    model = penstock.compile(suppression(most=5))
    for count in (0, 1, 8, 41):
        boxes, scores = boxes_and_scores(count, seed=7 + count)
        picks = taken(boxes, scores, 5)
        expected = [[*at[:2], picks[at]] for at in np.ndindex(picks.shape) if picks[at] >= 0]
        rows = model({"boxes": boxes, "scores": scores})["rows"]
        np.testing.assert_array_equal(rows, np.reshape(expected, (-1, 3)))
