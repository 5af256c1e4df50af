"""The arithmetic of shapes whose sizes are symbols: how a list of sizes passes through graph operations."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from penstock.dialects.element_types import is_float
from penstock.dialects.graph.base import (
    Dim,
    GraphOp,
    computed_dim,
    element_of,
    product_of,
    rank_of,
    size_of,
)
from penstock.dialects.graph.comparison import EqualOp, SelectOp
from penstock.dialects.graph.elementwise import AddOp, CastOp, DivOp, MaxOp, MinOp, ModOp, MulOp, SubOp
from penstock.dialects.graph.evaluation import evaluate_now
from penstock.dialects.graph.indexing import GatherOp
from penstock.dialects.graph.movement import BroadcastToOp, ConcatOp, ReshapeOp, SliceOp
from penstock.dialects.graph.reduction import ReduceProdOp
from penstock.dialects.sizes import (
    Extent,
    added,
    is_at_least,
    maximum,
    minimum,
    multiplied,
    quotient,
    remainder,
    subtracted,
)

Symbols: TypeAlias = NDArray[np.object_]
"""An array of numbers and names of sizes."""

MOVES = (ConcatOp, GatherOp, ReshapeOp, SliceOp, BroadcastToOp)
"""Operations whose meaning holds for elements of any kind."""


def _quotient(a: Extent, b: Extent) -> Extent:
    """Integer division, which ONNX cuts towards zero."""
    return int(a / b) if isinstance(a, int) and isinstance(b, int) else quotient(a, b)


ARITHMETIC: Mapping[type[GraphOp], Callable[[Extent, Extent], Extent]] = {
    AddOp: added,
    SubOp: subtracted,
    MulOp: multiplied,
    DivOp: _quotient,
    ModOp: remainder,
    MaxOp: maximum,
    MinOp: minimum,
}


def evaluate_symbols(op: GraphOp, operands: list[Symbols]) -> Symbols | None:
    """The result of an operation on sizes; `None` when it does more with them than is followed here."""
    if isinstance(op, CastOp):
        return operands[0]
    if isinstance(op, MOVES):
        (result,) = evaluate_now(op, operands)
        return np.asarray(result, np.object_)
    if isinstance(op, EqualOp):
        return _pairwise(_are_equal, operands)
    if isinstance(op, SelectOp):
        condition, a, b = np.broadcast_arrays(*operands)
        return None if "?" in condition else np.where(condition.astype(np.bool_), a, b)
    if isinstance(op, ReduceProdOp) and operands[0].ndim == 1:
        product = np.asarray(product_of(operands[0].tolist()), np.object_)
        return product.reshape([1] * rank_of(op.results[0]))
    rule = ARITHMETIC.get(type(op))
    if rule is None or is_float(element_of(op.results[0])):
        return None
    return _pairwise(lambda a, b: _combined(rule, a, b), operands)


def _pairwise(rule: Callable[[Dim, Dim], Dim], operands: Sequence[Symbols]) -> Symbols:
    a, b = np.broadcast_arrays(*operands)
    result = np.empty(a.size, np.object_)
    result[:] = [rule(x, y) for x, y in zip(a.reshape(-1).tolist(), b.reshape(-1).tolist(), strict=True)]
    return result.reshape(a.shape)


def _combined(rule: Callable[[Extent, Extent], Extent], a: Dim, b: Dim) -> Dim:
    return "?" if b == 0 and rule in (_quotient, remainder) else computed_dim(rule, a, b)


def _are_equal(a: Dim, b: Dim) -> Dim:
    """1 or 0 where that is sure: sizes are never negative."""
    if "?" in (a, b):
        return "?"
    difference = size_of(a) - size_of(b)
    if difference == 0 or isinstance(difference, int):
        return int(difference == 0)
    return 0 if is_at_least(difference, 1) or is_at_least(0 - difference, 1) else "?"
