"""A compiled model that runs in stages: what each gives is kept until nobody needs it any more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from penstock.call_sizes import NONE, bound_sizes, check_bounds, check_requirements
from penstock.dialects.requirements import symbols_of_requirement
from penstock.dialects.size_text import parse_size
from penstock.dialects.sizes import number
from penstock.errors import CallError, HostError, PenstockError
from penstock.host import run
from penstock.host.arrays import Options, Plain
from penstock.host.movement import SIZED
from penstock.model import CompiledModel, checked_inputs
from penstock.package import Package
from penstock.staged_package import Bind, HostStep, Stage, StagedPackage

Array = NDArray[np.generic]
LARGEST = 2**48
"""No size is as large: it would be a mistake of the data."""


@dataclass
class StagedModel(CompiledModel):
    """A model whose sizes depend on values: called like any other."""

    _models: Mapping[int, CompiledModel] = field(init=False, repr=False)
    """The stages by the number of their step."""
    _last_use: Mapping[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        steps = self._parts.steps
        self._models = {i: CompiledModel(s.package) for i, s in enumerate(steps) if isinstance(s, Stage)}
        self._last_use = {name: i for i, step in enumerate(steps) for name in step.reads}

    @property
    def _parts(self) -> StagedPackage:
        assert isinstance(self.package, StagedPackage), "others are run at once"
        return self.package

    def __call__(self, arrays: Mapping[str, Array] | None = None, /, **named: Array) -> dict[str, Array]:
        """Run once; `CallError` names an input that is missing, unknown, or of another type or shape."""
        results = self._results(checked_inputs(self.inputs, {**(arrays or {}), **named}))
        return {output.name: result for output, result in zip(self.outputs, results, strict=True)}

    def run(self, inputs: Sequence[Array], outputs: Sequence[Array], known: Mapping[str, int] = NONE) -> None:
        """Run on arrays that are known to fit: contiguous, of the right types and shapes, in order."""
        for result, output in zip(self._results(inputs), outputs, strict=True):
            output[...] = result

    def _results(self, inputs: Sequence[Array]) -> list[Array]:
        values = dict(zip((t.name for t in self.inputs), inputs, strict=True))
        sizes = bound_sizes(self.inputs, [array.shape for array in inputs])
        for symbol in self.package.symbols:
            check_bounds(symbol, sizes)
        self._check(sizes, {})
        for at, step in enumerate(self._parts.steps):
            if isinstance(step, Bind):
                before = dict(sizes)
                sizes.update(bound_by(step, values[step.value]))
                self._check(sizes, before)
            elif isinstance(step, HostStep):
                before = dict(sizes)
                sizes.update(host_results(step, values, sizes))
                self._check(sizes, before)
            else:
                values.update(self._models[at].stage([values[name] for name in step.reads], sizes))
            self._drop(values, at)
        return [values[name] for name in self._parts.results]

    def _check(self, sizes: Mapping[str, int], before: Mapping[str, int]) -> None:
        """Hold the call to the requirements of which all sizes are known, and were not before."""
        spoken = [(each, symbols_of_requirement(each)) for each in self.package.requirements]
        ready = [each for each, names in spoken if sizes.keys() >= names and not before.keys() >= names]
        check_requirements(ready, sizes)

    def _drop(self, values: dict[str, Array], number: int) -> None:
        """Forget what no later step reads."""
        last, kept = self._last_use, self._parts.results
        for name in [n for n in values if last.get(n, 0) <= number and n not in kept]:
            del values[name]


def runnable(package: Package) -> CompiledModel:
    """A package in memory, ready to run."""
    return StagedModel(package) if isinstance(package, StagedPackage) else CompiledModel(package)


def host_results(step: HostStep, values: dict[str, Array], sizes: Mapping[str, int]) -> dict[str, int]:
    """Run a function of the host, add what it gives to the values, and tell the sizes that are known then."""
    operands = [step.constants[name] if name in step.constants else values[name] for name in step.operands]
    try:
        results = run(step.function, in_numbers(step, sizes), operands)
        known = bound_sizes(step.outputs, [result.shape for result in results], sizes)
    except PenstockError as error:
        error.node = error.node or ", ".join(step.nodes)
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        # Sizes that agree only in some runs are met here first.
        fault = f"{step.function} cannot be run: {error}"
        raise HostError(fault, node=", ".join(step.nodes), remedy="Check the inputs.") from error
    values.update(zip((output.name for output in step.outputs), results, strict=True))
    return known


def in_numbers(step: HostStep, sizes: Mapping[str, int]) -> Options:
    """The options of a step with numbers for what a run decides."""
    sized = SIZED.get(step.function, ())
    return {name: _at(value, sizes) if name in sized else value for name, value in step.options.items()}


def _at(value: Plain, sizes: Mapping[str, int]) -> Plain:
    if isinstance(value, str):
        return number(parse_size(value), sizes)
    return value if isinstance(value, int | float) else [_at(each, sizes) for each in value]


def bound_by(step: Bind, value: Array) -> dict[str, int]:
    """The sizes that the elements of a value are; `CallError` for one that is none."""
    pairs = zip(step.symbols, value.astype(np.int64).reshape(-1).tolist(), strict=True)
    found = {name: size for name, size in pairs if name}
    for size in found.values():
        if not 0 <= size < LARGEST:
            told = ", ".join(f"'{node}'" for node in step.nodes)
            raise CallError(f"node {told} computes a size of {size}", remedy="Check the inputs.")
    return found
