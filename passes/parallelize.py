"""`parallelize`: share the iterations of a loop of every nest of a kernel among threads, where that pays.

    nest.compute [oh = 56, oc = 4, ...]   ->   nest.compute [oh = 56 thread, oc = 4, ...]
    func.call @k(...)                     ->   func.call @k(...) {nest.parallel = 8}

There are more parts than threads where each part is long enough: a thread that is done early, because its
core is quicker or was disturbed less, takes more of them.

Each part of a kernel runs through all its nests without waiting for the others, so no nest may need what
another part makes: it may go on from what a nest left at the places that it writes itself, as the blocks of a
sum do, if both share the same loop.  What walks a loop together may need what the same iteration of it makes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from penstock.dialects.element_types import byte_size
from penstock.dialects.hints import Hints, hints_of
from penstock.dialects.nest.machine import Machine
from penstock.dialects.nest.ops import ComputeOp, DimAttr, Read, Write, element_of, shape_of
from penstock.dialects.nest.parallel import PARTS_PER_THREAD, THREAD, copies_of, set_parts, set_threads
from penstock.dialects.nest.sizes import numbers
from penstock.dialects.nest.walk import walk_of, walked_loop, walks
from penstock.dialects.sizes import Extent, is_at_least
from penstock.passes.nest_rewriting import (
    captured,
    functions,
    is_kernel,
    kernels,
    nests,
    root_of,
    with_dims,
)
from penstock.passes.schedule_model import L3_BYTES
from penstock.passes.schedule_shapes import Shape, shape_of_nest
from penstock.passes.specialize_sizes import at_hints

FORK = 16_000
"""Cycles that it costs to share a kernel among threads: what a part must take for them to gain.

`python benchmarks/fork_join.py` told 2.2 us for kernels of 78 us and 4.5 us for kernels of 18 us, at 3.4 GHz;
a kernel that is too small for that is over before another thread comes, which costs 0.3 us.
"""
PART = 100_000
"""Cycles that a part must take for there to be more parts than threads, `PARTS_PER_THREAD` at most.

