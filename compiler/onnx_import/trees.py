"""The importer of ensembles of decision trees: all trees are walked at once, step by step from their roots.

Where the walks are is a tensor of positions in tables that hold the nodes, and behind these the leaves.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import SSAValue

from penstock.dialects.graph.activation import SigmoidOp
from penstock.dialects.graph.base import Array, integer, rank_of
from penstock.dialects.graph.comparison import NotOp, OrOp
from penstock.dialects.graph.indexing import GatherElementsOp, GatherOp
from penstock.dialects.graph.normalization import SoftmaxOp
from penstock.onnx_import.axes import require, static_size
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node, Unsupported
from penstock.onnx_import.terms import Term

MAX_DEPTH = 64
"""Deeper trees are declined: each step is written out."""
COLUMNS = {"axis": integer(1)}
LEQ, LT, GTE, GT, EQ, NEQ, MEMBER = range(7)
AVERAGE, SUM = 0, 1
NONE, SOFTMAX, LOGISTIC = 0, 1, 2


@dataclass(frozen=True)
class Trees:
    """The tables; a leaf leads to itself."""

    roots: NDArray[np.int64]
    features: NDArray[np.int64]
    modes: NDArray[np.int64]
    splits: Array
    members: Array
    tracks_true: NDArray[np.bool_]
    if_true: NDArray[np.int64]
    if_false: NDArray[np.int64]
    depth: int


def import_tree_ensemble(node: Node, build: Builder) -> SSAValue:
    """TreeEnsemble: the sum or average of the weights of the leaves that are reached, per target."""
    x = Term(build, node.input(0))
    require(node, rank_of(x.value) == 2, f"an input of rank {rank_of(x.value)}, it must be a batch of rows")
    trees = _trees(node, static_size(node, x.value, 1))
    at = x.like(build.constant(trees.roots.reshape(1, -1)))
    at = _stepped(trees, at, x.like(build.op(GatherOp, [x.value, _features_of_roots(build, trees)], COLUMNS)))
    for _ in range(trees.depth - 1):
        features = _looked_up(at, trees.features)
        at = _stepped(trees, at, x.like(build.op(GatherElementsOp, [x.value, features.value], COLUMNS)))
    return _transformed(node, _aggregated(node, x, at - len(node.ints("nodes_featureids")))).value


def _trees(node: Node, features: int) -> Trees:
    inner, leaves = len(node.ints("nodes_featureids")), len(node.ints("leaf_targetids"))
    splits, modes = node.tensor("nodes_splits"), node.tensor("nodes_modes").astype(np.int64)
    tracks = node.ints("nodes_missing_value_tracks_true", [0] * inner)
    ways = [_ways(node, which, inner, leaves) for which in ("true", "false")]
    roots = np.array(node.ints("tree_roots"), np.int64)
    ids = np.array(node.ints("nodes_featureids"), np.int64)
    require(node, len(splits) == len(modes) == len(tracks) == inner, "tables of nodes of different lengths")
    require(node, _within(ids, features) and _within(roots, inner), "a feature or root that is not there")
    require(node, _within(modes, MEMBER + 1), f"modes {sorted(set(modes.tolist()))}")
    filler = np.zeros(leaves, np.int64)
    return Trees(
        roots,
        np.concatenate([ids, filler]),
        np.concatenate([modes, filler + modes[0]]),
        np.concatenate([splits, filler.astype(splits.dtype)]),
        _members(node, modes, leaves),
        np.concatenate([np.array(tracks) != 0, filler != 0]),
        ways[0],
        ways[1],
        _depth(node, roots, ways, inner),
    )


def _within(positions: NDArray[np.int64], count: int) -> bool:
    return positions.size > 0 and bool(((positions >= 0) & (positions < count)).all())


def _ways(node: Node, which: str, inner: int, leaves: int) -> NDArray[np.int64]:
    """Where a walk goes from each node, and from each leaf: nowhere."""
    to, is_leaf = (np.array(node.ints(f"nodes_{which}{what}"), np.int64) for what in ("nodeids", "leafs"))
    require(node, len(to) == len(is_leaf) == inner, f"{len(to)} {which} branches of {inner} nodes")
    found = np.where(is_leaf != 0, to + inner, to)
    sound = (to >= 0) & (found < np.where(is_leaf != 0, inner + leaves, inner))
    require(node, bool(sound.all()), f"a {which} branch that leads nowhere")
    return np.concatenate([found, np.arange(inner, inner + leaves)])


def _members(node: Node, modes: NDArray[np.int64], leaves: int) -> Array:
    """The sets of the nodes that ask for membership as rows, filled up with NaN, which equals nothing."""
    sets: list[list[float]] = [[]]
    for value in node.tensor("membership_values").tolist() if node.has("membership_values") else ():
        sets.append([]) if np.isnan(value) else sets[-1].append(value)
    asking = np.flatnonzero(modes == MEMBER)
    require(node, len(asking) in (len(sets), len(sets) - 1), f"{len(sets) - 1} sets for {len(asking)} nodes")
    rows = np.full((len(modes) + leaves, max(map(len, sets))), np.nan)
    for row, members in zip(asking, sets, strict=False):
        rows[row, : len(members)] = members
    return rows


def _depth(node: Node, roots: NDArray[np.int64], ways: list[NDArray[np.int64]], inner: int) -> int:
    """How many steps it takes until all walks are at leaves."""
    at, depth = roots, 0
    while (at < inner).any():
        if depth == MAX_DEPTH:
            raise Unsupported(f"trees deeper than {MAX_DEPTH}, or nodes in a circle", "Grow shallower trees.")
        at, depth = np.unique(np.concatenate([way[at] for way in ways])), depth + 1
    return depth


def _looked_up(at: Term, table: Array) -> Term:
    """The entries of a table at positions."""
    return at.like(at.build.op(GatherOp, [at.build.constant(table), at.value], {"axis": integer(0)}))


def _features_of_roots(build: Builder, trees: Trees) -> SSAValue:
    return build.constant(trees.features[trees.roots])


def _stepped(trees: Trees, at: Term, value: Term) -> Term:
    """Where the walks go from nodes, given the values of their features."""
    return _holds(value, trees, at).where(_looked_up(at, trees.if_true), _looked_up(at, trees.if_false))


def _holds(value: Term, trees: Trees, at: Term) -> Term:
    """Whether the condition of each node holds."""
    modes = sorted(set(trees.modes.tolist()))
    truth = _compared(value, trees, at, modes[0])
    for mode in modes[1:]:
        truth = _looked_up(at, trees.modes).equals(mode).where(_compared(value, trees, at, mode), truth)
    if not trees.tracks_true.any():
        return truth
    missing = value.equals(value).apply(NotOp) & _looked_up(at, trees.tracks_true)
    # What is missing compares as false, unless the node says where it goes.
    return at.like(at.build.op(OrOp, [truth.value, missing.value]))


def _compared(value: Term, trees: Trees, at: Term, mode: int) -> Term:
    """The condition as if all nodes were of this mode; comparisons with NaN fail."""
    split = _looked_up(at, trees.splits).cast(value.element)
    if mode == MEMBER:
        members = _looked_up(at, trees.members).cast(value.element)
        return 0 < value.reshape(*value.shape, 1).equals(members).cast(value.element).greatest(2)
    if mode in (EQ, NEQ):
        same = value.equals(split)
        return same if mode == EQ else same.apply(NotOp)
    low, high = (value, split) if mode in (LEQ, LT) else (split, value)
    return low <= high if mode in (LEQ, GTE) else low < high


def _aggregated(node: Node, x: Term, leaf: Term) -> Term:
    how, targets, trees = node.int("aggregate_function", SUM), node.int("n_targets", 1), leaf.shape[1]
    if how not in (AVERAGE, SUM):
        raise Unsupported("the least or greatest weight of the trees", "Sum or average the weights.")
    ids = np.array(node.ints("leaf_targetids"), np.int64)
    require(node, _within(ids, targets), f"leaves of other targets than {targets}")
    weights = node.tensor("leaf_weights")
    require(node, len(weights) == len(ids), f"{len(weights)} weights of {len(ids)} leaves")
    per_target = np.where(ids[:, None] == np.arange(targets), weights.astype(np.float64)[:, None], 0)
    total = _looked_up(leaf, per_target.astype(weights.dtype)).cast(x.element).precise().sum(1)
    assert isinstance(trees, int), "the model has so many trees"
    return (total / trees if how == AVERAGE else total).cast(x.element)


def _transformed(node: Node, scores: Term) -> Term:
    transform = node.int("post_transform", NONE)
    if transform == NONE:
        return scores
    if transform == SOFTMAX:
        return scores.like(scores.build.op(SoftmaxOp, [scores.value], {"axis": integer(1)}))
    if transform == LOGISTIC:
        return scores.apply(SigmoidOp)
    raise Unsupported(f"the transform {transform} of scores", "Use none, softmax or the logistic function.")


TREES: Family = {"TreeEnsemble": import_tree_ensemble}
