"""`unroll-and-jam`: mark the loops inside of tiles, and small windows, to be expanded in registers."""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from penstock.dialects.nest.ops import DimAttr
from penstock.dialects.nest.schedule import INNER, Schedule
from penstock.passes.nest_rewriting import kernels, nests, with_dims


@dataclass(frozen=True)
class UnrollAndJamPass(ModulePass):
    """Mark every unmarked loop that is inside of a tile or named in the schedule's `unroll`."""

    name = "unroll-and-jam"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for nest in [n for k in kernels(op) for n in nests(k)]:
            schedule = Schedule.of(nest)
            if schedule is not None:
                with_dims(nest, [_marked(d, schedule) for d in nest.loops])


def _marked(dim: DimAttr, schedule: Schedule) -> DimAttr:
    inside = dim.label.data.endswith(INNER) or dim.label.data in schedule.unroll
    return dim.marked("unroll") if inside and not dim.mark.data else dim
