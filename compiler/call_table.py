"""The calls of `main` as data: which kernel runs when, and where in the memory of a call its operands lie."""

from xdsl.dialects import arith, func, memref
from xdsl.ir import BlockArgument, SSAValue

from penstock.dialects.narrowing import integer_value, strings
from penstock.dialects.nest.parallel import parts_of, threads_of
from penstock.kernel_work import RESHAPES
from penstock.package import CallInfo, Place

NAMES = (arith.ConstantOp, memref.ViewOp, *RESHAPES)
"""Operations that name memory and do nothing with it."""


def calls_of(main: func.FuncOp) -> tuple[CallInfo, ...]:
    """The calls in order; none when `main`, changed by a plugin, does more than call kernels."""
    steps = [op for op in main.body.block.ops if not isinstance(op, (*NAMES, func.ReturnOp))]
    calls = [op for op in steps if isinstance(op, func.CallOp)]
    return tuple(map(_call, calls)) if len(calls) == len(steps) else ()


def _call(call: func.CallOp) -> CallInfo:
    places = tuple(map(_place, call.operands))
    nodes, forks = strings(call.attributes.get("nodes")), threads_of(call) is not None
    return CallInfo(call.callee.string_value(), places, nodes, parts_of(call), forks)


def _place(buffer: SSAValue) -> Place:
    if isinstance(buffer, BlockArgument):
        return Place(buffer.index, 0)
    owner = buffer.owner
    if isinstance(owner, RESHAPES):
        return _place(owner.operands[0])
    assert isinstance(owner, memref.ViewOp), f"{buffer} names memory in a way that is not known"
    start = _place(owner.source)
    return Place(start.argument, start.offset + _constant(owner.byte_shift))


def _constant(value: SSAValue) -> int:
    owner = value.owner
    assert isinstance(owner, arith.ConstantOp), "a view of the arena or the weights starts at a constant"
    return integer_value(owner.value)
