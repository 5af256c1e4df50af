"""`peel-borders`: the part of an iteration space that never leaves a padded buffer gets a nest without tests.

    y[o] = sum over k < 3 of x[o + k - 1] else 0        o in [0, 8)
->  o = 0: k in [1, 3)     o in [1, 7): k in [0, 3)     o = 7: k in [0, 2)

Where reading the value outside would leave the accumulator as it is, those taps are dropped; elsewhere the
border keeps its test.  Where little else is summed (depthwise convolution, pooling) only the last padded axis
is split that way, the one whose loop is tiled in registers; the others are clamped: the loop over taps
computes its bounds at run time, which needs no second nest.  A deep convolution is split along every axis, so
that its borders are tiled along them and reuse its weights like the interior does.
"""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import ArrayAttr, FloatAttr, IntegerAttr, ModuleOp, NoneAttr
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from penstock.dialects.nest.access import is_inside, row_bounds
from penstock.dialects.nest.clamp import clamped, set_clamped
from penstock.dialects.nest.combine import combiners
from penstock.dialects.nest.ops import ComputeOp, Read, YieldOp
from penstock.dialects.nest.sizes import sizes_of
from penstock.dialects.nest.walk import walked_loop
from penstock.dialects.sizes import Size, is_at_least
from penstock.passes.nest_rewriting import discard, kernels, nests, restrict, split_range

DEEP = 16
"""Channels summed from which the borders of a convolution are worth nests of their own."""
READS = 8
"""Reads of a body up to which a copy of it for each border is not too much code."""
Ranges = list[tuple[int, int, tuple[int, int] | None]]
"""Pieces of a parallel loop: start, size, and the (start, size) to which the reduction loop shrinks there."""


@dataclass(frozen=True)
class PeelBordersPass(ModulePass):
    """Split kernels at the borders of padded accesses into at most `limit` nests."""

    name = "peel-borders"
    numerics: ClassVar[str] = "exact"
    limit: int = 25

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for nest in [n for k in kernels(op) for n in nests(k)]:
            _clamp(nest)
            pieces = peel(nest, self.limit)
            if len(pieces) != 1 or pieces[0] is not nest:
                Rewriter.replace_op(nest, pieces, [])


def peel(nest: ComputeOp, limit: int) -> list[ComputeOp]:
    """The nest as one or more nests that together cover its iteration space."""
    pieces, finished = [nest], list[ComputeOp]()
    if len(nest.ins) > READS:
        _drop_guards(nest)
        return [nest]
    while pieces:
        piece = pieces.pop(0)
        found = _first_border(piece)
        if found is None or len(pieces) + len(finished) + len(found[2]) > limit:
            _drop_guards(piece)
            finished.append(piece)
            continue
        loop, tap, ranges = found
        pieces = [_restricted(piece, loop, tap, r) for r in ranges] + pieces
        if piece is not nest:
            discard([piece])
    return finished


def contraction(nest: ComputeOp) -> int:
    """Points of the reduction besides the taps of windows: the input channels of a convolution."""
    taps = {
        i
        for r in nest.reads
        for row in r.access.rows
        if sum(map(bool, row)) > 1
        for i, c in enumerate(row)
        if c
    }
    deep = [d.iterations for i, d in enumerate(nest.loops) if d.is_reduction and i not in taps]
    # What is summed over a dim of unknown size is taken to be much.
    return prod(DEEP if isinstance(size, Size) else size for size in deep)


def _clamp(nest: ComputeOp) -> None:
    """Let the taps of every padded axis but the last compute their bounds, where they may be dropped."""
    found: list[tuple[int, int]] = []
    if contraction(nest) >= DEEP:
        return
    for position, read in enumerate(nest.reads):
        axes = [
            axis for axis in range(len(read.access.rows)) if _border(nest, position, read, axis) is not None
        ]
        for axis in axes[:-1]:
            _, tap, _ = _border(nest, position, read, axis) or (0, None, [])
            if tap is not None:
                found.append((position, axis))
    set_clamped(nest, found)


def _restricted(
    nest: ComputeOp, loop: int, tap: int | None, piece: tuple[int, int, tuple[int, int] | None]
) -> ComputeOp:
    start, size, taps = piece
    part = split_range(nest, loop, start, size)
    if tap is not None and taps is not None:
        restrict(part, tap, *taps)
    return part


def _first_border(nest: ComputeOp) -> tuple[int, int | None, Ranges] | None:
    """A parallel loop along which some padded read can be peeled, with its pieces.

    A loop that is walked together with other nests stays whole.
    """
    for position, read in enumerate(nest.reads):
        if read.outside is None:
            continue
        for axis in range(len(read.access.rows)):
            found = _border(nest, position, read, axis)
            if found is None or found[0] == walked_loop(nest):
                continue
            if (position, axis) not in clamped(nest):
                return found
    return None


