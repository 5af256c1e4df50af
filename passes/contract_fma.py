"""`contract-fma`: a product that is only added becomes a fused multiply-add, rounded once."""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from penstock.dialects.nest.machine import Machine


class ContractMultiplyAdd(RewritePattern):
    """`c + a * b -> fma(a, b, c)` when the product has no other use."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: arith.AddfOp, rewriter: PatternRewriter) -> None:
        for addend, product in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
            multiply = product.owner
            if isinstance(multiply, arith.MulfOp) and product.uses.get_length() == 1:
                rewriter.replace(op, math.FmaOp(multiply.lhs, multiply.rhs, addend))
                rewriter.erase(multiply)
                return


@dataclass(frozen=True)
class ContractFmaPass(ModulePass):
    """Contract products and sums inside nests; no other pass does; only for machines with the instruction."""

    name = "contract-fma"
    numerics: ClassVar[str] = "contracts"

    @staticmethod
    def concerns(machine: Machine) -> bool:
        """Whether there is anything to do for a machine."""
        return machine.fma

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if not self.concerns(Machine.of(op)):
            return
        PatternRewriteWalker(ContractMultiplyAdd(), apply_recursively=False).rewrite_module(op)
