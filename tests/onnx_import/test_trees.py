"""Ensembles of trees give what a walk down each tree gives, row by row."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from onnx import ModelProto, helper, numpy_helper

from penstock.backends.reference import run_graph
from penstock.dialects.graph.base import Array, wide
from penstock.errors import PenstockError, ShapeError, UnsupportedError
from penstock.onnx_import import import_model

Attributes = Mapping[str, int | Sequence[int]]
ROWS = np.array([[0.5, -1, 3], [math.nan, 2, 2], [1.5, 1, math.nan], [-4, 0, 1]], np.float32)


@dataclass(frozen=True)
class Forest:
    """Nodes as (mode, feature, split, true branch, false branch); a branch below 0 is leaf -1 - branch."""

    nodes: Sequence[tuple[int, int, float, int, int]]
    roots: Sequence[int]
    leaves: Sequence[tuple[float, int]]
    targets: int = 1
    members: Sequence[Sequence[float]] = ()
    tracks: Sequence[int] = ()


def model(forest: Forest, attributes: Attributes | None = None) -> ModelProto:
    """A model of the forest over rows of three features."""
    node = helper.make_node(
        "TreeEnsemble",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        n_targets=forest.targets,
        tree_roots=forest.roots,
        nodes_featureids=[node[1] for node in forest.nodes],
        nodes_modes=numpy_helper.from_array(np.array([node[0] for node in forest.nodes], np.uint8)),
        nodes_splits=numpy_helper.from_array(np.array([node[2] for node in forest.nodes], np.float32)),
        leaf_weights=numpy_helper.from_array(np.array([w for w, _ in forest.leaves], np.float32)),
        leaf_targetids=[target for _, target in forest.leaves],
    )
    ways = {
        **branches("true", [n[3] for n in forest.nodes]),
        **branches("false", [n[4] for n in forest.nodes]),
    }
    if forest.members:
        sets = np.array([v for members in forest.members for v in (*members, math.nan)], np.float32)
        node.attribute.append(helper.make_attribute("membership_values", numpy_helper.from_array(sets)))
    tracks = {"nodes_missing_value_tracks_true": forest.tracks} if forest.tracks else {}
    given = {**ways, **tracks, **(attributes or {})}
    node.attribute.extend(helper.make_attribute(name, value) for name, value in given.items())
    x = helper.make_tensor_value_info("x", 1, ["n", 3])
    graph = helper.make_graph([node], "g", [x], [helper.make_empty_tensor_value_info("y")])
    opsets = [helper.make_opsetid("", 22), helper.make_opsetid("ai.onnx.ml", 5)]
    return helper.make_model(graph, opset_imports=opsets)


def branches(which: str, to: Sequence[int]) -> dict[str, list[int]]:
    """The attributes of one way out of the nodes."""
    return {
        f"nodes_{which}nodeids": [t if t >= 0 else -1 - t for t in to],
        f"nodes_{which}leafs": [int(t < 0) for t in to],
    }


def walked(forest: Forest, row: Sequence[float]) -> list[float]:
    """The sums of the weights for one row."""
    sums = [0.0] * forest.targets
    for root in forest.roots:
        at = root
        while at >= 0:
            _, _, _, if_true, if_false = forest.nodes[at]
            at = if_true if holds(forest, at, row) else if_false
        weight, target = forest.leaves[-1 - at]
        sums[target] += weight
    return sums


def holds(forest: Forest, at: int, row: Sequence[float]) -> bool:
    """Whether the condition of a node holds."""
    mode, feature, split, _, _ = forest.nodes[at]
    x = row[feature]
    if forest.tracks and forest.tracks[at] and math.isnan(x):
        return True
    if mode == 6:
        return x in forest.members[sum(node[0] == 6 for node in forest.nodes[:at])]
    return [x <= split, x < split, x >= split, x > split, x == split, x != split][mode]


def result(forest: Forest, attributes: Attributes | None = None) -> Array:
    """What the imported model gives for the rows."""
    return run_graph(import_model(model(forest, attributes)), {"x": ROWS})["y"]


def expected(forest: Forest) -> Array:
    """What the walks give for the rows."""
    return np.array([walked(forest, [float(v) for v in row]) for row in wide(ROWS)], np.float32)


LEAVES = [(1.0, 0), (10.0, 1), (100.0, 1), (-5.0, 0)]
TWO = Forest([(0, 0, 0.5, 1, -1), (0, 1, 0, -2, -3), (0, 2, 2, -4, -1)], [0, 2], LEAVES, targets=2)


@pytest.mark.parametrize("tracks", [(), (1, 0, 1)])
@pytest.mark.parametrize("mode", range(6))
def test_every_comparison(mode: int, tracks: Sequence[int]) -> None:
    nodes = [(mode, *node[1:]) for node in TWO.nodes]
    forest = Forest(nodes, TWO.roots, LEAVES, targets=2, tracks=tracks)
    np.testing.assert_array_equal(result(forest), expected(forest))


def test_comparisons_are_mixed() -> None:
    nodes = [(6, 0, 0.0, 1, -1), (3, 1, 0.5, -2, -3), (6, 2, 0.0, -4, 1)]
    forest = Forest(nodes, [0, 2, 1], LEAVES, targets=2, members=[[0.5, 1.5, -4], [3]], tracks=[0, 0, 1])
    np.testing.assert_array_equal(result(forest), expected(forest))


def test_sums_are_averaged_and_transformed() -> None:
    sums = wide(expected(TWO))
    np.testing.assert_allclose(wide(result(TWO, {"aggregate_function": 0})), sums / 2)
    powers = np.exp(sums - np.max(sums, axis=1, keepdims=True))
    softmax = powers / np.sum(powers, axis=1, keepdims=True)
    np.testing.assert_allclose(wide(result(TWO, {"post_transform": 1})), softmax, rtol=1e-5)
    np.testing.assert_allclose(wide(result(TWO, {"post_transform": 2})), 1 / (1 + np.exp(-sums)), rtol=1e-5)


def test_a_tree_may_be_a_leaf() -> None:
    forest = Forest([(0, 0, 0.0, -1, -1)], [0], [(3.5, 0)])
    np.testing.assert_array_equal(result(forest), np.full((4, 1), 3.5, np.float32))


CIRCLE = Forest([(0, 0, 0.0, 0, -1)], [0], LEAVES[:1])
ELSEWHERE = Forest([(0, 3, 0.0, -1, -1)], [0], LEAVES[:1])
NO_LEAF = Forest([(0, 0, 0.0, -1, -3)], [0], LEAVES[:1])
NO_TARGET = Forest([(0, 0, 0.0, -1, -2)], [0], LEAVES[:2])
NO_SET = Forest([(6, 0, 0.0, -1, -1)], [0], LEAVES[:1], members=[[1], [2], [3]])


@pytest.mark.parametrize(
    ("forest", "attributes", "error", "message"),
    [
        (CIRCLE, {}, UnsupportedError, "trees deeper than 64, or nodes in a circle"),
        (TWO, {"aggregate_function": 2}, UnsupportedError, "the least or greatest weight"),
        (TWO, {"post_transform": 4}, UnsupportedError, "the transform 4 of scores"),
        (ELSEWHERE, {}, ShapeError, "a feature or root that is not there"),
        (NO_LEAF, {}, ShapeError, "a false branch that leads nowhere"),
        (NO_TARGET, {}, ShapeError, "leaves of other targets than 1"),
        (NO_SET, {}, ShapeError, "3 sets for 1 nodes"),
    ],
)
def test_what_is_no_forest_is_told(
    forest: Forest, attributes: Attributes, error: type[PenstockError], message: str
) -> None:
    with pytest.raises(error, match=message):
        import_model(model(forest, attributes))
