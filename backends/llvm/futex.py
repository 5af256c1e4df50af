"""Waiting without a library: the system call of Linux that sleeps on a word in memory, as llvm functions.

The word is one of the process that calls (`FUTEX_PRIVATE_FLAG`), and no time limits the wait.
"""

from collections.abc import Iterator

from xdsl.dialects import llvm
from xdsl.dialects.builtin import (
    DenseArrayBase,
    DenseIntElementsAttr,
    IntegerAttr,
    SymbolRefAttr,
    TensorType,
    i8,
    i32,
    i64,
)
from xdsl.ir import Block, Operation, Region, SSAValue

from penstock.backends.targets import MachineCode, Waiting
from penstock.dialects.thread_pool import RELAX, WAIT, WAKE

_PRIVATE = 128
_FUTEX_WAIT, _FUTEX_WAKE = 0 | _PRIVATE, 1 | _PRIVATE
_CODE_ALIGNMENT = 16
_POINTER = llvm.LLVMPointerType()


def futex_functions(how: Waiting) -> Iterator[Operation]:
    """`WAIT(word, number)`, `WAKE(word, count)` and `RELAX()`, seen in their module only."""
    futex, relax = "penstock.futex.code", "penstock.relax.code"
    yield _machine_code(futex, how.futex)
    yield _machine_code(relax, how.relax)
    yield _system_call(WAIT, futex, _FUTEX_WAIT)
    yield _system_call(WAKE, futex, _FUTEX_WAKE)
    code = llvm.AddressOfOp(SymbolRefAttr(relax), _POINTER)
    yield _function(RELAX, Block([code, _call(code.result)]))


def _machine_code(name: str, given: MachineCode) -> llvm.GlobalOp:
    """Bytes among the code, to be called by their address."""
    size = len(given.code)
    value = DenseIntElementsAttr.from_list(TensorType(i8, [size]), list(given.code))
    return llvm.GlobalOp(
        llvm.LLVMArrayType(size, i8),
        name,
        "internal",
        constant=True,
        value=value,
        alignment=_CODE_ALIGNMENT,
        section=".text",
    )


def _system_call(name: str, futex: str, operation: int) -> llvm.FuncOp:
    """Call the system with a word and a number; whatever it answers, the caller looks again."""
    block = Block(arg_types=(_POINTER, i32))
    word, number = block.args
    code = llvm.AddressOfOp(SymbolRefAttr(futex), _POINTER)
    what, value = llvm.ConstantOp(IntegerAttr(operation, i64), i64), llvm.ZExtOp(number, i64)
    call = _call(code.result, word, what.result, value.res)
    block.add_ops([code, what, value, call])
    return _function(name, block)


def _call(callee: SSAValue, *arguments: SSAValue) -> llvm.CallOp:
    """Call the code at an address; its result is of no interest."""
    segments = DenseArrayBase.from_list(i32, [1 + len(arguments), 0])
    properties = {
        "fastmathFlags": llvm.FastMathAttr(None),
        "CConv": llvm.CallingConventionAttr("ccc"),
        "TailCallKind": llvm.TailCallKindAttr(llvm.TailCallKind.NONE),
        "op_bundle_sizes": DenseArrayBase.from_list(i32, []),
        "operandSegmentSizes": segments,
    }
    return llvm.CallOp.create(operands=[callee, *arguments], properties=properties)


def _function(name: str, block: Block) -> llvm.FuncOp:
    """A function that ends after its only block."""
    block.add_op(llvm.ReturnOp())
    kind = llvm.LLVMFunctionType(list(block.arg_types))
    return llvm.FuncOp(name, kind, llvm.LinkageAttr("internal"), body=Region(block))
