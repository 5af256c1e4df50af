"""What the schedule must know of a nest, in numbers: extents, strides, sizes in memory, costs of bodies."""

from dataclasses import dataclass
from functools import cached_property
from math import ceil, prod

from xdsl.dialects import arith, math, memref
from xdsl.ir import Block, Operation, SSAValue

from penstock.dialects.element_types import byte_size
from penstock.dialects.hints import Hints, all_hinted, hinted
from penstock.dialects.nest.access import Row
from penstock.dialects.nest.clamp import clamped_loops
from penstock.dialects.nest.combine import combiners
from penstock.dialects.nest.machine import Machine
from penstock.dialects.nest.ops import ApplyOp, ComputeOp, YieldOp, element_of
from penstock.dialects.nest.sizes import sizes_of
from penstock.dialects.nest.walk import walked_loop
from penstock.dialects.sizes import Size

HEAVY: dict[type[Operation], int] = {
    math.ExpOp: 10,
    math.TanhOp: 16,
    math.ErfOp: 16,
    math.PowFOp: 40,
    math.LogOp: 14,
    arith.DivfOp: 8,
    math.SqrtOp: 8,
}
"""Cost of an operation in simple operations, for those that are not simple."""

SQUARE = 16
"""Lanes up to which a square of them fits into the registers of machines that have so many."""


@dataclass(frozen=True)
class Stream:
    """One read or write: its rows and stride per loop, and whether it is a weight, laid out at will."""

    rows: tuple[Row, ...]
    strides: tuple[int, ...]
    packable: bool
    nbytes: int
    """Bytes of the part of the buffer that is touched."""
    element: int
    """Bytes of one element."""


@dataclass(frozen=True)
class Shape:
    """What the model needs of a nest."""

    extents: tuple[int, ...]
    reductions: frozenset[int]
    reads: tuple[Stream, ...]
    writes: tuple[Stream, ...]
    body_cost: int
    epilogue_cost: int
    folds: bool
    indirect: bool
    """Whether the body reads at computed places, or works with the positions of the loops."""
    ends_indirectly: bool
    """Whether what finishes a reduction does."""
    stores: bool
    lanes: int
    sequential: frozenset[int] = frozenset()
    """Loops that must stay loops: clamped taps, what their bounds depend on, what is walked together."""
    symbolic: frozenset[int] = frozenset()
    """Loops whose extents are but hints: what a tile leaves over runs one by one."""
    walked: int | None = None
    """The loop that is walked together with other nests, outside of all others."""

    @cached_property
    def parallel(self) -> tuple[int, ...]:
        """The loops that do not reduce."""
        return tuple(i for i in range(len(self.extents)) if i not in self.reductions)

    @cached_property
    def batch(self) -> tuple[int, ...]:
        """Parallel loops that move every read, as those over the matrices of a batch: they share nothing."""
        return tuple(i for i in self.parallel if all(s.strides[i] for s in self.reads))

    def per_batch(self, stream: Stream) -> int:
        """Bytes of a buffer that one iteration of the batch loops reads."""
        return stream.nbytes // max(prod(self.extents[i] for i in self.batch), 1)

    @cached_property
    def steps(self) -> int:
        """Points of the reduction."""
        return prod(self.extents[i] for i in self.reductions)

    @cached_property
    def sharing(self) -> frozenset[int]:
        """Loops along data that a reduction moves too, as the window of a depthwise convolution does."""
        data = [s for s in self.reads if not s.packable and any(s.strides[i] for i in self.reductions)]
        return frozenset(i for i in range(len(self.extents)) if any(s.strides[i] for s in data))


