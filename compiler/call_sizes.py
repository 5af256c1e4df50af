"""The sizes that a call decides: read off the shapes of its inputs, checked, and what follows from them.

Loading and running import neither the compiler nor LLVM, so this is by formulas alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from penstock.dialects.requirements import holds
from penstock.dialects.size_text import parse_size
from penstock.dialects.sizes import Size, number, symbol
from penstock.errors import CallError
from penstock.package import Package, Symbol, TensorInfo

Array = NDArray[np.generic]
NONE: Mapping[str, int] = {}
KEPT = 64
"""Sizes of calls that are remembered with what follows from them."""


@dataclass(frozen=True)
class CallPlan:
    """What a call needs at some sizes: the values of the symbols, the shapes of its outputs, its arena."""

    sizes: tuple[int, ...]
    outputs: tuple[tuple[int, ...], ...]
    arena: int


@dataclass
class CallSizes:
    """Plans for calls of a model whose sizes are decided by its inputs."""

    package: Package
    _plans: dict[object, CallPlan] = field(default_factory=dict[object, CallPlan], repr=False)

    def plan(self, arrays: Sequence[Array], known: Mapping[str, int] = NONE) -> CallPlan:
        """The plan for inputs, in order, and sizes known besides; `CallError` names those that do not fit."""
        shapes = tuple(array.shape for array in arrays)
        key = (shapes, tuple(known.items())) if known else shapes
        found = self._plans.get(key)
        if found is None:
            found = self._new_plan(shapes, known)
            if len(self._plans) >= KEPT:
                self._plans.clear()
            self._plans[key] = found
        return found

    def _new_plan(self, shapes: Sequence[tuple[int, ...]], known: Mapping[str, int]) -> CallPlan:
        sizes = bound_sizes(self.package.inputs, shapes, known)
        for each in self.package.symbols:
            check_bounds(each, sizes)
        check_requirements(self.package.requirements, sizes)
        outputs = tuple(output.at(sizes) for output in self.package.outputs)
        _check_natural(self.package, outputs, sizes)
        growing = self.package.growing
        arena = growing.at(sizes).arena if growing is not None else self.package.memory.arena
        return CallPlan(tuple(sizes[s.name] for s in self.package.symbols), outputs, arena)


def bound_sizes(
    inputs: Sequence[TensorInfo], shapes: Sequence[tuple[int, ...]], known: Mapping[str, int] = NONE
) -> dict[str, int]:
    """The values of the symbols, given the shapes of all inputs and those that are known besides."""
    sizes, origin = dict(known), dict.fromkeys(known, "the values before")
    pairs = [
        (t, axis, d, s) for t, shape in zip(inputs, shapes, strict=True) for axis, (d, s) in _dims(t, shape)
    ]
    for tensor, axis, declared, size in pairs:
        if isinstance(declared, str) and parse_size(declared) == symbol(declared):
            if sizes.setdefault(declared, size) != size:
                raise _mismatch(
                    tensor, axis, f"'{declared}' is {sizes[declared]} in {origin[declared]}", size
                )
            origin.setdefault(declared, f"'{tensor.name}'")
    for tensor, axis, declared, size in pairs:
        wanted = declared if isinstance(declared, int) else number(parse_size(declared), sizes)
        if wanted != size:
            raise _mismatch(tensor, axis, f"it must be {declared}, which is {wanted}", size)
    return sizes


def _dims(tensor: TensorInfo, shape: tuple[int, ...]) -> Sequence[tuple[int, tuple[int | str, int]]]:
    if len(shape) != len(tensor.shape):
        raise CallError(
            f"input '{tensor.name}' has shape {shape}, the model takes {list(tensor.shape)}",
            remedy="Reshape it.",
        )
    return list(enumerate(zip(tensor.shape, shape, strict=True)))


def _mismatch(tensor: TensorInfo, axis: int, told: str, size: int) -> CallError:
    return CallError(
        f"input '{tensor.name}' has {size} along axis {axis}: {told}", remedy="Pass inputs whose sizes agree."
    )


def check_bounds(given: Symbol, sizes: Mapping[str, int]) -> None:
    """`CallError` when the size of a symbol is outside of its bounds."""
    size = sizes[given.name]
    if size < given.least or (given.most is not None and size > given.most):
        least, most = given.least, "any" if given.most is None else given.most
        raise CallError(
            f"'{given.name}' is {size}, the model was compiled for {least} to {most}",
            remedy="Compile it with other bounds.",
        )


def check_requirements(requirements: Sequence[str], sizes: Mapping[str, int]) -> None:
    """`CallError` lists what does not hold of the sizes of a call."""
    broken = [each for each in requirements if not holds(each, sizes)]
    if broken:
        told = ", ".join(f"{name} = {size}" for name, size in sizes.items())
        raise CallError(
            f"the model needs {', '.join(broken)}; here {told}", remedy="Pass inputs of other sizes."
        )


def _check_natural(package: Package, outputs: Sequence[tuple[int, ...]], sizes: Mapping[str, int]) -> None:
    values = () if package.growing is None else package.growing.values
    formulas = [v.size for v in values if isinstance(v.size, Size)]
    if min((size for shape in outputs for size in shape), default=0) < 0 or any(
        number(f, sizes) < 0 for f in formulas
    ):
        told = ", ".join(f"{name} = {size}" for name, size in sizes.items())
        raise CallError(f"the model has nothing to compute at {told}", remedy="Pass larger inputs.")
