"""`plan-schedule`: decide, by the analytical model, how each nest of a kernel is to be executed.

It only writes the decision on the nest (`schedule = {...}`); `tile`, `interchange`, `pack-constants`,
`vectorize` and `unroll-and-jam` carry it out.  A kernel with the attribute `nest.choice` takes the option of
that name, any other one the cheapest.
"""

from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Attribute
from xdsl.passes import ModulePass

from penstock.dialects.hints import Hints, hints_of
from penstock.dialects.nest.machine import Machine
from penstock.dialects.nest.ops import ComputeOp
from penstock.dialects.nest.schedule import BLOCK, Schedule
from penstock.errors import PenstockError
from penstock.passes.choose_schedules import CHOICE
from penstock.passes.nest_rewriting import argument_constants, kernels, nests
from penstock.passes.schedule_options import Option, ranked_options
from penstock.passes.schedule_shapes import Shape, Tile, shape_of_nest
from penstock.passes.schedule_unrolling import unrolled


@dataclass(frozen=True)
class PlanSchedulePass(ModulePass):
    """Attach a schedule to every nest of every kernel; sizes known only at run time are as the hints say."""

    name = "plan-schedule"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        machine, hints = Machine.of(op), hints_of(op)
        for kernel in kernels(op):
            _plan_kernel(kernel, machine, hints)


def _plan_kernel(kernel: func.FuncOp, machine: Machine, hints: Hints) -> None:
    options = ranked_options(kernel, machine, hints)
    if not options:
        return
    constants, choice = argument_constants(kernel), kernel.attributes.pop(CHOICE, None)
    chosen = options[0] if choice is None else _named(choice, options, kernel)
    for nest, tile in zip(nests(kernel), chosen.tiles, strict=True):
        shape = shape_of_nest(nest, constants, machine, hints)
        _schedule(nest, shape, tile, machine).attach(nest)


def _named(choice: Attribute, options: list[Option], kernel: func.FuncOp) -> Option:
    """The option that a choice names."""
    found = [o for o in options if choice == StringAttr(o.name)]
    if not found:
        names = ", ".join(o.name for o in options)
        raise PenstockError(
            f"the kernel {kernel.sym_name.data} has no schedule {choice}, only {names}",
            remedy="Tune it again.",
        )
    return found[0]


def _schedule(nest: ComputeOp, shape: Shape, tile: Tile, machine: Machine) -> Schedule:
    labels = [d.label.data for d in nest.loops]
    tiles = {labels[i]: t for i, t in enumerate(tile.sizes) if t > 1 or i == tile.vector}
    unroll = unrolled(shape, tile)
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


def _order(shape: Shape, tile: Tile, machine: Machine) -> list[int]:
    """Parallel loops, then reductions; the vector loop first when the weights outgrow the L2 cache.

    What is walked together and the loops of a batch come before all.  A window that lanes share nothing of
    moves down a strip of the image: what it reads of the rows that it has in common with the place before is
    in the first-level cache, however long the rows are.
    """
    walked = [] if shape.walked is None else [shape.walked]
    batch = [*walked, *(i for i in shape.batch if i not in (tile.vector, shape.walked))]
    others = [i for i in shape.parallel if i != tile.vector and i not in batch]
    reductions = sorted(shape.reductions)
    if tile.vector is None or tile.vector in shape.reductions:
        return [*batch, *others, *reductions]
    if _panel_first(shape, tile, machine):
        return [*batch, tile.vector, *others, *reductions]
    down = _strip(shape, tile, tile.vector)
    return [*batch, *(i for i in others if i not in down), tile.vector, *down, *reductions]


def _strip(shape: Shape, tile: Tile, vector: int) -> list[int]:
    """Loops that move the window of a depthwise convolution along the strip that its widest tile makes.

    The widest tile alone has little in common with the one beside it.
    """
    if not all(s.strides[vector] for s in shape.reads):
        return []
    windows = [row for s in shape.reads for row in s.rows if any(row[i] for i in shape.reductions)]
    kept = {vector, shape.walked, *shape.batch}
    moving = [i for i in shape.parallel if i not in kept and any(row[i] for row in windows)]
    widest = max(moving, key=lambda i: tile.sizes[i], default=None)
    return [i for i in moving if i != widest or tile.sizes[i] == 1]


def _panel_first(shape: Shape, tile: Tile, machine: Machine) -> bool:
    """Whether a panel of weights serves all rows before the next one: they do not all fit in the cache."""
    if not shape.reductions or tile.vector is None or tile.vector in shape.reductions:
        return False
    weights = [s for s in shape.reads if s.packable and s.strides[tile.vector]]
    return sum(map(shape.per_batch, weights)) > machine.l2 // 2
