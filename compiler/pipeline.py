"""The pipeline as data: which passes run at which level, in which order.

A phase is a tuple of passes; the pipeline is their sum.  Up to `schedule` a phase works on the whole module;
`loops` and `llvm` work on one kernel at a time, so that kernels are compiled in parallel and found again in
the cache.  Passes that a caller adds run at the end of a phase.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from xdsl.passes import ModulePass

from penstock.passes.assign_layout import AssignLayoutPass
from penstock.passes.block_reductions import BlockReductionsPass
from penstock.passes.cancel_inverse_pairs import CancelInversePairsPass
from penstock.passes.coalesce_copies import CoalesceCopiesPass
from penstock.passes.collapse_loops import CollapseLoopsPass
from penstock.passes.contract_chains import ContractChainsPass
from penstock.passes.contract_fma import ContractFmaPass
from penstock.passes.drop_unit_loops import DropUnitLoopsPass
from penstock.passes.eliminate_common_subexpressions import EliminateCommonSubexpressionsPass
from penstock.passes.eliminate_dead_code import EliminateDeadCodePass
from penstock.passes.expand_math import ExpandMathPass
from penstock.passes.expand_rounding import ExpandRoundingPass
from penstock.passes.expand_suppression import ExpandSuppressionPass
from penstock.passes.fold_batch_norm import FoldBatchNormPass
from penstock.passes.fold_constants import FoldConstantsPass
from penstock.passes.fuse_chains import FuseChainsPass
from penstock.passes.fuse_consumers import FuseConsumersPass
from penstock.passes.fuse_producers import FuseProducersPass
from penstock.passes.fuse_siblings import FuseSiblingsPass
from penstock.passes.hoist_slices import HoistSlicesPass
from penstock.passes.interchange import InterchangePass
from penstock.passes.lowering.graph_to_nest import LowerGraphToNest
from penstock.passes.lowering.loops_to_llvm import LowerLoopsToLLVM
from penstock.passes.lowering.nest_to_loops import LowerNestToLoops
from penstock.passes.merge_convolutions import MergeConvolutionsPass
from penstock.passes.move_reshapes import MoveReshapesPass
from penstock.passes.move_transposes import MoveTransposesPass
from penstock.passes.outline_kernels import OutlineKernelsPass
from penstock.passes.pack_constants import PackConstantsPass
from penstock.passes.parallelize import ParallelizePass
from penstock.passes.peel_borders import PeelBordersPass
from penstock.passes.place_constants import PlaceConstantsPass
from penstock.passes.plan_memory import PlanMemoryPass
from penstock.passes.plan_schedule import PlanSchedulePass
from penstock.passes.prefetch_panels import PrefetchPanelsPass
from penstock.passes.recognize_composites import RecognizeCompositesPass
from penstock.passes.remove_no_ops import RemoveNoOpsPass
from penstock.passes.settle_hints import SettleHintsPass
from penstock.passes.share_concats import ShareConcatsPass
from penstock.passes.simplify import SimplifyPass
from penstock.passes.simplify_regions import SimplifyRegionsPass
from penstock.passes.split_fma import SplitFmaPass
from penstock.passes.tile_loops import TilePass
from penstock.passes.unroll_and_jam import UnrollAndJamPass
from penstock.passes.update_in_place import UpdateInPlacePass
from penstock.passes.vectorize import VectorizePass
from penstock.passes.winograd import WinogradPass


@dataclass(frozen=True)
class Phase:
    """Passes that run together, and the level of the module they leave."""

    name: str
    level: str
    passes: tuple[ModulePass, ...]


def graph_passes() -> tuple[ModulePass, ...]:
    """Better versions of the graph: less of it, operations as wholes, the order of dims in memory."""
    clean = (RemoveNoOpsPass(), SimplifyPass(), CancelInversePairsPass())
    return (
        FoldConstantsPass(),
        ExpandSuppressionPass(),
        SimplifyRegionsPass(),
        EliminateCommonSubexpressionsPass(),
        EliminateDeadCodePass(),
        *clean,
        RecognizeCompositesPass(),
        MoveReshapesPass(),
        HoistSlicesPass(),
        FoldBatchNormPass(),
        FoldConstantsPass(),
        SimplifyRegionsPass(),
        MergeConvolutionsPass(),
        AssignLayoutPass(),
        MoveTransposesPass(),
        *clean,
        EliminateCommonSubexpressionsPass(),
        ShareConcatsPass(),
        EliminateDeadCodePass(),
    )


def nest_passes(threads: int = 1) -> tuple[ModulePass, ...]:
    """From tensors to fused loop nests, one per kernel."""
    return (
        LowerGraphToNest(),
        SettleHintsPass(),
        DropUnitLoopsPass(),
        FuseConsumersPass(),
        FuseProducersPass(),
        CoalesceCopiesPass(),
        WinogradPass(),
        FuseChainsPass(threads),
        ContractChainsPass(threads),
        OutlineKernelsPass(),
        # Equal nests are one kernel by now.
        ContractFmaPass(),
    )


def schedule_passes(threads: int = 1) -> tuple[ModulePass, ...]:
    """How each kernel is executed, and where every buffer lies."""
    return (
        CollapseLoopsPass(),
        PeelBordersPass(),
        DropUnitLoopsPass(),
        BlockReductionsPass(),
        PlanSchedulePass(),
        TilePass(),
        InterchangePass(),
        PackConstantsPass(),
        VectorizePass(),
        UnrollAndJamPass(),
        FuseSiblingsPass(),
        PrefetchPanelsPass(),
        UpdateInPlacePass(),
        PlanMemoryPass(),
        PlaceConstantsPass(),
        *([ParallelizePass(threads)] if threads > 1 else []),
    )


def loops_passes() -> tuple[ModulePass, ...]:
    """Explicit loops and vectors, without mathematical functions."""
    return (LowerNestToLoops(), ExpandMathPass(), ExpandRoundingPass(), SplitFmaPass())


def llvm_passes() -> tuple[ModulePass, ...]:
    """The `llvm` dialect."""
    return (LowerLoopsToLLVM(),)


def import_passes() -> tuple[ModulePass, ...]:
    """Nothing: the place of passes that a caller adds to see the graph as it was imported."""
    return ()


PHASES: Mapping[str, tuple[str, Callable[[int], tuple[ModulePass, ...]]]] = {
    "import": ("graph", lambda threads: import_passes()),
    "graph": ("graph", lambda threads: graph_passes()),
    "nest": ("nest", nest_passes),
    "schedule": ("nest", schedule_passes),
    "loops": ("loops", lambda threads: loops_passes()),
    "llvm": ("llvm", lambda threads: llvm_passes()),
}
"""Phase name -> level it leaves, and its passes for a number of threads."""


def phases(threads: int = 1) -> tuple[Phase, ...]:
    """The whole default pipeline; for several threads, the schedule ends with what shares work among them."""
    return tuple(Phase(name, level, make(threads)) for name, (level, make) in PHASES.items())
