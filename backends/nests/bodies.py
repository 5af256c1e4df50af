"""How the nest interpreter runs the body or epilogue of a nest: all points of a box at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import arith, memref
from xdsl.ir import Block, Operation, SSAValue

from penstock.backends.nests.buffers import load, read_box, store
from penstock.backends.nests.scalars import MEANINGS, number
from penstock.backends.nests.space import Box
from penstock.dialects.nest.ops import ApplyOp, ComputeOp, Read, YieldOp

Array = NDArray[np.generic]


@dataclass
class Points:
    """The values of a body over a box: arrays with one dim per loop, of size 1 where they do not vary."""

    box: Box
    buffers: Mapping[SSAValue, Array]
    values: dict[SSAValue, Array] = field(default_factory=dict[SSAValue, Array])

    def value(self, value: SSAValue) -> Array:
        """The values of an SSA value; a constant of the function is the same at every point."""
        if value in self.values:
            return self.values[value]
        return self.everywhere(self.buffers[value])

    def everywhere(self, scalar: Array) -> Array:
        """A single number at every point."""
        return np.reshape(scalar, (1,) * len(self.box.sizes))

    def read(self, arguments: Sequence[SSAValue], reads: Sequence[Read]) -> None:
        """Give block arguments the values of reads."""
        for argument, read in zip(arguments, reads, strict=True):
            self.values[argument] = read_box(self.buffers[read.buffer], read, self.box)

    def run(self, block: Block, skipped: Collection[Operation] = ()) -> None:
        """Execute the ops of a block up to its yield."""
        for op in block.ops:
            if op not in skipped and not isinstance(op, YieldOp):
                self._execute(op)

    def yielded(self, block: Block) -> list[Array]:
        """Execute a block; what it yields."""
        self.run(block)
        end = block.last_op
        return [] if end is None else [self.value(v) for v in end.operands]

    def _execute(self, op: Operation) -> None:
        match op:
            case arith.ConstantOp():
                self.values[op.result] = self.everywhere(number(op.value))
            case ApplyOp():
                self.values[op.index] = self._positions(op)
            case memref.LoadOp():
                indices = [self.value(i) for i in op.indices]
                self.values[op.res] = self.everywhere_or(load(self.buffers[op.memref], indices))
            case memref.StoreOp():
                indices = [self.value(i) for i in op.indices]
                store(self.buffers[op.memref], indices, self.value(op.value), self.box.sizes)
            case _:
                self._compute(op)

    def everywhere_or(self, values: Array) -> Array:
        """Values at the points as they are; a number that was loaded without indices at every point."""
        return values if values.ndim else self.everywhere(values)

    def _compute(self, op: Operation) -> None:
        if op.name not in MEANINGS:
            raise NotImplementedError(f"the nest interpreter has no meaning for '{op.name}'")
        self.values[op.results[0]] = MEANINGS[op.name](op, [self.value(o) for o in op.operands])

    def _positions(self, op: ApplyOp) -> Array:
        access = op.access.data
        loops = range(len(self.box.sizes))
        result = self.everywhere(np.asarray(access.offsets[0], np.int64))
        for i, (start, size) in enumerate(zip(self.box.starts, self.box.sizes, strict=True)):
            if access.uses(i):
                ramp = (np.arange(size) + start) * access.rows[0][i]
                result = np.add(result, ramp.reshape([-1 if i == k else 1 for k in loops]))
        return result


def has_stores(nest: ComputeOp) -> bool:
    """Whether the body writes at computed positions, so that the order of the reduction loops counts."""
    return any(isinstance(op, memref.StoreOp) for op in nest.body.block.ops)


def loops_of(nest: ComputeOp) -> dict[SSAValue, frozenset[int]]:
    """The loops along which each value of a body varies; accumulators are left out."""
    count = len(nest.loops)
    found: dict[SSAValue, frozenset[int]] = {}
    for argument, read in zip(nest.body.block.args, nest.reads, strict=False):
        found[argument] = frozenset(i for i in range(count) if read.access.uses(i))
    for op in nest.body.block.ops:
        used = [found.get(o, frozenset[int]()) for o in op.operands]
        own = frozenset(i for i in range(count) if isinstance(op, ApplyOp) and op.access.data.uses(i))
        found.update((result, own.union(*used)) for result in op.results)
    return found
