"""The one table of what can be named on a command line: dialects and passes, ours and those of plugins.

Every driver reads it, and the entry point `xdsl.universe` hands it to `xdsl-opt`.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from xdsl.context import Context
from xdsl.ir import Dialect
from xdsl.passes import ModulePass
from xdsl.universe import Universe

from penstock.errors import PluginError

T = TypeVar("T")
Loader = TypeVar("Loader")
DialectLoader = Callable[[], Dialect]
PassLoader = Callable[[], type[ModulePass]]

DIALECTS: dict[str, str] = {
    "graph": "penstock.dialects.graph:Graph",
    "nest": "penstock.dialects.nest:Nest",
}

# Upstream dialects that ours complete.  xDSL refuses two of one name, so `xdsl-opt` keeps its own.
REPLACEMENTS: dict[str, str] = {
    "arith": "penstock.dialects.arith_ext:ARITH",
    "llvm": "penstock.dialects.llvm_ext:LLVM",
}

PASSES: dict[str, str] = {
    "assign-layout": "penstock.passes.assign_layout:AssignLayoutPass",
    "collapse-loops": "penstock.passes.collapse_loops:CollapseLoopsPass",
    "contract-fma": "penstock.passes.contract_fma:ContractFmaPass",
    "drop-unit-loops": "penstock.passes.drop_unit_loops:DropUnitLoopsPass",
    "eliminate-common-subexpressions": (
        "penstock.passes.eliminate_common_subexpressions:EliminateCommonSubexpressionsPass"
    ),
    "eliminate-dead-code": "penstock.passes.eliminate_dead_code:EliminateDeadCodePass",
    "expand-math": "penstock.passes.expand_math:ExpandMathPass",
    "fold-batch-norm": "penstock.passes.fold_batch_norm:FoldBatchNormPass",
    "fold-constants": "penstock.passes.fold_constants:FoldConstantsPass",
    "fuse-consumers": "penstock.passes.fuse_consumers:FuseConsumersPass",
    "fuse-producers": "penstock.passes.fuse_producers:FuseProducersPass",
    "interchange": "penstock.passes.interchange:InterchangePass",
    "lower-graph-to-nest": "penstock.passes.lowering.graph_to_nest.lowering:LowerGraphToNest",
    "lower-loops-to-llvm": "penstock.passes.lowering.loops_to_llvm:LowerLoopsToLLVM",
    "lower-nest-to-loops": "penstock.passes.lowering.nest_to_loops:LowerNestToLoops",
    "outline-kernels": "penstock.passes.outline_kernels:OutlineKernelsPass",
    "pack-constants": "penstock.passes.pack_constants:PackConstantsPass",
    "peel-borders": "penstock.passes.peel_borders:PeelBordersPass",
    "plan-memory": "penstock.passes.plan_memory:PlanMemoryPass",
    "plan-schedule": "penstock.passes.plan_schedule:PlanSchedulePass",
    "tile": "penstock.passes.tile_loops:TilePass",
    "unroll-and-jam": "penstock.passes.unroll_and_jam:UnrollAndJamPass",
    "vectorize": "penstock.passes.vectorize:VectorizePass",
}

PLUGIN_GROUP = "penstock.plugins"


def _load(location: str) -> object:
    """Import what `module:name` names."""
    module, _, name = location.partition(":")
    return getattr(import_module(module), name)


def dialect_loader(location: str) -> DialectLoader:
    """Return a function that imports the dialect at `module:name` when it is first needed."""

    def load() -> Dialect:
        dialect = _load(location)
        assert isinstance(dialect, Dialect), f"{location} is not a Dialect"
        return dialect

    return load


def pass_loader(location: str) -> PassLoader:
    """Return a function that imports the pass at `module:name` when it is first needed."""

    def load() -> type[ModulePass]:
        found = _load(location)
        assert isinstance(found, type) and issubclass(found, ModulePass), f"{location} is not a pass"
        return found

    return load


UNIVERSE = Universe(
    all_dialects={name: dialect_loader(location) for name, location in DIALECTS.items()},
    all_passes={name: pass_loader(location) for name, location in PASSES.items()},
)


def universe_of(module: ModuleType) -> Universe:
    """Collect the dialects and passes that a module or package defines itself: a plugin is no more."""
    found = vars(module).values()
    dialects = [each for each in found if isinstance(each, Dialect)]
    passes = [each for each in found if isinstance(each, type) and issubclass(each, ModulePass)]
    return Universe(
        all_dialects={each.name: _constant(each) for each in dialects if _owns(module, *_members(each))},
        all_passes={each.name: _constant(each) for each in passes if _owns(module, each)},
    )


def load_file(path: str | Path) -> Universe:
    """Run a Python file as a plugin and return the dialects and passes it defines."""
    path = Path(path)
    # A name that no import can spell, yet one that dataclasses and pickling can look up.
    name = f"penstock-plugin:{path.resolve()}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise PluginError("a plugin is a Python file", file=str(path))
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise PluginError(
            f"the plugin failed to load: {type(error).__name__}: {error}", file=str(path)
        ) from error
    return universe_of(module)


def installed_plugins() -> list[Universe]:
    """Load the modules and universes that installed packages declare under `penstock.plugins`."""
    loaded = [entry.load() for entry in entry_points(group=PLUGIN_GROUP)]
    return [universe_of(each) if isinstance(each, ModuleType) else each for each in loaded]


def everything(plugin_files: Iterable[str | Path] = ()) -> Universe:
    """Join xDSL's own dialects and passes, ours, those of installed plugins and those of the files given."""
    universes = [
        Universe.get_multiverse(),
        *installed_plugins(),
        *(load_file(path) for path in plugin_files),
    ]
    replaced = {name: dialect_loader(location) for name, location in REPLACEMENTS.items()}
    return Universe(
        all_dialects=_join("dialect", [each.all_dialects for each in universes]) | replaced,
        all_passes=_join("pass", [each.all_passes for each in universes]),
        all_targets=_join("target", [each.all_targets for each in universes]),
    )


def context(plugin_files: Iterable[str | Path] = ()) -> Context:
    """Make a context that knows every dialect; each is imported when a module first uses it."""
    ctx = Context()
    for name, loader in everything(plugin_files).all_dialects.items():
        ctx.register_dialect(name, loader)
    return ctx


def _join(kind: str, tables: Sequence[Mapping[str, Loader]]) -> dict[str, Loader]:
    joined: dict[str, Loader] = {}
    for table in tables:
        for name in table.keys() & joined.keys():
            raise PluginError(f"the {kind} name '{name}' is taken", remedy="Rename it in the plugin.")
        joined |= table
    return joined


def _members(dialect: Dialect) -> list[type]:
    return [*dialect.operations, *dialect.attributes]


def _owns(module: ModuleType, *classes: type) -> bool:
    """Whether one of the classes is defined in the module or, when that is a package, below it."""
    homes = {each.__module__ for each in classes}
    return any(home == module.__name__ or home.startswith(f"{module.__name__}.") for home in homes)


def _constant(value: T) -> Callable[[], T]:
    return lambda: value
