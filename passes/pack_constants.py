"""`pack-constants`: weights are laid out at compile time in the order in which the loops read them.

    w[oc, ic, kh, kw] read by  for oc, kh, kw, ic, oc.r < 32  ->   p[oc / 32, kh, kw, ic, oc % 32], in order

The axis that is read along the vector is cut into blocks of one tile, the last block filled with zeros.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import ArrayAttr, FunctionType, MemRefType, ModuleOp, NoneAttr
from xdsl.ir import BlockArgument, SSAValue, Use
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from penstock.dialects.nest.access import Access, AccessAttr, Row
from penstock.dialects.nest.ops import ComputeOp, ConstantOp, element_of, shape_of
from penstock.dialects.nest.schedule import INNER, Schedule
from penstock.dialects.nest.sizes import is_static
from penstock.dialects.resources import Array, ResourceAttr
from penstock.passes.nest_rewriting import (
    argument_constants,
    erase_if_unused,
    erase_unused_buffers,
    functions,
    kernels,
)


@dataclass(frozen=True)
class Packing:
    """Axis cut into blocks, block size, and the order of the axes that are left (blocks included)."""

    axis: int
    block: int
    order: tuple[int, ...]

    def shape(self, shape: Sequence[int]) -> list[int]:
        """The packed shape."""
        blocks = [-(-s // self.block) if i == self.axis else s for i, s in enumerate(shape)]
        return [*(blocks[i] for i in self.order), self.block]

    def array(self, array: Array) -> Array:
        """The packed data, zeros behind the last block's end."""
        fill = -array.shape[self.axis] % self.block
        widths = [(0, fill if i == self.axis else 0) for i in range(array.ndim)]
        padded = np.pad(array, widths) if fill else array
        blocks = padded.shape[self.axis] // self.block
        cut = padded.reshape(*array.shape[: self.axis], blocks, self.block, *array.shape[self.axis + 1 :])
        moved = np.moveaxis(cut, self.axis + 1, -1)
        return np.ascontiguousarray(moved.transpose(*self.order, array.ndim))


@dataclass(frozen=True)
class PackConstantsPass(ModulePass):
    """Pack every weight that a kernel does not read along its vectors, and its data at every call."""

    name = "pack-constants"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        packed = {k.sym_name.data: found for k in kernels(op) if (found := _pack_kernel(k))}
        for caller in functions(op):
            # One weight after the other, so that few are there in both forms.
            for constant in [o for o in caller.walk() if isinstance(o, ConstantOp)]:
                _pack_constant(constant, packed)
                erase_if_unused(constant)
            erase_unused_buffers(caller.body.block, (memref.AllocOp,))


def _pack_constant(constant: ConstantOp, packed: Mapping[str, Mapping[int, Packing]]) -> None:
    """Give every kernel that wants a weight packed a weight of its own."""
    made: dict[Packing, ResourceAttr] = {}
    for use in list(constant.buffer.uses):
        call = use.operation
        packing = (
            packed.get(call.callee.string_value(), {}).get(use.index)
            if isinstance(call, func.CallOp)
            else None
        )
        if packing is None:
            continue
        if packing not in made:
            name = constant.value.data.name + ".packed"
            made[packing] = ResourceAttr.of(name, packing.array(constant.value.array))
        shape = packing.shape(shape_of(constant.buffer))
        new = ConstantOp(made[packing], MemRefType(element_of(constant.buffer), shape))
        new.attributes.update(constant.attributes)
        Rewriter.insert_op(new, InsertPoint.before(call))
        call.operands[use.index] = new.buffer


def _pack_kernel(kernel: func.FuncOp) -> dict[int, Packing]:
    found: dict[int, Packing] = {}
    for argument in argument_constants(kernel):
        packing = _packing(argument)
        if packing is not None and isinstance(argument, BlockArgument):
            _apply(argument, packing)
            found[argument.index] = packing
    if found:
        inputs = [a.type for a in kernel.body.block.args]
        kernel.function_type = FunctionType.from_lists(inputs, [])
    return found


def _packing(buffer: SSAValue) -> Packing | None:
    """The packing that all readers of a weight agree on."""
    readers = [_reader(use) for use in buffer.uses]
    nests = [r for r in readers if r is not None]
    if not nests or len(nests) != len(readers) or len(shape_of(buffer)) < 2:
        return None
    main = max(nests, key=lambda pair: (_volume(pair[0]), -pair[1]))
    packing = _natural_packing(*main, shape_of(buffer))
    if packing is None or any(_packed_access(n, i, packing) is None for n, i in nests):
        return None
    return packing


def _volume(nest: ComputeOp) -> int:
    volume = 1
    for extent in nest.iterations:
        volume *= max(extent, 1) if isinstance(extent, int) else 1
    return volume


def _reader(use: Use) -> tuple[ComputeOp, int] | None:
    nest = use.operation
    return (nest, use.index) if isinstance(nest, ComputeOp) and use.index < len(nest.ins) else None


def _natural_packing(nest: ComputeOp, position: int, shape: Sequence[int]) -> Packing | None:
    schedule, access = Schedule.of(nest), nest.accesses.data[position].data
    if schedule is None or not schedule.vector:
        return None
    labels = [d.label.data for d in nest.loops]
    lane = labels.index(schedule.vector + INNER)
    axes = [i for i, row in enumerate(access.rows) if row[lane]]
    if len(axes) != 1 or nest.loops[lane].is_reduction:
        return None
    (axis,) = axes
    order = sorted(range(len(shape)), key=lambda i: _first_loop(access.rows[i]))
    packing = Packing(axis, nest.loops[lane].size, tuple(order))
    natural = order == list(range(len(shape))) and axis == len(shape) - 1
    return None if natural and shape[axis] <= packing.block else packing


def _first_loop(row: Row) -> int:
    return next((i for i, c in enumerate(row) if c), -1)


def _packed_access(nest: ComputeOp, position: int, packing: Packing) -> Access | None:
    """The access to the packed weight, or `None` when it crosses blocks."""
    access = nest.accesses.data[position].data
    row, offset = access.rows[packing.axis], access.offsets[packing.axis]
    if not is_static(access.offsets):
        return None
    lanes = [i for i, d in enumerate(nest.loops) if d.label.data.endswith(INNER) and row[i]]
    used = [i for i, c in enumerate(row) if c and nest.iterations[i] != 1 and i not in lanes]
    if len(lanes) != 1 or row[lanes[0]] != 1 or len(used) > 1 or offset % packing.block != 0:
        return None
    if nest.loops[lanes[0]].size > packing.block or any(row[i] != packing.block for i in used):
        return None
    if nest.outside.data[position] != NoneAttr():
        return None
    width = len(nest.loops)
    block_row = tuple(int(i in used) for i in range(width))
    rows = [block_row if i == packing.axis else access.rows[i] for i in packing.order]
    offsets = [offset // packing.block if i == packing.axis else access.offsets[i] for i in packing.order]
    return Access((*rows, tuple(int(i == lanes[0]) for i in range(width))), (*offsets, 0))


def _apply(buffer: BlockArgument, packing: Packing) -> None:
    uses = list(buffer.uses)
    for use in uses:
        nest = use.operation
        assert isinstance(nest, ComputeOp)
        access = _packed_access(nest, use.index, packing)
        assert access is not None, "every reader was found to fit"
        accesses = list(nest.accesses.data)
        accesses[use.index] = AccessAttr(access)
        nest.accesses = ArrayAttr(accesses)
    kind = MemRefType(element_of(buffer), packing.shape(shape_of(buffer)))
    Rewriter.replace_value_with_new_type(buffer, kind)
