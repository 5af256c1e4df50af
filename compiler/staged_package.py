"""A compiled model that runs in stages, as data: packages, and between them what is read off the results.

What Python runs, strings and pictures, stands between the packages too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.backends.llvm.image import Image
from penstock.backends.targets import Target
from penstock.dialects.memory_plan import Plan
from penstock.package import Package, Symbol, TensorInfo
from penstock.weights import Weights

if TYPE_CHECKING:
    from penstock.host.arrays import Array, Options

Ends = tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]


@dataclass(frozen=True)
class Bind:
    """The elements of a value become sizes; an empty name stands for one that is none."""

    value: str
    symbols: tuple[str, ...]
    nodes: tuple[str, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The values that it reads."""
        return (self.value,)


@dataclass(frozen=True)
class Stage:
    """A part of a model as a package of its own; what it takes and gives is known to the others by name."""

    package: Package

    @property
    def reads(self) -> tuple[str, ...]:
        """The values that it reads."""
        return tuple(tensor.name for tensor in self.package.inputs)


@dataclass(frozen=True)
class HostStep:
    """A function that Python runs between the stages; operands are known by name, as constants or values."""

    function: str
    options: "Options"
    operands: tuple[str, ...]
    constants: "Mapping[str, Array]"
    outputs: tuple[TensorInfo, ...]
    nodes: tuple[str, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The values that it reads."""
        return tuple(name for name in self.operands if name not in self.constants)


Step = Stage | Bind | HostStep


@dataclass(frozen=True)
class StagedPackage(Package):
    """A package without code, weights and memory of its own: its steps have them."""

    steps: tuple[Step, ...] = ()
    results: tuple[str, ...] = ()
    """The value that each output is."""

    @staticmethod
    def of(
        name: str,
        target: Target,
        ends: Ends,
        results: Sequence[str],
        steps: Sequence[Step],
        symbols: tuple[Symbol, ...],
        requirements: tuple[str, ...],
    ) -> "StagedPackage":
        """A model from its steps; `ValueError` when one reads what none before it gives."""
        parts = [step.package for step in steps if isinstance(step, Stage)]
        _verify(ends, results, steps)
        return StagedPackage(
            name,
            target,
            *ends,
            image=Image(b"", {}),
            constants=Weights(),
            memory=Plan((), 0, 0),
            kernels=tuple(kernel for part in parts for kernel in part.kernels),
            numerics=tuple(dict.fromkeys(stated for part in parts for stated in part.numerics)),
            threads=max((part.threads for part in parts), default=1),
            symbols=symbols,
            requirements=requirements,
            steps=tuple(steps),
            results=tuple(results),
        )

    @property
    def stages(self) -> Iterator[Package]:
        """The packages of its steps."""
        return (step.package for step in self.steps if isinstance(step, Stage))

    @property
    def host_functions(self) -> tuple[str, ...]:
        """The functions that Python runs, in order, each once."""
        called = (step.function for step in self.steps if isinstance(step, HostStep))
        return tuple(dict.fromkeys(called))

    @property
    def weights_bytes(self) -> int:
        """The sizes of the blocks of weights together."""
        return sum(stage.weights_bytes for stage in self.stages)

    @property
    def code_bytes(self) -> int:
        """The size of the code of all stages."""
        return sum(stage.code_bytes for stage in self.stages)


def _verify(ends: Ends, results: Sequence[str], steps: Sequence[Step]) -> None:
    known = {tensor.name for tensor in ends[0]}
    for step in steps:
        if not known.issuperset(step.reads):
            raise ValueError(f"nothing gives {sorted({*step.reads} - known)}")
        if isinstance(step, Stage | HostStep):
            made = step.package.outputs if isinstance(step, Stage) else step.outputs
            known.update(tensor.name for tensor in made)
    if not known.issuperset(results) or len(results) != len(ends[1]):
        raise ValueError(f"the {len(ends[1])} outputs are not {list(results)}")
