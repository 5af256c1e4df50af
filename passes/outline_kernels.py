"""`outline-kernels`: every nest becomes a function of its own; equal nests become one function.

Nests that walk a loop together become one function.  `main` is left as a straight sequence of calls on
buffers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, FunctionType, ModuleOp, StringAttr, UnitAttr
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from penstock.dialects.narrowing import strings
from penstock.dialects.nest.ops import TOGETHER, ComputeOp, ConstantOp
from penstock.dialects.nest.parallel import COPIES
from penstock.dialects.nest.sizes import INDEX, SYMBOL, symbols
from penstock.dialects.nest.walk import walks
from penstock.passes.canonical_text import CanonicalText
from penstock.passes.graph_rewriting import nodes_of
from penstock.passes.nest_rewriting import captured, functions, nests


@dataclass(frozen=True)
class OutlineKernelsPass(ModulePass):
    """One kernel per distinct nest or chain; weights are marked `nest.constant`, results `nest.result`.

    The symbols in the sizes of a nest become indices that its kernel takes behind the buffers.
    """

    name = "outline-kernels"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        known = _Kernels(op)
        for function in [f for f in functions(op) if "nest.kernel" not in f.attributes]:
            for chain in walks(nests(function)):
                known.outline(chain)


@dataclass
class _Kernels:
    """The kernels made so far, by the text of their body."""

    module: ModuleOp
    by_text: dict[str, str] = field(default_factory=dict[str, str])
    texts: CanonicalText = field(default_factory=CanonicalText)

    def outline(self, chain: Sequence[ComputeOp]) -> None:
        """Call a kernel in place of nests that are neighbours."""
        names = list(dict.fromkeys(name for nest in chain for name in nest.symbols))
        known = symbols(nest_function(chain[0]))
        buffers = list(dict.fromkeys(b for nest in chain for b in (*nest.operands, *captured(nest))))
        after, attributes = chain[-1].next_op, _joined(chain)
        assert after is not None, "a function ends in what it returns"
        kernel = _function(chain, buffers, names)
        text = self.texts.of(kernel)
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


def _joined(chain: Sequence[ComputeOp]) -> dict[str, Attribute]:
    """What is said of the first nest, with the model nodes of all; how they walk is the kernel's matter."""
    said = {k: v for k, v in chain[0].attributes.items() if k != TOGETHER}
    return said | ({"nodes": nodes_of(*chain)} if "nodes" in said else {})


def _function(chain: Sequence[ComputeOp], buffers: list[SSAValue], names: Sequence[str]) -> func.FuncOp:
    """The nests, taken from where they were, as the body of a function."""
    kinds = [*(b.type for b in buffers), *(INDEX for _ in names)]
    written = {b for nest in chain for b in nest.outs}
    block = Block(arg_types=kinds)
    arguments = dict(zip(buffers, block.args, strict=False))
    for nest in chain:
        nest.detach()
        for op in nest.walk():
            if not arguments.keys().isdisjoint(op.operands):
                op.operands = [arguments.get(value, value) for value in op.operands]
        nest.attributes = {k: v for k, v in nest.attributes.items() if k == TOGETHER}
        block.add_op(nest)
    block.add_op(func.ReturnOp())
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
    if isinstance(buffer.owner, memref.AllocOp) and COPIES in buffer.owner.attributes:
        marks[COPIES] = buffer.owner.attributes[COPIES]
    return marks


def _hint(attributes: Mapping[str, Attribute]) -> str:
    nodes = strings(attributes.get("nodes"))
    return "_" + re.sub(r"\W+", "_", nodes[0]).strip("_")[-40:] if nodes else ""
