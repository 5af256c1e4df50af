"""Where the time of a call goes: the kernels of a compiled model called one by one, each timed.

Needs no compiler: the package says which kernel runs when, and where its operands lie.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter, perf_counter_ns

import numpy as np
from numpy.typing import NDArray

from penstock.backends.llvm.native import NativeFunction, NativeImage
from penstock.errors import PenstockError
from penstock.model import CompiledModel
from penstock.package import CallInfo, Package, numpy_dtype
from penstock.weights import aligned_bytes

Array = NDArray[np.generic]
Step = Callable[[], None]


@dataclass(frozen=True)
class Span:
    """When a call of a kernel started and how long it took, in nanoseconds."""

    start: int
    duration: int


@dataclass(frozen=True)
class Profile:
    """The measured times of a model; `calls` of the package, `fastest` and `run` are in the same order."""

    package: Package
    fastest: tuple[int, ...]
    """The least nanoseconds of each call over all repetitions."""
    run: tuple[Span, ...]
    """The repetition that took least, as it went."""
    plain: int
    """The least nanoseconds of the whole model called as usual."""
    repetitions: int

    @property
    def profiled(self) -> int:
        """The nanoseconds of the fastest repetition, from its first call to the end of its last."""
        return self.run[-1].start + self.run[-1].duration - self.run[0].start

    @property
    def overhead(self) -> float:
        """How much longer the model took call by call, as a part of its usual time."""
        return self.profiled / self.plain - 1


def profile(
    model: CompiledModel, arrays: Mapping[str, Array], *, budget: float, at_least: int = 5
) -> Profile:
    """Call the model as usual and kernel by kernel, in turn, for `budget` seconds.

    Kernels that are made for threads run part after part on this thread.  Where sizes are open, the arrays
    have those of the hints.
    """
    package = model.package
    for tensor in model.usual_inputs:
        shape = arrays[tensor.name].shape
        if shape != tensor.shape:
            raise PenstockError(
                f"input '{tensor.name}' has shape {shape}, a profile is made at {tensor.shape}",
                remedy="Compile with these sizes as hints.",
            )
    if not package.calls:
        raise PenstockError(
            "the model has no kernels that can be called one by one",
            remedy="Measure it without --profile.",
        )
    memory = memory_of(package, arrays)
    inputs, outputs = memory[: len(package.inputs)], memory[len(package.inputs) :][: len(package.outputs)]
    steps = steps_of(package, memory)
    plain, fastest = list[int](), list[int]()
    best: tuple[Span, ...] = ()
    end = perf_counter() + budget
    while perf_counter() < end or len(plain) < at_least:
        plain.append(timed(partial(model.run, inputs, outputs)).duration)
        run = tuple(map(timed, steps))
        fastest = [min(pair) for pair in zip(fastest or _durations(run), _durations(run), strict=True)]
        best = min(best or run, run, key=_length)
    return Profile(package, tuple(fastest), best, min(plain), len(plain))


def taken_in_turns(several: Sequence[Sequence[Step]], *, budget: float, at_least: int = 5) -> list[list[int]]:
    """The least nanoseconds of each step of several models that run in turns: noise hits all alike."""
    fastest: list[list[int]] = [[] for _ in several]
    end, rounds = perf_counter() + budget, 0
    while perf_counter() < end or rounds < at_least:
        for number, steps in enumerate(several):
            run = _durations(tuple(map(timed, steps)))
            fastest[number] = [min(pair) for pair in zip(fastest[number] or run, run, strict=True)]
        rounds += 1
    return fastest


def timed(step: Callable[[], object]) -> Span:
    """Run a step and say when."""
    start = perf_counter_ns()
    step()
    return Span(start, perf_counter_ns() - start)


def _durations(run: Sequence[Span]) -> list[int]:
    return [span.duration for span in run]


def _length(run: Sequence[Span]) -> int:
    return run[-1].start + run[-1].duration - run[0].start


def memory_of(package: Package, arrays: Mapping[str, Array]) -> list[Array]:
    """What `main` is called with at the hints: inputs, outputs, perhaps a status, arena and weights."""
    inputs = [np.ascontiguousarray(arrays[tensor.name]) for tensor in package.inputs]
    outputs = [np.empty(t.at(package.hints), numpy_dtype(t.dtype)) for t in package.outputs]
    status = [np.zeros(1, np.int64)] if package.failures else []
    return [*inputs, *outputs, *status, aligned_bytes(package.memory.arena), package.weights]


def steps_of(package: Package, memory: Sequence[Array]) -> list[Step]:
    """A function for each call of `main`; all in order do what `main` does."""
    image, bases = NativeImage(package.image), [array.ctypes.data for array in memory]
    functions = {call.kernel: image.function(call.kernel) for call in package.calls}
    return [_step(functions[call.kernel], call, bases) for call in package.calls]


def _step(function: NativeFunction, call: CallInfo, bases: Sequence[int]) -> Step:
    addresses = [*(bases[place.argument] + place.offset for place in call.operands), *call.sizes]
    if call.forks:
        # Without anything that runs parts, it runs them itself.
        return partial(function, *addresses, 0, 0)
    if call.parts is None:
        return partial(function, *addresses)
    return partial(_run_parts, function, addresses, call.parts)


def _run_parts(function: NativeFunction, addresses: Sequence[int], parts: int) -> None:
    for part in range(parts):
        function(*addresses, part, parts)
