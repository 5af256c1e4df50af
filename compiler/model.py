"""A compiled model in memory: checks what it is called with, then jumps into its code.

Loading and running import neither the compiler nor LLVM.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from penstock.addresses import address_reader
from penstock.backends.llvm.native import NativeImage
from penstock.backends.llvm.threads import Threads
from penstock.backends.targets import missing_features
from penstock.call_sizes import NONE, CallSizes
from penstock.dialects.memory_plan import Plan
from penstock.errors import CallError, HostError, PositionError, TargetError
from penstock.host.arrays import as_strings, is_strings
from penstock.package import ENTRY, STRINGS, KernelInfo, Package, TensorInfo, numpy_dtype
from penstock.weights import aligned_bytes

Array = NDArray[np.generic]


@dataclass(frozen=True)
class _Scratch:
    """What a call needs besides inputs and outputs: where it reports failures, the arena, and the weights."""

    status: NDArray[np.int64]
    arena: NDArray[np.uint8]
    addresses: tuple[int, ...]

    @staticmethod
    def of(package: Package, size: int) -> "_Scratch":
        """Fresh memory with an arena of a size; the weights are those of the package."""
        status, arena = np.zeros(1, np.int64), aligned_bytes(size)
        reported = (status.ctypes.data,) if package.failures else ()
        return _Scratch(status, arena, (*reported, arena.ctypes.data, package.weights.ctypes.data))

    def with_sizes(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """What `main` takes behind inputs and outputs: the sizes come in front of the arena."""
        return (*self.addresses[:-2], *sizes, *self.addresses[-2:])


@dataclass
class CompiledModel:
    """A model ready to run: call it with a dict of arrays, or with keywords.

    Calls may come from several threads at once: each takes an arena of its own.
    """

    package: Package
    _scratch: list["_Scratch"] = field(default_factory=list["_Scratch"], repr=False)
    """Memory that no call uses."""

    def __post_init__(self) -> None:
        lacking = missing_features(self.package.target)
        if lacking:
            raise TargetError(
                f"the code is for {self.package.target.name} and this CPU lacks {', '.join(lacking)}",
                remedy="Compile with --target host on this machine, or for an older target.",
            )
        image = NativeImage(self.package.image)
        self._main = image.function(ENTRY)
        self._pool = Threads(image, self.threads) if self.threads > 1 else None
        self._address = address_reader()
        self._sizes = CallSizes(self.package) if self.package.symbols else None
        self._inputs = [(t.name, numpy_dtype(t.dtype), t.shape) for t in self.inputs]
        fixed = () if self._sizes is not None else self.outputs
        self._outputs = [(t.name, t.fixed, numpy_dtype(t.dtype)) for t in fixed]

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """What the model takes."""
        return self.package.inputs

    @property
    def usual_inputs(self) -> tuple[TensorInfo, ...]:
        """What the model takes, at the sizes that it is made to be fast at."""
        return tuple(t.known_at(self.package.hints) for t in self.inputs)

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """What the model gives."""
        return self.package.outputs

    @property
    def memory(self) -> Plan:
        """Where every intermediate value lies in the arena, with the lower bound of its size."""
        return self.package.memory

    @property
    def threads(self) -> int:
        """The threads that a call runs on."""
        return self.package.threads

    @property
    def kernels(self) -> tuple[KernelInfo, ...]:
        """The distinct kernels of the model."""
        return self.package.kernels

    def __call__(self, arrays: Mapping[str, Array] | None = None, /, **named: Array) -> dict[str, Array]:
        """Run once; `CallError` names an input that is missing, unknown, or of another type or shape."""
        given = {**(arrays or {}), **named} if arrays is None or named else arrays
        if self._sizes is not None:
            return self._run_at_sizes(checked_inputs(self.inputs, given), self._sizes)
        outputs = {name: np.empty(shape, dtype) for name, shape, dtype in self._outputs}
        self.run(self._as_they_are(given) or checked_inputs(self.inputs, given), [*outputs.values()])
        return outputs

    def stage(self, inputs: Sequence[Array], known: Mapping[str, int]) -> dict[str, Array]:
        """Run as a stage of a larger model on arrays that fit; `known` are sizes besides those of inputs."""
        if self._sizes is not None:
            return self._run_at_sizes(inputs, self._sizes, known)
        outputs = {name: np.empty(shape, dtype) for name, shape, dtype in self._outputs}
        self.run(inputs, [*outputs.values()])
        return outputs

    def _run_at_sizes(
        self, inputs: Sequence[Array], sizes: CallSizes, known: Mapping[str, int] = NONE
    ) -> dict[str, Array]:
        """Run once at the sizes that the inputs have."""
        plan = sizes.plan(inputs, known)
        pairs = zip(self.outputs, plan.outputs, strict=True)
        try:
            outputs = {t.name: np.empty(shape, numpy_dtype(t.dtype)) for t, shape in pairs}
            self.run(inputs, [*outputs.values()], known)
        except MemoryError as error:
            told = ", ".join(f"'{t.name}' {list(s)}" for t, s in zip(self.outputs, plan.outputs, strict=True))
            raise CallError(
                f"there is no memory for {plan.arena} bytes of values and the outputs {told}",
                remedy="Call it at smaller sizes.",
            ) from error
        return outputs

    def run(self, inputs: Sequence[Array], outputs: Sequence[Array], known: Mapping[str, int] = NONE) -> None:
        """Run on arrays that are known to fit: contiguous, of the right types and shapes, in order.

        `known` are sizes besides those of the inputs.
        `PositionError` names the node that met a position outside; the outputs are then of no use.
        """
        plan = None if self._sizes is None else self._sizes.plan(inputs, known)
        scratch = self._free_scratch() if plan is None else self._scratch_of(plan.arena)
        given = scratch.addresses if plan is None else scratch.with_sizes(plan.sizes)
        addresses = [*map(self._address, inputs), *map(self._address, outputs), *given]
        if self._pool is not None:
            self._pool.call(self._main, addresses)
        else:
            self._main(*addresses)
        failure = scratch.status.item() if self.package.failures else 0
        self._scratch.append(scratch)
        if failure:
            raise PositionError(self.package.failures[failure - 1], remedy="Check the inputs.")

    def _free_scratch(self) -> "_Scratch":
        try:
            return self._scratch.pop()
        except IndexError:
            return _Scratch.of(self.package, self.memory.arena)

    def _scratch_of(self, arena: int) -> "_Scratch":
        """Memory with an arena of at least a size."""
        try:
            kept = self._scratch.pop()
        except IndexError:
            return _Scratch.of(self.package, arena)
        return kept if kept.arena.nbytes >= arena else _Scratch.of(self.package, arena)

    def _as_they_are(self, given: Mapping[str, Array]) -> list[Array] | None:
        """The inputs in order, if nothing is wrong with them and nothing has to be done: the usual call."""
        arrays: list[Array] = []
        for name, dtype, shape in self._inputs:
            array = given.get(name)
            if type(array) is not np.ndarray or array.dtype != dtype or array.shape != shape:
                return None
            if not array.flags.c_contiguous:
                return None
            arrays.append(array)
        return arrays if len(given) == len(arrays) else None

    def save(self, path: str | Path) -> None:
        """Write the artefact that `penstock.load` reads."""
        from penstock.artefact import save

        save(self.package, Path(path))

    def write(self, path: str | Path) -> list[Path]:
        """Write what the suffix says (.penstock .o .a .so); the files written."""
        from penstock.files import write_package

        return write_package(self.package, Path(path))


def checked_inputs(inputs: Sequence[TensorInfo], given: Mapping[str, Array]) -> list[Array]:
    """The arrays of a call in order; `CallError` names one that is missing, unknown, or does not fit."""
    names = [t.name for t in inputs]
    unknown = sorted(set(given) - set(names))
    missing = [n for n in names if n not in given]
    if unknown or missing:
        told = [f"no input '{n}'" for n in unknown] + [f"input '{n}' is missing" for n in missing]
        raise CallError("; ".join(told), remedy=f"The inputs are: {', '.join(names)}.")
    return [_fitting(t, given[t.name]) for t in inputs]


def _fitting(wanted: TensorInfo, array: Array) -> Array:
    """The array, contiguous, if it is what the model takes."""
    if not hasattr(array, "__array_interface__"):
        raise CallError(f"input '{wanted.name}' is a {type(array).__name__}", remedy="Pass a NumPy array.")
    if wanted.dtype == STRINGS and is_strings(array):
        array = _fitting_strings(wanted, array)
    if array.dtype != numpy_dtype(wanted.dtype):
        raise CallError(
            f"input '{wanted.name}' is {array.dtype}, the model takes {wanted.dtype}",
            remedy=f"Convert it with .astype('{numpy_dtype(wanted.dtype)}').",
        )
    if wanted.is_static and array.shape != wanted.shape:
        raise CallError(
            f"input '{wanted.name}' has shape {array.shape}, the model was compiled for {wanted.shape}",
            remedy="Reshape it, or compile with --shape.",
        )
    # NumPy's way of making an array contiguous gives one without dims a dim.
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def _fitting_strings(wanted: TensorInfo, array: Array) -> Array:
    try:
        return as_strings(array)
    except HostError as error:
        raise CallError(f"input '{wanted.name}': {error.message}", remedy=error.remedy) from None
