"""The pass `lower-graph-to-nest` and its table of rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter
from xdsl.traits import IsTerminator
from xdsl.utils.exceptions import PassFailedException

from penstock.dialects.graph.base import GraphOp
from penstock.dialects.module_requirements import require
from penstock.dialects.narrowing import strings
from penstock.dialects.nest.sizes import SYMBOL, OpenSizeError
from penstock.errors import ShapeError
from penstock.passes.lowering.graph_to_nest.builder import Lowering
from penstock.passes.lowering.graph_to_nest.control import function_of_block
from penstock.passes.lowering.graph_to_nest.extension import rules_of_dialects
from penstock.passes.lowering.graph_to_nest.rules import Rule, rules


@dataclass(frozen=True)
class LowerGraphToNest(ModulePass):
    """Bufferise every function and lower its graph ops.

    Results become trailing buffer arguments, named like the results were; behind them come the symbols in the
    sizes of the inputs, as indices.  Ops of a plugin's dialect are
    lowered by the rules that this dialect brings (`GraphLowerings`).
    """

    name = "lower-graph-to-nest"
    numerics: ClassVar[str] = "reassociates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        table = {**rules(), **rules_of_dialects(ctx, op)}
        made: list[func.FuncOp] = []
        for function in [o for o in op.ops if isinstance(o, func.FuncOp)]:
            requirements: dict[str, None] = {}
            Rewriter.replace_op(function, lower_function(function, table, made, requirements))
            require(op, requirements)
        op.body.block.add_ops(made)


def lower_function(
    function: func.FuncOp,
    table: Mapping[type[Operation], Rule],
    made: list[func.FuncOp],
    requirements: dict[str, None],
) -> func.FuncOp:
    """The same function over buffers; those that its regions become are added to what is `made`."""

    def lower(block: Block, lowering: Lowering) -> None:
        for op in block.ops:
            if not op.has_trait(IsTerminator):
                _lower(op, lowering, table)
        requirements.update(lowering.requirements)

    new = function_of_block(function.sym_name.data, function.body.block, lower, made)
    if function.sym_visibility is not None:
        new.sym_visibility = function.sym_visibility
    given = [] if new.arg_attrs is None else [m for m in new.arg_attrs if SYMBOL in m.data]
    new.arg_attrs = ArrayAttr([*_names(function), *given])
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
    try:
        rule(op, lowering)
    except OpenSizeError as error:
        nodes = ", ".join(strings(lowering.nodes))
        remedy = "Give numbers for these sizes: dims=... or shapes=... ."
        raise ShapeError(f"{op.name} needs known sizes: {error}", node=nodes, remedy=remedy) from error