def _border(nest: ComputeOp, position: int, read: Read, axis: int) -> tuple[int, int | None, Ranges] | None:
    row, offset, size = read.access.rows[axis], read.access.offsets[axis], sizes_of(read.buffer)[axis]
    used = [i for i, c in enumerate(row) if c and nest.iterations[i] != 1]
    if (
        isinstance(offset, Size)
        or isinstance(size, Size)
        or any(isinstance(nest.iterations[i], Size) for i in used)
    ):
        return None
    parallel = [i for i in used if not nest.loops[i].is_reduction]
    taps = [i for i in used if nest.loops[i].is_reduction]
    if len(parallel) != 1 or len(taps) > 1 or row[parallel[0]] < 0 or any(row[t] < 0 for t in taps):
        return None
    low, high = row_bounds(row, offset, nest.iterations)
    if is_at_least(low, 0) and is_at_least(size - 1 - high, 0):
        return None
    loop, tap = parallel[0], taps[0] if taps else None
    drops = tap is not None and read.outside is not None and is_neutral(nest, position, read.outside)
    line = _Line(
        row[loop], offset, size, 0 if tap is None else row[tap], 1 if tap is None else nest.loops[tap].size
    )
    ranges = line.pieces(nest.loops[loop].size, bool(drops))
    return None if len(ranges) < 2 else (loop, tap if drops else None, ranges)


@dataclass(frozen=True)
class _Line:
    """One padded axis: `step * loop + tap_step * tap + offset` against a buffer of `size`."""

    step: int
    offset: int
    size: int
    tap_step: int
    taps: int

    def pieces(self, count: int, drops: bool) -> Ranges:
        """Runs of the loop with equal valid taps or, without droppable taps, with equal safety."""
        runs: Ranges = []
        for at in range(count):
            key = self._valid_taps(at) if drops else self._safety(at)
            if runs and runs[-1][2] == key:
                runs[-1] = (runs[-1][0], runs[-1][1] + 1, key)
            else:
                runs.append((at, 1, key))
        return runs

    def _valid_taps(self, at: int) -> tuple[int, int]:
        first = self.offset + self.step * at
        start = min(max(0, -(first // self.tap_step)), self.taps)
        stop = min(self.taps, (self.size - 1 - first) // self.tap_step + 1)
        return start, max(stop - start, 0)

    def _safety(self, at: int) -> tuple[int, int] | None:
        first = self.offset + self.step * at
        last = first + self.tap_step * (self.taps - 1)
        return None if first >= 0 and last < self.size else (int(first < 0), int(last >= self.size))


def _drop_guards(nest: ComputeOp) -> None:
    """Padded reads that stay inside their buffer lose their test."""
    for position, read in enumerate(nest.reads):
        if read.outside is not None and _inside(nest, read):
            outside = list(nest.outside)
            outside[position] = NoneAttr()
            nest.outside = ArrayAttr[Attribute](outside)


def _inside(nest: ComputeOp, read: Read) -> bool:
    return 0 in nest.iterations or is_inside(read.access, sizes_of(read.buffer), nest.iterations)


def is_neutral(nest: ComputeOp, position: int, outside: Attribute) -> bool:
    """Whether reading `outside` leaves the accumulator as it is: 0 in `acc + x*w`, -inf in `max(acc, x)`."""
    kinds = combiners(nest)
    if kinds is None or len(kinds) != 1 or not isinstance(outside, FloatAttr | IntegerAttr):
        return False
    value, argument = outside.value.data, nest.body.block.args[position]
    end = nest.body.block.last_op
    assert isinstance(end, YieldOp) and isinstance(end.values[0].owner, Operation)
    term = _folded_term(end.values[0].owner, nest.body.block.args[len(nest.ins)])
    if kinds[0] in (arith.AddfOp, arith.AddiOp):
        return value == 0 and _vanishes_with(term, argument)
    if kinds[0] is arith.MaximumfOp:
        return value == float("-inf") and term == (argument,)
    return kinds[0] is arith.MinimumfOp and value == float("inf") and term == (argument,)


def _folded_term(fold: Operation, accumulator: SSAValue) -> tuple[SSAValue, ...]:
    """The factors of what a fold adds to its accumulator."""
    if isinstance(fold, math.FmaOp):
        return (fold.a, fold.b)
    (term,) = [o for o in fold.operands if o is not accumulator]
    if isinstance(term.owner, arith.MulfOp | arith.MuliOp):
        return tuple(term.owner.operands)
    return (term,)


def _vanishes_with(factors: tuple[SSAValue, ...], argument: SSAValue) -> bool:
    return argument in factors
