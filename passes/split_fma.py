"""`split-fma`: on a machine without fused multiply-add a product and a sum do its work, rounded twice.

The polynomials of `expand-math` lose about two units in the last place that way; no library is ever called.
"""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from penstock.dialects.nest.machine import Machine
from penstock.passes.op_walk import every_op


@dataclass(frozen=True)
class SplitFmaPass(ModulePass):
    """`fma(a, b, c) -> a * b + c` where the machine that the module is for has no such instruction."""

    name = "split-fma"
    numerics: ClassVar[str] = "approximates(2 ulp)"

    @staticmethod
    def concerns(machine: Machine) -> bool:
        """Whether there is anything to do for a machine."""
        return not machine.fma

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if not self.concerns(Machine.of(op)):
            return
        for fused in [o for o in every_op(op) if isinstance(o, math.FmaOp)]:
            product = arith.MulfOp(fused.a, fused.b)
            Rewriter.replace_op(fused, [product, arith.AddfOp(product.result, fused.c)])
