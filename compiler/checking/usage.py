"""What a kernel reads of its arguments and which elements it writes, told without running it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import arith, memref
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import BlockArgument

from penstock.backends.nests.buffers import write_box
from penstock.backends.nests.space import Box
from penstock.checking.slices import root_of
from penstock.dialects.nest.ops import ComputeOp, ConstantOp, shape_of
from penstock.dialects.resources import Array

Mask = NDArray[np.bool_]
Made = Mapping[int, Array]
"""The elements that a kernel wrote, by argument."""

_RESHAPES = (memref.CollapseShapeOp, memref.ExpandShapeOp)
_FOLLOWED = (
    ComputeOp,
    ConstantOp,
    ReturnOp,
    arith.ConstantOp,
    memref.AllocOp,
    memref.AllocaOp,
    memref.DeallocOp,
    *_RESHAPES,
)


@dataclass(frozen=True)
class Usage:
    """The arguments that a kernel reads, and of those it writes the elements."""

    read: tuple[int, ...]
    written: Mapping[int, Mask]

    def digest(self, arrays: Sequence[Array]) -> bytes:
        """Tells apart what the kernel reads."""
        found = blake2b(digest_size=16)
        for index in self.read:
            found.update(f"{arrays[index].dtype.str}{arrays[index].shape}".encode())
            found.update(np.ascontiguousarray(arrays[index]).reshape(-1).view(np.uint8).data)
        return found.digest()

    def taken(self, arrays: Sequence[Array]) -> Made:
        """Copies of what the kernel wrote."""
        return {index: arrays[index][mask] for index, mask in self.written.items()}

    def put(self, made: Made, arrays: Sequence[Array]) -> None:
        """Write what the kernel would write."""
        for index, mask in self.written.items():
            arrays[index][mask] = made[index]


def usage_of(kernel: FuncOp) -> Usage | None:
    """What a kernel does with its arguments; `None` where that depends on values."""
    ops = list(kernel.body.block.ops)
    if not all(isinstance(op, _FOLLOWED) for op in ops):
        return None
    if any(isinstance(op, memref.StoreOp) for op in kernel.walk()):
        return None
    nests = [op for op in ops if isinstance(op, ComputeOp)]
    try:
        written = _written(nests)
    except (IndexError, ValueError):
        # A write that leaves its buffer is an error of the run.
        return None
    return Usage(tuple(sorted(set(_read(kernel, nests)))), written)


def _read(kernel: FuncOp, nests: Sequence[ComputeOp]) -> list[int]:
    loaded = [op.memref for op in kernel.walk() if isinstance(op, memref.LoadOp)]
    buffers = [*loaded, *(buffer for nest in nests for buffer in (*nest.ins, *nest.extras))]
    return [root.index for root in map(root_of, buffers) if isinstance(root, BlockArgument)]


def _written(nests: Sequence[ComputeOp]) -> dict[int, Mask]:
    masks: dict[int, Mask] = {}
    for nest in nests:
        for write in nest.writes:
            root = root_of(write.buffer)
            if isinstance(root, BlockArgument):
                mask = masks.setdefault(root.index, np.zeros(shape_of(root), np.bool_))
                seen = mask.reshape(shape_of(write.buffer))
                write_box(seen, write, Box.whole(nest.extents), np.asarray(True))
    return masks
