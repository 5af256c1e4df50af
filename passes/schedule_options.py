"""What `plan-schedule` chooses from: for each kernel, vector loops and tiles as the model ranks them.

All nests of a kernel share the vector loop and how many of its iterations stay in registers, so that they
share packed weights.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.dialects import func

from penstock.dialects.nest.hints import Hints
from penstock.dialects.nest.machine import Machine
from penstock.dialects.nest.ops import ComputeOp
from penstock.passes.nest_rewriting import argument_constants, nests
from penstock.passes.schedule_model import Shape, Tile, best_tiles, contiguous, shape_of_nest

CHUNKS = (1, 2, 3, 4, 6, 8)
"""Vector registers along the vector loop that are tried."""
GATHER_PAYS = 8
"""Cost of a body from which lanes are worth it even where they must be gathered one by one."""
UNROLL_LIMIT = 160
"""Operations of a register tile up to which the innermost reductions are unrolled, and bodies repeated."""


@dataclass(frozen=True)
class Option:
    """One way to execute a kernel: the vector loop, its iterations in registers, a tile for each nest."""

    vector: str
    """The label of the vector loop; empty without one."""
    size: int
    rank: int
    """Which of the model's tiles each nest has: 0 the cheapest."""
    cycles: float
    """What the model expects of the whole kernel."""
    tiles: tuple[Tile, ...]

    @property
    def name(self) -> str:
        """The option in short, unique in its kernel: `oc=16`, with the next tiles `oc=16 tile=1`."""
        loop = f"{self.vector}={self.size}" if self.vector else "scalar"
        return f"{loop} tile={self.rank}" if self.rank else loop


def ranked_options(kernel: func.FuncOp, machine: Machine, hints: Hints) -> list[Option]:
    """All ways that the model knows to execute a kernel, the cheapest first; none when it has no nests."""
    parts, constants = nests(kernel), argument_constants(kernel)
    if not parts:
        return []
    shapes = [shape_of_nest(n, constants, machine, hints) for n in parts]
    loops = [*_vector_loops(parts, shapes), ("", 1)]
    options = [o for label, size in loops for o in _options(parts, shapes, machine, label, size)]
    # The sort is stable: of equals, the loop that comes first in the kernel.
    return sorted(options, key=lambda o: o.cycles)


def _vector_loops(parts: list[ComputeOp], shapes: list[Shape]) -> Iterator[tuple[str, int]]:
    """The loops that all nests can vectorise, and how many of their iterations may stay in registers."""
    for label in dict.fromkeys(d.label.data for n in parts for d in n.loops):
        if not all(_vectorizable(n, s, label) for n, s in zip(parts, shapes, strict=True)):
            continue
        found = [(s, _position(n, label)) for n, s in zip(parts, shapes, strict=True)]
        extent = max(s.extents[loop] for s, loop in found if loop is not None)
        lanes = min(s.lanes for s in shapes)
        most = max(UNROLL_LIMIT // max(1, *(s.body_cost for s in shapes)), 1)
        for size in dict.fromkeys(min(c * lanes, extent) for c in CHUNKS if c <= most):
            yield label, size


def _options(
    parts: list[ComputeOp], shapes: list[Shape], machine: Machine, label: str, size: int
) -> Iterator[Option]:
    """A vector loop with the cheapest tiles, then with the next ones, where a nest has any."""
    found = [best_tiles(s, machine, _position(n, label), size) for n, s in zip(parts, shapes, strict=True)]
    for rank in range(max(map(len, found))):
        chosen = [ranked[min(rank, len(ranked) - 1)] for ranked in found]
        yield Option(label, size, rank, sum(cost for cost, _ in chosen), tuple(tile for _, tile in chosen))


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
        or nest.loops[loop].is_reduction
        and (not shape.folds or loop in shape.symbolic)
    ):
        return False
    return contiguous(shape, loop) or shape.body_cost >= GATHER_PAYS
