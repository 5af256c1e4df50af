"""`fuse-producers`: an elementwise nest moves into the only nest that reads its result.

    t = transpose(x); y = conv(t, w)   ->   y = conv(x, w), x read through the transposed index map
    t = x * x;        y = sum(t)       ->   y = sum(x * x)

Nothing is computed twice: the consumer reads each element once, or the producer only moves data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import memref
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Region
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from penstock.dialects.nest.access import Row, Substitution
from penstock.dialects.nest.ops import ComputeOp, Read, YieldOp, element_of
from penstock.dialects.nest.sizes import sizes_of
from penstock.dialects.sizes import Extent, is_at_least
from penstock.passes.fuse_consumers import join_nodes, loop_per_axis
from penstock.passes.nest_rewriting import (
    append_block,
    captured,
    erase_unused_buffers,
    functions,
    is_copy,
    nests,
    rename_loops,
)


@dataclass(frozen=True)
class FuseProducersPass(ModulePass):
    """Fuse elementwise producers into their single reader, last nest first."""

    name = "fuse-producers"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in functions(op):
            for nest in reversed(nests(function)):
                _absorb_producers(nest)
            erase_unused_buffers(function.body.block, (memref.AllocOp,))


def _absorb_producers(consumer: ComputeOp) -> None:
    found = True
    while found:
        found = False
        for position, read in enumerate(consumer.reads):
            producer = producer_of(consumer, read)
            if producer is None or not _worthwhile(producer, consumer, read):
                continue
            fused = absorb(producer, consumer, position)
            if fused is None:
                continue
            Rewriter.replace_op(consumer, fused)
            Rewriter.erase_op(producer)
            consumer, found = fused, True
            break


def producer_of(consumer: ComputeOp, read: Read) -> ComputeOp | None:
    """The elementwise nest whose result only this read uses."""
    if not isinstance(read.buffer.owner, memref.AllocOp) or read.buffer.uses.get_length() != 2:
        return None
    producer = next(u.operation for u in read.buffer.uses if u.operation is not consumer)
    if not isinstance(producer, ComputeOp) or producer.reduces or len(producer.outs) != 1:
        return None
    if producer.outs[0] is not read.buffer or list(captured(producer)):
        return None
    return producer


def _worthwhile(producer: ComputeOp, consumer: ComputeOp, read: Read) -> bool:
    """No recomputation, and no contiguous read made a strided one in a reduction."""
    if not is_copy(producer):
        return all(read.access.uses(i) for i in range(len(consumer.loops)))
    if not consumer.reduces:
        return True
    # A nest that places elements has no writes: it stores at computed positions.
    contiguous = [
        i
        for write in consumer.writes[:1]
        for i in range(len(consumer.loops))
        if write.access.stride(i, sizes_of(write.buffer)) == 1
    ]
    along = [i for i in contiguous if read.access.stride(i, sizes_of(read.buffer)) == 1]
    return all(_strides_through(producer, read, i) == 1 for i in along)


def _strides_through(copy: ComputeOp, read: Read, loop: int) -> Extent | None:
    """How far a step of the consumer's loop moves in what is copied; `None` where the maps do not compose."""
    made = loop_per_axis(copy.writes[0].access, sizes_of(read.buffer), copy.iterations)
    if made is None:
        return None
    source, moved = copy.reads[0], list[Extent]()
    for walked, row in zip(made, read.access.rows, strict=True):
        if walked is not None and row[loop]:
            moved.append(row[loop] * source.access.stride(walked, sizes_of(source.buffer)))
    return moved[0] if len(moved) == 1 else None


def absorb(producer: ComputeOp, consumer: ComputeOp, position: int) -> ComputeOp | None:
    """The consumer with one read replaced by the producer's body; `None` when the maps do not compose."""
    read = consumer.reads[position]
    made = loop_per_axis(producer.writes[0].access, sizes_of(read.buffer), producer.iterations)
    if made is None or (read.outside is not None and not _keeps_outside(producer, read, consumer, made)):
        return None
    rows: list[Row] = [(0,) * len(consumer.loops)] * len(producer.loops)
    offsets: list[Extent] = [0] * len(producer.loops)
    for axis, loop in enumerate(made):
        if loop is not None:
            rows[loop], offsets[loop] = read.access.rows[axis], read.access.offsets[axis]
    substitution = Substitution(tuple(rows), tuple(offsets), len(consumer.loops))
    new = [
        Read(r.buffer, r.access.substitute(substitution), r.outside if read.outside is None else read.outside)
        for r in producer.reads
    ]
    return _spliced(producer, consumer, position, new, substitution)


def _keeps_outside(producer: ComputeOp, read: Read, consumer: ComputeOp, made: Sequence[int | None]) -> bool:
    """Whether a copy has nothing beyond the ends of its result where the consumer may look there.

    Along such an axis it must move all of its source; of an axis that is never left it may move a part.
    """
    if not is_copy(producer) or producer.reads[0].outside is not None:
        return False
    source, shape = producer.reads[0], sizes_of(read.buffer)
    ends = read.access.bounds(consumer.iterations)
    left = [
        axis
        for axis, ((low, high), size) in enumerate(zip(ends, shape, strict=True))
        if not (is_at_least(low, 0) and is_at_least(size - 1 - high, 0))
    ]
    return all(_moves_whole_axis(source, made[axis], shape[axis]) for axis in left)


def _moves_whole_axis(source: Read, loop: int | None, size: Extent) -> bool:
    """Whether a loop walks one axis of what is copied, from end to end, and no other one."""
    if loop is None:
        return False
    axes = [axis for axis, row in enumerate(source.access.rows) if row[loop]]
    if len(axes) != 1 or sizes_of(source.buffer)[axes[0]] != size or source.access.offsets[axes[0]] != 0:
        return False
    return [c for c in source.access.rows[axes[0]] if c] == [1]


def _spliced(
    producer: ComputeOp, consumer: ComputeOp, position: int, new: list[Read], substitution: Substitution
) -> ComputeOp:
    reads = consumer.reads
    before, after = reads[:position], reads[position + 1 :]
    kinds = [element_of(r.buffer) for r in (*before, *new, *after)]
    accumulators = consumer.body.block.arg_types[len(reads) :]
    block = Block(arg_types=[*kinds, *accumulators])
    start, stop = len(before), len(before) + len(new)
    body = rename_loops(producer.body, substitution)
    value = append_block(block, body.block, block.args[start:stop])[0]
    body.drop_all_references()
    arguments = [*block.args[:start], value, *block.args[stop:]]
    block.add_op(YieldOp(append_block(block, consumer.body.block, arguments)))
    fused = ComputeOp.of(
        consumer.loops,
        [*before, *new, *after],
        consumer.writes,
        Region(block),
        extras=consumer.extra_reads,
        init=consumer.init.data,
        epilogue=consumer.epilogue.clone() if consumer.epilogue.blocks else None,
    )
    join_nodes(fused, producer, consumer)
    return fused
