"""`place-constants`: the weights of a model become one read-only block; each is a view of it.

    %w = nest.constant #graph.resource<"w", "..."> : memref<8xf32>   ->   %w = memref.view %weights[%offset][]

Equal weights are stored once.  The block's contents are an attribute of the function, in order.  A function
that it calls, such as the body of a loop, is handed the same block.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith, func, memref
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FunctionType,
    IndexType,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    UnitAttr,
    i8,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from penstock.dialects.nest.ops import ConstantOp
from penstock.dialects.resources import ResourceAttr
from penstock.passes.nest_rewriting import callees_first, functions, is_kernel

ALIGNMENT = 64


@dataclass(frozen=True)
class PlaceConstantsPass(ModulePass):
    """Append a `%weights` argument to every function that is no kernel and view its constants in it."""

    name = "place-constants"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        others = [f for f in functions(op) if not is_kernel(f)]
        called = {name for f in others for name in _called(f)}
        for root in [f for f in others if f.sym_name.data not in called]:
            _place(callees_first(op, root)[::-1])


def _called(function: func.FuncOp) -> set[str]:
    return {op.callee.string_value() for op in function.walk() if isinstance(op, func.CallOp)}


def _place(family: Sequence[func.FuncOp]) -> None:
    """Make one block for a function and those that it calls; it is an attribute of the first."""
    constants = [o for f in family for o in f.body.block.ops if isinstance(o, ConstantOp)]
    offsets: dict[ResourceAttr, int] = {}
    size = 0
    for constant in constants:
        if constant.value not in offsets:
            offsets[constant.value] = size
            size += -(-constant.value.array.nbytes // ALIGNMENT) * ALIGNMENT
    weights = {f.sym_name.data: _append_weights(f, size) for f in family}
    for function in family:
        _view_constants(function, weights, offsets)
    placed = [DictionaryAttr({"value": r, "offset": IntegerAttr(o, i64)}) for r, o in offsets.items()]
    family[0].attributes["nest.weights"] = ArrayAttr[Attribute](placed)


def _append_weights(function: func.FuncOp, size: int) -> SSAValue:
    block = function.body.block
    weights = block.insert_arg(MemRefType(i8, [size]), len(block.args))
    function.function_type = FunctionType.from_lists([a.type for a in block.args], [])
    names = function.arg_attrs.data if function.arg_attrs else ()
    # What has no names has no marks either, but for `main`.
    blank = (DictionaryAttr({}),) * (len(block.args) - 1 - len(names))
    function.arg_attrs = ArrayAttr([*names, *blank, DictionaryAttr({"nest.weights": UnitAttr()})])
    return weights


def _view_constants(
    function: func.FuncOp, weights: Mapping[str, SSAValue], offsets: Mapping[ResourceAttr, int]
) -> None:
    """Replace the constants of a function by views, and hand the weights on to what it calls."""
    mine = weights[function.sym_name.data]
    for constant in [o for o in function.body.block.ops if isinstance(o, ConstantOp)]:
        at = arith.ConstantOp(IntegerAttr(offsets[constant.value], IndexType()))
        view = memref.ViewOp.build(operands=[mine, at.result, []], result_types=[constant.buffer.type])
        Rewriter.insert_op(at, InsertPoint.before(constant))
        Rewriter.replace_op(constant, view)
    for call in [op for op in function.walk() if isinstance(op, func.CallOp)]:
        if call.callee.string_value() in weights:
            call.operands = [*call.operands, mine]
