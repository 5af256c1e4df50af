"""The calls of `main` as data: which kernel runs when, and where in the memory of a call its operands lie.

Where sizes are open, that is so at the hints.
"""

from collections.abc import Callable, Mapping

from xdsl.dialects import arith, func, memref
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from penstock.dialects.hints import Hints
from penstock.dialects.narrowing import integer_value, strings
from penstock.dialects.nest.parallel import parts_of, threads_of
from penstock.dialects.nest.sizes import symbols
from penstock.kernel_work import RESHAPES
from penstock.package import CallInfo, Place
from penstock.passes.specialize_sizes import at_hints

SUMS: Mapping[type[Operation], Callable[[int, int], int]] = {
    arith.AddiOp: int.__add__,
    arith.MaxSIOp: max,
}
"""What `main` computes of sizes to place a value."""
NAMES = (arith.ConstantOp, memref.ViewOp, *RESHAPES, *SUMS)
"""Operations that name memory and do nothing with it."""


def calls_of(main: func.FuncOp, hints: Hints) -> tuple[CallInfo, ...]:
    """The calls in order; none when `main`, changed by a plugin, does more than call kernels."""
    known = at_hints(main, hints)
    steps = [op for op in known.body.block.ops if not isinstance(op, (*NAMES, func.ReturnOp))]
    calls = [op for op in steps if isinstance(op, func.CallOp)]
    if len(calls) < len(steps):
        return ()
    as_they_are = [op for op in main.body.block.ops if isinstance(op, func.CallOp)]
    names = {value: name for name, value in symbols(main).items()}
    taken = [[o for o in op.operands if isinstance(o.type, IndexType)] for op in as_they_are]
    sizes = [tuple(hints[names[o]] for o in operands) for operands in taken]
    numbers = _numbers(known.body.block)
    return tuple(_call(*pair, numbers) for pair in zip(calls, sizes, strict=True))


def _numbers(block: Block) -> Mapping[SSAValue, int]:
    """The sums of sizes: each once, since each may be a term of many others."""
    numbers: dict[SSAValue, int] = {}
    for op in block.ops:
        if isinstance(op, arith.ConstantOp):
            numbers[op.result] = integer_value(op.value)
        elif type(op) in SUMS:
            numbers[op.results[0]] = SUMS[type(op)](*(numbers[term] for term in op.operands))
    return numbers


def _call(call: func.CallOp, sizes: tuple[int, ...], numbers: Mapping[SSAValue, int]) -> CallInfo:
    places = tuple(_place(operand, numbers) for operand in call.operands)
    nodes, forks = strings(call.attributes.get("nodes")), threads_of(call) is not None
    return CallInfo(call.callee.string_value(), places, nodes, parts_of(call), forks, sizes)


def _place(buffer: SSAValue, numbers: Mapping[SSAValue, int]) -> Place:
    if isinstance(buffer, BlockArgument):
        return Place(buffer.index, 0)
    owner = buffer.owner
    if isinstance(owner, RESHAPES):
        return _place(owner.operands[0], numbers)
    assert isinstance(owner, memref.ViewOp), f"{buffer} names memory in a way that is not known"
    start = _place(owner.source, numbers)
    return Place(start.argument, start.offset + numbers[owner.byte_shift])
