"""Register-level part of the lowering of nests: loads, stores and bodies on the lanes of a register tile.

A lane is one point of the loops that are expanded in registers: a number per unrolled loop and a chunk of the
vector loop.  Values stay scalar as long as they do not vary along the vector loop, so a broadcast is made
once, where needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import mul

from xdsl.dialects import arith, memref, vector
from xdsl.ir import Block, Operation, SSAValue
from xdsl.utils.exceptions import PassFailedException

from penstock.dialects import arith_ext
from penstock.dialects.narrowing import dense, is_vector
from penstock.dialects.nest.access import Access, Row, row_bounds, row_major
from penstock.dialects.nest.ops import ApplyOp, YieldOp
from penstock.dialects.nest.sizes import is_static, numbers, sizes_of
from penstock.dialects.sizes import Extent, is_at_least
from penstock.passes.lowering.code import INDEX, Code, zero_of
from penstock.passes.lowering.nest_facts import Facts, Place
from penstock.passes.lowering.register_transpose import transposed

Lane = tuple[int, ...]
"""The iteration of each loop that a register holds; the first one of its chunk for the vector loop."""
Guard = tuple[int, bool, bool]
"""An axis that may be left below, above."""


@dataclass
class Lanes:
    """Emits the accesses and bodies of one nest inside one loop level."""

    facts: Facts
    vector_loop: int | None
    width: int
    bases: list[SSAValue | None]
    """Per access: the part of the linear address that the sequential loops give."""
    indices: list[SSAValue | None]
    """Per loop: the index of a sequential loop."""
    code: Code
    loads: dict[tuple[int, Extent, int], SSAValue] = field(
        default_factory=dict[tuple[int, Extent, int], SSAValue]
    )
    guarded: dict[tuple[int, tuple[Extent, ...]], SSAValue] = field(
        default_factory=dict[tuple[int, tuple[Extent, ...]], SSAValue]
    )
    broadcasts: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    rows: dict[tuple[Row, Extent], SSAValue] = field(default_factory=dict[tuple[Row, Extent], SSAValue])
    """The index along an axis for the loops' part of it and an offset."""

    def count(self, lane: Lane) -> int:
        """How many elements of the vector at `lane` are inside the vector loop."""
        if self.vector_loop is None:
            return 1
        return min(self.width, self.facts.vector_extent - lane[self.vector_loop])

    def broadcast(self, value: SSAValue) -> SSAValue:
        """A scalar in every lane; vectors as they are."""
        if is_vector(value.type):
            return value
        if value not in self.broadcasts:
            owner, kind = value.owner, self.code.vector(value.type, self.width)
            if isinstance(owner, arith.ConstantOp):
                self.broadcasts[value] = self.code.constant(owner.value, kind)
            else:
                broadcast = vector.BroadcastOp.create(operands=[value], result_types=[kind])
                self.broadcasts[value] = self.code.add(broadcast)
        return self.broadcasts[value]

    def load(self, place: Place, lane: Lane) -> SSAValue:
        """The value of a read at `lane`: a scalar when it does not vary along the vector loop."""
        guards = self._guards(place, lane) if place.outside is not None else []
        return self._guarded(place, lane, guards) if guards else self._plain(place, lane)

    def _stride(self, place: Place) -> Extent:
        return 0 if self.vector_loop is None else place.strides[self.vector_loop]

    def _plain(self, place: Place, lane: Lane) -> SSAValue:
        offset, stride = place.constant_part(lane), self._stride(place)
        count = self.count(lane) if stride else 1
        key = (place.position, offset, count)
        if key not in self.loads:
            across = self._across(place)
            if across is None:
                self.loads[key] = self._read(place, self.bases[place.position], offset, stride, count)
            else:
                self._load_square(place, lane, across)
        return self.loads[key]

    def _across(self, place: Place) -> int | None:
        """The loop in registers along which the elements of a read are neighbours, where no vector is."""
        facts = self.facts
        if self._stride(place) in (0, 1):
            return None
        tile = [i for i, inside in enumerate(facts.in_registers) if inside and facts.extents[i] != 1]
        return next((i for i in tile if place.strides[i] == 1), None)

    def _load_square(self, place: Place, lane: Lane, across: int) -> None:
        """Load vectors across the vector loop and transpose them: its vectors at all places around `lane`."""
        begin, stride, code = lane[across] - lane[across] % self.width, self._stride(place), self.code
        (extent,) = numbers([self.facts.extents[across]])
        first = place.constant_part((*lane[:across], begin, *lane[across + 1 :]))
        base, here, count = self.bases[place.position], min(self.width, extent - begin), self.count(lane)
        rows = [
            code.load_vector(
                place.flat, code.offset(base, first + k * stride), place.element, here, self.width
            )
            for k in range(count)
        ]
        nothing = code.constant(zero_of(place.element), code.vector(place.element, self.width))
        columns = transposed(code, [*rows, *[nothing] * (self.width - count)])
        for k, column in enumerate(columns[:here]):
            self.loads[place.position, first + k, count] = column

    def _read(
        self, place: Place, base: SSAValue | None, offset: Extent, stride: Extent, count: int
    ) -> SSAValue:
        """`count` elements from `base + offset` on, or one that every lane reads."""
        code = self.code
        if stride == 0:
            return code.load(place.flat, code.offset(base, offset), place.element)
        if stride == 1:
            return code.load_vector(place.flat, code.offset(base, offset), place.element, count, self.width)
        ats = [code.offset(base, offset + k * stride) for k in range(count)]
        return code.gather(
            [code.load(place.flat, at, place.element) for at in ats], place.element, self.width
        )

    def _guards(self, place: Place, lane: Lane) -> list[Guard]:
        """Axes that may leave the buffer at this lane."""
        facts, found = self.facts, list[Guard]()
        extents = [1 if inside else e for inside, e in zip(facts.in_registers, facts.extents, strict=True)]
        for axis, (row, offset) in enumerate(zip(place.access.rows, place.access.offsets, strict=True)):
            if axis in place.clamped_axes:
                continue
            here = offset + sum(c * at for c, at in zip(row, lane, strict=True) if c)
            low, high = row_bounds(row, here, extents)
            if self.vector_loop is not None:
                span = row[self.vector_loop] * (self.count(lane) - 1)
                low, high = low + min(span, 0), high + max(span, 0)
            below = not is_at_least(low, 0)
            above = not is_at_least(place.shape[axis] - 1 - high, 0)
            if below or above:
                found.append((axis, below, above))
        return found

    def _guarded(self, place: Place, lane: Lane, guards: Sequence[Guard]) -> SSAValue:
        """The value outside where the access leaves the buffer; then the load goes to index 0 of those axes.

        No branch: the tests do not depend on the loop along a vector, so they move out of it.
        """
        loop, code = self.vector_loop, self.code
        if loop is not None and any(place.access.rows[axis][loop] for axis, _, _ in guards):
            return self._guarded_per_element(place, lane)
        assert place.outside is not None, "only padded reads are guarded"
        kind = code.vector(place.element, self.width) if self._stride(place) else place.element
        outside = code.constant(place.outside, kind)
        if 0 in place.shape:
            return outside
        # By index and not by address: outside of the buffer, two places have the address of one.
        rows = zip(place.access.rows, place.access.offsets, strict=True)
        key = (place.position, tuple(o + sum(map(mul, row, lane)) for row, o in rows))
        if key not in self.guarded:
            inside = self._condition(place, lane, guards)
            value = self._load_at(place, lane, self._safe_address(place, lane, guards, inside))
            self.guarded[key] = code.add(arith_ext.SelectOp(inside, value, outside))
        return self.guarded[key]

    def _load_at(self, place: Place, lane: Lane, at: SSAValue) -> SSAValue:
        """The load of a padded read at an address, along the vector loop if it moves with it."""
        stride = self._stride(place)
        return self._read(place, at, 0, stride, self.count(lane) if stride else 1)

    def _safe_address(self, place: Place, lane: Lane, guards: Sequence[Guard], inside: SSAValue) -> SSAValue:
        """The address of an access, with index 0 along the guarded axes where it leaves the buffer."""
        code, steps = self.code, row_major(place.shape)
        guarded = {axis for axis, _, _ in guards}
        risky: SSAValue | None = None
        sound: SSAValue | None = None
        for axis, step in enumerate(steps):
            if axis in guarded:
                risky = code.scaled(risky, self._row_value(place.access, axis, lane), step)
            elif any(place.access.rows[axis]) or place.access.offsets[axis]:
                sound = code.scaled(sound, self._row_value(place.access, axis, lane), step)
        assert risky is not None, "a guarded read has a guarded axis"
        chosen = code.add(arith_ext.SelectOp(inside, risky, code.index(0)))
        return chosen if sound is None else code.sum(chosen, sound)

    def _condition(self, place: Place, lane: Lane, guards: Sequence[Guard]) -> SSAValue:
        inside: SSAValue | None = None
        for axis, below, above in guards:
            at, size = self._row_value(place.access, axis, lane), place.shape[axis]
            # As unsigned numbers, those below zero are large.
            how, bound = ("ult", size) if below and above else ("sge", 0) if below else ("slt", size)
            here = self.code.add(arith_ext.CmpiOp(at, self.code.size(bound), how))
            inside = here if inside is None else self.code.add(arith.AndIOp(inside, here))
        assert inside is not None, "a guarded read has a guard"
        return inside

    def _row_value(self, access: Access, axis: int, lane: Lane) -> SSAValue:
        row = access.rows[axis]
        offset = access.offsets[axis] + sum(c * at for c, at in zip(row, lane, strict=True) if c)
        if (row, offset) not in self.rows:
            value: SSAValue | None = None
            for coefficient, index in zip(row, self.indices, strict=True):
                if coefficient and index is not None:
                    value = self.code.scaled(value, index, coefficient)
            self.rows[row, offset] = self.code.offset(value, offset)
        return self.rows[row, offset]

    def _guarded_per_element(self, place: Place, lane: Lane) -> SSAValue:
        loop, scalars = self.vector_loop, list[SSAValue]()
        assert loop is not None, "only vectors have elements"
        single = Lanes(self.facts, None, 1, self.bases, self.indices, self.code)
        for k in range(self.count(lane)):
            scalars.append(single.load(place, (*lane[:loop], lane[loop] + k, *lane[loop + 1 :])))
        return self.code.gather(scalars, place.element, self.width)

    def store(self, place: Place, value: SSAValue, lane: Lane) -> None:
        """Write a value at `lane`."""
        code, base = self.code, self.bases[place.position]
        offset, stride, count = place.constant_part(lane), self._stride(place), self.count(lane)
        if stride == 0:
            code.store(value, place.flat, code.offset(base, offset))
            return
        value = self.broadcast(value)
        if stride == 1:
            code.store_vector(value, place.flat, code.offset(base, offset), count, self.width)
            return
        for k in range(count):
            code.store(code.lane(value, k), place.flat, code.offset(base, offset + k * stride))

    def run(self, block: Block, arguments: Sequence[SSAValue], lane: Lane) -> list[SSAValue]:
        """A body or epilogue on the values of one lane; returns what it yields."""
        return self.run_together(block, [arguments], [lane])[0]

    def run_together(
        self, block: Block, arguments: Sequence[Sequence[SSAValue]], lanes: Sequence[Lane]
    ) -> list[list[SSAValue]]:
        """A body or epilogue on the values of several lanes, operation by operation; what each yields."""
        values: list[dict[SSAValue, SSAValue]] = [
            dict(zip(block.args, each, strict=True)) for each in arguments
        ]
        for op in block.ops:
            if isinstance(op, YieldOp):
                return [[known.get(v, v) for v in op.values] for known in values]
            for known, lane in zip(values, lanes, strict=True):
                self._run_op(op, known, lane)
        raise PassFailedException("a body without nest.yield")

    def _run_op(self, op: Operation, values: dict[SSAValue, SSAValue], lane: Lane) -> None:
        if isinstance(op, arith.ConstantOp):
            values[op.result] = self.code.constant(op.value, op.result.type)
        elif isinstance(op, ApplyOp):
            values[op.index] = self._apply(op.access.data, lane)
        elif isinstance(op, memref.LoadOp | memref.StoreOp):
            self._indirect(op, values, lane)
        else:
            self._clone(op, values)

    def _clone(self, op: Operation, values: dict[SSAValue, SSAValue]) -> None:
        operands = [values.get(o, o) for o in op.operands]
        result_types = list(op.result_types)
        if any(is_vector(o.type) for o in operands):
            operands = [self.broadcast(o) for o in operands]
            result_types = [self.code.vector(t, self.width) for t in result_types]
        clone = type(op).create(
            operands=operands, result_types=result_types, properties=op.properties, attributes=op.attributes
        )
        self.code.block.add_op(clone)
        values.update(zip(op.results, clone.results, strict=True))

    def _apply(self, access: Access, lane: Lane) -> SSAValue:
        value = self._row_value(access, 0, lane)
        step = 0 if self.vector_loop is None else access.rows[0][self.vector_loop]
        if not step:
            return value
        kind = self.code.vector(INDEX, self.width)
        steps = dense(kind, [k * step for k in range(self.width)])
        ramp = self.code.add(arith.ConstantOp.create(result_types=[kind], properties={"value": steps}))
        return self.code.sum(self.broadcast(value), ramp)

    def _indirect(
        self, op: memref.LoadOp | memref.StoreOp, values: dict[SSAValue, SSAValue], lane: Lane
    ) -> None:
        """An access at computed indices, element by element."""
        operands = self._flat_operands(op, values)
        if not any(is_vector(o.type) for o in operands):
            clone = type(op).create(
                operands=operands, result_types=list(op.result_types), properties=op.properties
            )
            self.code.block.add_op(clone)
            values.update(zip(op.results, clone.results, strict=True))
            return
        if isinstance(op, memref.StoreOp):
            raise PassFailedException(
                "a store at computed indices cannot be vectorised: its order may matter"
            )
        element = op.res.type
        # Lanes beyond the end of the vector loop have no element to read.
        scalars = [self._one_element(operands, k) for k in range(self.count(lane))]
        values[op.res] = self.code.gather(scalars, element, self.width)

    def _flat_operands(
        self, op: memref.LoadOp | memref.StoreOp, values: dict[SSAValue, SSAValue]
    ) -> list[SSAValue]:
        """The operands of an access; one to a buffer of unknown sizes goes to the flat view of it."""
        operands = [values.get(o, o) for o in op.operands]
        sizes = sizes_of(op.memref)
        if is_static(sizes):
            return operands
        first, at = len(operands) - len(sizes), None
        for index, step in zip(operands[first:], row_major(sizes), strict=True):
            at = self.code.scaled(at, index, step)
        return [*operands[: first - 1], self.facts.flat[op.memref], at or self.code.index(0)]

    def _one_element(self, operands: Sequence[SSAValue], k: int) -> SSAValue:
        picked = [self.code.lane(o, k) for o in operands]
        return self.code.add(memref.LoadOp.get(picked[0], picked[1:]))
