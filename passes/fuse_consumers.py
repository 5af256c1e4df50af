"""`fuse-consumers`: an elementwise nest moves into the nest that makes its operand.

    t = conv(x, w); y = relu(t + r)   ->   y = conv(x, w) with relu(. + r) on sums still in registers

The value in between is never stored.  Copies fuse the same way, so a concatenation is written in place by its
parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import memref
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from penstock.dialects.nest.access import Access, Substitution
from penstock.dialects.nest.ops import ComputeOp, Read, Write, YieldOp, element_of
from penstock.dialects.nest.sizes import is_static, numbers, sizes_of
from penstock.dialects.sizes import Extent
from penstock.passes.graph_rewriting import nodes_of
from penstock.passes.nest_rewriting import (
    append_block,
    captured,
    erase_unused_buffers,
    functions,
    nests,
    rename_loops,
)


@dataclass(frozen=True)
class FuseConsumersPass(ModulePass):
    """Fuse while some value has one producer and one elementwise consumer that covers it point for point."""

    name = "fuse-consumers"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in functions(op):
            for nest in nests(function):
                _fuse_upwards(nest)
            erase_unused_buffers(function.body.block, (memref.AllocOp,))


def _fuse_upwards(consumer: ComputeOp) -> None:
    """Fuse a consumer with the producer of one of its operands, as long as there is one."""
    while True:
        producers = ((r, producer_of(consumer, r)) for r in consumer.reads)
        pair = next(((r, p) for r, p in producers if p is not None), None)
        if pair is None:
            return
        read, producer = pair
        fused = fuse(producer, consumer, read)
        if fused is None:
            return
        Rewriter.replace_op(consumer, fused)
        Rewriter.erase_op(producer)
        consumer = fused
        if consumer.reduces:
            return


def producer_of(consumer: ComputeOp, read: Read) -> ComputeOp | None:
    """The only nest that writes what `read` reads, if nothing else touches that buffer."""
    if consumer.reduces or read.outside is not None or not isinstance(read.buffer.owner, memref.AllocOp):
        return None
    users = [use.operation for use in read.buffer.uses]
    others = {u for u in users if u is not consumer}
    if len(others) != 1:
        return None
    (producer,) = others
    if not isinstance(producer, ComputeOp) or len(producer.outs) != 1 or producer.outs[0] is not read.buffer:
        return None
    if read.buffer in (*producer.ins, *producer.extras) or any(b is read.buffer for b in captured(consumer)):
        return None
    return producer


def loop_per_axis(
    access: Access, shape: Sequence[Extent], extents: Sequence[Extent]
) -> list[int | None] | None:
    """The loop that walks each axis of a buffer when the access covers it point for point, else `None`.

    Axes of size 1 may have no loop; every axis has its own loop of its own size.
    """
    found: list[int | None] = []
    for row, offset, size in zip(access.rows, access.offsets, shape, strict=True):
        used = [i for i, c in enumerate(row) if c]
        if offset != 0 or len(used) > 1 or any(row[i] != 1 for i in used):
            return None
        if (extents[used[0]] if used else 1) != size:
            return None
        found.append(used[0] if used else None)
    walked = [i for i in found if i is not None]
    return found if len(set(walked)) == len(walked) else None


def fuse(producer: ComputeOp, consumer: ComputeOp, read: Read) -> ComputeOp | None:
    """The consumer's work done by the producer; `None` when the two do not walk the value in step."""
    shape, written = sizes_of(read.buffer), producer.writes[0].access
    used = loop_per_axis(read.access, shape, consumer.iterations)
    if used is None or not _covers(producer, shape):
        return None
    if {i for i in used if i is not None} != set(range(len(consumer.loops))):
        return None
    if any(r.buffer is read.buffer and r.access != read.access for r in consumer.reads):
        return None
    if producer.reduces and not _keeps_contiguity(consumer, read, used):
        return None
    makers = {loop: written.rows[axis] for axis, loop in enumerate(used) if loop is not None}
    rows = tuple(makers[loop] for loop in range(len(consumer.loops)))
    substitution = Substitution(rows, (0,) * len(rows), len(producer.loops))
    return _spliced(producer, consumer, read.buffer, substitution)


def _covers(producer: ComputeOp, shape: Sequence[Extent]) -> bool:
    """Whether a nest makes all of a buffer, one element at each point of its parallel loops.

    Without a reduction an axis may be walked by several loops, as by blocks of a resize and inside of them.
    """
    written = producer.writes[0].access
    parallel = [i for i, d in enumerate(producer.loops) if not d.is_reduction]
    made = loop_per_axis(written, shape, producer.iterations)
    if made is not None or producer.reduces:
        return made is not None and {i for i in made if i is not None} == set(parallel)
    sizes = [producer.iterations[i] for i in parallel]
    if not is_static(sizes) or not is_static(shape) or any(offset != 0 for offset in written.offsets):
        return False
    # No element is written twice, so as many points as elements are all of them.
    return all(map(written.uses, parallel)) and prod(numbers(sizes)) == prod(numbers(shape))


def _keeps_contiguity(consumer: ComputeOp, read: Read, used: list[int | None]) -> bool:
    """A reduction is vectorised along its contiguous axis: what it feeds must be contiguous there as well."""
    last = used[-1] if used else None
    if last is None:
        return True
    return all(w.access.stride(last, sizes_of(w.buffer)) == 1 for w in consumer.writes)


def _spliced(producer: ComputeOp, consumer: ComputeOp, value: SSAValue, s: Substitution) -> ComputeOp:
    """One nest: the producer's loops, its final block followed by the consumer's body."""
    others = [
        Read(r.buffer, r.access.substitute(s), r.outside) for r in consumer.reads if r.buffer is not value
    ]
    final = producer.final_block
    block = Block(arg_types=[*final.arg_types, *(element_of(r.buffer) for r in others)])
    count = len(final.args)
    made = append_block(block, final, block.args[:count])[0]
    rest = iter(block.args[count:])
    arguments = [made if r.buffer is value else next(rest) for r in consumer.reads]
    body = rename_loops(consumer.body, s)
    block.add_op(YieldOp(append_block(block, body.block, arguments)))
    body.drop_all_references()
    writes = [Write(w.buffer, w.access.substitute(s)) for w in consumer.writes]
    if producer.reduces:
        fused = ComputeOp.of(
            producer.loops,
            producer.reads,
            writes,
            producer.body.clone(),
            extras=[*producer.extra_reads, *others],
            init=producer.init.data,
            epilogue=Region(block),
        )
    else:
        fused = ComputeOp.of(producer.loops, [*producer.reads, *others], writes, Region(block))
    join_nodes(fused, producer, consumer)
    return fused


def join_nodes(fused: ComputeOp, *parts: ComputeOp) -> None:
    """The fused nest serves the model nodes of all its parts."""
    fused.attributes["nodes"] = nodes_of(*parts)
