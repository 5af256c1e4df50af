"""Runs the phases of the pipeline on modules, and says what they do to the numbers."""

from collections.abc import Sequence
from time import perf_counter
from typing import Protocol, runtime_checkable

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from penstock.backends.targets import Target
from penstock.collector import collect_paused
from penstock.dialects.nest.machine import Machine
from penstock.extensions import Extended
from penstock.passes.check_positions import CheckPositionsPass
from penstock.pipeline import Phase
from penstock.watching import Watcher

WHOLE_GRAPH = ("import", "graph")
"""Phases that see a model as a whole even where it is run in stages."""
WHOLE_MODULE = (*WHOLE_GRAPH, "nest", "schedule")
"""Phases that see the whole module; the later ones run kernel by kernel."""


def whole_phases(known: Extended) -> tuple[Phase, ...]:
    """The phases that see the whole module."""
    return tuple(phase for phase in known.phases if phase.name in WHOLE_MODULE)


def later_phases(known: Extended) -> tuple[Phase, ...]:
    """The phases that run kernel by kernel."""
    return tuple(phase for phase in known.phases if phase.name not in WHOLE_MODULE)


def prepare(module: ModuleOp, target: Target) -> None:
    """Let the model report positions that lie outside, and tell the passes about the machine."""
    CheckPositionsPass().apply(Context(), module)
    describe_machine(module, target)


def describe_machine(module: ModuleOp, target: Target) -> None:
    """Tell the passes about the machine."""
    machine = Machine(
        target.vector_bits // 8,
        target.vector_registers,
        l1=target.l1d,
        l2=target.l2,
        fma=target.fma,
        rounds=target.rounds,
        has_f16_conversion=target.has_f16_conversion,
    )
    machine.attach(module)


def run_phases(ctx: Context, module: ModuleOp, todo: Sequence[Phase], watcher: Watcher | None = None) -> None:
    """Run phases in order; the module is verified at the end of each."""
    level = "graph"
    for phase in todo:
        for each in phase.passes:
            start = perf_counter()
            each.apply(ctx, module)
            if watcher is not None:
                watcher.passed(phase.name, each, module, perf_counter() - start)
        module.verify()
        if phase.level != level:
            # Operations of the level before are dead, and weights with them.
            collect_paused()
            level = phase.level


@runtime_checkable
class Concerned(Protocol):
    """A pass that only concerns some machines."""

    def concerns(self, machine: Machine) -> bool: ...


def numerics(pipeline: Sequence[Phase], machine: Machine) -> tuple[str, ...]:
    """What the passes of a pipeline do beyond exact rewriting, on a machine."""
    passes = [
        p for phase in pipeline for p in phase.passes if not isinstance(p, Concerned) or p.concerns(machine)
    ]
    stated = [(p.name, numerics_of(p)) for p in passes]
    return tuple(dict.fromkeys(f"{name}: {how}" for name, how in stated if how != "exact"))


def numerics_of(each: ModulePass) -> str:
    """What a pass states of its numerics; one that states nothing must be exact."""
    return str(getattr(each, "numerics", "exact"))
