"""From the `llvm` dialect to a relocatable object: LLVM's optimiser and code generator, their tuning pinned.

What is vectorised, unrolled or interleaved is decided by our passes; LLVM is told to leave it alone.
"""

from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp

from penstock.backends.llvm.binding import Module, TargetMachine, code_generator, load_binding
from penstock.backends.llvm.translator import translate
from penstock.backends.targets import Target

OPTIMISATION_LEVEL = 2


@dataclass(frozen=True)
class ObjectCode:
    """A relocatable object, and its assembly when that was asked for."""

    object: bytes
    assembly: str | None


def machine_for(target: Target, level: int = OPTIMISATION_LEVEL) -> TargetMachine:
    """LLVM's code generator for a target: position-independent code in the small code model."""
    return code_generator(target.triple).create_target_machine(
        cpu=target.cpu,
        features=",".join(target.features),
        opt=level,
        reloc="pic",
        codemodel="small",
    )


def _function_attributes(target: Target) -> str:
    """No unwind tables, no calls of a C library that is not there, vectors as wide as they are written."""
    width = target.vector_bits
    return f'nounwind "no-builtins" "frame-pointer"="none" "prefer-vector-width"="{width}"'


def _optimise(module: Module, machine: TargetMachine) -> None:
    binding = load_binding()
    options = binding.create_pipeline_tuning_options(speed_level=OPTIMISATION_LEVEL)
    options.loop_vectorization = False
    options.slp_vectorization = False
    options.loop_unrolling = False
    options.loop_interleaving = False
    builder = binding.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)


def compile_module(
    module: ModuleOp, target: Target, with_assembly: bool = False, *, optimised: bool = True
) -> ObjectCode:
    """Compile a module of the llvm dialect.

    Other threads of Python run meanwhile; llvmlite lets one at a time into LLVM.
    """
    text = translate(module, _function_attributes(target))
    return compile_text(text, target, with_assembly, optimised=optimised)


def compile_text(
    text: str, target: Target, with_assembly: bool = False, *, optimised: bool = True
) -> ObjectCode:
    """Compile LLVM IR text; code that is not optimised follows it op by op."""
    binding = load_binding()
    machine = machine_for(target, OPTIMISATION_LEVEL if optimised else 0)
    module = binding.parse_assembly(text, binding.create_context())
    module.triple = target.triple
    module.data_layout = str(machine.target_data)
    module.verify()
    if optimised:
        _optimise(module, machine)
    assembly = machine.emit_assembly(module) if with_assembly else None
    return ObjectCode(machine.emit_object(module), assembly)
