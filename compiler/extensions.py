"""What a caller adds to one compilation: plugins, and passes that run at the end of a phase."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from xdsl.context import Context
from xdsl.passes import ModulePass
from xdsl.universe import Universe
from xdsl.utils.arg_spec import parse_spec
from xdsl.utils.exceptions import ArgSpecParseError

from penstock.errors import PenstockError, PluginError
from penstock.passes.choose_schedules import ChooseSchedulesPass
from penstock.passes.plan_schedule import PlanSchedulePass
from penstock.pipeline import Phase, phases
from penstock.registry import Importers, Plugin, context_of, everything, importers, load_plugin

Passes: TypeAlias = Mapping[str, Sequence[ModulePass | str]]
"""Phase -> passes that run at its end; a text is a pass by name, with options as in `tile{size=4}`.

A name behind a minus, as in `-winograd`, is a pass of the phase that is left out.
"""


@dataclass(frozen=True)
class Extended:
    """The compiler with all that plugins and callers add to it, loaded once for a whole compilation."""

    universe: Universe
    importers: Importers
    phases: tuple[Phase, ...]

    def context(self) -> Context:
        """A context that knows every dialect."""
        return context_of(self.universe)


def extended(
    plugins: Iterable[Plugin] = (),
    passes: Passes | None = None,
    threads: int = 1,
    choices: Mapping[str, str] | None = None,
) -> Extended:
    """Load plugins and put passes in their places; `PenstockError` names what does not exist or cannot be.

    `choices` are schedules by digest of the kernel, as a tuning has them.
    """
    if threads < 1:
        raise PenstockError(f"a model cannot run on {threads} threads", remedy="Ask for one or more.")
    modules = [load_plugin(plugin) for plugin in plugins]
    universe = everything(modules)
    wanted, own = dict(passes or {}), phases(threads)
    for unknown in wanted.keys() - {phase.name for phase in own}:
        names = ", ".join(phase.name for phase in own)
        raise PluginError(f"there is no phase '{unknown}'", remedy=f"The phases are: {names}.")
    changed = tuple(_changed(phase, wanted.get(phase.name, ()), universe) for phase in own)
    known = Extended(universe, importers(modules), changed)
    return known if choices is None else with_choices(known, choices)


def with_choices(known: Extended, choices: Mapping[str, str]) -> Extended:
    """The compiler that takes these schedules where it would have chosen by its model."""
    added = ChooseSchedulesPass.of(choices)
    if not any(isinstance(each, PlanSchedulePass) for phase in known.phases for each in phase.passes):
        raise PenstockError("there are no schedules to choose", remedy="Do not leave out plan-schedule.")
    return replace(known, phases=tuple(_with_choices(phase, added) for phase in known.phases))


def _with_choices(phase: Phase, added: ChooseSchedulesPass) -> Phase:
    """A phase with the choices in front of the pass that they are for, and none from before."""
    passes = [each for each in phase.passes if not isinstance(each, ChooseSchedulesPass)]
    placed = [[added, each] if isinstance(each, PlanSchedulePass) else [each] for each in passes]
    return replace(phase, passes=tuple(each for some in placed for each in some))


def _changed(phase: Phase, wanted: Sequence[ModulePass | str], universe: Universe) -> Phase:
    """A phase less the passes that are to be left out, with the others at its end."""
    unwanted = {each.removeprefix("-") for each in wanted if isinstance(each, str) and each.startswith("-")}
    added = [each for each in wanted if not (isinstance(each, str) and each.startswith("-"))]
    for unknown in sorted(unwanted - {each.name for each in phase.passes}):
        names = ", ".join(dict.fromkeys(each.name for each in phase.passes))
        raise PluginError(
            f"the phase '{phase.name}' has no pass '{unknown}' to leave out", remedy=f"Its passes: {names}."
        )
    kept = tuple(each for each in phase.passes if each.name not in unwanted)
    return replace(phase, passes=kept + tuple(_resolved(each, universe) for each in added))


def _resolved(wanted: ModulePass | str, universe: Universe) -> ModulePass:
    """The pass itself, or the one that a text names."""
    if isinstance(wanted, ModulePass):
        return wanted
    try:
        spec = parse_spec(wanted)
        if spec.name not in universe.all_passes:
            raise PluginError(f"there is no pass '{spec.name}'", remedy="`penstock opt --help` lists them.")
        return universe.all_passes[spec.name]().from_spec(spec)
    except (ArgSpecParseError, ValueError) as error:
        raise PluginError(f"the pass '{wanted}' cannot be made: {error}") from error
