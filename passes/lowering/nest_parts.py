"""Loops shared among threads, for `lower-nest-to-loops`: which iterations are whose, how a kernel learns it.

    func.call @k(%x, %y) {nest.parallel = 2}   ->   func.call @k(%x, %y, %part, %parts) {nest.parallel = 2}

At the loops level a call runs the whole of its kernel, part 0 of 1: `lower-loops-to-llvm` makes parts of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from xdsl.dialects import arith, func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, FunctionType, IntegerAttr
from xdsl.ir import SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from penstock.dialects.nest.parallel import parts_of
from penstock.dialects.sizes import Extent, maximum
from penstock.passes.lowering.code import INDEX, Code
from penstock.passes.op_walk import every_op


@dataclass(frozen=True)
class Share:
    """The part of its work that a kernel is called for, and the number of all parts."""

    part: SSAValue
    parts: SSAValue


def take_part(function: func.FuncOp) -> Share:
    """Append the arguments `part` and `parts` to a function."""
    block = function.body.block
    part, parts = (block.insert_arg(INDEX, len(block.args)) for _ in range(2))
    part.name_hint, parts.name_hint = "part", "parts"
    _take_indices(function)
    return Share(part, parts)


def _take_indices(function: func.FuncOp) -> None:
    """Two more indices in the type of a function."""
    kind = function.function_type
    function.function_type = FunctionType.from_lists([*kind.inputs, INDEX, INDEX], list(kind.outputs))
    if function.arg_attrs is not None:
        function.arg_attrs = ArrayAttr([*function.arg_attrs, DictionaryAttr({}), DictionaryAttr({})])


def part_of_range(code: Code, share: Share, extent: Extent) -> tuple[SSAValue, SSAValue]:
    """Where the part of a loop starts and ends; rounded up, so a single iteration is the first part's.

    An open size may come out below 0, which is a loop that does not run.
    """
    following, extent = code.sum(share.part, code.index(1)), maximum(extent, 0)
    return _share_of(code, share.part, share, extent), _share_of(code, following, share, extent)


def _share_of(code: Code, number: SSAValue, share: Share, extent: Extent) -> SSAValue:
    return code.add(arith.CeilDivUIOp(code.scaled(None, number, extent), share.parts))


def pass_parts(functions: Iterable[func.FuncOp]) -> None:
    """Complete the calls that are made in parts, and the declarations of what they call."""
    callees: set[str] = set()
    every = list(functions)
    for call in [op for f in every for op in every_op(f) if isinstance(op, func.CallOp)]:
        if parts_of(call) is not None:
            callees.add(call.callee.string_value())
            _call_whole(call)
    for function in every:
        if not function.body.blocks and function.sym_name.data in callees:
            _take_indices(function)


def _call_whole(call: func.CallOp) -> None:
    """Call a kernel for part 0 of 1."""
    numbers = [arith.ConstantOp(IntegerAttr(n, INDEX)) for n in (0, 1)]
    Rewriter.insert_op(numbers, InsertPoint.before(call))
    call.operands = [*call.operands, *(n.result for n in numbers)]
