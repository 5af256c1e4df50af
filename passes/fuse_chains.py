"""`fuse-chains`: nests that use each other's results walk a loop together, so that these stay in the cache.

    for h: s(h) = q(h) k(h)      for h:
    for h: m(h) = max s(h)   ->      s(h) = q(h) k(h), m(h) = max s(h), e(h) = exp(s(h) - m(h)), ...
    for h: e(h) = ...

The nests stay as they are, one behind another, and carry `together = "h"`: they become one kernel, with one
loop around them.  The heads of attention are such a loop, and the rows of a softmax or a normalization.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from penstock.dialects.nest.machine import Machine
from penstock.dialects.nest.ops import TOGETHER, ComputeOp, ConstantOp
from penstock.dialects.nest.walk import walk_of
from penstock.passes.chains import Chain, longest_chain, room
from penstock.passes.nest_rewriting import VIEWS, functions, with_dims

QUIET = (memref.AllocOp, ConstantOp, *VIEWS)
"""What names memory and touches none."""
UNEVEN = 1.125
"""How much longer than an even share the work of a thread may be: it can share no other loop."""


@dataclass(frozen=True)
class FuseChainsPass(ModulePass):
    """Mark chains of neighbouring nests of `main` that walk a loop in step.

    Each nest reads what one before it in the chain wrote, of that only what the same iteration made.  A chain
    is formed where what lies between its nests fits into half of the second-level cache for one iteration.
    Nests with sizes that are known only at run time are left alone.
    """

    name = "fuse-chains"
    numerics: ClassVar[str] = "exact"
    threads: int = 1

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        machine = Machine.of(op)
        for function in [f for f in functions(op) if "nest.kernel" not in f.attributes]:
            for run in list(_runs(function)):
                self._fuse(run, machine)

    def _fuse(self, run: Sequence[ComputeOp], machine: Machine) -> None:
        at = 0
        while at < len(run):
            chain = longest_chain(run[at:], lambda chain: self.pays(chain, machine))
            if chain:
                _mark(chain, run[at - 1] if at else None)
            at += max(len(chain), 1)

    def pays(self, chain: Chain, machine: Machine) -> bool:
        """Whether what lies between the nests stays in the cache, and all threads get their share."""
        size = chain[0].size
        share = -(-size // self.threads) * self.threads / size
        return share <= UNEVEN and room(chain) <= machine.l2 // 2


def _runs(function: func.FuncOp) -> Iterator[list[ComputeOp]]:
    """Nests of known sizes with nothing between them that touches memory."""
    run: list[ComputeOp] = []
    for op in function.body.block.ops:
        if isinstance(op, ComputeOp) and not op.symbols:
            run.append(op)
        elif not isinstance(op, QUIET):
            yield run
            run = []
    yield run


def _mark(chain: Chain, before: Operation | None) -> None:
    """Bring the nests together and give the loop that they walk one name."""
    label, last = _label(chain, before), chain[-1].nest
    for link in chain:
        dims = [d.changed(label=label) if i == link.loop else d for i, d in enumerate(link.nest.loops)]
        with_dims(link.nest, dims)
        link.nest.attributes[TOGETHER] = StringAttr(label)
        if link.nest is not last:
            block = link.nest.parent_block()
            assert block is not None, "the nests of a chain are in a function"
            link.nest.detach()
            block.insert_op_before(link.nest, last)


def _label(chain: Chain, before: Operation | None) -> str:
    """The name of the loop in the first nest, unless a nest or the chain before uses it for another one."""
    label = chain[0].nest.loops[chain[0].loop].label.data
    others = {d.label.data for link in chain for i, d in enumerate(link.nest.loops) if i != link.loop}
    if isinstance(before, ComputeOp):
        others.add(walk_of(before)[0])
    while label in others:
        label += ".c"
    return label
