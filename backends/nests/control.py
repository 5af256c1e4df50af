"""How the nest interpreter runs what stands around calls: loops, branches, slices, their numbers."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import memref, scf
from xdsl.dialects.builtin import DYNAMIC_INDEX
from xdsl.ir import Block, Operation, SSAValue

from penstock.backends.nests.scalars import MEANINGS
from penstock.dialects.nest.ops import shape_of
from penstock.dialects.nest.sizes import RowOp

Array = NDArray[np.generic]
Buffers = dict[SSAValue, Array]
RunBlock = Callable[[Block, Buffers], None]
"""Runs the ops of a block but its last."""


def run_for(op: scf.ForOp, buffers: Buffers, run: RunBlock) -> None:
    """Run a loop over a range."""
    block = op.body.block
    start, stop, step = (int(buffers[bound].item()) for bound in (op.lb, op.ub, op.step))
    if step <= 0:
        raise ValueError(f"'scf.for' has a step of {step}")
    carried = [buffers[value] for value in op.iter_args]
    for number in range(start, stop, step):
        carried = _run(block, [np.asarray(number), *carried], buffers, run)
    buffers.update(zip(op.results, carried, strict=True))


def run_while(op: scf.WhileOp, buffers: Buffers, run: RunBlock) -> None:
    """Run a loop as long as its first region says."""
    carried = [buffers[value] for value in op.arguments]
    while True:
        condition, *carried = _run(op.before_region.block, carried, buffers, run)
        if not condition.item():
            break
        carried = _run(op.after_region.block, carried, buffers, run)
    buffers.update(zip(op.results, carried, strict=True))


def run_if(op: scf.IfOp, buffers: Buffers, run: RunBlock) -> None:
    """Run one of two regions."""
    region = op.true_region if buffers[op.cond].item() else op.false_region
    if region.blocks:
        buffers.update(zip(op.results, _run(region.block, [], buffers, run), strict=True))


def _run(block: Block, given: Sequence[Array], buffers: Buffers, run: RunBlock) -> list[Array]:
    """Run a block on what its arguments stand for; what it ends with."""
    buffers.update(zip(block.args, given, strict=True))
    run(block, buffers)
    end = block.last_op
    assert end is not None, "a block ends with a terminator"
    return [buffers[operand] for operand in end.operands]


def load(op: memref.LoadOp, buffers: Buffers) -> None:
    """One element."""
    place = tuple(int(buffers[i].item()) for i in op.indices)
    _check(op, shape_of(op.memref), place)
    buffers[op.res] = np.asarray(buffers[op.memref][place])


def store(op: memref.StoreOp, buffers: Buffers) -> None:
    """One element written."""
    place = tuple(int(buffers[i].item()) for i in op.indices)
    _check(op, shape_of(op.memref), place)
    buffers[op.memref][place] = buffers[op.value]


def _check(op: Operation, shape: Sequence[int], place: Sequence[int]) -> None:
    if not all(0 <= i < size for i, size in zip(place, shape, strict=True)):
        raise IndexError(f"'{op.name}' at {list(place)}, outside of {list(shape)}")


def subview(op: memref.SubviewOp, buffers: Buffers) -> None:
    """A slice across the first axis, without this axis."""
    dynamic = iter(op.offsets)
    offsets = [
        int(buffers[next(dynamic)].item()) if offset == DYNAMIC_INDEX else offset
        for offset in op.static_offsets.get_values()
    ]
    shape, wanted = shape_of(op.source), (1, *shape_of(op.source)[1:])
    if op.static_sizes.get_values() != wanted or any(offsets[1:]):
        raise NotImplementedError(f"the nest interpreter takes whole slices across the first axis: {op}")
    _check(op, shape[:1], offsets[:1])
    buffers[op.result] = buffers[op.source][offsets[0]]


def row(op: RowOp, buffers: Buffers) -> None:
    """A slice across the first axis."""
    place = [int(buffers[op.index].item())]
    _check(op, shape_of(op.source)[:1], place)
    buffers[op.result] = buffers[op.source][place[0]]


def compute(op: Operation, buffers: Buffers) -> None:
    """Arithmetic on numbers, by the meanings that bodies have."""
    buffers[op.results[0]] = np.asarray(MEANINGS[op.name](op, [buffers[o] for o in op.operands]))
