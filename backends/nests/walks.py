"""How the nest interpreter runs nests that walk a loop together: iteration by iteration."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import memref
from xdsl.ir import SSAValue

from penstock.backends.nests.apart import are_apart
from penstock.backends.nests.compute import NestRun, naming, run_nest
from penstock.backends.nests.space import Box
from penstock.dialects.nest.ops import ComputeOp
from penstock.dialects.nest.walk import walked_loop

Array = NDArray[np.generic]
Buffers = Mapping[SSAValue, Array]


def run_walk(nests: Sequence[ComputeOp], buffers: Buffers, *, in_order: bool = False) -> None:
    """Execute nests that walk a loop together; where that makes no difference, simply in turn.

    Of the iterations every other one runs first, so that one which reads what its neighbour makes finds
    that it is not there.  The last one runs last: room for one iteration then holds what it does in code.
    """
    if len(nests) == 1 or not _depend(nests, buffers) or are_apart(nests, list(map(_walked, nests)), buffers):
        for nest in nests:
            run_nest(nest, buffers, in_order=in_order)
        return
    runs = [NestRun(nest, buffers, in_order) for nest in nests]
    for run in runs:
        with naming(run.nest):
            run.check(_walked(run.nest))
    size = nests[0].extents[_walked(nests[0])]
    for index in (*range(size % 2, size, 2), *range(1 - size % 2, size, 2)):
        for run in runs:
            with naming(run.nest):
                run.run(_iteration(run.nest, index))


def _walked(nest: ComputeOp) -> int:
    loop = walked_loop(nest)
    assert loop is not None, "only nests that walk a loop together are run so"
    return loop


def _iteration(nest: ComputeOp, index: int) -> Box:
    """One iteration of the walked loop."""
    loop = _walked(nest)
    starts = tuple(index if i == loop else 0 for i in range(len(nest.loops)))
    sizes = tuple(1 if i == loop else size for i, size in enumerate(nest.extents))
    return Box(starts, sizes)


def _depend(nests: Sequence[ComputeOp], buffers: Buffers) -> bool:
    """Whether a nest reads memory that one of them writes."""
    written = [buffers[b] for nest in nests for b in (*nest.outs, *_stored(nest))]
    read = [buffers[b] for nest in nests for b in (*nest.ins, *nest.extras, *_loaded(nest))]
    return any(np.may_share_memory(a, b) for a in written for b in read)


def _stored(nest: ComputeOp) -> Iterator[SSAValue]:
    return (op.memref for op in nest.walk() if isinstance(op, memref.StoreOp))


def _loaded(nest: ComputeOp) -> Iterator[SSAValue]:
    return (op.memref for op in nest.walk() if isinstance(op, memref.LoadOp))
