"""Tools of the passes on nests: change the loops of a nest, splice bodies, walk the nests of a function.

Tiling, peeling, interchange and fusion are all the same act: the old loop indices become linear functions of
new ones.
"""

from collections.abc import Iterable, Iterator, Sequence

from xdsl.dialects import func, memref
from xdsl.dialects.builtin import ArrayAttr, ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue

from penstock.dialects.nest.access import AccessAttr, Substitution
from penstock.dialects.nest.ops import ApplyOp, ComputeOp, DimAttr, YieldOp
from penstock.dialects.sizes import Extent
from penstock.passes.op_walk import every_op

VIEWS = (memref.CollapseShapeOp, memref.ExpandShapeOp, memref.CastOp)
"""What gives a buffer another shape."""


def functions(module: ModuleOp) -> list[func.FuncOp]:
    """The functions of a module that have a body."""
    return [op for op in module.ops if isinstance(op, func.FuncOp) and op.body.blocks]


def kernels(module: ModuleOp) -> list[func.FuncOp]:
    """The functions that were outlined as kernels."""
    return [f for f in functions(module) if is_kernel(f)]


def is_kernel(function: func.FuncOp) -> bool:
    """Whether a function was outlined as a kernel."""
    return "nest.kernel" in function.attributes


def callees_first(module: ModuleOp, main: func.FuncOp) -> list[func.FuncOp]:
    """A function and all that it calls and that are no kernels, each behind those that it calls."""
    known = {f.sym_name.data: f for f in functions(module) if not is_kernel(f)}
    found: dict[str, func.FuncOp] = {}

    def visit(function: func.FuncOp) -> None:
        called = [op.callee.string_value() for op in function.walk() if isinstance(op, func.CallOp)]
        for name in called:
            if name in known and name not in found:
                visit(known[name])
        found[function.sym_name.data] = function

    visit(main)
    return list(found.values())


def nests(function: func.FuncOp) -> list[ComputeOp]:
    """The nests of a function, in order."""
    return [op for op in function.body.block.ops if isinstance(op, ComputeOp)]


def rename_loops(region: Region, substitution: Substitution) -> Region:
    """A copy of a body whose `nest.apply` ops speak of the new loops."""
    copy = region.clone()
    _rename(copy, substitution)
    return copy


def _rename(region: Region, substitution: Substitution) -> None:
    for op in region.block.ops if region.blocks else ():
        if isinstance(op, ApplyOp):
            op.access = AccessAttr(op.access.data.substitute(substitution))


def change_loops(nest: ComputeOp, dims: Sequence[DimAttr], substitution: Substitution) -> None:
    """Put a nest over new loops; `substitution` gives the old indices in terms of the new ones."""
    nest.dims = ArrayAttr(dims)
    nest.accesses = ArrayAttr([AccessAttr(a.data.substitute(substitution)) for a in nest.accesses])
    for region in nest.regions:
        _rename(region, substitution)


def restrict(nest: ComputeOp, loop: int, start: Extent, size: Extent) -> None:
    """Let a loop run over [start, start + size) only."""
    dims = [d.changed(size=size) if i == loop else d for i, d in enumerate(nest.loops)]
    identity = Substitution.identity(len(dims))
    offsets = tuple(start if i == loop else 0 for i in range(len(dims)))
    change_loops(nest, dims, Substitution(identity.rows, offsets, len(dims)))


def split_range(nest: ComputeOp, loop: int, start: Extent, size: Extent) -> ComputeOp:
    """The part of the nest where a loop runs over [start, start + size)."""
    part = nest.clone()
    restrict(part, loop, start, size)
    return part


def discard(unused: Iterable[ComputeOp]) -> None:
    """Erase nests that were built on the way and never inserted, so that their buffers lose these uses."""
    for nest in unused:
        nest.erase()


def with_dims(nest: ComputeOp, dims: Sequence[DimAttr]) -> None:
    """Change marks in place; the loops themselves stay."""
    nest.dims = ArrayAttr(dims)


def append_block(target: Block, source: Block, arguments: Sequence[SSAValue]) -> list[SSAValue]:
    """Copy the ops of `source` behind those of `target`; what `source` yields."""
    values: dict[SSAValue, SSAValue] = dict(zip(source.args, arguments, strict=True))
    for op in source.ops:
        if isinstance(op, YieldOp):
            return [values.get(v, v) for v in op.values]
        target.add_op(op.clone(values))
    raise AssertionError("a body always ends in nest.yield")


def captured(nest: ComputeOp) -> Iterator[SSAValue]:
    """Buffers that a body reads or writes at computed indices."""
    inside = {block for region in nest.regions for block in region.blocks}
    for op in every_op(nest):
        if op is nest:
            continue
        for operand in op.operands:
            owner = operand.owner
            if (owner if isinstance(owner, Block) else owner.parent) not in inside:
                yield operand


def root_of(buffer: SSAValue) -> SSAValue:
    """The buffer that a view, or a view of a view, is of."""
    while isinstance(buffer.owner, VIEWS):
        buffer = buffer.owner.operands[0]
    return buffer


def users_of(buffer: SSAValue) -> Iterator[Operation]:
    """What uses a buffer, and what uses views of it; once for each use."""
    for use in buffer.uses:
        yield use.operation
        if isinstance(use.operation, VIEWS):
            yield from users_of(use.operation.results[0])


def outermost(op: Operation, block: Block) -> Operation:
    """The op of a block that an op is, or is in."""
    while op.parent_block() is not block:
        parent = op.parent_op()
        assert parent is not None, "the op is in the block"
        op = parent
    return op


def is_copy(nest: ComputeOp) -> bool:
    """Whether the nest only moves elements."""
    first = nest.body.block.first_op
    return (
        not nest.reduces and isinstance(first, YieldOp) and list(first.values) == list(nest.body.block.args)
    )


def argument_constants(function: func.FuncOp) -> set[SSAValue]:
    """The buffers of a kernel that are weights at every call."""
    if function.arg_attrs is None:
        return set()
    pairs = zip(function.body.block.args, function.arg_attrs.data, strict=True)
    return {arg for arg, attrs in pairs if "nest.constant" in attrs.data}


def erase_unused_buffers(block: Block, kinds: tuple[type[Operation], ...]) -> None:
    """Erase allocations, constants and views that nothing uses any more."""
    for op in reversed(list(block.ops)):
        if isinstance(op, kinds):
            erase_if_unused(op)


def erase_if_unused(op: Operation) -> None:
    """Erase an allocation, constant or view that nothing uses any more, and let go of its data."""
    if all(result.first_use is None for result in op.results):
        op.detach()
        op.erase()
        # The op lives on until the collector runs; weights should not.
        op.properties.clear()
