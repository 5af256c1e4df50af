"""An executable meaning for the nest level in NumPy, independent of its lowering and so its judge.

Schedule marks do not change the meaning and are ignored, but for nests that walk a loop together: those run
iteration by iteration.  Every access is checked: one that leaves its buffer, and parallel iterations that
write the same element or read what others write, are errors that name the nest.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import prod

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import arith, func, memref, scf
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.utils.hints import isa

from penstock.backends.nests.buffers import fresh_buffer, stored
from penstock.backends.nests.control import compute, load, row, run_for, run_if, run_while, store, subview
from penstock.backends.nests.scalars import dtype_of, number
from penstock.backends.nests.walks import run_walk
from penstock.dialects.nest.ops import ComputeOp, ConstantOp, buffer_type, element_of, shape_of
from penstock.dialects.nest.sizes import RowOp
from penstock.dialects.nest.walk import walk_of

Array = NDArray[np.generic]
Buffers = dict[SSAValue, Array]
Watcher = Callable[[Operation, Mapping[SSAValue, Array]], None]
"""Hears of every op of the function that is run, before it is executed, and of the buffers there are."""
Calls = Callable[[func.FuncOp, Sequence[Array], Callable[[], None]], None]
"""Runs a kernel on arguments, by what it is handed for that, or does to them what the kernel would do."""


@dataclass(frozen=True)
class _Run:
    """What all functions of one run share; who watches hears of all but the kernels."""

    functions: Mapping[str, func.FuncOp]
    in_order: bool
    watch: Watcher | None
    calls: Calls | None


def run_nests(
    module: ModuleOp,
    function: str,
    arrays: Sequence[Array],
    *,
    in_order: bool = False,
    watch: Watcher | None = None,
    calls: Calls | None = None,
) -> None:
    """Run a function of a nest-level module on arrays, one per argument; buffers are written in place.

    Sums are formed in double precision and in any order, unless they are asked for `in_order`: then every
    step of a reduction is rounded as the body says, which is slow and leaves nothing open.
    """
    functions = {f.sym_name.data: f for f in module.body.block.ops if isinstance(f, func.FuncOp)}
    if function not in functions:
        raise KeyError(f"the module defines no function @{function}")
    types = functions[function].function_type.inputs.data
    if len(types) != len(arrays):
        raise ValueError(f"@{function} takes {len(types)} arguments, not {len(arrays)}")
    held = [_argument(a, t, i) for i, (a, t) in enumerate(zip(arrays, types, strict=True))]
    with np.errstate(all="ignore"):
        _run(functions[function], _Run(functions, in_order, watch, calls), held)


def _argument(array: Array, kind: Attribute, position: int) -> Array:
    if not isa(kind, MemRefType) or tuple(array.shape) != tuple(kind.get_shape()):
        raise ValueError(f"argument {position} is {kind}, not an array of shape {list(array.shape)}")
    if not array.flags.c_contiguous:
        raise ValueError(f"argument {position} is not contiguous, so it cannot be written in place")
    return stored(array, kind.get_element_type())


def _run(function: func.FuncOp, run: _Run, arguments: Sequence[Array]) -> None:
    _run_block(function.body.block, run, dict(zip(function.body.block.args, arguments, strict=True)))


def _run_block(block: Block, run: _Run, buffers: Buffers) -> None:
    for steps in _steps(block):
        for op in steps:
            if op.name not in _MEANINGS and not isinstance(op, ComputeOp):
                raise NotImplementedError(f"the nest interpreter has no meaning for '{op.name}'")
            if run.watch is not None:
                run.watch(op, buffers)
        nests = [op for op in steps if isinstance(op, ComputeOp)]
        if nests:
            run_walk(nests, buffers, in_order=run.in_order)
        else:
            _MEANINGS[steps[0].name](steps[0], run, buffers)


def _steps(block: Block) -> Iterator[list[Operation]]:
    """The ops of a block one by one, but neighbouring nests that walk a loop together at once."""
    for _, group in groupby(block.ops, lambda op: walk_of(op) if isinstance(op, ComputeOp) else ("", id(op))):
        yield list(group)


def _call(op: Operation, run: _Run, buffers: Buffers) -> None:
    assert isinstance(op, func.CallOp)
    name = op.callee.string_value()
    if name not in run.functions:
        raise KeyError(f"the module defines no function @{name}")
    callee = run.functions[name]
    arguments = [buffers[o] for o in op.operands]
    if "nest.kernel" not in callee.attributes:
        _run(callee, run, arguments)
    elif run.calls is None:
        _run(callee, replace(run, watch=None), arguments)
    else:
        run.calls(callee, arguments, lambda: _run(callee, replace(run, watch=None), arguments))


def _allocate(op: Operation, run: _Run, buffers: Buffers) -> None:
    (result,) = op.results
    buffers[result] = fresh_buffer(shape_of(result), element_of(result))


def _constant(op: Operation, run: _Run, buffers: Buffers) -> None:
    assert isinstance(op, ConstantOp)
    array = np.asarray(op.value.array, order="C").reshape(shape_of(op.buffer))
    held = stored(array, element_of(op.buffer)).view()
    held.flags.writeable = False
    buffers[op.buffer] = held


def _number(op: Operation, run: _Run, buffers: Buffers) -> None:
    assert isinstance(op, arith.ConstantOp)
    buffers[op.result] = number(op.value)


def _view(op: Operation, run: _Run, buffers: Buffers) -> None:
    """Bytes of an arena as a buffer of its own."""
    assert isinstance(op, memref.ViewOp)
    arena, start = buffers[op.source], int(buffers[op.byte_shift].item())
    shape, dtype = shape_of(op.result), dtype_of(element_of(op.result))
    stop = start + prod(shape) * dtype.itemsize
    if start < 0 or stop > arena.size:
        raise IndexError(f"memref.view of the bytes [{start}, {stop}) of an arena of {arena.size}")
    buffers[op.result] = arena[start:stop].view(dtype).reshape(shape)


def _reshape(op: Operation, run: _Run, buffers: Buffers) -> None:
    (result,) = op.results
    if buffer_type(result).layout != buffer_type(op.operands[0]).layout:
        raise NotImplementedError(f"the nest interpreter reshapes contiguous buffers only: {op}")
    buffers[result] = buffers[op.operands[0]].reshape(shape_of(result))


def _for(op: Operation, run: _Run, buffers: Buffers) -> None:
    assert isinstance(op, scf.ForOp)
    run_for(op, buffers, lambda block, held: _run_block(block, run, held))


def _while(op: Operation, run: _Run, buffers: Buffers) -> None:
    assert isinstance(op, scf.WhileOp)
    run_while(op, buffers, lambda block, held: _run_block(block, run, held))


def _if(op: Operation, run: _Run, buffers: Buffers) -> None:
    assert isinstance(op, scf.IfOp)
    run_if(op, buffers, lambda block, held: _run_block(block, run, held))


def _load(op: Operation, run: _Run, buffers: Buffers) -> None:
    assert isinstance(op, memref.LoadOp)
    load(op, buffers)


def _store(op: Operation, run: _Run, buffers: Buffers) -> None:
    assert isinstance(op, memref.StoreOp)
    store(op, buffers)


def _subview(op: Operation, run: _Run, buffers: Buffers) -> None:
    assert isinstance(op, memref.SubviewOp)
    subview(op, buffers)


def _row(op: Operation, run: _Run, buffers: Buffers) -> None:
    assert isinstance(op, RowOp)
    row(op, buffers)


def _cast(op: Operation, run: _Run, buffers: Buffers) -> None:
    """The same memory: that it is contiguous is what the cast says."""
    buffers[op.results[0]] = buffers[op.operands[0]]


def _arithmetic(op: Operation, run: _Run, buffers: Buffers) -> None:
    compute(op, buffers)


def _nothing(op: Operation, run: _Run, buffers: Buffers) -> None:
    """Ops that leave no trace in the buffers."""


_MEANINGS: Mapping[str, Callable[[Operation, _Run, Buffers], None]] = {
    ConstantOp.name: _constant,
    func.CallOp.name: _call,
    func.ReturnOp.name: _nothing,
    arith.ConstantOp.name: _number,
    memref.AllocOp.name: _allocate,
    memref.AllocaOp.name: _allocate,
    memref.DeallocOp.name: _nothing,
    memref.ViewOp.name: _view,
    memref.CollapseShapeOp.name: _reshape,
    memref.ExpandShapeOp.name: _reshape,
    memref.CastOp.name: _cast,
    memref.SubviewOp.name: _subview,
    RowOp.name: _row,
    memref.LoadOp.name: _load,
    memref.StoreOp.name: _store,
    scf.ForOp.name: _for,
    scf.WhileOp.name: _while,
    scf.IfOp.name: _if,
    scf.YieldOp.name: _nothing,
    scf.ConditionOp.name: _nothing,
    **{
        kind.name: _arithmetic
        for kind in (
            arith.AddiOp,
            arith.SubiOp,
            arith.MinSIOp,
            arith.MaxSIOp,
            arith.AndIOp,
            arith.CmpiOp,
            arith.IndexCastOp,
        )
    },
}
