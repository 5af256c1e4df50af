"""`fuse-producers`: an elementwise nest moves into the only nest that reads its result.

    t = transpose(x); y = conv(t, w)   ->   y = conv(x, w), x read through the transposed index map
    t = x * x;        y = sum(t)       ->   y = sum(x * x)

Nothing is computed twice: the consumer reads each element once, or the producer only moves data.
"""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import memref
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Region
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from penstock.dialects.nest.access import Access, Row, Substitution
from penstock.dialects.nest.ops import ComputeOp, Read, YieldOp, element_of
from penstock.dialects.nest.sizes import sizes_of
from penstock.dialects.sizes import Extent
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
    return not any(read.access.stride(i, sizes_of(read.buffer)) == 1 for i in contiguous)


def absorb(producer: ComputeOp, consumer: ComputeOp, position: int) -> ComputeOp | None:
    """The consumer with one read replaced by the producer's body; `None` when the maps do not compose."""
    read = consumer.reads[position]
    made = loop_per_axis(producer.writes[0].access, sizes_of(read.buffer), producer.iterations)
    if made is None or (read.outside is not None and not _moves_whole_axes(producer)):
        return None
    rows: list[Row] = [(0,) * len(consumer.loops)] * len(producer.loops)
    offsets: list[Extent] = [0] * len(producer.loops)
    for axis, loop in enumerate(made):
        if loop is not None:
            rows[loop], offsets[loop] = read.access.rows[axis], read.access.offsets[axis]
    if read.outside is not None and any(
        loop is None and any(read.access.rows[a]) for a, loop in enumerate(made)
    ):
        return None
    substitution = Substitution(tuple(rows), tuple(offsets), len(consumer.loops))
    new = [
        Read(r.buffer, r.access.substitute(substitution), r.outside if read.outside is None else read.outside)
        for r in producer.reads
    ]
    return _spliced(producer, consumer, position, new, substitution)


def _moves_whole_axes(producer: ComputeOp) -> bool:
    """A copy that permutes axes: outside of the result is outside of the source."""
    if not is_copy(producer) or producer.reads[0].outside is not None:
        return False
    read: Access = producer.reads[0].access
    return loop_per_axis(read, sizes_of(producer.reads[0].buffer), producer.iterations) is not None


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
