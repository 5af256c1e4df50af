"""`fold-constants`: what depends on constants alone is computed while compiling."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from penstock.dialects.element_types import has_element_type
from penstock.dialects.graph.base import Array, GraphOp, element_count, is_static, static_shape_of, tensor_of
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.graph.evaluation import evaluate_now
from penstock.dialects.graph.indexing import ShapeOp
from penstock.dialects.graph.sections import is_known
from penstock.errors import ShapeError
from penstock.limits import limits
from penstock.passes.graph_rewriting import bytes_of, constant_name, constant_of, graph_blocks, nodes_of

STEPS_PER_ELEMENT = 64
"""Beyond the limit, so that large weights are prepared like small ones."""


@dataclass(frozen=True)
class FoldConstantsPass(ModulePass):
    """Replace ops on constants by their value, one walk in order.

    A value that is larger than `limit` bytes and than twice its operands stays computed: weights that are a
    broadcast number would only grow the artefact.  What takes more steps than `penstock.limits` allows stays
    as well.  Constants that lose their last use are erased.
    """

    name = "fold-constants"
    numerics: ClassVar[str] = "exact"
    limit: int = 1 << 20

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for block in graph_blocks(op):
            steps = limits().steps + STEPS_PER_ELEMENT * _stored(block)
            for each in list(block.ops):
                if isinstance(each, GraphOp) and not isinstance(each, ConstantOp):
                    effort = each.effort()
                    steps -= effort if effort <= steps and self._fold(each) else 0

    def _fold(self, op: GraphOp) -> bool:
        """Replace an op if its value is known and worth storing."""
        values = known_results(op) if self._is_worth_it(op) else None
        if values is None or not all(map(_is_faithful, op.results, values)):
            return False
        made = [ConstantOp.of(np.asarray(v, order="C"), constant_name(op)) for v in values]
        owners = [o.owner for o in op.operands]
        nodes = nodes_of(*(o for o in owners if isinstance(o, ConstantOp)), op)
        for new in made:
            if nodes.data:
                new.attributes["nodes"] = nodes
        operands = list(op.operands)
        Rewriter.insert_op(made, InsertPoint.before(op))
        Rewriter.replace_op(op, [], [new.y for new in made])
        erase_unused_constants(operands)
        return True

    def _is_worth_it(self, op: GraphOp) -> bool:
        if not is_known(op):
            return False
        given = sum(bytes_of(o) for o in op.operands)
        return sum(bytes_of(r) for r in op.results) <= max(self.limit, 2 * given)


def _stored(block: Block) -> int:
    """The elements of all constants."""
    constants = (op for op in block.ops if isinstance(op, ConstantOp))
    return sum(element_count(op.y) for op in constants)


def known_results(op: GraphOp) -> list[Array] | None:
    """The results of an op on constants, or of one that only asks for a known shape."""
    if isinstance(op, ShapeOp) and is_static(op.x):
        return [np.array(static_shape_of(op.x), np.int64)]
    arrays = [constant_of(o) for o in op.operands]
    known = [a for a in arrays if a is not None]
    return list(_evaluated(op, known)) if len(known) == len(arrays) else None


def _evaluated(op: GraphOp, operands: Sequence[Array]) -> Sequence[Array]:
    try:
        return evaluate_now(op, operands)
    except ShapeError as error:
        error.node = ", ".join(name.data for name in nodes_of(op).data) or None
        raise


def _is_faithful(result: SSAValue, value: Array) -> bool:
    """Whether the value can be told in a constant of the result's type."""
    return has_element_type(value.dtype) and tensor_of(result).get_shape() == value.shape


def erase_unused_constants(values: list[SSAValue]) -> None:
    """Erase those of the values that are constants without uses."""
    for value in dict.fromkeys(values):
        if isinstance(value.owner, ConstantOp) and value.first_use is None:
            Rewriter.erase_op(value.owner)
