"""`expand-rounding`: on a machine that rounds to integers by no instruction, additions do.

    roundeven(x)  ->  |x| < 2^23 ? copysign(x + copysign(2^23, x) - copysign(2^23, x), x) : x

Such are x86-64 processors without SSE4.1; LLVM would call the C library, which no kernel does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import math
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from penstock.dialects.nest.machine import Machine
from penstock.passes.expand_math import Expansion, expand_all, of_one
from penstock.passes.math_expansions.rounding import ceil, floor, round_half_even, trunc

EXPANSIONS: Mapping[type[Operation], Expansion] = {
    math.RoundEvenOp: of_one(round_half_even),
    math.FloorOp: of_one(floor),
    math.CeilOp: of_one(ceil),
    math.TruncOp: of_one(trunc),
}


@dataclass(frozen=True)
class ExpandRoundingPass(ModulePass):
    """Rewrite `roundeven`, `floor`, `ceil` and `trunc` where the machine that the module is for has none.

    It needs f16, bf16, f32 or f64 operands and the rounding to nearest that all code here runs under; results
    are those of the instructions, NaNs, infinities and signed zeros included.
    """

    name = "expand-rounding"
    numerics: ClassVar[str] = "exact"

    @staticmethod
    def concerns(machine: Machine) -> bool:
        """Whether there is anything to do for a machine."""
        return not machine.rounds

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.concerns(Machine.of(op)):
            expand_all(op, EXPANSIONS)
