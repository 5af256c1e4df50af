"""The one table of what can be named on a command line: dialects and passes, ours and those of plugins.

Every driver reads it, and the entry point `xdsl.universe` hands it to `xdsl-opt`.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

from xdsl.context import Context
from xdsl.ir import Dialect
from xdsl.passes import ModulePass
from xdsl.universe import Universe

from penstock.errors import PluginError

if TYPE_CHECKING:
    from penstock.onnx_import.family import Importer

T = TypeVar("T")
DialectLoader = Callable[[], Dialect]
PassLoader = Callable[[], type[ModulePass]]
Plugin: TypeAlias = str | Path | ModuleType
"""What brings dialects, passes and importers: a Python file, or a module that is imported already."""
Importers: TypeAlias = Mapping[tuple[str, str], "Importer"]
"""(ONNX domain, operation) to the function that imports it."""

DIALECTS: dict[str, str] = {
    "graph": "penstock.dialects.graph:Graph",
    "nest": "penstock.dialects.nest:Nest",
    "quant": "penstock.dialects.quant:Quant",
}

# Upstream dialects that ours complete.  xDSL refuses two of one name, so `xdsl-opt` keeps its own.
REPLACEMENTS: dict[str, str] = {
    "arith": "penstock.dialects.arith_ext:ARITH",
    "llvm": "penstock.dialects.llvm_ext:LLVM",
    "memref": "penstock.dialects.memref_ext:MEMREF",
}

PASSES: dict[str, str] = {
    "assign-layout": "penstock.passes.assign_layout:AssignLayoutPass",
    "block-reductions": "penstock.passes.block_reductions:BlockReductionsPass",
    "cancel-inverse-pairs": "penstock.passes.cancel_inverse_pairs:CancelInversePairsPass",
    "check-positions": "penstock.passes.check_positions:CheckPositionsPass",
    "choose-schedules": "penstock.passes.choose_schedules:ChooseSchedulesPass",
    "coalesce-copies": "penstock.passes.coalesce_copies:CoalesceCopiesPass",
    "collapse-loops": "penstock.passes.collapse_loops:CollapseLoopsPass",
    "contract-chains": "penstock.passes.contract_chains:ContractChainsPass",
    "contract-fma": "penstock.passes.contract_fma:ContractFmaPass",
    "drop-unit-loops": "penstock.passes.drop_unit_loops:DropUnitLoopsPass",
    "eliminate-common-subexpressions": (
        "penstock.passes.eliminate_common_subexpressions:EliminateCommonSubexpressionsPass"
    ),
    "eliminate-dead-code": "penstock.passes.eliminate_dead_code:EliminateDeadCodePass",
    "expand-math": "penstock.passes.expand_math:ExpandMathPass",
    "expand-rounding": "penstock.passes.expand_rounding:ExpandRoundingPass",
    "expand-suppression": "penstock.passes.expand_suppression:ExpandSuppressionPass",
    "fold-batch-norm": "penstock.passes.fold_batch_norm:FoldBatchNormPass",
    "fold-constants": "penstock.passes.fold_constants:FoldConstantsPass",
    "fuse-consumers": "penstock.passes.fuse_consumers:FuseConsumersPass",
    "fuse-chains": "penstock.passes.fuse_chains:FuseChainsPass",
    "fuse-siblings": "penstock.passes.fuse_siblings:FuseSiblingsPass",
    "fuse-producers": "penstock.passes.fuse_producers:FuseProducersPass",
    "hoist-slices": "penstock.passes.hoist_slices:HoistSlicesPass",
    "interchange": "penstock.passes.interchange:InterchangePass",
    "lower-graph-to-nest": "penstock.passes.lowering.graph_to_nest.lowering:LowerGraphToNest",
    "lower-loops-to-llvm": "penstock.passes.lowering.loops_to_llvm:LowerLoopsToLLVM",
    "lower-nest-to-loops": "penstock.passes.lowering.nest_to_loops:LowerNestToLoops",
    "merge-convolutions": "penstock.passes.merge_convolutions:MergeConvolutionsPass",
    "move-reshapes": "penstock.passes.move_reshapes:MoveReshapesPass",
    "move-transposes": "penstock.passes.move_transposes:MoveTransposesPass",
    "outline-kernels": "penstock.passes.outline_kernels:OutlineKernelsPass",
    "pack-constants": "penstock.passes.pack_constants:PackConstantsPass",
    "parallelize": "penstock.passes.parallelize:ParallelizePass",
    "peel-borders": "penstock.passes.peel_borders:PeelBordersPass",
    "place-constants": "penstock.passes.place_constants:PlaceConstantsPass",
    "plan-memory": "penstock.passes.plan_memory:PlanMemoryPass",
    "plan-schedule": "penstock.passes.plan_schedule:PlanSchedulePass",
    "prefetch-panels": "penstock.passes.prefetch_panels:PrefetchPanelsPass",
    "recognize-attention": "penstock.passes.recognize_attention:RecognizeAttentionPass",
    "recognize-composites": "penstock.passes.recognize_composites:RecognizeCompositesPass",
    "remove-no-ops": "penstock.passes.remove_no_ops:RemoveNoOpsPass",
    "settle-hints": "penstock.passes.settle_hints:SettleHintsPass",
    "share-concats": "penstock.passes.share_concats:ShareConcatsPass",
    "simplify": "penstock.passes.simplify:SimplifyPass",
    "simplify-regions": "penstock.passes.simplify_regions:SimplifyRegionsPass",
    "specialize-sizes": "penstock.passes.specialize_sizes:SpecializeSizesPass",
    "split-fma": "penstock.passes.split_fma:SplitFmaPass",
    "tile": "penstock.passes.tile_loops:TilePass",
    "unroll-and-jam": "penstock.passes.unroll_and_jam:UnrollAndJamPass",
    "update-in-place": "penstock.passes.update_in_place:UpdateInPlacePass",
    "vectorize": "penstock.passes.vectorize:VectorizePass",
    "winograd": "penstock.passes.winograd:WinogradPass",
}

PLUGIN_GROUP = "penstock.plugins"
IMPORTERS = "IMPORTERS"
"""The name under which a plugin module keeps its importers of ONNX operations."""


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


def load_plugin(plugin: Plugin) -> ModuleType:
    """Run a Python file as a plugin; a module is one as it is."""
    if isinstance(plugin, ModuleType):
        return plugin
    path = Path(plugin)
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
    return module


def installed_plugins() -> list[ModuleType]:
    """Import the modules that installed packages declare under `penstock.plugins`."""
    return [_imported(entry) for entry in entry_points(group=PLUGIN_GROUP)]


def _imported(entry: EntryPoint) -> ModuleType:
    remedy = "Repair the package that brings it, or uninstall it."
    try:
        module = entry.load()
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        raise PluginError(f"the plugin '{entry.name}' failed to load: {cause}", remedy=remedy) from error
    if not isinstance(module, ModuleType):
        raise PluginError(f"the plugin '{entry.name}' is no module: {entry.value}", remedy=remedy)
    return module


def everything(plugins: Iterable[Plugin] = ()) -> Universe:
    """Join the dialects and passes of xDSL, ours, those of installed plugins and those given."""
    modules = [*installed_plugins(), *map(load_plugin, plugins)]
    universes = [Universe.get_multiverse(), *map(universe_of, modules)]
    replaced = {name: dialect_loader(location) for name, location in REPLACEMENTS.items()}
    return Universe(
        all_dialects=_join("dialect", [each.all_dialects for each in universes]) | replaced,
        all_passes=_join("pass", [each.all_passes for each in universes]),
        all_targets=_join("target", [each.all_targets for each in universes]),
    )


def importers(plugins: Iterable[Plugin] = ()) -> Importers:
    """The importers of ONNX operations that installed plugins, and those given, keep as `IMPORTERS`."""
    joined: dict[tuple[str, str], Importer] = {}
    for module in [*installed_plugins(), *map(load_plugin, plugins)]:
        found = cast(Importers, getattr(module, IMPORTERS, {}))
        for domain, operation in found.keys() & joined.keys():
            # A plugin that is installed may be given as well.
            if found[domain, operation] is joined[domain, operation]:
                continue
            raise PluginError(f"the ONNX operation '{domain}.{operation}' is imported by two plugins")
        joined |= found
    return joined


def context(plugins: Iterable[Plugin] = ()) -> Context:
    """Make a context that knows every dialect; each is imported when a module first uses it."""
    return context_of(everything(plugins))


def context_of(universe: Universe) -> Context:
    """Make a context that knows the dialects of a universe."""
    ctx = Context()
    for name, loader in universe.all_dialects.items():
        ctx.register_dialect(name, loader)
    return ctx


def _join(kind: str, tables: Sequence[Mapping[str, Callable[[], T]]]) -> dict[str, Callable[[], T]]:
    joined: dict[str, Callable[[], T]] = {}
    for table in tables:
        for name in table.keys() & joined.keys():
            # A package may be known to xDSL and to us: what both bring is one thing.
            if table[name]() is joined[name]():
                continue
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
