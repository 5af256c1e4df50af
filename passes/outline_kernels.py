"""`outline-kernels`: every nest becomes a function of its own; equal nests become one function.

`main` is left as a straight sequence of calls on buffers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, FunctionType, ModuleOp, StringAttr, UnitAttr
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from penstock.dialects.narrowing import strings
from penstock.dialects.nest.ops import ComputeOp, ConstantOp
from penstock.dialects.nest.sizes import INDEX, SYMBOL, symbols
from penstock.passes.nest_rewriting import captured, functions, nests


@dataclass(frozen=True)
class OutlineKernelsPass(ModulePass):
    """One kernel per distinct nest; weights are marked `nest.constant`, written buffers `nest.result`.

    The symbols in the sizes of a nest become indices that its kernel takes behind the buffers.
    """

    name = "outline-kernels"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        known = _Kernels(op)
        for function in [f for f in functions(op) if "nest.kernel" not in f.attributes]:
            for nest in nests(function):
                known.outline(nest)


@dataclass
class _Kernels:
    """The kernels made so far, by the text of their body."""

    module: ModuleOp
    by_text: dict[str, str] = field(default_factory=dict[str, str])

    def outline(self, nest: ComputeOp) -> None:
        names = nest.symbols
        known = symbols(nest_function(nest))
        buffers = list(dict.fromkeys([*nest.operands, *captured(nest)]))
        after, attributes = nest.next_op, dict(nest.attributes)
        assert after is not None, "a function ends in what it returns"
        kernel = _function(nest, buffers, names)
        text = str(kernel)
        if text not in self.by_text:
            name = f"k{len(self.by_text)}{_hint(attributes)}"
            kernel.sym_name = StringAttr(name)
            kernel.attributes.update({k: v for k, v in attributes.items() if k == "nodes"})
            self.by_text[text] = name
            self.module.body.block.add_op(kernel)
        operands = [*buffers, *(known[name] for name in names)]
        call = func.CallOp(self.by_text[text], operands, [])
        call.attributes.update(attributes)
        Rewriter.insert_op(call, InsertPoint.before(after))


def _function(nest: ComputeOp, buffers: list[SSAValue], names: Sequence[str]) -> func.FuncOp:
    """The nest, taken from where it was, as the body of a function."""
    kinds, written = [*(b.type for b in buffers), *(INDEX for _ in names)], set(nest.outs)
    block = Block(arg_types=kinds)
    arguments = dict(zip(buffers, block.args, strict=False))
    nest.detach()
    for op in nest.walk():
        if not arguments.keys().isdisjoint(op.operands):
            op.operands = [arguments.get(value, value) for value in op.operands]
    nest.attributes.clear()
    block.add_ops([nest, func.ReturnOp()])
    given = [DictionaryAttr({SYMBOL: StringAttr(name)}) for name in names]
    marks = ArrayAttr([*(DictionaryAttr(_marks(b, written)) for b in buffers), *given])
    function = func.FuncOp("kernel", FunctionType.from_lists(kinds, []), Region(block), arg_attrs=marks)
    function.attributes["nest.kernel"] = UnitAttr()
    return function


def nest_function(nest: ComputeOp) -> func.FuncOp:
    """The function that a nest is in."""
    parent = nest.parent_op()
    assert isinstance(parent, func.FuncOp), "nests stand in functions"
    return parent


def _marks(buffer: SSAValue, written: set[SSAValue]) -> dict[str, Attribute]:
    marks: dict[str, Attribute] = {"llvm.noalias": UnitAttr()}
    if buffer in written:
        marks["nest.result"] = UnitAttr()
    if isinstance(buffer.owner, ConstantOp):
        marks["nest.constant"] = UnitAttr()
    return marks


def _hint(attributes: Mapping[str, Attribute]) -> str:
    nodes = strings(attributes.get("nodes"))
    return "_" + re.sub(r"\W+", "_", nodes[0]).strip("_")[-40:] if nodes else ""
