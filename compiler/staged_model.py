"""A compiled model that runs in stages: what each gives is kept until nobody needs it any more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from penstock.call_sizes import NONE, bound_sizes, check_bounds, check_requirements
from penstock.dialects.requirements import symbols_of_requirement
from penstock.errors import CallError
from penstock.model import CompiledModel, checked_inputs
from penstock.package import Package
from penstock.staged_package import Bind, Stage, StagedPackage

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
        for number, step in enumerate(self._parts.steps):
            if isinstance(step, Bind):
                before = dict(sizes)
                sizes.update(bound_by(step, values[step.value]))
                self._check(sizes, before)
            else:
                values.update(self._models[number].stage([values[name] for name in step.reads], sizes))
            self._drop(values, number)
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


def bound_by(step: Bind, value: Array) -> dict[str, int]:
    """The sizes that the elements of a value are; `CallError` for one that is none."""
    pairs = zip(step.symbols, value.astype(np.int64).reshape(-1).tolist(), strict=True)
    found = {name: size for name, size in pairs if name}
    for size in found.values():
        if not 0 <= size < LARGEST:
            told = ", ".join(f"'{node}'" for node in step.nodes)
            raise CallError(f"node {told} computes a size of {size}", remedy="Check the inputs.")
    return found
