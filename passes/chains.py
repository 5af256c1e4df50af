"""What `fuse-chains` asks of nests: which loop they can walk together, and what lies between them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from xdsl.dialects import memref
from xdsl.ir import SSAValue

from penstock.dialects.element_types import byte_size
from penstock.dialects.nest.access import Access
from penstock.dialects.nest.ops import ComputeOp, Read, Write, element_of, shape_of
from penstock.passes.nest_rewriting import captured, root_of

POINTS = 64
"""Points of an iteration below which the loops around a walk cost more than the cache gives."""


@dataclass(frozen=True)
class Link:
    """A nest, and the loop that it walks together with the others of its chain."""

    nest: ComputeOp
    loop: int

    @property
    def size(self) -> int:
        """Iterations of the walk."""
        return self.nest.extents[self.loop]


Chain = tuple[Link, ...]


def longest_chain(nests: Sequence[ComputeOp], pays: Callable[[Chain], bool]) -> Chain:
    """The longest chain that pays and begins with the first nest; of equals, by its outermost loop."""
    found, best = [(Link(nests[0], loop),) for loop in walkable(nests[0])], ()
    for nest in nests[1:]:
        found = [longer for chain in found for longer in _extended(chain, nest)]
        best = next(filter(pays, found), best)
    return best


def _extended(chain: Chain, nest: ComputeOp) -> Iterator[Chain]:
    """A chain with one more nest, which uses what the chain makes."""
    made = {buffer for link in chain for buffer in link.nest.outs}
    if not made & {*nest.ins, *nest.extras}:
        return
    for loop in walkable(nest):
        new = Link(nest, loop)
        if new.size == chain[0].size and all(in_step(link, new) for link in chain):
            yield (*chain, new)


def walkable(nest: ComputeOp) -> list[int]:
    """The loops around all others that a nest can have without losing its vectors and register tiles.

    A loop that some operand of a sum does not use is wanted in registers, where the operand is used again; a
    loop along neighbouring elements is wanted for vectors.
    """
    if any(True for _ in captured(nest)):
        return []
    loops = [i for i, d in enumerate(nest.loops) if not d.is_reduction and d.size > 1]
    return [
        i for i in loops if not _is_reused(nest, i) and not _is_contiguous(nest, i) and _is_large(nest, i)
    ]


def _is_reused(nest: ComputeOp, loop: int) -> bool:
    return nest.reduces and any(not read.access.uses(loop) for read in nest.reads)


def _is_contiguous(nest: ComputeOp, loop: int) -> bool:
    """Whether a loop runs along neighbours in a buffer that varies with as many loops as any other."""
    counted = [(sum(map(a.access.uses, range(len(nest.loops)))), a) for a in accesses(nest)]
    most = max(count for count, _ in counted)
    return any(count == most and a.access.stride(loop, shape_of(a.buffer)) == 1 for count, a in counted)


def _is_large(nest: ComputeOp, loop: int) -> bool:
    return prod(size for i, size in enumerate(nest.extents) if i != loop) >= POINTS


def accesses(nest: ComputeOp) -> list[Read | Write]:
    """All that a nest reads and writes."""
    return [*nest.reads, *nest.extra_reads, *nest.writes]


def in_step(first: Link, second: Link) -> bool:
    """Whether an iteration touches of what the other nest writes only the part of the same iteration."""
    pairs = [
        *product(first.nest.writes, accesses(second.nest)),
        *product([*first.nest.reads, *first.nest.extra_reads], second.nest.writes),
    ]
    shared = [(a, b) for a, b in pairs if root_of(a.buffer) is root_of(b.buffer)]
    return all(
        a.buffer is b.buffer and along(a.access, first.loop) & along(b.access, second.loop) for a, b in shared
    )


def along(access: Access, loop: int) -> set[int]:
    """The axes along which iteration i of a loop touches element i, and no other one."""
    return {
        axis
        for axis, (row, offset) in enumerate(zip(access.rows, access.offsets, strict=True))
        if offset == 0 and all(c == int(i == loop) for i, c in enumerate(row))
    }


def between(chain: Sequence[Link]) -> list[SSAValue]:
    """The buffers that one nest of a chain writes and another one reads."""
    made = dict.fromkeys(b for link in chain for b in link.nest.outs)
    read = {b for link in chain for b in (*link.nest.ins, *link.nest.extras)}
    return [b for b in made if b in read]


def in_place(chain: Sequence[Link]) -> dict[SSAValue, SSAValue]:
    """What may take the place of which buffer, element by element: its maker is the last to use that one."""
    found: dict[SSAValue, SSAValue] = {}
    inside = {link.nest for link in chain}
    for at, link in enumerate(chain):
        known = inside - {each.nest for each in chain[at + 1 :]}
        for read in link.nest.reads:
            users = {use.operation for use in read.buffer.uses}
            if users <= known and _is_replaced(link.nest, read):
                found[link.nest.outs[0]] = found.get(read.buffer, read.buffer)
                break
    return found


def _is_replaced(nest: ComputeOp, read: Read) -> bool:
    """Whether a nest writes each element of a buffer of its own just where it alone reads the element."""
    written, *others = nest.writes
    return (
        not others
        and not nest.reduces
        and read.access == written.access
        and read.outside is None
        and read.buffer.type == written.buffer.type
        and nest.ins.count(read.buffer) == 1
        and _is_only_writer(nest, written.buffer)
        and all(isinstance(b.owner, memref.AllocOp) for b in (read.buffer, written.buffer))
    )


def _is_only_writer(nest: ComputeOp, buffer: SSAValue) -> bool:
    others = [use.operation for use in buffer.uses if use.operation is not nest]
    return all(isinstance(other, ComputeOp) and buffer not in other.outs for other in others)


def room(chain: Sequence[Link]) -> int:
    """Bytes that one iteration leaves for the nests behind."""
    placed = in_place(chain)
    return sum(bytes_of(b) for b in between(chain) if b not in placed) // chain[0].size


def bytes_of(buffer: SSAValue) -> int:
    """The size of a buffer in memory."""
    return prod(shape_of(buffer)) * byte_size(element_of(buffer))
