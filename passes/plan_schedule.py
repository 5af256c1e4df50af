"""`plan-schedule`: decide, by the analytical model, how each nest of a kernel is to be executed.

It only writes the decision on the nest (`schedule = {...}`); `tile`, `interchange`, `pack-constants`,
`vectorize` and `unroll-and-jam` carry it out.  All nests of a kernel share the vector loop and its tile, so
that they share packed weights.
"""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from penstock.dialects.nest.machine import Machine
from penstock.dialects.nest.ops import ComputeOp
from penstock.dialects.nest.schedule import BLOCK, Schedule
from penstock.passes.nest_rewriting import argument_constants, kernels, nests
from penstock.passes.schedule_model import (
    Shape,
    Tile,
    accumulators,
    best_tile,
    contiguous,
    shape_of_nest,
)

CHUNKS = (1, 2, 3, 4, 6, 8)
"""Vector registers along the vector loop that are tried."""
GATHER_PAYS = 8
"""Cost of a body from which lanes are worth it even where they must be gathered one by one."""
WINDOW = 12
"""Iterations of a reduction, such as the taps of a window, that may be unrolled."""
UNROLL_LIMIT = 160
"""Operations of a register tile up to which the innermost reductions are unrolled, and bodies repeated."""


@dataclass(frozen=True)
class PlanSchedulePass(ModulePass):
    """Attach a schedule to every nest of every kernel."""

    name = "plan-schedule"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        machine = Machine.of(op)
        for kernel in kernels(op):
            _plan_kernel(kernel, machine)


def _plan_kernel(kernel: func.FuncOp, machine: Machine) -> None:
    parts, constants = nests(kernel), argument_constants(kernel)
    if not parts:
        return
    shapes = [shape_of_nest(n, constants, machine) for n in parts]
    label, size = _vector_choice(parts, shapes, machine)
    for nest, shape in zip(parts, shapes, strict=True):
        loop = _position(nest, label)
        _, tile = best_tile(shape, machine, loop, size)
        _schedule(nest, shape, tile, machine).attach(nest)


def _vector_choice(parts: list[ComputeOp], shapes: list[Shape], machine: Machine) -> tuple[str, int]:
    """The loop to vectorise and how many of its iterations stay in registers, cheapest over all nests."""
    options: list[tuple[float, str, int]] = []
    for label in dict.fromkeys(d.label.data for n in parts for d in n.loops):
        if not all(_vectorizable(n, s, label) for n, s in zip(parts, shapes, strict=True)):
            continue
        extent = max(n.extents[loop] for n in parts if (loop := _position(n, label)) is not None)
        lanes = min(s.lanes for s in shapes)
        most = max(UNROLL_LIMIT // max(1, *(s.body_cost for s in shapes)), 1)
        for size in dict.fromkeys(min(c * lanes, extent) for c in CHUNKS if c <= most):
            options.append((_total(parts, shapes, machine, label, size), label, size))
    options.append((_total(parts, shapes, machine, "", 1), "", 1))
    _, label, size = min(options, key=lambda o: o[0])
    return label, size


def _total(parts: list[ComputeOp], shapes: list[Shape], machine: Machine, label: str, size: int) -> float:
    return sum(
        best_tile(s, machine, _position(n, label), size)[0] for n, s in zip(parts, shapes, strict=True)
    )


def _position(nest: ComputeOp, label: str) -> int | None:
    return next((i for i, d in enumerate(nest.loops) if d.label.data == label), None)


def _vectorizable(nest: ComputeOp, shape: Shape, label: str) -> bool:
    """Whether a loop may run in vector lanes: no stores at computed places, a plain fold if it reduces."""
    loop = _position(nest, label)
    if (
        loop is None
        or loop in shape.sequential
        or shape.indirect
        or shape.stores
        or not shape.folds
        and nest.loops[loop].is_reduction
    ):
        return False
    return contiguous(shape, loop) or shape.body_cost >= GATHER_PAYS


def _schedule(nest: ComputeOp, shape: Shape, tile: Tile, machine: Machine) -> Schedule:
    labels = [d.label.data for d in nest.loops]
    tiles = {labels[i]: t for i, t in enumerate(tile.sizes) if t > 1 or i == tile.vector}
    unroll = _unrolled(shape, tile)
    order, blocks = _order(shape, tile, machine), _blocks(shape, tile, machine)
    return Schedule(
        (*(labels[i] + BLOCK for i in blocks), *(labels[i] for i in order)),
        tiles,
        tuple(labels[i] for i in unroll),
        "" if tile.vector is None else labels[tile.vector],
        tile.lanes,
        {labels[i]: count for i, count in blocks.items()},
    )


def _blocks(shape: Shape, tile: Tile, machine: Machine) -> dict[int, int]:
    """Rows of a large operand that are taken through all panels of weights while they are in the cache."""
    if not _panel_first(shape, tile, machine):
        return {}
    operand = max((s for s in shape.reads if not s.packable), key=lambda s: s.nbytes, default=None)
    if operand is None or shape.per_batch(operand) <= machine.l2 // 2:
        return {}
    shared = [i for i in shape.parallel if i not in (tile.vector, *shape.batch, *shape.sequential)]
    rows = [i for i in shared if operand.strides[i]]
    if not rows:
        return {}
    loop = max(rows, key=lambda i: shape.extents[i])
    tiles = -(-shape.extents[loop] // tile.sizes[loop])
    panel = sum(tile.sizes[tile.vector or 0] * s.element * shape.steps for s in shape.reads if s.packable)
    fitting = (machine.l2 * 3 // 4 - panel) * tiles // shape.per_batch(operand)
    if not 1 < fitting < tiles:
        return {}
    return {loop: next((n for n in range(fitting, fitting // 2, -1) if tiles % n == 0), fitting)}


def _unrolled(shape: Shape, tile: Tile) -> list[int]:
    """Small inner reductions, so that neighbouring windows share their loads and short loops cost nothing."""
    budget, found = UNROLL_LIMIT // max(accumulators(tile), 1), list[int]()
    for loop in sorted(shape.reductions - {tile.vector}, reverse=True):
        if not 1 < shape.extents[loop] <= min(budget, WINDOW) or loop in shape.sequential:
            break
        budget //= shape.extents[loop]
        found.append(loop)
    return found


def _order(shape: Shape, tile: Tile, machine: Machine) -> list[int]:
    """Parallel loops, then reductions; the vector loop first when the weights outgrow the L2 cache.

    The loops of a batch come before all.
    """
    batch = [i for i in shape.batch if i != tile.vector]
    others = [i for i in shape.parallel if i != tile.vector and i not in batch]
    reductions = sorted(shape.reductions)
    if tile.vector is None or tile.vector in shape.reductions:
        return [*batch, *others, *reductions]
    if _panel_first(shape, tile, machine):
        return [*batch, tile.vector, *others, *reductions]
    return [*batch, *others, tile.vector, *reductions]


def _panel_first(shape: Shape, tile: Tile, machine: Machine) -> bool:
    """Whether a panel of weights serves all rows before the next one: they do not all fit in the cache."""
    if not shape.reductions or tile.vector is None or tile.vector in shape.reductions:
        return False
    weights = [s for s in shape.reads if s.packable and s.strides[tile.vector]]
    return sum(map(shape.per_batch, weights)) > machine.l2 // 2
