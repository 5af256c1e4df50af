"""`specialize-sizes`: put numbers in for the symbols of a nest-level module, which is static behind it.

    func @k(%x : memref<?x3xf32, #nest.sizes<["n", ""]>>, %n : index {nest.symbol = "n"})
->  func @k(%x : memref<2x3xf32>)                                           with n = 2

No part of the pipeline: whoever looks at a symbolic module needs a case of it that can be run or counted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith, func, memref
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    FunctionType,
    IndexType,
    IntegerAttr,
    ModuleOp,
    i64,
)
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from penstock.dialects.narrowing import is_buffer
from penstock.dialects.nest.access import Access, AccessAttr
from penstock.dialects.nest.ops import ApplyOp, ComputeOp
from penstock.dialects.nest.sizes import SYMBOL, SizeOp, SizesAttr, ViewOp, buffer_of, sizes_of, symbols
from penstock.dialects.sizes import Extent, evaluate, number
from penstock.passes.nest_rewriting import functions

Sizes = Mapping[str, int]
MOST_ELEMENTS = 1 << 26
"""The elements of a tensor up to which a symbolic module is counted at its hints."""


@dataclass(frozen=True)
class SpecializeSizesPass(ModulePass):
    """Replace all symbols; `sizes` are pairs such as `n=2`, and every symbol needs one."""

    name = "specialize-sizes"
    numerics: ClassVar[str] = "exact"
    sizes: tuple[str, ...] = ()

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        pairs = (text.partition("=") for text in self.sizes)
        specialize(op, {name: int(value) for name, _, value in pairs})


def specialize(module: ModuleOp, sizes: Sizes) -> None:
    """Put numbers in for the symbols of all functions."""
    for function in functions(module):
        specialize_function(function, sizes)


def at_hints(function: func.FuncOp, hints: Sizes) -> func.FuncOp:
    """A function at some sizes: a copy, if it has symbols at all.

    Hints for many sizes of one tensor may ask for more than any machine has: they are halved till they fit.
    """
    if not symbols(function):
        return function
    while _largest(function, hints) > MOST_ELEMENTS and max(hints.values()) > 1:
        hints = {name: max(hint // 2, 1) for name, hint in hints.items()}
    copy = function.clone()
    specialize_function(copy, hints)
    return copy


def _largest(function: func.FuncOp, hints: Sizes) -> int:
    """The elements of the largest buffer at some sizes."""
    kinds = [value.type for value in _values(function) if is_buffer(value.type)]
    buffers = [sizes_of(kind) for kind in kinds if isinstance(kind.layout, SizesAttr)]
    return max((prod(_count(size, hints) for size in sizes) for sizes in buffers), default=0)


def specialize_function(function: func.FuncOp, sizes: Sizes) -> None:
    """Put numbers in for the symbols of a function and of its calls."""
    for value in list(_values(function)):
        if is_buffer(value.type) and isinstance(value.type.layout, SizesAttr):
            numbers = [_count(s, sizes) for s in sizes_of(value)]
            Rewriter.replace_value_with_new_type(value, buffer_of(numbers, value.type.get_element_type()))
    for op in list(function.walk()):
        _specialize_op(op, sizes)
    _drop_symbols(function, sizes)


def _values(function: func.FuncOp) -> Iterator[SSAValue]:
    yield from function.args
    for op in function.body.block.ops:
        yield from op.results


def _specialize_op(op: Operation, sizes: Sizes) -> None:
    match op:
        case ComputeOp():
            op.dims = ArrayAttr([d.changed(size=_count(d.iterations, sizes)) for d in op.loops])
            op.accesses = ArrayAttr([AccessAttr(_access(a.data, sizes)) for a in op.accesses])
        case ApplyOp():
            op.access = AccessAttr(_access(op.access.data, sizes))
        case memref.AllocOp() if op.dynamic_sizes:
            Rewriter.replace_op(op, memref.AllocOp([], [], op.memref.type, op.alignment))
        case memref.ExpandShapeOp() if op.output_shape:
            op.operands = [op.src]
            assert is_buffer(op.result.type), "a reshaped buffer is one"
            op.static_output_shape = DenseArrayBase.from_list(i64, op.result.type.get_shape())
        case ViewOp():
            assert is_buffer(op.result.type), "a view is a buffer"
            Rewriter.replace_op(op, memref.ViewOp(op.source, op.byte_shift, [], op.result.type))
        case func.CallOp():
            op.operands = [o for o in op.operands if not isinstance(o.type, IndexType)]
        case SizeOp():
            value = number(op.size.data, sizes)
            Rewriter.replace_op(op, arith.ConstantOp(IntegerAttr(value, IndexType())))
        case _:
            pass


def _count(size: Extent, sizes: Sizes) -> int:
    """A size in numbers: at sizes that no call may have, it could be less than nothing."""
    return max(number(size, sizes), 0)


def _access(access: Access, sizes: Sizes) -> Access:
    return Access(access.rows, tuple(evaluate(o, sizes) for o in access.offsets))


def _drop_symbols(function: func.FuncOp, sizes: Sizes) -> None:
    block = function.body.block
    for argument in [a for a in block.args if a in symbols(function).values()]:
        block.erase_arg(argument)
    function.function_type = FunctionType.from_lists([a.type for a in block.args], [])
    if function.arg_attrs is not None:
        function.arg_attrs = ArrayAttr([marks for marks in function.arg_attrs if SYMBOL not in marks.data])
