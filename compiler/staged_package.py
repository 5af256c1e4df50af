"""A compiled model that runs in stages, as data: packages, and between them what is read off the results."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from penstock.backends.llvm.image import Image
from penstock.dialects.memory_plan import Plan
from penstock.package import Package, Symbol, TensorInfo
from penstock.weights import Weights

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


Step = Stage | Bind


@dataclass(frozen=True)
class StagedPackage(Package):
    """A package without code, weights and memory of its own: its steps have them."""

    steps: tuple[Step, ...] = ()
    results: tuple[str, ...] = ()
    """The value that each output is."""

    @staticmethod
    def of(
        name: str,
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
            parts[0].target,
            *ends,
            image=Image(b"", {}, parts[0].image.alignment),
            constants=Weights(),
            memory=Plan((), 0, 0),
            kernels=tuple(kernel for part in parts for kernel in part.kernels),
            numerics=parts[0].numerics,
            threads=max(part.threads for part in parts),
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
        if isinstance(step, Stage):
            known.update(tensor.name for tensor in step.package.outputs)
    if not known.issuperset(results) or len(results) != len(ends[1]):
        raise ValueError(f"the {len(ends[1])} outputs are not {list(results)}")
