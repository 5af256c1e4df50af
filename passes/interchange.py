"""`interchange`: put the loops of every nest in the scheduled order, the loops inside of tiles innermost."""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from penstock.dialects.nest.access import Substitution
from penstock.dialects.nest.ops import ComputeOp
from penstock.dialects.nest.schedule import INNER, Schedule
from penstock.passes.nest_rewriting import change_loops, kernels, nests


@dataclass(frozen=True)
class InterchangePass(ModulePass):
    """Reorder loops; the order of a sum may change, no parallel loop ever runs inside a reduction."""

    name = "interchange"
    numerics: ClassVar[str] = "reassociates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for nest in [n for k in kernels(op) for n in nests(k)]:
            schedule = Schedule.of(nest)
            if schedule is not None:
                reorder(nest, schedule.order)


def reorder(nest: ComputeOp, order: tuple[str, ...]) -> None:
    """Put loops named in `order` first and in that order, parallel before reductions, register loops last."""

    def key(position: int) -> tuple[bool, bool, int]:
        dim = nest.loops[position]
        label = dim.label.data
        rank = order.index(label) if label in order else len(order)
        return label.endswith(INNER), dim.is_reduction, rank

    new_order = sorted(range(len(nest.loops)), key=key)
    rows = tuple(tuple(int(old == moved) for moved in new_order) for old in range(len(nest.loops)))
    offsets = (0,) * len(rows)
    change_loops(nest, [nest.loops[i] for i in new_order], Substitution(rows, offsets, len(rows)))
