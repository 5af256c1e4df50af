"""Functions that no source has: built from nothing by `llvm_parallel` and `thread_pool`."""

from collections.abc import Sequence

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerAttr, StringAttr, i64
from xdsl.ir import Attribute, Block

from penstock.passes.lowering.llvm_emitter import Emitter


def started(inputs: Sequence[Attribute]) -> Emitter:
    """An empty function that takes llvm values."""
    return Emitter(Block(arg_types=inputs), {})


def finished(e: Emitter, name: str, linkage: str = "internal") -> llvm.FuncOp:
    """End a function with a return; an internal one is seen in its module only."""
    inputs = list(e.region.blocks[0].arg_types)
    e.append(llvm.ReturnOp.create())
    properties: dict[str, Attribute] = {
        "sym_name": StringAttr(name),
        "function_type": llvm.LLVMFunctionType(inputs),
        "CConv": llvm.CallingConventionAttr("ccc"),
        "linkage": llvm.LinkageAttr(linkage),
        "visibility_": IntegerAttr(0, i64),
        "unnamed_addr": IntegerAttr(0, i64),
    }
    return llvm.FuncOp.create(properties=properties, regions=(e.finish(),))
