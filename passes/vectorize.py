"""`vectorize`: mark the scheduled loop to run in the lanes of vector registers."""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from penstock.dialects.nest.schedule import INNER, Schedule
from penstock.passes.nest_rewriting import kernels, nests, with_dims


@dataclass(frozen=True)
class VectorizePass(ModulePass):
    """Mark the inside of the vector loop's tile; a tile shorter than a vector takes a shorter vector."""

    name = "vectorize"
    numerics: ClassVar[str] = "reassociates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for nest in [n for k in kernels(op) for n in nests(k)]:
            schedule = Schedule.of(nest)
            if schedule is None or not schedule.vector:
                continue
            label = schedule.vector + INNER
            with_dims(
                nest,
                [
                    d.marked("vector", _lanes(d.size, schedule.lanes)) if d.label.data == label else d
                    for d in nest.loops
                ],
            )


def _lanes(size: int, lanes: int) -> int:
    return min(lanes, 1 << max(size - 1, 0).bit_length())