@dataclass(frozen=True)
class Tile:
    """Iterations kept in registers per loop, the vector loop and its lanes."""

    sizes: tuple[int, ...]
    vector: int | None
    lanes: int

    @cached_property
    def chunks(self) -> int:
        """Vector registers along the vector loop; one for a number by itself."""
        return 1 if self.vector is None else ceil(self.sizes[self.vector] / self.lanes)

    @cached_property
    def accumulators(self) -> int:
        """Registers that hold the results of a tile."""
        return self.chunks * prod(t for i, t in enumerate(self.sizes) if i != self.vector)


def shape_of_nest(nest: ComputeOp, constants: set[SSAValue], machine: Machine, hints: Hints) -> Shape:
    """Read the numbers off a nest, at the sizes that the hints say."""
    elements = [element_of(b) for b in nest.operands]
    ops = [op for op in nest.walk() if op is not nest]
    walked = walked_loop(nest)
    return Shape(
        # A loop that the hints leave empty is taken to run once.
        tuple(max(hinted(e, hints), int(isinstance(e, Size))) for e in nest.iterations),
        frozenset(i for i, d in enumerate(nest.loops) if d.is_reduction),
        tuple(_stream(nest, r.buffer, i, constants, hints) for i, r in enumerate(nest.reads)),
        tuple(
            _stream(nest, w.buffer, len(nest.ins) + len(nest.extras) + i, set(), hints)
            for i, w in enumerate(nest.writes)
        ),
        _cost(nest.body.block),
        _cost(nest.epilogue.block) + len(nest.extras) if nest.epilogue.blocks else 0,
        not nest.reduces or combiners(nest) is not None,
        any(isinstance(op, memref.LoadOp | ApplyOp) for op in nest.body.walk()),
        any(isinstance(op, memref.LoadOp | ApplyOp) for op in nest.epilogue.walk()),
        any(isinstance(op, memref.StoreOp) for op in ops),
        min((machine.lanes(e) for e in elements), default=1),
        frozenset(clamped_loops(nest) | ({walked} if walked is not None else set())),
        frozenset(i for i, size in enumerate(nest.iterations) if isinstance(size, Size)),
        walked,
    )


def _stream(
    nest: ComputeOp, buffer: SSAValue, position: int, constants: set[SSAValue], hints: Hints
) -> Stream:
    access, shape = nest.accesses.data[position].data, all_hinted(sizes_of(buffer), hints)
    strides = tuple(access.stride(i, shape) for i in range(len(nest.loops)))
    width = byte_size(element_of(buffer))
    bounds = access.bounds(all_hinted(nest.iterations, hints))
    touched = prod(hinted(high - low + 1, hints) for low, high in bounds)
    return Stream(access.rows, strides, buffer in constants, min(prod(shape), touched) * width, width)


def _cost(block: Block) -> int:
    return sum(
        HEAVY.get(type(op), 1) for op in block.ops if not isinstance(op, YieldOp | arith.ConstantOp | ApplyOp)
    )


def contiguous(shape: Shape, loop: int) -> bool:
    """Whether every access stands still or moves to the next element as a loop advances."""
    parallel = loop in shape.parallel
    reads = all(s.strides[loop] in (0, 1) or (s.packable and parallel) for s in shape.reads)
    return reads and all(s.strides[loop] in (0, 1) for s in shape.writes)


def across(shape: Shape, loop: int) -> int | None:
    """The loop along which the reads have their neighbours that do not have them along `loop`.

    Squares of both loops are then transposed in registers: `y[i, j] = x[j, i]` with vectors along j.
    """
    far = [s for s in shape.reads if s.strides[loop] not in (0, 1)]
    if shape.reductions or not far or any(s.strides[loop] not in (0, 1) for s in shape.writes):
        return None
    if shape.lanes > SQUARE or any(s.packable for s in far):
        return None
    free = [i for i in shape.parallel if i not in shape.sequential and shape.extents[i] > 1]
    return next((i for i in free if all(s.strides[i] == 1 for s in far)), None)


def power_above(n: int) -> int:
    """The least power of two that is not below a number."""
    return 1 << max(n - 1, 0).bit_length()
