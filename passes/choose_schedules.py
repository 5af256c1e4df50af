"""`choose-schedules`: write on each kernel which schedule measuring found best; `plan-schedule` takes it.

    choices="DIGEST oc=16":   func.func @k   ->   func.func @k attributes {nest.choice = "oc=16"}

Kernels are known by the digest of what they compute: models that have a kernel in common share its choice.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass

from penstock.passes.nest_rewriting import kernels

CHOICE = "nest.choice"
"""The attribute of a kernel that names one of its options (`penstock.passes.schedule_options`)."""


@dataclass(frozen=True)
class ChooseSchedulesPass(ModulePass):
    """Mark the kernels that a choice is known for; it belongs right before `plan-schedule`."""

    name = "choose-schedules"
    numerics: ClassVar[str] = "exact"

    choices: tuple[str, ...] = ()
    """The digest of a kernel, a space, the name of an option."""

    @staticmethod
    def of(choices: Mapping[str, str]) -> "ChooseSchedulesPass":
        """The pass for choices by digest."""
        return ChooseSchedulesPass(tuple(f"{digest} {name}" for digest, name in sorted(choices.items())))

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        wanted = {digest: name for digest, _, name in (each.partition(" ") for each in self.choices)}
        if not wanted:
            return
        for kernel in kernels(op):
            if (name := wanted.get(kernel_digest(kernel))) is not None:
                kernel.attributes[CHOICE] = StringAttr(name)


def kernel_digest(kernel: func.FuncOp) -> str:
    """A digest of what a kernel computes, whatever it is called and whichever nodes it serves."""
    copy = kernel.clone()
    copy.sym_name = StringAttr("kernel")
    for op in copy.walk():
        op.attributes.pop("nodes", None)
    return hashlib.blake2b(str(copy).encode(), digest_size=16).hexdigest()
