"""The part of llvmlite that `compile` and `emit` use, with the types that llvmlite does not declare."""

from functools import cache
from importlib import import_module
from typing import Protocol, cast


class TargetMachine(Protocol):
    """LLVM's code generator for one target."""

    target_data: object

    def emit_object(self, module: "Module") -> bytes:
        """Machine code as a relocatable object."""
        ...

    def emit_assembly(self, module: "Module") -> str:
        """Machine code as text."""
        ...


class Module(Protocol):
    """An LLVM module in memory."""

    triple: str
    data_layout: str

    def verify(self) -> None:
        """Raise when the module breaks LLVM's rules."""
        ...


class CodeGenerator(Protocol):
    """What LLVM has for an architecture."""

    def create_target_machine(
        self, *, cpu: str, features: str, opt: int, reloc: str, codemodel: str
    ) -> TargetMachine:
        """The code generator for a machine of the architecture."""
        ...


class _TargetClass(Protocol):
    def from_triple(self, triple: str) -> CodeGenerator: ...


class TuningOptions(Protocol):
    """What LLVM's optimiser may do of its own accord."""

    loop_vectorization: bool
    slp_vectorization: bool
    loop_unrolling: bool
    loop_interleaving: bool


class _PassManager(Protocol):
    def run(self, module: Module, builder: "_PassBuilder") -> object: ...


class _PassBuilder(Protocol):
    def getModulePassManager(self) -> _PassManager: ...  # noqa: N802


class Binding(Protocol):
    """The module `llvmlite.binding`."""

    Target: _TargetClass
    llvm_version_info: tuple[int, ...]

    def initialize_all_targets(self) -> None: ...
    def initialize_all_asmprinters(self) -> None: ...
    def initialize_native_target(self) -> None: ...
    def initialize_native_asmprinter(self) -> None: ...
    def initialize_native_asmparser(self) -> None: ...
    def create_context(self) -> object: ...
    def parse_assembly(self, text: str, context: object) -> Module: ...
    def create_pipeline_tuning_options(self, *, speed_level: int) -> TuningOptions: ...
    def create_pass_builder(self, machine: TargetMachine, options: TuningOptions) -> _PassBuilder: ...
    def get_host_cpu_name(self) -> str: ...
    def get_host_cpu_features(self) -> dict[str, bool]: ...


@cache
def load_binding() -> Binding:
    """Import llvmlite, with the code generator of the running machine ready, when it is first needed."""
    binding = cast(Binding, import_module("llvmlite.binding"))
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    binding.initialize_native_asmparser()
    return binding


def code_generator(triple: str) -> CodeGenerator:
    """The code generator for a triple; those of other architectures are made ready when one is asked for."""
    binding = load_binding()
    try:
        return binding.Target.from_triple(triple)
    except RuntimeError:
        # All of them take ten megabytes.
        binding.initialize_all_targets()
        binding.initialize_all_asmprinters()
        return binding.Target.from_triple(triple)
