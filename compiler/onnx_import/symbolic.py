"""The arithmetic of shapes whose sizes are symbols: how a list of sizes passes through graph operations."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from penstock.dialects.element_types import is_float
from penstock.dialects.graph.base import Dim, GraphOp, derived_dim, element_of, operand_text
from penstock.dialects.graph.elementwise import AddOp, CastOp, DivOp, MulOp, SubOp
from penstock.dialects.graph.evaluation import evaluate_now
from penstock.dialects.graph.indexing import GatherOp
from penstock.dialects.graph.movement import BroadcastToOp, ConcatOp, ReshapeOp, SliceOp

Symbols: TypeAlias = NDArray[np.object_]
"""An array of numbers and names of sizes."""

MOVES = (ConcatOp, GatherOp, ReshapeOp, SliceOp, BroadcastToOp)
"""Operations whose meaning holds for elements of any kind."""


def _sum(a: Dim, b: Dim) -> Dim:
    return _combined(a, b, lambda x, y: x + y, "+", 0)


def _difference(a: Dim, b: Dim) -> Dim:
    return _combined(a, b, lambda x, y: x - y, "-", 0)


def _product(a: Dim, b: Dim) -> Dim:
    return 0 if 0 in (a, b) else _combined(a, b, lambda x, y: x * y, "*", 1)


def _quotient(a: Dim, b: Dim) -> Dim:
    return "?" if b == 0 else _combined(a, b, lambda x, y: int(x / y), "/", 1)


ARITHMETIC: Mapping[type[GraphOp], Callable[[Dim, Dim], Dim]] = {
    AddOp: _sum,
    SubOp: _difference,
    MulOp: _product,
    DivOp: _quotient,
}


def evaluate_symbols(op: GraphOp, operands: list[Symbols]) -> Symbols | None:
    """The result of an operation on sizes; `None` when it does more with them than is followed here."""
    if isinstance(op, CastOp):
        return operands[0]
    if isinstance(op, MOVES):
        (result,) = evaluate_now(op, operands)
        return np.asarray(result, np.object_)
    rule = ARITHMETIC.get(type(op))
    if rule is None or is_float(element_of(op.results[0])):
        return None
    a, b = np.broadcast_arrays(*operands)
    pairs = zip(a.reshape(-1).tolist(), b.reshape(-1).tolist(), strict=True)
    result = np.empty(a.size, np.object_)
    result[:] = [rule(x, y) for x, y in pairs]
    return result.reshape(a.shape)


def _combined(a: Dim, b: Dim, rule: Callable[[int, int], int], sign: str, neutral: int) -> Dim:
    if isinstance(a, int) and isinstance(b, int):
        return rule(a, b)
    if b == neutral:
        return a
    if isinstance(a, int):
        # Sums and products are written with the symbol first, so that equal ones look equal.
        if sign in "+*":
            return _combined(b, a, rule, sign, neutral)
        return "?"
    return "?" if b == "?" else derived_dim(a, lambda d: d, f"@{sign}{operand_text(b)}")
