"""What `plan-schedule` chooses from: for each kernel, vector loops and tiles as the model ranks them.

All pieces of one nest share the vector loop and how many of its iterations stay in registers, so that they
share packed weights.  A kernel that is a chain of nests has several such stages, each with its own options.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from xdsl.dialects import func
from xdsl.ir import SSAValue

from penstock.dialects.hints import Hints
from penstock.dialects.nest.machine import Machine
from penstock.dialects.nest.ops import ComputeOp
from penstock.passes.nest_rewriting import argument_constants, nests, root_of
from penstock.passes.partial_folds import can_go_on
from penstock.passes.schedule_model import best_tiles
from penstock.passes.schedule_shapes import Shape, Tile, across, contiguous, shape_of_nest
from penstock.passes.schedule_unrolling import UNROLL_LIMIT

CHUNKS = (1, 2, 3, 4, 6, 8)
"""Vector registers along the vector loop that are tried."""
GATHER_PAYS = 8
"""Cost of a body from which lanes are worth it even where they must be gathered one by one."""


@dataclass(frozen=True)
class Option:
    """One way to execute a kernel: a tile for each nest, which has the vector loop and its iterations."""

    name: str
    """The option in short, unique in its kernel: `oc=16`, with the next tiles `oc=16 tile=1`."""
    cycles: float
    """What the model expects of the whole kernel."""
    tiles: tuple[Tile, ...]


def ranked_options(kernel: func.FuncOp, machine: Machine, hints: Hints) -> list[Option]:
    """All ways that the model knows to execute a kernel, the cheapest first; none when it has no nests.

    Of several stages each takes its cheapest option, then each its next one.
    """
    constants = argument_constants(kernel)
    ranked = [_ranked(stage, constants, machine, hints) for stage in stages(kernel)]
    depth = max(map(len, ranked), default=0)
    return [_joined([each[min(i, len(each) - 1)] for each in ranked]) for i in range(depth)]


def stages(kernel: func.FuncOp) -> list[list[ComputeOp]]:
    """The nests of a kernel in groups: neighbours that write the same buffers are pieces of one nest."""
    groups = groupby(nests(kernel), lambda nest: [id(root_of(b)) for b in nest.outs])
    return [list(group) for _, group in groups]


def _ranked(stage: list[ComputeOp], constants: set[SSAValue], machine: Machine, hints: Hints) -> list[Option]:
    shapes = [shape_of_nest(n, constants, machine, hints) for n in stage]
    loops = [*_vector_loops(stage, shapes), ("", 1)]
    options = [o for label, size in loops for o in _options(stage, shapes, machine, label, size)]
    # The sort is stable: of equals, the loop that comes first in the kernel.
    return sorted(options, key=lambda o: o.cycles)


def _vector_loops(parts: list[ComputeOp], shapes: list[Shape]) -> Iterator[tuple[str, int]]:
    """The loops that all nests can vectorise, and how many of their iterations may stay in registers."""
    for label in dict.fromkeys(d.label.data for n in parts for d in n.loops):
        with_loop = [(n, s) for n, s in zip(parts, shapes, strict=True) if _position(n, label) is not None]
        if not all(_vectorizable(n, s, label) for n, s in with_loop):
            continue
        found = [(s, loop) for n, s in with_loop if (loop := _position(n, label)) is not None]
        # A piece without the loop, such as a border, has no vectors: it cannot read weights that are packed.
        if len(found) < len(parts) and any(_packs(s, loop) for s, loop in found):
            continue
        extent = max(s.extents[loop] for s, loop in found)
        lanes = min(s.lanes for s in shapes)
        most = max(UNROLL_LIMIT // max(1, *(s.body_cost for s in shapes)), 1)
        for size in dict.fromkeys(min(c * lanes, extent) for c in CHUNKS if c <= most):
            yield label, size


def _packs(shape: Shape, loop: int) -> bool:
    return any(stream.packable and stream.strides[loop] for stream in shape.reads)


def _options(
    parts: list[ComputeOp], shapes: list[Shape], machine: Machine, label: str, size: int
) -> Iterator[Option]:
    """A vector loop with the cheapest tiles, then with the next ones, where a nest has any."""
    found = [best_tiles(s, machine, _position(n, label), size) for n, s in zip(parts, shapes, strict=True)]
    for rank in range(max(map(len, found))):
        chosen = [ranked[min(rank, len(ranked) - 1)] for ranked in found]
        name = _name(label, size, rank)
        yield Option(name, sum(cost for cost, _ in chosen), tuple(tile for _, tile in chosen))


def _name(vector: str, size: int, rank: int) -> str:
    """The vector loop with its iterations in registers, and which of the model's tiles: 0 the cheapest."""
    loop = f"{vector}={size}" if vector else "scalar"
    return f"{loop} tile={rank}" if rank else loop


def _joined(options: Sequence[Option]) -> Option:
    """An option for each stage as one for the kernel: `n=16 + d3=64`."""
    tiles = tuple(tile for option in options for tile in option.tiles)
    return Option(" + ".join(o.name for o in options), sum(o.cycles for o in options), tiles)


def _position(nest: ComputeOp, label: str) -> int | None:
    return next((i for i, d in enumerate(nest.loops) if d.label.data == label), None)


def _vectorizable(nest: ComputeOp, shape: Shape, label: str) -> bool:
    """Whether a loop may run in vector lanes: no stores at computed places, a plain fold if it reduces."""
    loop = _position(nest, label)
    if loop is None or loop in shape.sequential or shape.indirect or shape.stores:
        return False
    if nest.loops[loop].is_reduction:
        # The lanes are folded before the end.
        if not shape.folds or loop in shape.symbolic and not can_go_on(nest):
            return False
    elif shape.ends_indirectly:
        return False
    if contiguous(shape, loop) or shape.body_cost >= GATHER_PAYS:
        return True
    return across(shape, loop) is not None and all(read.outside is None for read in nest.reads)
