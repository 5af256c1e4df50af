"""`collapse-loops`: two parallel loops that walk two adjacent axes of every buffer in step become one.

    for h < 56, w < 56:  y[h, w, c] = x[h, w, c]   ->   for h < 3136:  y[h, c] = x[h, c]

Fewer, longer loops: better tiles, fewer remainders.  The buffers are viewed with the two axes collapsed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import ArrayAttr, IntegerAttr, ModuleOp, i64
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from penstock.dialects.nest.access import Access, Row
from penstock.dialects.nest.ops import ApplyOp, ComputeOp, Read, Write, element_of
from penstock.dialects.nest.sizes import buffer_of, sizes_of
from penstock.dialects.nest.walk import walked_loop
from penstock.dialects.sizes import Extent
from penstock.passes.nest_rewriting import kernels, nests


@dataclass(frozen=True)
class CollapseLoopsPass(ModulePass):
    """Collapse pairs of adjacent parallel loops of every kernel until none fits."""

    name = "collapse-loops"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for kernel in kernels(op):
            for nest in nests(kernel):
                _collapse_all(kernel, nest)


def _collapse_all(kernel: func.FuncOp, nest: ComputeOp) -> None:
    pair = _collapsible(nest)
    while pair is not None:
        collapsed = collapse(nest, *pair)
        Rewriter.replace_op(nest, collapsed)
        nest = collapsed
        pair = _collapsible(nest)


def _collapsible(nest: ComputeOp) -> tuple[int, int] | None:
    """The first pair of parallel loops that every access walks in step; no body may know their indices.

    A loop that is walked together with other nests stays as it is.
    """
    if any(isinstance(op, ApplyOp | memref.LoadOp | memref.StoreOp) for op in nest.walk()):
        return None
    walked = walked_loop(nest)
    parallel = [i for i, d in enumerate(nest.loops) if not d.is_reduction and i != walked]
    reads = [*nest.reads, *nest.extra_reads, *nest.writes]
    for outer in parallel:
        for inner in parallel:
            if outer != inner and all(_fits(nest, r.access, sizes_of(r.buffer), outer, inner) for r in reads):
                return outer, inner
    return None


def _fits(nest: ComputeOp, access: Access, shape: Sequence[Extent], outer: int, inner: int) -> bool:
    return (
        not (access.uses(outer) or access.uses(inner)) or _axis(nest, access, shape, outer, inner) is not None
    )


def _axis(nest: ComputeOp, access: Access, shape: Sequence[Extent], outer: int, inner: int) -> int | None:
    """The first of two adjacent axes walked by exactly these loops, the second one completely."""
    for axis in range(len(shape) - 1):
        is_pair = access.rows[axis] == _unit(nest, outer) and access.rows[axis + 1] == _unit(nest, inner)
        whole = (
            access.offsets[axis] == access.offsets[axis + 1] == 0
            and shape[axis + 1] == nest.iterations[inner]
        )
        elsewhere = sum(bool(r[outer] or r[inner]) for r in access.rows)
        if is_pair and whole and elsewhere == 2 and shape[axis] == nest.iterations[outer]:
            return axis
    return None


def _unit(nest: ComputeOp, loop: int) -> Row:
    return tuple(int(i == loop) for i in range(len(nest.loops)))


def collapse(nest: ComputeOp, outer: int, inner: int) -> ComputeOp:
    """The nest with the two loops as one, in the place of the outer one."""

    def collapsed(read: Read | Write) -> tuple[SSAValue, Access]:
        axis = _axis(nest, read.access, sizes_of(read.buffer), outer, inner)
        rows, offsets = list(read.access.rows), list(read.access.offsets)
        buffer = read.buffer
        if axis is not None:
            buffer = _collapsed_view(nest, buffer, axis)
            del rows[axis + 1], offsets[axis + 1]
        dropped = tuple(tuple(c for i, c in enumerate(row) if i != inner) for row in rows)
        return buffer, Access(dropped, tuple(offsets))

    size = nest.iterations[outer] * nest.iterations[inner]
    dims = [d.changed(size=size) if i == outer else d for i, d in enumerate(nest.loops) if i != inner]
    new = ComputeOp.of(
        dims,
        [Read(*collapsed(r), r.outside) for r in nest.reads],
        [Write(*collapsed(w)) for w in nest.writes],
        nest.body.clone(),
        extras=[Read(*collapsed(r), r.outside) for r in nest.extra_reads],
        init=nest.init.data,
        epilogue=nest.epilogue.clone() if nest.epilogue.blocks else None,
    )
    new.attributes.update(nest.attributes)
    return new


def _first_nest(nest: ComputeOp) -> ComputeOp:
    block = nest.parent_block()
    assert block is not None, "a nest that is rewritten is in a kernel"
    return next(op for op in block.ops if isinstance(op, ComputeOp))


def _collapsed_view(nest: ComputeOp, buffer: SSAValue, axis: int) -> SSAValue:
    shape = sizes_of(buffer)
    sizes = [*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]]
    groups = [[i] for i in range(axis)] + [[axis, axis + 1]] + [[i] for i in range(axis + 2, len(shape))]
    reassociation = ArrayAttr([ArrayAttr([IntegerAttr(i, i64) for i in group]) for group in groups])
    view = memref.CollapseShapeOp.create(
        operands=[buffer],
        result_types=[buffer_of(sizes, element_of(buffer))],
        properties={"reassociation": reassociation},
    )
    # Nests that walk a loop together stay neighbours.
    Rewriter.insert_op(view, InsertPoint.before(_first_nest(nest)))
    return view.results[0]
