"""The pass `lower-loops-to-llvm`: from the loops level to the llvm level."""

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func, llvm
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr, MemRefType, ModuleOp, i64
from xdsl.ir import Attribute, Block, Region
from xdsl.passes import ModulePass

from penstock.dialects.nest.machine import Machine
from penstock.passes.lowering.llvm_arith import ARITH_EMITTERS
from penstock.passes.lowering.llvm_control import CONTROL_EMITTERS
from penstock.passes.lowering.llvm_emitter import EmitFunction, Emitter
from penstock.passes.lowering.llvm_float import FLOAT_EMITTERS
from penstock.passes.lowering.llvm_memory import MEMORY_EMITTERS
from penstock.passes.lowering.llvm_parallel import PARALLEL_EMITTERS, helpers, takes_parallel_for
from penstock.passes.lowering.llvm_types import POINTER, convert_type
from penstock.passes.lowering.llvm_vector import VECTOR_EMITTERS

EMITTERS: Mapping[str, EmitFunction] = {
    **ARITH_EMITTERS,
    **CONTROL_EMITTERS,
    **FLOAT_EMITTERS,
    **MEMORY_EMITTERS,
    **PARALLEL_EMITTERS,
    **VECTOR_EMITTERS,
}
"""How each op is lowered, by name: extensions of upstream dialects have other classes and the same names."""


@dataclass(frozen=True)
class LowerLoopsToLLVM(ModulePass):
    """Replace every `func.func` by an `llvm.func` that takes one bare pointer for each buffer.

    A function made for several threads takes two pointers more: what runs the parts of its calls, and its
    context.
    Needs static, row-major buffers and functions without results; leaves only the llvm dialect, and the
    attributes of functions and arguments as they were.  It does not expand transcendental functions
    (`expand-math`) and optimises nothing but index arithmetic.  Numerics: exact, with the rounding of
    `f16` and `bf16` that `llvm_half` states.
    """

    name = "lower-loops-to-llvm"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Lower all functions of the module."""
        block, needed, machine = op.body.block, list(helpers(op)), Machine.of(op)
        for old in [inner for inner in block.ops if isinstance(inner, func.FuncOp)]:
            block.insert_op_before(lower_function(old, machine), old)
            block.detach_op(old)
        block.add_ops(needed)


def lower_function(function: func.FuncOp, machine: Machine) -> llvm.FuncOp:
    """Build the llvm function that does what `function` does, which stays as it is."""
    if function.function_type.outputs.data:
        raise NotImplementedError(f"lower-loops-to-llvm: @{function.sym_name.data} has results")
    inputs = [convert_type(argument) for argument in function.function_type.inputs.data]
    marks = function.arg_attrs
    if takes_parallel_for(function):
        inputs += [POINTER, POINTER]
        marks = None if marks is None else ArrayAttr([*marks, DictionaryAttr({}), DictionaryAttr({})])
    body = _lower_body(function, inputs, machine) if function.body.blocks else Region()
    properties: dict[str, Attribute] = {
        "sym_name": function.sym_name,
        "function_type": llvm.LLVMFunctionType(inputs),
        "CConv": llvm.CallingConventionAttr("ccc"),
        "linkage": llvm.LinkageAttr("external"),
        "visibility_": IntegerAttr(0, i64),
        # What the text of a function says without a word of it.
        "unnamed_addr": IntegerAttr(0, i64),
    }
    if marks is not None:
        properties["arg_attrs"] = marks
    attributes = dict(function.attributes)
    return llvm.FuncOp.create(
        properties=properties, attributes=attributes, regions=(body,), location=function.location
    )


def _lower_body(function: func.FuncOp, inputs: list[Attribute], machine: Machine) -> Region:
    entry = Block(arg_types=inputs)
    emitter = Emitter(entry, EMITTERS, machine)
    for source, value in zip(function.args, entry.args, strict=False):
        if isinstance(source.type, MemRefType):
            emitter.bind_buffer(source, value)
        else:
            emitter.bind(source, value)
    emitter.walk(function.body.block)
    return emitter.finish()
