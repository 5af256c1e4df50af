"""`contract-chains`: what lies between nests that walk a loop together has room for one iteration.

    for h < 12:  s[h, m, n] = ...;  e[h, m, n] = exp(s[h, m, n])
->  for h < 12:  s[0, m, n] = ...;  e[h, m, n] = exp(s[0, m, n])

A value of which each element takes the place of the one that it was made of has none at all.  Attention then
has no matrix of scores for all heads.  Where threads share the loop each part has a copy: the
axis keeps as many elements as there may be parts, and the buffer says `nest.copies`; the nests speak of the
first copy, and the lowering moves a part to its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import memref
from xdsl.dialects.builtin import ArrayAttr, MemRefType, ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from penstock.dialects.nest.access import Access, AccessAttr
from penstock.dialects.nest.ops import ComputeOp, element_of, shape_of
from penstock.dialects.nest.parallel import PARTS_PER_THREAD, set_copies
from penstock.dialects.nest.walk import walked_loop, walks
from penstock.passes.chains import Link, along, between, bytes_of, in_place
from penstock.passes.nest_rewriting import erase_unused_buffers, functions, nests

LEAST = 256
"""Bytes of an iteration below which copies for several parts would share lines of the cache."""


@dataclass(frozen=True)
class ContractChainsPass(ModulePass):
    """Shrink the buffers of `main` that only the nests of one chain use, along the loop that these walk.

    With threads there are copies for all parts that `parallelize` may make; a buffer that would not shrink
    stays whole.
    """

    name = "contract-chains"
    numerics: ClassVar[str] = "exact"
    threads: int = 1

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        copies = self.threads * PARTS_PER_THREAD if self.threads > 1 else 1
        for function in [f for f in functions(op) if "nest.kernel" not in f.attributes]:
            for group in walks(nests(function)):
                links = [Link(n, loop) for n in group if (loop := walked_loop(n)) is not None]
                for made, replaced in in_place(links).items():
                    made.replace_all_uses_with(replaced)
                for buffer in between(links):
                    _contract(buffer, links, copies)
            erase_unused_buffers(function.body.block, (memref.AllocOp,))


def _contract(buffer: SSAValue, chain: Sequence[Link], copies: int) -> None:
    """Leave a buffer so many elements along the axis that the chain walks."""
    mine = {link.nest: link.loop for link in chain}
    allocation = buffer.owner
    if not isinstance(allocation, memref.AllocOp) or bytes_of(buffer) < LEAST * chain[0].size:
        return
    if chain[0].size <= copies or any(use.operation not in mine for use in buffer.uses):
        return
    places = [(use.operation, use.index) for use in buffer.uses if isinstance(use.operation, ComputeOp)]
    walked = [along(nest.accesses.data[i].data, mine[nest]) for nest, i in places]
    axis = next((axis for axis in sorted(walked[0]) if all(axis in axes for axes in walked)), None)
    if axis is None:
        return
    for nest, position in places:
        _stand_still(nest, position, axis)
    shape = [copies if i == axis else size for i, size in enumerate(shape_of(buffer))]
    Rewriter.replace_value_with_new_type(buffer, MemRefType(element_of(buffer), shape))
    if copies > 1:
        set_copies(allocation, axis)


def _stand_still(nest: ComputeOp, position: int, axis: int) -> None:
    """Touch element 0 along an axis in every iteration."""
    access, accesses = nest.accesses.data[position].data, list(nest.accesses.data)
    still = tuple(0 for _ in nest.loops)
    rows = tuple(still if i == axis else row for i, row in enumerate(access.rows))
    accesses[position] = AccessAttr(Access(rows, access.offsets))
    nest.accesses = ArrayAttr(accesses)
