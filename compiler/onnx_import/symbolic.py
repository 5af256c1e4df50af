"""The arithmetic of shapes whose sizes are symbols: how a list of sizes passes through graph operations."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import i1

from penstock.dialects.element_types import is_float
from penstock.dialects.graph.base import (
    Dim,
    GraphOp,
    computed_dim,
    dim_of,
    element_of,
    product_of,
    rank_of,
    size_of,
)
from penstock.dialects.graph.comparison import AndOp, EqualOp, LessEqualOp, LessOp, NotOp, OrOp, SelectOp
from penstock.dialects.graph.elementwise import AddOp, CastOp, DivOp, MaxOp, MinOp, ModOp, MulOp, SubOp
from penstock.dialects.graph.evaluation import evaluate_now
from penstock.dialects.graph.indexing import GatherOp
from penstock.dialects.graph.movement import BroadcastToOp, ConcatOp, ReshapeOp, SliceOp
from penstock.dialects.graph.reduction import ReduceProdOp
from penstock.dialects.sizes import (
    Extent,
    added,
    chosen,
    exact_quotient,
    is_at_least,
    less,
    maximum,
    minimum,
    multiplied,
    quotient,
    remainder,
    same,
    subtracted,
)

Symbols: TypeAlias = NDArray[np.object_]
"""An array of numbers and names of sizes."""

MOVES = (ConcatOp, GatherOp, ReshapeOp, SliceOp, BroadcastToOp)
"""Operations whose meaning holds for elements of any kind."""


def _quotient(a: Extent, b: Extent) -> Extent:
    """Integer division, which ONNX cuts towards zero."""
    return int(a / b) if isinstance(a, int) and isinstance(b, int) else quotient(a, b)


def _are_equal(a: Extent, b: Extent) -> Extent:
    """1 or 0, or which of them is the case in a call: sizes are never negative."""
    difference = a - b
    if is_at_least(difference, 1) or is_at_least(0 - difference, 1):
        return 0
    return same(a, b)


ARITHMETIC: Mapping[type[GraphOp], Callable[[Extent, Extent], Extent]] = {
    AddOp: added,
    SubOp: subtracted,
    MulOp: multiplied,
    DivOp: _quotient,
    ModOp: remainder,
    MaxOp: maximum,
    MinOp: minimum,
    EqualOp: _are_equal,
    LessOp: less,
    LessEqualOp: lambda a, b: less(a, b + 1),
    AndOp: multiplied,
    OrOp: maximum,
}
RATIOS: Mapping[type[GraphOp], Callable[[Extent, Extent], Extent | None]] = {DivOp: exact_quotient}
"""What is followed of real numbers: by how much one size is greater than another, as scales of Resize say."""


def evaluate_symbols(op: GraphOp, operands: list[Symbols]) -> Symbols | None:
    """The result of an operation on sizes; `None` when it does more with them than is followed here."""
    if isinstance(op, CastOp):
        return operands[0]
    if isinstance(op, MOVES):
        (result,) = evaluate_now(op, operands)
        return np.asarray(result, np.object_)
    if isinstance(op, SelectOp):
        return _elementwise(_selected, operands)
    if isinstance(op, NotOp | AndOp | OrOp) and element_of(op.results[0]) != i1:
        return None
    if isinstance(op, NotOp):
        return _elementwise(_opposite, operands)
    if isinstance(op, ReduceProdOp) and operands[0].ndim == 1:
        product = np.asarray(product_of(operands[0].tolist()), np.object_)
        return product.reshape([1] * rank_of(op.results[0]))
    rule = (RATIOS if is_float(element_of(op.results[0])) else ARITHMETIC).get(type(op))
    if rule is None:
        return None
    return _elementwise(partial(_combined, rule), operands)


def _elementwise(rule: Callable[..., Dim], operands: Sequence[Symbols]) -> Symbols:
    arrays = np.broadcast_arrays(*operands)
    result = np.empty(arrays[0].size, np.object_)
    result[:] = [rule(*row) for row in zip(*(a.reshape(-1).tolist() for a in arrays), strict=True)]
    return result.reshape(arrays[0].shape)


def _combined(rule: Callable[[Extent, Extent], Extent | None], a: Dim, b: Dim) -> Dim:
    return "?" if b == 0 and rule in (_quotient, remainder, exact_quotient) else computed_dim(rule, a, b)


def _opposite(condition: Dim) -> Dim:
    return "?" if condition == "?" else dim_of(1 - size_of(condition))


def _selected(condition: Dim, a: Dim, b: Dim) -> Dim:
    if isinstance(condition, int):
        return a if condition else b
    return "?" if "?" in (condition, a, b) else dim_of(chosen(size_of(condition), size_of(a), size_of(b)))
