"""Calls in parts, for `lower-loops-to-llvm`: `main` hands the parts of a kernel to a function it is given.

    void k.task(void *arguments, int64_t part, int64_t parts)    unpacks the arguments and calls the kernel
    void fork(parallel_for, context, parts, task, arguments)     parallel_for(context, parts, task, arguments)

`parallel_for` returns when every part has run, on whatever threads; what it needs for that is its context.
Without one, the caller runs the whole.
"""

from collections.abc import Iterator, Sequence

from xdsl.dialects import func, llvm
from xdsl.dialects.builtin import IndexType, IntegerAttr, ModuleOp, SymbolRefAttr, i64
from xdsl.ir import Attribute, Block, Operation, SSAValue

from penstock.dialects.nest.parallel import parts_of, threads_of
from penstock.passes.lowering.llvm_control import branch, branch_if, call_op, lower_call
from penstock.passes.lowering.llvm_emitter import Emitter
from penstock.passes.lowering.llvm_helpers import finished, started
from penstock.passes.lowering.llvm_memory import advance
from penstock.passes.lowering.llvm_snippets import compare_integers
from penstock.passes.lowering.llvm_types import POINTER
from penstock.passes.op_walk import every_op

FORK = "fork"
_INDICES = 2
"""The last operands of a call in parts: which part, of how many."""
_POINTER_BYTES = 8
_TASK_TYPES: Sequence[Attribute] = (POINTER, i64, i64)


def takes_parallel_for(function: func.FuncOp) -> bool:
    """Whether the llvm function takes two pointers more: what runs parts of its calls, and the context."""
    return threads_of(function) is not None


def _call(e: Emitter, op: Operation) -> None:
    assert isinstance(op, func.CallOp), "func.call is a CallOp"
    parts = parts_of(op)
    if parts is not None:
        _call_in_parts(e, op, parts)
    else:
        # A function made for threads hands on what it was given to run its parts.
        lower_call(e, op, e.region.blocks[0].args[-2:] if threads_of(op) is not None else ())


def _call_in_parts(e: Emitter, op: func.CallOp, parts: int) -> None:
    """Store the arguments where the task finds them, and fork."""
    arguments = _memory_for_arguments(e, op)
    for position, operand in enumerate(op.operands[:-_INDICES]):
        e.append(_store(e.value(operand), _slot(e, arguments, position)))
    name = {"global_name": SymbolRefAttr(_task_name(op.callee.string_value()))}
    task = e.emit(llvm.AddressOfOp, (), POINTER, name)
    parallel_for, context = e.region.blocks[0].args[-2:]
    e.append(call_op(SymbolRefAttr(FORK), (parallel_for, context, e.integer(parts, i64), task, arguments)))


def _task_name(kernel: str) -> str:
    return f"{kernel}.task"


def _memory_for_arguments(e: Emitter, op: func.CallOp) -> SSAValue:
    """Space on the stack for the arguments of one call at a time."""

    def make() -> SSAValue:
        function: Operation = op
        while not isinstance(function, func.FuncOp):
            parent = function.parent_op()
            assert parent is not None, "a call is in a function"
            function = parent
        siblings = [each for each in function.walk() if isinstance(each, func.CallOp)]
        longest = max(len(each.operands) for each in siblings if parts_of(each) is not None)
        array = llvm.LLVMArrayType(longest - _INDICES, POINTER)
        properties: dict[str, Attribute] = {"alignment": IntegerAttr(_POINTER_BYTES, i64), "elem_type": array}
        one = e.integer(1, i64)
        return e.at_head(
            llvm.AllocaOp.create(operands=(one,), result_types=(POINTER,), properties=properties)
        )

    return e.reuse(FORK, make)


def _store(value: SSAValue, place: SSAValue) -> Operation:
    properties = {"alignment": IntegerAttr(_POINTER_BYTES, i64), "ordering": IntegerAttr(0, i64)}
    return llvm.StoreOp.create(operands=(value, place), properties=properties)


def _slot(e: Emitter, arguments: SSAValue, position: int) -> SSAValue:
    return advance(e, arguments, e.integer(position, i64), POINTER, inbounds=True) if position else arguments


def helpers(module: ModuleOp) -> Iterator[llvm.FuncOp]:
    """What the calls in parts of a loops-level module need: a task for each kernel, and `fork`."""
    calls = [op for op in every_op(module) if isinstance(op, func.CallOp) and parts_of(op) is not None]
    kernels = {call.callee.string_value(): _argument_types(call) for call in calls}
    for name, kinds in kernels.items():
        yield _task(name, kinds)
    if kernels:
        yield _fork()


def _argument_types(call: func.CallOp) -> list[Attribute]:
    """What a kernel takes but for its part: buffers, and sizes that the call decides."""
    return [i64 if isinstance(o.type, IndexType) else POINTER for o in call.operands[:-_INDICES]]


def _task(kernel: str, kinds: Sequence[Attribute]) -> llvm.FuncOp:
    """Load the arguments and call the kernel with them and the part."""
    e = started(_TASK_TYPES)
    arguments, part, parts = e.block.args
    load = {"alignment": IntegerAttr(_POINTER_BYTES, i64), "ordering": IntegerAttr(0, i64)}
    loaded = [e.emit(llvm.LoadOp, (_slot(e, arguments, i),), k, load) for i, k in enumerate(kinds)]
    e.append(call_op(SymbolRefAttr(kernel), (*loaded, part, parts)))
    return finished(e, _task_name(kernel))


def _fork() -> llvm.FuncOp:
    """Run the parts as the caller of `main` wants it, or the whole here."""
    e = started((POINTER, POINTER, i64, POINTER, POINTER))
    parallel_for, *handed = e.block.args
    _, _, task, arguments = handed
    number = e.emit(llvm.PtrToIntOp, (parallel_for,), i64)
    given, alone, after = Block(), Block(), Block()
    is_given = compare_integers(e, "ne", number, e.integer(0, i64))
    branch_if(e, is_given, (given, ()), (alone, ()))
    e.enter(given)
    e.append(call_op(None, (parallel_for, *handed)))
    branch(e, after)
    e.enter(alone)
    e.append(call_op(None, (task, arguments, e.integer(0, i64), e.integer(1, i64))))
    branch(e, after)
    e.enter(after)
    return finished(e, FORK)


PARALLEL_EMITTERS = {"func.call": _call}
