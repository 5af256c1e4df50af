"""`assign-layout`: where tensors have their channels last in memory, which is what convolutions like best."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter
from xdsl.rewriter import Rewriter

from penstock.dialects.graph.base import rank_of, shape_of
from penstock.passes.fold_constants import erase_unused_constants
from penstock.passes.graph_rewriting import Graft, constant_of, graph_blocks, inverse
from penstock.passes.layout_cut import channels_last_ops
from penstock.passes.layout_norms import find_norms
from penstock.passes.layout_rules import Flexible, Role, flexible, last_order
from penstock.passes.layout_shuffle import find_shuffles


@dataclass(frozen=True)
class AssignLayoutPass(ModulePass):
    """Choose for every op whether it works on (n, c, ...) or (n, ..., c), and insert the transposes between.

    Needs ops in the channels-first form of the importer; those that are channels-last already stay.
    The inputs and outputs of the function keep their types.  Constants are transposed now, at no cost.
    Instance and group norms that work channels-last are written out in means, and round differently.
    """

    name = "assign-layout"
    numerics: ClassVar[str] = "reassociates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for block in graph_blocks(op):
            plans = {each: plan for each in block.ops if (plan := flexible(each)) is not None}
            orders: dict[SSAValue, list[int]] = {}
            for found, inner in (find_shuffles(block), find_norms(block)):
                plans |= found
                orders |= inner
            chosen = channels_last_ops(block, plans, orders)
            _Rewriting(block, {each: plans[each] for each in chosen}, orders).run()


@dataclass
class _Rewriting:
    """One walk over a block that knows each value in either order, as far as it is needed."""

    block: Block
    plans: dict[Operation, Flexible]
    orders: dict[SSAValue, list[int]]
    last: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    first: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])

    def run(self) -> None:
        """Rewrite the block."""
        old: list[Operation] = []
        for op in list(self.block.ops):
            plan = self.plans.get(op)
            if plan is None:
                self._keep(op)
            else:
                self._rewrite(op, plan)
                old.append(op)
        operands = [o for op in old for o in op.operands]
        for op in reversed(old):
            Rewriter.erase_op(op)
        erase_unused_constants([o for o in operands if o.owner not in self.plans])

    def _keep(self, op: Operation) -> None:
        for index, operand in enumerate(op.operands):
            op.operands[index] = self._channels_first(operand, op)

    def _rewrite(self, op: Operation, plan: Flexible) -> None:
        given: list[SSAValue] = []
        for operand, role in zip(op.operands, plan.operands, strict=True):
            if role is Role.STAYS:
                given.append(self._channels_first(operand, op))
            elif role is Role.FOLLOWS:
                given.append(self._channels_last(operand, op))
            else:
                source = self._channels_first(operand, op)
                given.append(_transposed(source, last_order(rank_of(op.results[0])), _graft(op, operand)))
        built = plan.build(_graft(op), given)
        known = self.last if plan.results is Role.FOLLOWS else self.first
        known.update(zip(op.results, built, strict=True))

    def _channels_first(self, value: SSAValue, user: Operation) -> SSAValue:
        if value in self.last and value not in self.first:
            order = self.orders.get(value, last_order(rank_of(value)))
            self.first[value] = _graft(user, value).transpose(self.last[value], inverse(order))
        return self.first.get(value, value)

    def _channels_last(self, value: SSAValue, user: Operation) -> SSAValue:
        if value not in self.last:
            source = self._channels_first(value, user)
            order = self.orders.get(value, last_order(rank_of(value)))
            self.last[value] = _transposed(source, order, _graft(user, value))
            self.first[value] = source
        return self.last[value]


def _transposed(value: SSAValue, order: Sequence[int], graft: Graft) -> SSAValue:
    """The value with leading dims of size 1 up to the rank of an order, and its dims in that order."""
    missing = (1,) * (len(order) - rank_of(value))
    array = constant_of(value)
    if array is None:
        return graft.transpose(graft.reshape(value, [*missing, *shape_of(value)]), order)
    return graft.constant(np.transpose(array.reshape(missing + array.shape), order))


def _graft(op: Operation, value: SSAValue | None = None) -> Graft:
    """A builder in front of an op; what it builds of a value comes from where the value came from."""
    source = op if value is None or not isinstance(value.owner, Operation) else value.owner
    return Graft(PatternRewriter(op), source)
