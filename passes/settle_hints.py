"""`settle-hints`: sizes that no call can have are no hints.

nest.hints = {new = 1, past = 128, total = 128}  ->  nest.hints = {new = 1, past = 128, total = 129}
                                                     with graph.requires = ["new + past == total"]
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from penstock.dialects.hints import hints_of, set_hints
from penstock.dialects.module_requirements import requirements_of
from penstock.dialects.narrowing import is_buffer
from penstock.dialects.nest.sizes import SizesAttr, sizes_of
from penstock.dialects.requirements import at_most
from penstock.dialects.settling import settled


@dataclass(frozen=True)
class SettleHintsPass(ModulePass):
    """Move hints until the requirements that the lowering found hold of them, and no buffer has less than 0.

    A hint that is fine stays, and all stay where no others are found.
    """

    name = "settle-hints"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        hints = hints_of(op)
        if hints:
            set_hints(op, settled([*requirements_of(op), *natural_sizes(op)], hints))


def natural_sizes(module: ModuleOp) -> Iterator[str]:
    """What the sizes of all buffers being at least 0 requires."""
    kinds = {v.type for op in module.walk() for v in (*_arguments(op), *op.results) if is_buffer(v.type)}
    sizes = {size for kind in kinds if isinstance(kind.layout, SizesAttr) for size in sizes_of(kind)}
    yield from sorted(text for size in sizes if (text := at_most(0, size)) is not None)


def _arguments(op: Operation) -> Iterator[SSAValue]:
    yield from (argument for region in op.regions for block in region.blocks for argument in block.args)
