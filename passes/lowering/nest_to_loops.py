"""`lower-nest-to-loops`: loop nests become `scf` loops over `memref` and `vector`, exactly as scheduled.

Loops without a mark become `scf.for`, parallel ones outside reductions.  Marked loops exist only as
registers: every parallel lane has its accumulator, carried by the reduction loops as an iteration argument.
A function with loops that are shared among threads takes two indices more: the part to run, of how many.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith, func, math, memref, scf, vector
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    DenseArrayBase,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    i64,
)
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import Attribute, Block, Operation, SSAValue, TypedAttribute
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.exceptions import PassFailedException

from penstock.dialects import arith_ext
from penstock.dialects.narrowing import is_buffer, is_vector
from penstock.dialects.nest.access import row_major
from penstock.dialects.nest.combine import combiners
from penstock.dialects.nest.ops import ComputeOp, DimAttr, element_of, shape_of
from penstock.dialects.nest.parallel import copies_of, is_shared, shares_work
from penstock.dialects.nest.sizes import is_static, sizes_of, symbols
from penstock.dialects.nest.walk import walked_loop, walks
from penstock.dialects.sizes import Extent
from penstock.passes.lowering.code import INDEX, Code
from penstock.passes.lowering.nest_facts import Place, facts_of
from penstock.passes.lowering.nest_lanes import Lane, Lanes
from penstock.passes.lowering.nest_parts import Share, part_of_range, pass_parts, take_part
from penstock.passes.lowering.nest_prefetch import Fetching
from penstock.passes.lowering.nest_sizes import forget_sizes, lower_sizes
from penstock.passes.lowering.size_code import SizeCode
from penstock.passes.nest_rewriting import captured, root_of
from penstock.passes.op_walk import every_op

Emit = Callable[[], None]

HEAVY = (math.ExpOp, math.TanhOp, math.ErfOp, math.LogOp, math.Log1pOp, math.ExpM1Op)
"""Functions that become long chains of dependent operations."""
TOGETHER_LANES = 4
"""Lanes whose chains run side by side (exp behind a matrix product: 3.6 ns per vector alone, 2.7 so)."""

_HALVES = arith.FastMathFlagsAttr([FastMathFlag.REASSOC])
"""Lanes are folded by halves, a fixed tree: `vectorize` says that it reassociates."""
_REDUCTION_KINDS: dict[type[Operation], str] = {
    arith.AddfOp: "add",
    arith.AddiOp: "add",
    arith.MulfOp: "mul",
    arith.MuliOp: "mul",
    arith.MaximumfOp: "maximumf",
    arith.MinimumfOp: "minimumf",
    arith.MaxSIOp: "maxsi",
    arith.MinSIOp: "minsi",
    arith.MaxUIOp: "maxui",
    arith.MinUIOp: "minui",
    arith.AndIOp: "and",
    arith.OrIOp: "or",
}


@dataclass(frozen=True)
class LowerNestToLoops(ModulePass):
    """Lower every `nest.compute` of every function; the functions keep their buffers as they are."""

    name = "lower-nest-to-loops"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        functions = [each for each in every_op(op) if isinstance(each, func.FuncOp)]
        for function in functions:
            if function.body.blocks:
                lower_function(function)
            else:
                forget_sizes(function)
        pass_parts(functions)


def lower_function(function: func.FuncOp) -> None:
    """Replace the nests of one function by loops."""
    entry = function.body.block
    nests = [op for op in entry.ops if isinstance(op, ComputeOp)]
    flat = _flatten(entry, nests)
    share = take_part(function) if any(map(shares_work, nests)) else None
    copies = copies_of(function) if share is not None else {}
    code = Code(Block(), entry, SizeCode(entry, symbols(function)))
    for group in walks(nests):
        code.block = block = Block()
        lowerings = [_NestLowering(n, flat, code, share, copies) for n in group if not _is_empty(n)]
        if len(lowerings) > 1:
            _emit_together(lowerings, code)
        elif lowerings:
            lowerings[0].emit()
        Rewriter.inline_block(block, InsertPoint.before(group[-1]))
        for nest in group:
            Rewriter.erase_op(nest)
    lower_sizes(function, code.sizes)


def _is_empty(nest: ComputeOp) -> bool:
    return 0 in (d.iterations for d in nest.loops if not d.is_reduction)


def _emit_together(lowerings: "Sequence[_NestLowering]", code: Code) -> None:
    """One loop around the insides of nests that walk it together."""
    outer, body = code.block, Block(arg_types=[INDEX])
    code.block = body
    for lowering in lowerings:
        lowering.advance(lowering.walked, body.args[0])
        lowering.emit(skip=lowering.walked)
        lowering.bases[:] = lowering.starts
    body.add_op(scf.YieldOp())
    code.block = outer
    start, stop = lowerings[0].bounds(lowerings[0].walked)
    outer.add_op(scf.ForOp(start, stop, code.index(1), [], body))


def _flatten(entry: Block, nests: Sequence[ComputeOp]) -> dict[SSAValue, SSAValue]:
    """A one-dimensional view of every buffer the nests use, made where the buffer is defined."""
    flat: dict[SSAValue, SSAValue] = {}
    computed = (
        b for nest in nests for b in captured(nest) if is_buffer(b.type) and not is_static(sizes_of(b))
    )
    for buffer in [*(o for nest in nests for o in nest.operands), *computed]:
        if buffer not in flat:
            flat[buffer] = _flat_view(entry, buffer)
    return flat


def _flat_view(entry: Block, buffer: SSAValue) -> SSAValue:
    shape, element = sizes_of(buffer), element_of(buffer)
    if len(shape) == 1:
        return buffer
    count = prod(s for s in shape if isinstance(s, int))
    kind = MemRefType(element, [count if is_static(shape) else DYNAMIC_INDEX])
    axes = ArrayAttr([ArrayAttr([IntegerAttr(i, i64) for i in range(len(shape))])] if shape else [])
    if shape:
        view: Operation = memref.CollapseShapeOp(
            operands=[buffer], result_types=[kind], properties={"reassociation": axes}
        )
    else:
        sizes = DenseArrayBase.from_list(i64, [1])
        view = memref.ExpandShapeOp.create(
            operands=[buffer],
            result_types=[kind],
            properties={"reassociation": axes, "static_output_shape": sizes},
        )
    _insert_at_definition(entry, buffer, view)
    return view.results[0]


def _insert_at_definition(entry: Block, buffer: SSAValue, op: Operation) -> None:
    owner, first = buffer.owner, entry.first_op
    if isinstance(owner, Operation):
        entry.insert_op_after(op, owner)
    elif first is not None:
        entry.insert_op_before(op, first)
    else:
        entry.add_op(op)


class _NestLowering:
    """The lowering of one nest: loops around lanes."""

    def __init__(
        self,
        nest: ComputeOp,
        flat: dict[SSAValue, SSAValue],
        code: Code,
        share: Share | None,
        copies: Mapping[SSAValue, int],
    ):
        if sum(d.mark.data == "vector" for d in nest.loops) > 1:
            raise PassFailedException("lower-nest-to-loops: a nest has one vector loop at most")
        self.nest, self.code, self.facts, self.share = nest, code, facts_of(nest, flat), share
        self.starts: list[SSAValue | None] = [self._copy(buffer, copies) for buffer in nest.operands]
        self.bases = list(self.starts)
        self.indices: list[SSAValue | None] = [None] * len(nest.loops)
        self.init = [self._initial(a) for a in nest.init.data]
        self.fetching = Fetching.of(nest, self.facts)

    def emit(self, skip: int | None = None) -> None:
        """The nest into the current block, without the loop to `skip`: somebody made it already."""
        order = self._sequential(reduces=False)
        if not self.nest.reduces:
            # Reduction loops without accumulators are there for their order: their bodies store.
            order += self._sequential(reduces=True)
        self._loops([i for i in order if i != skip], self._tile)

    def _copy(self, buffer: SSAValue, copies: Mapping[SSAValue, int]) -> SSAValue | None:
        """Where the copy of this part begins in a buffer that has one for each part."""
        whole = root_of(buffer)
        if self.share is None or whole not in copies:
            return None
        step = row_major(shape_of(whole))[copies[whole]]
        return self.code.scaled(None, self.share.part, step)

    @property
    def walked(self) -> int:
        """The loop that the nest walks together with its neighbours."""
        loop = walked_loop(self.nest)
        if loop is None or self.facts.in_registers[loop]:
            raise PassFailedException(
                f"{LowerNestToLoops.name}: a loop in registers cannot be walked together"
            )
        return loop

    def advance(self, loop: int, index: SSAValue) -> None:
        """Addresses move by the stride of a loop, once per iteration and not once per access."""
        self.indices[loop] = index
        products: dict[tuple[SSAValue | None, Extent], SSAValue] = {}
        for place in self.facts.places:
            stride, base = place.strides[loop], self.bases[place.position]
            if not stride:
                continue
            if (base, stride) not in products:
                products[base, stride] = self.code.scaled(base, index, stride)
            self.bases[place.position] = products[base, stride]
        if self.fetching is not None:
            self.fetching.entered(loop, self.bases)

    def _sequential(self, reduces: bool) -> list[int]:
        facts = self.facts
        return [i for i, r in enumerate(facts.reduces) if r == reduces and not facts.in_registers[i]]

    def _lanes(self) -> Lanes:
        facts = self.facts
        return Lanes(facts, facts.vector_loop, facts.width, list(self.bases), list(self.indices), self.code)

    def _initial(self, value: Attribute) -> SSAValue:
        element = value.get_type() if isinstance(value, TypedAttribute) else value
        kind = element if self.facts.vector_loop is None else self.code.vector(element, self.facts.width)
        return self.code.constant(value, kind)

    def is_shared(self, loop: int) -> bool:
        """Whether a loop runs a part of its iterations."""
        if is_shared(self.facts.loops[loop]) and self.facts.reduces[loop]:
            raise PassFailedException(f"{LowerNestToLoops.name}: a reduction cannot be shared among threads")
        return is_shared(self.facts.loops[loop])

    def bounds(self, loop: int) -> tuple[SSAValue, SSAValue]:
        """Where a loop starts and ends: its extent or part of it, less what clamped axes cut off here."""
        if self.is_shared(loop):
            assert self.share is not None, "a function with shared loops takes its part"
            return part_of_range(self.code, self.share, self.facts.extents[loop])
        start, stop = self.code.index(0), self.code.size(self.facts.extents[loop])
        if not self.facts.reduces[loop]:
            return start, stop
        for place in self.facts.reads:
            for axis in sorted(a for a in place.clamped_axes if place.access.rows[a][loop]):
                low, high = self._valid_taps(place, axis, loop)
                start = self.code.add(arith.MaxSIOp(start, low))
                stop = self.code.add(arith.MinSIOp(stop, high))
        return start, stop

    def _valid_taps(self, place: Place, axis: int, loop: int) -> tuple[SSAValue, SSAValue]:
        """The taps t with 0 <= first + step * t < size, `first` being the access at tap 0."""
        row, code, facts = place.access.rows[axis], self.code, self.facts
        first: SSAValue | None = None
        for other, (coefficient, index) in enumerate(zip(row, self.indices, strict=True)):
            if other == loop or not coefficient:
                continue
            if facts.in_registers[other] or facts.reduces[other]:
                raise PassFailedException(
                    f"{LowerNestToLoops.name}: a clamped axis depends on loops of a tile"
                )
            if index is not None:
                first = code.scaled(first, index, coefficient)
        at = code.offset(first, place.access.offsets[axis])
        step = code.index(row[loop])
        low = code.add(arith.CeilDivSIOp(code.add(arith.SubiOp(code.index(0), at)), step))
        last = code.add(arith.SubiOp(code.size(place.shape[axis] - 1), at))
        return low, code.sum(code.add(arith.FloorDivSIOp(last, step)), code.index(1))

    def _tile(self) -> None:
        """One register tile: accumulate, finish, write."""
        lanes = list(_register_points(self.facts.loops, False))
        sums = self._accumulate(lanes) if self.nest.reduces else {}
        emitter, count = self._lanes(), self._together()
        for start in range(0, len(lanes), count):
            self._finish(emitter, lanes[start : start + count], sums)

    def _together(self) -> int:
        """Lanes whose last operations are interleaved: one chain leaves the machine waiting for itself."""
        ops = list(self.nest.final_block.ops)
        heavy = any(isinstance(op, HEAVY) for op in ops) and not any(
            isinstance(op, memref.StoreOp) for op in ops
        )
        return TOGETHER_LANES if heavy else 1

    def _finish(self, emitter: Lanes, lanes: Sequence[Lane], sums: dict[Lane, list[SSAValue]]) -> None:
        """The values to write of some lanes, and their stores."""
        facts, block = self.facts, self.nest.final_block
        if self.nest.reduces:
            given = [[*sums[lane], *(emitter.load(place, lane) for place in facts.extras)] for lane in lanes]
        else:
            given = [[emitter.load(place, lane) for place in facts.reads] for lane in lanes]
        for lane, results in zip(lanes, emitter.run_together(block, given, lanes), strict=True):
            for place, value in zip(facts.writes, results, strict=True):
                emitter.store(place, value, lane)

    def _body(self, emitter: Lanes, lane: Lane, accumulators: Sequence[SSAValue]) -> list[SSAValue]:
        loads = [emitter.load(place, lane) for place in self.facts.reads]
        return emitter.run(self.nest.body.block, [*loads, *accumulators], lane)

    def _accumulate(self, lanes: Sequence[Lane]) -> dict[Lane, list[SSAValue]]:
        """Reduction loops around the bodies of all lanes; the accumulators of each lane."""
        chunks = self._reduction_chunks(list(_register_points(self.facts.loops, True)))
        slots = [(lane, chunk) for lane in lanes for chunk in range(len(chunks))]
        width = len(self.init)
        start = [v for _ in slots for v in self.init]
        order = self._sequential(reduces=True)
        ends = self._reduction_loops(order, start, lambda carried: self._step(slots, chunks, carried))
        by_slot = {slot: ends[k * width : (k + 1) * width] for k, slot in enumerate(slots)}
        return {lane: self._folded([by_slot[lane, c] for c in range(len(chunks))]) for lane in lanes}

    def _reduction_chunks(self, inner: Sequence[Lane]) -> list[list[Lane]]:
        """Register points of the reduction by the accumulator they feed: one per chunk of a vector loop."""
        loop = self.facts.vector_loop
        if loop is None or not self.facts.vector_reduces:
            return [list(inner)]
        starts = sorted({p[loop] for p in inner})
        return [[p for p in inner if p[loop] == s] for s in starts]

    def _step(
        self, slots: Sequence[tuple[Lane, int]], chunks: Sequence[Sequence[Lane]], carried: Sequence[SSAValue]
    ) -> list[SSAValue]:
        """One iteration of the reduction loops for every accumulator."""
        emitter, width, results = self._lanes(), len(self.init), list[SSAValue]()
        if self.fetching is not None:
            self.fetching.emit(self.code, self.bases, self.indices)
        for k, (lane, chunk) in enumerate(slots):
            accumulators = list(carried[k * width : (k + 1) * width])
            for point in chunks[chunk]:
                at = tuple(a + b for a, b in zip(lane, point, strict=True))
                accumulators = self._masked(emitter, at, accumulators, self._body(emitter, at, accumulators))
            results += accumulators
        return results

    def _masked(
        self, emitter: Lanes, at: Lane, old: Sequence[SSAValue], new: Sequence[SSAValue]
    ) -> list[SSAValue]:
        """Lanes beyond the end of a vectorised reduction keep their accumulator."""
        if self.facts.vector_loop is None:
            return list(new)
        new = [emitter.broadcast(v) for v in new]
        count = emitter.count(at)
        if not self.facts.vector_reduces or count == self.facts.width:
            return new
        mask = self.code.mask(count, self.facts.width)
        return [self.code.add(arith_ext.SelectOp(mask, n, o)) for n, o in zip(new, old, strict=True)]

    def _folded(self, chunks: Sequence[Sequence[SSAValue]]) -> list[SSAValue]:
        """The accumulators of one lane from those of its reduction chunks."""
        if not self.facts.vector_reduces:
            return list(chunks[0])
        kinds = combiners(self.nest)
        if kinds is None:
            raise PassFailedException("lower-nest-to-loops: a vectorised reduction must be a plain fold")
        return [self._fold(kind, [chunk[k] for chunk in chunks]) for k, kind in enumerate(kinds)]

    def _fold(self, kind: type[Operation], parts: Sequence[SSAValue]) -> SSAValue:
        """Chunks pairwise, then the lanes of the last vector."""
        while len(parts) > 1:
            pairs = zip(parts[::2], parts[1::2], strict=False)
            folded = [self.code.add(kind.create(operands=[a, b], result_types=[a.type])) for a, b in pairs]
            parts = [*folded, *parts[len(parts) & ~1 :]]
        whole = parts[0].type
        assert is_vector(whole), "a vectorised reduction carries vectors"
        attribute = vector.CombiningKindAttr(vector.CombiningKindFlag(_REDUCTION_KINDS[kind]))
        return self.code.add(
            vector.ReductionOp.create(
                operands=[parts[0]],
                result_types=[whole.get_element_type()],
                properties={"kind": attribute, "fastmath": _HALVES},
            )
        )

    def _loops(self, order: Sequence[int], inside: Emit) -> None:
        """`scf.for` loops without carried values, one in another, around `inside`."""
        if not order:
            inside()
            return
        with _Loop(self, order[0], []) as loop:
            self._loops(order[1:], inside)
            loop.finish([])

    def _reduction_loops(
        self,
        order: Sequence[int],
        carried: Sequence[SSAValue],
        inside: Callable[[Sequence[SSAValue]], list[SSAValue]],
    ) -> list[SSAValue]:
        """`scf.for` loops that carry the accumulators, one in another, around `inside`."""
        if not order:
            return inside(carried)
        with _Loop(self, order[0], carried) as loop:
            return loop.finish(self._reduction_loops(order[1:], loop.carried, inside))


class _Loop:
    """One `scf.for` being built; a loop of one iteration leaves no trace."""

    def __init__(self, lowering: _NestLowering, position: int, carried: Sequence[SSAValue]):
        self.lowering, self.position, self.start = lowering, position, list(carried)
        facts = lowering.facts
        # A clamped loop of one iteration may run no iteration at all.
        clamps = facts.reduces[position] and any(place.clamped_axes for place in facts.reads)
        self.vanishes = facts.extents[position] == 1 and not clamps and not lowering.is_shared(position)
        self.outer = lowering.code.block
        self.saved = list(lowering.bases), lowering.indices[position]
        self.carried: list[SSAValue] = list(carried)

    def __enter__(self) -> "_Loop":
        if self.vanishes:
            return self
        self.range = self.lowering.bounds(self.position)
        self.block = Block(arg_types=[INDEX, *(v.type for v in self.start)])
        self.lowering.code.block = self.block
        self.lowering.advance(self.position, self.block.args[0])
        self.carried = list(self.block.args[1:])
        return self

    def finish(self, results: Sequence[SSAValue]) -> list[SSAValue]:
        """Close the loop with what it yields; its results."""
        if self.vanishes:
            return list(results)
        self.block.add_op(scf.YieldOp(*results))
        code = self.lowering.code
        code.block = self.outer
        loop = scf.ForOp(*self.range, code.index(1), self.start, self.block)
        code.block.add_op(loop)
        return list(loop.results)

    def __exit__(self, *error: object) -> None:
        self.lowering.bases, self.lowering.indices[self.position] = self.saved


def _register_points(loops: Sequence[DimAttr], reduces: bool) -> Iterator[Lane]:
    """The points of the parallel (or reduction) loops in registers, zero in the other loops."""
    ranges = [
        range(0, d.size, d.lanes.data) if d.in_registers and d.is_reduction == reduces else range(1)
        for d in loops
    ]
    return product(*ranges)
