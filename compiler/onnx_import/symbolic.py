"""The arithmetic of shapes whose sizes are symbols: how a list of sizes passes through graph operations."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from penstock.dialects.graph.base import GraphOp
from penstock.dialects.graph.indexing import GatherOp
from penstock.dialects.graph.movement import BroadcastToOp, ConcatOp, ReshapeOp, SliceOp

Symbols: TypeAlias = NDArray[np.object_]
"""An array of numbers and names of sizes."""

MOVES = (ConcatOp, GatherOp, ReshapeOp, SliceOp, BroadcastToOp)
"""Operations whose meaning holds for elements of any kind."""


def evaluate_symbols(op: GraphOp, operands: list[Symbols]) -> Symbols | None:
    """The result of an operation on sizes; `None` when it does more than move them."""
    if not isinstance(op, MOVES):
        return None
    (result,) = op.evaluate(*operands)
    return np.asarray(result, np.object_)
