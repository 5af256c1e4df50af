"""`drop-unit-loops`: a loop of one iteration is no loop."""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from penstock.dialects.nest.access import Substitution
from penstock.dialects.nest.ops import ComputeOp
from penstock.passes.nest_rewriting import change_loops, functions, nests


@dataclass(frozen=True)
class DropUnitLoopsPass(ModulePass):
    """Remove loops of extent 1 from every nest, their index is 0; a scalar nest keeps no loop at all."""

    name = "drop-unit-loops"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for nest in [n for f in functions(op) for n in nests(f)]:
            if 1 in nest.iterations:
                _drop(nest)


def _drop(nest: ComputeOp) -> None:
    """[n = 1, c = 64] with x[n, c] -> [c = 64] with x[0, c]."""
    kept = [i for i, d in enumerate(nest.loops) if d.iterations != 1]
    rows = tuple(tuple(int(i == k) for k in kept) for i in range(len(nest.loops)))
    offsets = (0,) * len(nest.loops)
    change_loops(nest, [nest.loops[k] for k in kept], Substitution(rows, offsets, len(kept)))
