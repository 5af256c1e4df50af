"""The pass `lower-graph-to-nest` and its table of rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, FunctionType, ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter
from xdsl.utils.exceptions import PassFailedException

from penstock.dialects.graph.base import GraphOp, tensor_of
from penstock.dialects.nest.access import Access
from penstock.dialects.nest.ops import Read, Write, parallel, shape_of
from penstock.passes.lowering.graph_to_nest.builder import Lowering, memref_of
from penstock.passes.lowering.graph_to_nest.extension import rules_of_dialects
from penstock.passes.lowering.graph_to_nest.rules import Rule, rules


@dataclass(frozen=True)
class LowerGraphToNest(ModulePass):
    """Bufferise every function and lower its graph ops; needs static shapes.

    Results become trailing buffer arguments, named like the results were.  Ops of a plugin's dialect are
    lowered by the rules that this dialect brings (`GraphLowerings`).
    """

    name = "lower-graph-to-nest"
    numerics: ClassVar[str] = "reassociates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        table = {**rules(), **rules_of_dialects(ctx, op)}
        for function in [o for o in op.ops if isinstance(o, func.FuncOp)]:
            Rewriter.replace_op(function, lower_function(function, table))


def lower_function(function: func.FuncOp, table: Mapping[type[Operation], Rule]) -> func.FuncOp:
    """The same function over buffers."""
    inputs = [memref_of(tensor_of(t)) for t in function.function_type.inputs]
    outputs = [memref_of(tensor_of(t)) for t in function.function_type.outputs]
    block = Block(arg_types=[*inputs, *outputs])
    lowering = Lowering(block)
    old = function.body.block
    lowering.buffers.update(zip(old.args, block.args, strict=False))
    for op in old.ops:
        if isinstance(op, func.ReturnOp):
            _return(op, lowering, block.args[len(inputs) :])
        else:
            _lower(op, lowering, table)
    kind = FunctionType.from_lists([*inputs, *outputs], [])
    new = func.FuncOp(
        function.sym_name.data, kind, Region(block), function.sym_visibility, arg_attrs=_names(function)
    )
    new.attributes.update(function.attributes)
    return new


def _names(function: func.FuncOp) -> ArrayAttr[DictionaryAttr]:
    ins = (
        function.arg_attrs.data
        if function.arg_attrs
        else (DictionaryAttr({}),) * len(function.function_type.inputs)
    )
    outs = (
        function.res_attrs.data
        if function.res_attrs
        else (DictionaryAttr({}),) * len(function.function_type.outputs)
    )
    return ArrayAttr([*ins, *outs])


def _lower(op: Operation, lowering: Lowering, table: Mapping[type[Operation], Rule]) -> None:
    rule = next((table[c] for c in type(op).__mro__ if c in table), None)
    if rule is None or not isinstance(op, GraphOp):
        raise PassFailedException(f"lower-graph-to-nest: no rule for {op.name}; its dialect may bring one")
    lowering.nodes = op.attributes.get("nodes")
    rule(op, lowering)


def _return(op: func.ReturnOp, lowering: Lowering, outputs: "tuple[SSAValue, ...]") -> None:
    lowering.nodes = None
    for value, out in zip(op.arguments, outputs, strict=True):
        copy(lowering, lowering.buffer(value), out)
    lowering.block.add_op(func.ReturnOp())


def copy(lowering: Lowering, source: SSAValue, target: SSAValue) -> None:
    """A nest that copies a buffer."""
    shape = shape_of(source)
    every = Access.of(len(shape), *range(len(shape)))
    dims = [parallel(f"d{i}", s) for i, s in enumerate(shape)]
    lowering.compute(dims, [Read(source, every)], [Write(target, every)], lambda s, v: v)
