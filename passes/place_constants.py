"""`place-constants`: the weights of a model become one read-only block; each is a view of it.

    %w = nest.constant #graph.resource<"w", "..."> : memref<8xf32>   ->   %w = memref.view %weights[%offset][]

Equal weights are stored once.  The block's contents are an attribute of the function, in order.
"""

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
from xdsl.ir import Attribute
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from penstock.dialects.nest.ops import ConstantOp
from penstock.dialects.resources import ResourceAttr
from penstock.passes.nest_rewriting import functions

ALIGNMENT = 64


@dataclass(frozen=True)
class PlaceConstantsPass(ModulePass):
    """Append a `%weights` argument to every function that is no kernel and view its constants in it."""

    name = "place-constants"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in [f for f in functions(op) if "nest.kernel" not in f.attributes]:
            _place(function)


def _place(function: func.FuncOp) -> None:
    constants = [o for o in function.body.block.ops if isinstance(o, ConstantOp)]
    offsets: dict[ResourceAttr, int] = {}
    size = 0
    for constant in constants:
        if constant.value not in offsets:
            offsets[constant.value] = size
            size += -(-constant.value.array.nbytes // ALIGNMENT) * ALIGNMENT
    kind = MemRefType(i8, [size])
    weights = function.body.block.insert_arg(kind, len(function.body.block.args))
    for constant in constants:
        at = arith.ConstantOp(IntegerAttr(offsets[constant.value], IndexType()))
        view = memref.ViewOp.build(operands=[weights, at.result, []], result_types=[constant.buffer.type])
        Rewriter.insert_op(at, InsertPoint.before(constant))
        Rewriter.replace_op(constant, view)
    placed = [DictionaryAttr({"value": r, "offset": IntegerAttr(o, i64)}) for r, o in offsets.items()]
    function.attributes["nest.weights"] = ArrayAttr[Attribute](placed)
    function.function_type = FunctionType.from_lists([a.type for a in function.body.block.args], [])
    names = function.arg_attrs.data if function.arg_attrs else ()
    function.arg_attrs = ArrayAttr([*names, DictionaryAttr({"nest.weights": UnitAttr()})])
