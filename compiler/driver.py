"""The compiler from end to end: import, run the pipeline, build the code, package it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Unpack

from xdsl.dialects.builtin import ModuleOp

from penstock.collector import collector_paused
from penstock.compilation import Code, Keywords, Model, Options
from penstock.compiler import Compiler
from penstock.dialects.spool import spooling
from penstock.inspection import Inspection
from penstock.listing import module_text
from penstock.package import Package
from penstock.phase_runs import WHOLE_GRAPH, WHOLE_MODULE, later_phases, numerics_of, prepare, run_phases
from penstock.reading import known_to, name_of, read_open, read_whole
from penstock.stages import has_stages

if TYPE_CHECKING:
    from penstock.checking.report import CheckStep


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
    known = known_to(options)
    folder = None if options.dump_dir is None else Path(options.dump_dir)
    compiler = Compiler(options.machine, known, options.progress, options.watcher, folder)
    with collector_paused(), spooling():
        return compiler.package(read_open(model, options, known), name_of(model))


def inspected(model: Model, **keywords: Unpack[Keywords]) -> Inspection:
    """Take a model down to scheduled nests and keep what it was on the way, for people to read.

    A model that runs in stages is one at the level of the graph only.
    """
    options = Options(**keywords)
    known = known_to(options)
    module = read_open(model, options, known)
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


def trace(model: Model, **keywords: Unpack[Keywords]) -> Iterator[Snapshot]:
    """The module before any pass and after every pass, as text."""
    options = Options(**keywords)
    known = known_to(options)
    module = read_whole(model, options, known)
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
    known = known_to(options)
    module = read_whole(model, options, known)
    prepare(module, options.machine)
    how = CheckOptions(name_of(model), seed, folder)
    how = how if progress is None else replace(how, progress=progress)
    return check_module(known.context(), module, known.phases, options.machine, how)
