"""The compiler from end to end: import, run the pipeline, build the code, package it."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Protocol, Unpack, cast, runtime_checkable

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from penstock.backends.targets import Target
from penstock.build import Progress, build_image
from penstock.collector import collect_paused, collector_paused
from penstock.compilation import Code, Dims, Keywords, Model, Options, Shapes
from penstock.descent import descents
from penstock.dialects.graph.base import shape_of
from penstock.dialects.module_requirements import requirements_of
from penstock.dialects.nest.hints import Bounds, Hints
from penstock.dialects.nest.machine import Machine
from penstock.dumping import Dump, write_kernel
from penstock.errors import ShapeError
from penstock.extensions import Extended, extended
from penstock.inspection import Inspection
from penstock.listing import module_text
from penstock.onnx_import import import_model
from penstock.package import Package
from penstock.packing import described_symbols, entry, names_of, pack, signature
from penstock.passes.check_positions import CheckPositionsPass
from penstock.pipeline import Phase
from penstock.registry import Importers
from penstock.staged_package import Bind, HostStep, Stage, StagedPackage, Step
from penstock.stages import Binding, bound_symbols, cut, has_stages, why_stages
from penstock.symbols import describe_symbols, symbols_of_shapes
from penstock.tuning_file import choices_of
from penstock.watching import Watcher, Watchers

if TYPE_CHECKING:
    from penstock.checking.report import CheckStep
    from penstock.onnx_import.inputs import Lengths

__all__ = [
    "Snapshot",
    "build",
    "build_module",
    "check",
    "entry",
    "inspected",
    "read",
    "trace",
]

WHOLE_GRAPH = ("import", "graph")
"""Phases that see a model as a whole even where it is run in stages."""
WHOLE_MODULE = (*WHOLE_GRAPH, "nest", "schedule")
"""Phases that see the whole module; the later ones run kernel by kernel."""


@dataclass(frozen=True)
class Snapshot:
    """The module as one pass left it."""

    level: str
    pass_name: str
    numerics: str
    seconds: float
    text: str


def build(model: Model, **keywords: Unpack[Keywords]) -> Package:
    """Compile for any target, as `api.compile` says; always anew, and the code is not loaded."""
    options = Options(**keywords)
    known, watcher, folder = _known(options), options.watcher, options.dump_dir
    with collector_paused():
        module = _module(model, options, known)
        if has_stages(module):
            return build_stages(
                module, _name(model), options.machine, known, progress=options.progress, watcher=watcher
            )
        if folder is not None:
            dump = Dump(Path(folder))
            watcher = dump if watcher is None else Watchers([watcher, dump])
        package = build_module(
            module, _name(model), options.machine, known, progress=options.progress, watcher=watcher
        )
        if folder is not None:
            for part in descents(known.context(), module, options.machine, later_phases(known)):
                write_kernel(Path(folder), part)
        return package


def _known(options: Options) -> Extended:
    """The compiler with all that the options add to it."""
    choices = choices_of(options.tuning, options.machine)
    return extended(options.plugins, options.passes, options.threads, choices)


def _module(model: Model, options: Options, known: Extended) -> ModuleOp:
    """The imported model, whose sizes may be symbols."""
    bounds, hints, lengths = options.bounds, options.hints, options.lengths
    return read_dynamic(model, options.shapes, options.dims, known.importers, bounds, hints, lengths)


def whole_module(model: Model, options: Options, known: Extended) -> ModuleOp:
    """An imported model that goes through all passes as a whole; `ShapeError` for one that runs in stages."""
    module = _module(model, options, known)
    refuse_stages(module)
    return module


def refuse_stages(module: ModuleOp) -> None:
    """`ShapeError` for a model that runs in stages."""
    reason = why_stages(module)
    if reason is not None:
        raise ShapeError(
            f"{reason}: it is run in stages, each compiled by itself",
            remedy="Make the inputs that decide it constant, or only compile it.",
        )


def build_module(
    module: ModuleOp,
    name: str,
    machine: Target,
    known: Extended,
    *,
    progress: Progress | None = None,
    watcher: Watcher | None = None,
) -> Package:
    """Compile a module of the graph level, which is left as scheduled nests."""
    if watcher is not None:
        watcher.started(module)
    todo = [phase for phase in known.phases if phase.name in WHOLE_MODULE]
    return _build(module, name, machine, known, todo, progress, watcher)


def _build(
    module: ModuleOp,
    name: str,
    machine: Target,
    known: Extended,
    todo: Sequence[Phase],
    progress: Progress | None,
    watcher: Watcher | None,
) -> Package:
    """Run phases on a whole module, then compile and pack it."""
    ends, ctx = signature(module), known.context()
    prepare(module, machine)
    run_phases(ctx, module, todo, watcher)
    image = build_image(ctx, module, machine, later_phases(known), progress, watcher)
    return pack(name, machine, ends, module, image, numerics(known.phases, Machine.of(module)))


def build_stages(
    module: ModuleOp,
    name: str,
    machine: Target,
    known: Extended,
    *,
    progress: Progress | None = None,
    watcher: Watcher | None = None,
) -> StagedPackage:
    """Compile a model whose sizes are decided by values: the graph as a whole, then stage by stage."""
    inputs, outputs = signature(module)
    describe_machine(module, machine)
    if watcher is not None:
        watcher.started(module)
    run_phases(known.context(), module, [p for p in known.phases if p.name in WHOLE_GRAPH], watcher)
    later = [p for p in known.phases if p.name in WHOLE_MODULE and p.name not in WHOLE_GRAPH]
    parts = cut(module)
    steps: list[Step] = []
    for number, part in enumerate(parts.steps):
        if isinstance(part, Binding):
            steps.append(Bind(part.value, part.symbols, part.nodes))
        elif isinstance(part, HostStep):
            steps.append(part)
        else:
            stage = f"{name}.{number}"
            steps.append(Stage(_build(part, stage, machine, known, later, progress, watcher)))
    described = described_symbols(module, symbols_of_shapes(tensor.shape for tensor in inputs))
    required = requirements_of(module)
    return StagedPackage.of(name, machine, (inputs, outputs), parts.results, steps, described, required)


def later_phases(known: Extended) -> tuple[Phase, ...]:
    """The phases that run kernel by kernel."""
    return tuple(phase for phase in known.phases if phase.name not in WHOLE_MODULE)


def inspected(model: Model, **keywords: Unpack[Keywords]) -> Inspection:
    """Take a model down to scheduled nests and keep what it was on the way, for people to read.

    A model that runs in stages is one at the level of the graph only.
    """
    options = Options(**keywords)
    known = _known(options)
    module = _module(model, options, known)
    phases = WHOLE_GRAPH if has_stages(module) else WHOLE_MODULE
    prepare(module, options.machine)
    ctx = known.context()
    left: dict[str, ModuleOp] = {}
    with collector_paused():
        for phase in known.phases:
            if phase.name in phases:
                run_phases(ctx, module, [phase])
                left[phase.name] = module.clone()
    return Inspection(ctx, options.machine, later_phases(known), left)


def read(
    model: Model,
    shapes: Shapes | None = None,
    dims: Dims | None = None,
    importers: "Importers | None" = None,
    lengths: "Lengths | None" = None,
) -> ModuleOp:
    """Import a model whose sizes are all known; `ShapeError` lists the open ones."""
    module = import_model(model, shapes=shapes, dims=dims, lengths=lengths, importers=importers)
    open_sizes = {str(d): n for n, shape in shapes_of_inputs(module) for d in shape if isinstance(d, str)}
    if open_sizes:
        told = ", ".join(f"'{d}' of input '{n}'" for d, n in open_sizes.items())
        flags = " ".join(f"--dim {d}=1" if d != "?" else f"--shape {n}=..." for d, n in open_sizes.items())
        raise ShapeError(
            f"the model leaves sizes open: {told}", file=_file(model), remedy=f"Give them, as in {flags}."
        )
    return module


def read_dynamic(
    model: Model,
    shapes: Shapes | None = None,
    dims: Dims | None = None,
    importers: "Importers | None" = None,
    bounds: Bounds | None = None,
    hints: Hints | None = None,
    lengths: "Lengths | None" = None,
) -> ModuleOp:
    """Import a model whose sizes may be symbols, with bounds and hints for them."""
    module = import_model(model, shapes=shapes, dims=dims, lengths=lengths, importers=importers)
    describe_symbols(module, shapes_of_inputs(module), bound_symbols(module), bounds or {}, hints or {})
    return module


def shapes_of_inputs(module: ModuleOp) -> list[tuple[str, tuple[int | str, ...]]]:
    """The inputs of a module by name, with their shapes."""
    main = entry(module)
    names = [t.data for t in names_of(main.arg_attrs)]
    return [(name, shape_of(a)) for name, a in zip(names, main.body.block.args, strict=True)]


def prepare(module: ModuleOp, target: Target) -> None:
    """Let the model report positions that lie outside, and tell the passes about the machine."""
    CheckPositionsPass().apply(Context(), module)
    describe_machine(module, target)


def describe_machine(module: ModuleOp, target: Target) -> None:
    """Tell the passes about the machine."""
    machine = Machine(
        target.vector_bits // 8, target.vector_registers, l1=target.l1d, l2=target.l2, fma=target.fma
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


def _file(model: object) -> str | None:
    return str(cast(object, model)) if isinstance(model, str | PathLike) else None


def _name(model: object) -> str:
    stem = Path(_file(model) or "model").stem
    return re.sub(r"\W", "_", stem) or "model"


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


def trace(model: Model, **keywords: Unpack[Keywords]) -> Iterator[Snapshot]:
    """The module before any pass and after every pass, as text."""
    options = Options(**keywords)
    known = _known(options)
    module = whole_module(model, options, known)
    prepare(module, options.machine)
    ctx = known.context()
    yield Snapshot("graph", "import", "exact", 0.0, module_text(module))
    for phase in known.phases:
        for each in phase.passes:
            start = perf_counter()
            each.apply(ctx, module)
            yield Snapshot(
                phase.level, each.name, numerics_of(each), perf_counter() - start, module_text(module)
            )


def check(
    model: Model,
    *,
    seed: int = 0,
    folder: Path = Path(),
    progress: Callable[[str], None] | None = None,
    **code: Unpack[Code],
) -> "Iterator[CheckStep]":
    """Compile a model and execute it before and after every pass, down to the machine code.

    A step for every pass, and for every pass on every kernel.  The first that changes the meaning is followed
    by a `MiscompilationError`; the module, reduced to what shows it, is written to `folder`.
    """
    # Compiling needs none of the executors.
    from penstock.checking.check import check_module
    from penstock.checking.options import Options as CheckOptions

    options = Options(**code)
    known = _known(options)
    module = whole_module(model, options, known)
    prepare(module, options.machine)
    how = CheckOptions(_name(model), seed, folder)
    how = how if progress is None else replace(how, progress=progress)
    return check_module(known.context(), module, known.phases, options.machine, how)
