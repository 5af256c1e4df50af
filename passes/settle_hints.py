"""`settle-hints`: sizes that no call can have are no hints.

nest.hints = {new = 1, past = 128, total = 128}  ->  nest.hints = {new = 1, past = 128, total = 129}
                                                     with graph.requires = ["new + past == total"]
"""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from penstock.dialects.module_requirements import requirements_of
from penstock.dialects.nest.hints import hints_of, set_hints
from penstock.dialects.settling import settled


@dataclass(frozen=True)
class SettleHintsPass(ModulePass):
    """Move hints until the requirements that the lowering found hold of them.

    A hint that is fine stays, and all stay where no others are found.
    """

    name = "settle-hints"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        hints = hints_of(op)
        if hints:
            set_hints(op, settled(requirements_of(op), hints))
