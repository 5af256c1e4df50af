"""One model built with any choice of schedules, and its kernels called one by one, for the autotuner."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from penstock.backends.targets import Target
from penstock.build import build_image
from penstock.dialects.hints import hints_of
from penstock.dialects.nest.machine import Machine
from penstock.extensions import Extended, with_choices
from penstock.package import Package, TensorInfo
from penstock.packing import pack, signature
from penstock.passes.choose_schedules import ChooseSchedulesPass, kernel_digest
from penstock.passes.nest_rewriting import kernels
from penstock.passes.schedule_options import Option, ranked_options
from penstock.phase_runs import later_phases, numerics, prepare, run_phases
from penstock.profiling import Step, memory_of, steps_of, taken_in_turns
from penstock.random_inputs import Array, random_inputs
from penstock.watching import Watcher

UNSCHEDULED = ("import", "graph", "nest")
"""Phases that no choice of schedules changes."""


class OptionListener(Watcher):
    """Hears which options each kernel has, where its schedule is about to be decided."""

    def __init__(self) -> None:
        self.digests: dict[str, str] = {}
        """Name of a kernel -> its digest."""
        self.options: dict[str, list[Option]] = {}
        """By digest, all options of a kernel, as the model ranks them."""

    def passed(self, phase: str, each: ModulePass, module: ModuleOp, seconds: float) -> None:
        """Read the kernels as `plan-schedule` will."""
        if not isinstance(each, ChooseSchedulesPass):
            return
        machine, hints = Machine.of(module), hints_of(module)
        for kernel in kernels(module):
            digest = self.digests[kernel.sym_name.data] = kernel_digest(kernel)
            self.options[digest] = ranked_options(kernel, machine, hints)


@dataclass(frozen=True)
class Variants:
    """A model taken down to the level of nests once, to be built from there with any choice."""

    module: ModuleOp
    ends: tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]
    target: Target
    known: Extended

    @staticmethod
    def of(module: ModuleOp, target: Target, known: Extended) -> "Variants":
        """Run the phases that no choice changes on a module of the graph level."""
        ends = signature(module)
        prepare(module, target)
        run_phases(known.context(), module, [p for p in known.phases if p.name in UNSCHEDULED])
        return Variants(module, ends, target, known)

    def built(self, choices: Mapping[str, str], watcher: Watcher | None = None) -> Package:
        """The model with these choices, by digest of the kernel."""
        known, module = with_choices(self.known, choices), self.module.clone()
        ctx = known.context()
        run_phases(ctx, module, [p for p in known.phases if p.name == "schedule"], watcher)
        image = build_image(ctx, module, self.target, later_phases(known))
        stated = numerics(known.phases, Machine.of(module))
        return pack("model", self.target, self.ends, module, image, stated)


@dataclass(frozen=True)
class Runnable:
    """The calls of a built model, each on the memory that it has in a real call."""

    calls: tuple[str, ...]
    """The digest of the kernel of each."""
    steps: Sequence[Step]
    memory: Sequence[Array]
    """What the steps work on; they know its addresses only."""

    @staticmethod
    def of(package: Package, digests: Mapping[str, str]) -> "Runnable":
        """Set up memory for a package, with random inputs; `digests` are those of its kernels by name."""
        memory = memory_of(package, random_inputs([t.known_at(package.hints) for t in package.inputs], 0))
        return Runnable(
            tuple(digests[call.kernel] for call in package.calls), steps_of(package, memory), memory
        )


def times_by_kernel(several: Sequence[Runnable], budget: float) -> list[dict[str, float]]:
    """For each model, the nanoseconds of a call of each kernel, by digest: the mean of its fastest calls."""
    taken = taken_in_turns([each.steps for each in several], budget=budget)
    return [_averages(each.calls, times) for each, times in zip(several, taken, strict=True)]


def _averages(calls: Sequence[str], times: Sequence[int]) -> dict[str, float]:
    counts, sums = Counter(calls), Counter[str]()
    for kernel, time in zip(calls, times, strict=True):
        sums[kernel] += time
    return {kernel: sums[kernel] / counts[kernel] for kernel in counts}
