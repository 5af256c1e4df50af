"""One compilation from a module of the graph level to a package: as a whole, or stage by stage."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from penstock.backends.targets import Target
from penstock.build import Progress, build_image
from penstock.descent import descents
from penstock.dialects.module_requirements import requirements_of
from penstock.dialects.nest.machine import Machine
from penstock.dumping import Dump, write_kernel
from penstock.extensions import Extended, extended
from penstock.package import Package
from penstock.packing import described_symbols, pack, signature
from penstock.phase_runs import (
    WHOLE_GRAPH,
    describe_machine,
    later_phases,
    numerics,
    prepare,
    run_phases,
    whole_phases,
)
from penstock.pipeline import Phase
from penstock.staged_package import Bind, HostStep, Stage, StagedPackage, Step
from penstock.stages import Binding, cut, has_stages
from penstock.symbols import symbols_of_shapes
from penstock.watching import Watcher, Watchers


@dataclass(frozen=True)
class Compiler:
    """What all modules of a compilation have in common: the machine, the passes, and who hears of it.

    In `folder` every pass leaves its result; that of a stage is in a folder of its number there.
    """

    machine: Target
    known: Extended = field(default_factory=extended)
    progress: Progress | None = None
    watcher: Watcher | None = None
    folder: Path | None = None

    def package(self, module: ModuleOp, name: str) -> Package:
        """Compile a module, which is left as scheduled nests, or as a graph if it runs in stages."""
        if has_stages(module):
            return self._in_stages(module, name)
        return self._as_a_whole(module, name, whole_phases(self.known))

    @cached_property
    def _listener(self) -> Watcher | None:
        """Who hears of the passes: the caller, and the files that they leave."""
        if self.folder is None:
            return self.watcher
        dump = Dump(self.folder)
        return dump if self.watcher is None else Watchers([self.watcher, dump])

    def _as_a_whole(self, module: ModuleOp, name: str, todo: Sequence[Phase]) -> Package:
        """Run phases on a module, then compile and pack it."""
        if self._listener is not None:
            self._listener.started(module)
        ends, ctx, later = signature(module), self.known.context(), later_phases(self.known)
        prepare(module, self.machine)
        run_phases(ctx, module, todo, self._listener)
        image = build_image(ctx, module, self.machine, later, self.progress, self._listener)
        if self.folder is not None:
            for part in descents(ctx, module, self.machine, later):
                write_kernel(self.folder, part)
        return pack(name, self.machine, ends, module, image, numerics(self.known.phases, Machine.of(module)))

    def _in_stages(self, module: ModuleOp, name: str) -> StagedPackage:
        """The graph as a whole, then stage by stage."""
        if self._listener is not None:
            self._listener.started(module)
        inputs, outputs = signature(module)
        describe_machine(module, self.machine)
        graph = [phase for phase in whole_phases(self.known) if phase.name in WHOLE_GRAPH]
        run_phases(self.known.context(), module, graph, self._listener)
        parts = cut(module)
        steps = tuple(self._steps(parts.steps, name))
        described = described_symbols(module, symbols_of_shapes(tensor.shape for tensor in inputs))
        required = requirements_of(module)
        return StagedPackage.of(
            name, self.machine, (inputs, outputs), parts.results, steps, described, required
        )

    def _steps(self, parts: Sequence[ModuleOp | Binding | HostStep], name: str) -> Iterator[Step]:
        """The steps of a staged model, those that are modules compiled."""
        for number, part in enumerate(parts):
            if isinstance(part, Binding):
                yield Bind(part.value, part.symbols, part.nodes)
            elif isinstance(part, HostStep):
                yield part
            else:
                yield Stage(self._stage(number)._as_a_whole(part, f"{name}.{number}", self._below_graph))

    def _stage(self, number: int) -> "Compiler":
        """The compiler of a stage, which leaves its files in a folder of its own."""
        return replace(self, folder=self.folder and self.folder / f"stage-{number:02}")

    @property
    def _below_graph(self) -> list[Phase]:
        return [phase for phase in whole_phases(self.known) if phase.name not in WHOLE_GRAPH]