On two cores of a machine that others use too, four parts a thread instead of one took 0.91 of the time of
convnext_tiny (fastest call; 0.87 the 20th percentile) and 0.86 of that of bert_base; eight gained no more.
"""
UNEVEN = 1.125
"""How much longer than an even share the largest part of a loop may be before another loop is tried."""


@dataclass(frozen=True)
class ParallelizePass(ModulePass):
    """Mark one parallel loop of every nest of a kernel `thread`, and the calls with the number of parts.

    All nests of a kernel are marked or none: none when a nest reads what one writes and they walk no loop
    together, when two that walk otherwise may write the same element, when stores go to computed places, when
    a nest has no loop outside of registers, or when a part would take less than `grain` modelled cycles, for
    which no thread is worth waking.  Of sizes known only at run time the hints are taken for what a part
    takes; that parts do not meet is proven for all sizes.  With one thread nothing changes.
    """

    name = "parallelize"
    numerics: ClassVar[str] = "exact"
    threads: int = 1
    grain: int = FORK

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.threads < 2:
            return
        machine, hints = Machine.of(op), hints_of(op)
        parts = {k.sym_name.data: self._share(k, machine, hints) for k in kernels(op)}
        others = {f.sym_name.data: f for f in functions(op) if not is_kernel(f)}
        for function in others.values():
            set_threads(function, self.threads)
            for call in [each for each in function.walk() if isinstance(each, func.CallOp)]:
                name = call.callee.string_value()
                if name in others:
                    set_threads(call, self.threads)
                elif parts.get(name, 1) > 1:
                    set_parts(call, parts[name])

    def _share(self, kernel: func.FuncOp, machine: Machine, hints: Hints) -> int:
        """Mark the nests of one kernel; the number of parts, one when it stays whole."""
        group, copies = nests(kernel), copies_of(kernel)
        if not _are_independent(group) and not _is_one_walk(group, copies):
            return 1
        usual = nests(at_hints(kernel, hints))
        cycles = [_cycles(nest, machine) for nest in usual]
        cut = self._cut(sum(cycles))
        loops = _shared_loops(usual, cycles, cut)
        if loops is None or not _agree(group, loops):
            return 1
        longest = max((n.extents[loop] for n, loop in zip(usual, loops, strict=True)), default=1)
        room = [shape_of(buffer)[axis] for buffer, axis in copies.items()]
        parts = min(cut.parts, longest, int(sum(cycles) / self.grain), *room)
        if parts < 2:
            return 1
        for nest, loop in zip(group, loops, strict=True):
            with_dims(nest, [d.marked(THREAD) if i == loop else d for i, d in enumerate(nest.loops)])
        return parts

    def _cut(self, cycles: float) -> "_Cut":
        """Into how many parts so much work is best cut."""
        worth = int(cycles / PART)
        return _Cut(self.threads, max(self.threads, min(self.threads * PARTS_PER_THREAD, worth)))


@dataclass(frozen=True)
class _Cut:
    """The threads there are and the parts that are wanted."""

    threads: int
    parts: int

    def unevenness(self, dim: DimAttr) -> float:
        """The work of the busiest thread over an even share; fewer iterations than parts are uneven too."""
        shares = self.threads if dim.size >= self.parts else self.parts
        return -(-dim.size // shares) * shares / dim.size if dim.size else 1


def _is_one_walk(group: Sequence[ComputeOp], copied: Collection[SSAValue]) -> bool:
    """Whether all nests walk one loop together, and each part of it has memory of its own."""
    if len(walks(group)) != 1 or any(isinstance(op, memref.StoreOp) for nest in group for op in nest.walk()):
        return False
    loops = [walked_loop(nest) for nest in group]
    return all(
        loop is not None and (w.access.uses(loop) or root_of(w.buffer) in copied)
        for nest, loop in zip(group, loops, strict=True)
        for w in nest.writes
    )


def _shared_loops(group: Sequence[ComputeOp], cycles: Sequence[float], cut: _Cut) -> list[int] | None:
    """The loop of each nest that is shared out; `None` when a nest has none.

    Nests that use each other's results can only share the loop that they walk together.
    """
    if not _are_independent(group):
        return _known([walked_loop(nest) for nest in group])
    loops: list[int] = []
    for _, run in groupby(zip(group, cycles, strict=True), lambda each: walk_of(each[0])):
        nests, costs = zip(*run, strict=True)
        chosen = _loops_of_neighbours(nests, costs, cut)
        if chosen is None:
            return None
        loops += chosen
    return loops


def _loops_of_neighbours(
    nests: Sequence[ComputeOp], costs: Sequence[float], cut: _Cut
) -> Sequence[int] | None:
    """The loop that nests walk together if it is shared about evenly, or else what makes the longest shorter.

    Then each nest may share another loop, inside of the one that they walk together.
    """
    common = _known([walked_loop(nest) for nest in nests])
    if common is not None and _longest(nests, costs, common, cut) <= UNEVEN * sum(costs) / cut.threads:
        return common
    besides = common or [None] * len(nests)
    own = _known([_own_loop(nest, cut, loop) for nest, loop in zip(nests, besides, strict=True)])
    found = [each for each in (common, own) if each is not None]
    return min(found, key=lambda loops: _longest(nests, costs, loops, cut), default=None)


def _known(loops: Sequence[int | None]) -> list[int] | None:
    """The loops, if there is one for every nest."""
    known = [loop for loop in loops if loop is not None]
    return known if len(known) == len(loops) else None


def _own_loop(nest: ComputeOp, cut: _Cut, besides: int | None) -> int | None:
    """The outermost parallel loop that is shared about evenly, or else the one that is shared most evenly.

    A nest all of whose loops run once is done by one part.
    """
    outside = [
        i for i, d in enumerate(nest.loops) if not d.is_reduction and not d.in_registers and i != besides
    ]
    even = [i for i in outside if cut.unevenness(nest.loops[i]) <= UNEVEN]
    return even[0] if even else min(outside, key=lambda i: cut.unevenness(nest.loops[i]), default=None)


def _longest(nests: Sequence[ComputeOp], costs: Sequence[float], loops: Sequence[int], cut: _Cut) -> float:
    """Cycles of the busiest thread."""
    shared = [nest.loops[loop] for nest, loop in zip(nests, loops, strict=True)]
    return sum(c * cut.unevenness(dim) / cut.threads for c, dim in zip(costs, shared, strict=True))


def _are_independent(group: Sequence[ComputeOp]) -> bool:
    """Whether the nests may run in parts, each part through all of them."""
    if any(isinstance(op, memref.StoreOp) for nest in group for op in nest.walk()):
        return False
    written = {buffer for nest in group for buffer in nest.outs}
    if any(b in written for nest in group for b in (*nest.ins, *captured(nest))):
        return False
    if not all(_reads_where_it_writes(nest, written) for nest in group):
        return False
    return all(_are_apart(a, b) or _walk_alike(a, b) for a, b in combinations(group, 2))


def _reads_where_it_writes(nest: ComputeOp, written: set[SSAValue]) -> bool:
    """Whether an epilogue reads of the results only the elements that it replaces."""
    places = {(id(w.buffer), w.access) for w in nest.writes}
    return all((id(r.buffer), r.access) in places for r in nest.extra_reads if r.buffer in written)


def _walk_alike(a: ComputeOp, b: ComputeOp) -> bool:
    """Whether two nests write the same elements in the same iterations of equal loops."""
    places = [[(w.buffer, w.access) for w in nest.writes] for nest in (a, b)]
    return a.dims == b.dims and places[0] == places[1]


def _agree(group: Sequence[ComputeOp], loops: Sequence[int]) -> bool:
    """Whether nests that write the same elements share the same loop."""
    pairs = combinations(zip(group, loops, strict=True), 2)
    return all(i == j or _are_apart(a, b) for (a, i), (b, j) in pairs)


def _are_apart(a: ComputeOp, b: ComputeOp) -> bool:
    """Whether no element is written by both of two nests."""
    pairs = ((x, y) for x in a.writes for y in b.writes if x.buffer is y.buffer)
    return all(_boxes_are_apart(_box(a, x), _box(b, y)) for x, y in pairs)


def _box(nest: ComputeOp, write: Write) -> list[tuple[Extent, Extent]]:
    return write.access.bounds(nest.iterations)


def _span(bounds: tuple[Extent, Extent]) -> tuple[int, int]:
    low, high = numbers(bounds)
    return low, high


def _boxes_are_apart(a: Sequence[tuple[Extent, Extent]], b: Sequence[tuple[Extent, Extent]]) -> bool:
    """Whether one box ends in front of the other along some axis, at all sizes."""
    return any(
        is_at_least(other_low - high, 1) or is_at_least(low - other_high, 1)
        for (low, high), (other_low, other_high) in zip(a, b, strict=True)
    )


def _cycles(nest: ComputeOp, machine: Machine) -> float:
    """About how long a nest takes: its arithmetic, or bringing what it touches from the shared cache."""
    if min(nest.extents, default=1) < 1:
        return 0.0
    shape = shape_of_nest(nest, set(), machine, {})
    arithmetic = _operations(shape) / (_lanes(nest) * machine.arithmetic_ports)
    touched = sum(_touched_bytes(nest, each) for each in (*nest.reads, *nest.extra_reads, *nest.writes))
    return max(arithmetic, touched / L3_BYTES)


def _touched_bytes(nest: ComputeOp, each: Read | Write) -> int:
    bounds = map(_span, each.access.bounds(nest.extents))
    sizes = zip(bounds, shape_of(each.buffer), strict=True)
    elements = prod(min(high - low + 1, size) for (low, high), size in sizes)
    return elements * byte_size(element_of(each.buffer))


def _operations(shape: Shape) -> int:
    results = prod(shape.extents[i] for i in shape.parallel)
    return results * (shape.steps * max(shape.body_cost, 1) + shape.epilogue_cost)


def _lanes(nest: ComputeOp) -> int:
    return max((d.lanes.data for d in nest.loops), default=1)
