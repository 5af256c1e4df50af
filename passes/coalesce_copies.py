"""`coalesce-copies`: a value that is copied into part of another one lies there from the start.

    a[c] = f(c) for c < 64;   b[c] = a[c] for c < 64;   r[c] = relu(a[c]) for c < 64
    ->
    b[c] = f(c) for c < 64;   r[c] = relu(b[c]) for c < 64

What has one reader is made in place by `fuse-consumers`; this is for several, such as the concatenations of a
dense block, each of which is the beginning of the next one.  All of them then are parts of the last.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import memref
from xdsl.dialects.builtin import ArrayAttr, ModuleOp
from xdsl.ir import Block, SSAValue, Use
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from penstock.dialects.element_types import byte_size
from penstock.dialects.nest.access import Access, AccessAttr
from penstock.dialects.nest.ops import ComputeOp, element_of, shape_of
from penstock.dialects.nest.sizes import is_static, sizes_of
from penstock.dialects.sizes import Extent, is_at_least
from penstock.passes.fuse_consumers import join_nodes, loop_per_axis
from penstock.passes.nest_rewriting import (
    VIEWS,
    erase_if_unused,
    functions,
    is_copy,
    nests,
    outermost,
    users_of,
)

Lives = Mapping[SSAValue, tuple[int, int]]
"""The first and the last step of a function that uses a buffer."""


@dataclass(frozen=True)
class CoalesceCopiesPass(ModulePass):
    """Let values of known shape share memory with what they are copied into, and drop the copies.

    The other readers of such a value are elementwise, for a sum would read rows that lie further apart again
    and again; and what is alive at once must not take more bytes than before.
    """

    name = "coalesce-copies"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in functions(op):
            copies = [nest for nest in nests(function) if is_copy(nest) and _fits(nest)]
            if copies and all(map(_is_known, _allocated(function.body.block))):
                _coalesce_all(function.body.block, copies)


def _coalesce_all(block: Block, copies: list[ComputeOp]) -> None:
    lives = _lives(block)
    limit = _most_alive(lives)
    for copy in copies:
        joined = _joined(lives, copy)
        # What fitted may be part of something else by now.
        if _fits(copy) and _most_alive(joined) <= limit:
            _coalesce(copy)
            lives = joined


def _fits(copy: ComputeOp) -> bool:
    """Whether a nest copies a whole value to a part of another one, and the two may share memory."""
    if len(copy.ins) != 1 or not all(map(_is_known, (copy.ins[0], copy.outs[0]))):
        return False
    (read,), (write,) = copy.reads, copy.writes
    covered = loop_per_axis(read.access, sizes_of(read.buffer), copy.iterations)
    if covered is None or read.outside is not None or write.access.rows != read.access.rows:
        return False
    return all(_can_move(use, copy) for use in read.buffer.uses) and _is_free(write.buffer, copy)


def _is_known(buffer: SSAValue) -> bool:
    """Whether a buffer is allocated here, with a shape that is known."""
    return isinstance(buffer.owner, memref.AllocOp) and is_static(sizes_of(buffer))


def _can_move(use: Use, copy: ComputeOp) -> bool:
    """Whether a use may be one elsewhere: what makes the value before the copy, and elementwise readers."""
    nest = use.operation
    if nest is copy:
        return True
    if not isinstance(nest, ComputeOp):
        return False
    if _is_write(use):
        return nest.is_before_in_block(copy)
    stays_inside = nest.outside.data[use.index] == copy.outside.data[0]
    return stays_inside and not nest.reduces


def _is_write(use: Use) -> bool:
    nest = use.operation
    return isinstance(nest, ComputeOp) and use.index >= len(nest.ins) + len(nest.extras)


def _is_free(buffer: SSAValue, copy: ComputeOp) -> bool:
    """Whether nobody but a copy writes the part of a buffer that it writes."""
    return all(
        use.operation is copy
        or (isinstance(use.operation, VIEWS) and _is_only_read(use.operation.results[0]))
        or (isinstance(use.operation, ComputeOp) and (not _is_write(use) or _is_apart(use, copy)))
        for use in buffer.uses
    )


def _is_only_read(view: SSAValue) -> bool:
    return all(
        _is_only_read(use.operation.results[0])
        if isinstance(use.operation, VIEWS)
        else isinstance(use.operation, ComputeOp) and not _is_write(use)
        for use in view.uses
    )


def _is_apart(use: Use, copy: ComputeOp) -> bool:
    """Whether a nest writes other elements of a buffer than a copy does, by some axis."""
    nest = use.operation
    assert isinstance(nest, ComputeOp), "nests write"
    if not is_static(nest.iterations):
        return False
    mine = copy.writes[0].access.bounds(copy.extents)
    others = nest.accesses.data[use.index].data.bounds(nest.extents)
    return any(_is_disjoint(a, b) for a, b in zip(mine, others, strict=True))


def _is_disjoint(a: tuple[Extent, Extent], b: tuple[Extent, Extent]) -> bool:
    return is_at_least(b[0] - a[1], 1) or is_at_least(a[0] - b[1], 1)


def _coalesce(copy: ComputeOp) -> None:
    """Let all that use the value use the part of the other buffer."""
    (read,), (write,) = copy.reads, copy.writes
    value, home, shift = read.buffer, write.buffer, write.access.offsets
    allocation, place = value.owner, home.owner
    assert isinstance(allocation, memref.AllocOp) and isinstance(place, memref.AllocOp), "both are allocated"
    for use in [use for use in value.uses if use.operation is not copy]:
        nest = use.operation
        assert isinstance(nest, ComputeOp), "nests use it"
        accesses = list(nest.accesses.data)
        old = accesses[use.index].data
        moved = tuple(a + b for a, b in zip(old.offsets, shift, strict=True))
        accesses[use.index] = AccessAttr(Access(old.rows, moved))
        nest.accesses = ArrayAttr(accesses)
        if _is_write(use):
            join_nodes(nest, nest, copy)
    Rewriter.erase_op(copy)
    value.replace_all_uses_with(home)
    # What lies there already may have been made in front of this value.
    if allocation.is_before_in_block(place):
        place.detach()
        Rewriter.insert_op(place, InsertPoint.before(allocation))
    erase_if_unused(allocation)


def _allocated(block: Block) -> Iterator[SSAValue]:
    return (op.memref for op in block.ops if isinstance(op, memref.AllocOp))


def _lives(block: Block) -> Lives:
    steps = {op: i for i, op in enumerate(block.ops)}
    found = {
        buffer: [steps[outermost(user, block)] for user in users_of(buffer)] for buffer in _allocated(block)
    }
    return {buffer: (min(used), max(used)) for buffer, used in found.items() if used}


def _joined(lives: Lives, copy: ComputeOp) -> Lives:
    """The lives when what a copy reads is part of what it writes."""
    value, home = copy.ins[0], copy.outs[0]
    both = (min(lives[value][0], lives[home][0]), max(lives[value][1], lives[home][1]))
    return {buffer: life for buffer, life in lives.items() if buffer is not value} | {home: both}


def _most_alive(lives: Lives) -> int:
    """The most bytes that are alive at one step."""
    # What dies in a step is still there for what begins in it.
    changes = sorted(
        change
        for buffer, (first, last) in lives.items()
        for change in ((first, 0, _bytes(buffer)), (last, 1, -_bytes(buffer)))
    )
    return max(accumulate(size for _, _, size in changes), default=0)


def _bytes(buffer: SSAValue) -> int:
    return prod(shape_of(buffer)) * byte_size(element_of(buffer))
