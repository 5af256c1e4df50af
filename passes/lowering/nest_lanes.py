"""Register-level part of the lowering of nests: loads, stores and bodies on the lanes of a register tile.

A lane is one point of the loops that are expanded in registers: a number per unrolled loop and a chunk of the vector
loop.  Values stay scalar as long as they do not vary along the vector loop, so a broadcast is made once, where needed.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import cast

from xdsl.dialects import arith, memref, scf, vector
from xdsl.dialects.builtin import (
    AnyFloat,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    VectorType,
    i1,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.utils.exceptions import PassFailedException

from penstock.dialects import arith_ext
from penstock.dialects.nest.access import Access, row_bounds, row_major
from penstock.dialects.nest.ops import ApplyOp, ComputeOp, Read, Write, YieldOp, element_of, shape_of

INDEX = IndexType()


@dataclass
class Code:
    """Where operations go, with the constants of the kernel shared."""

    block: Block
    entry: Block
    constants: dict[tuple[Attribute, Attribute], SSAValue] = field(
        default_factory=dict[tuple[Attribute, Attribute], SSAValue]
    )

    def add(self, op: Operation) -> SSAValue:
        """Append an operation and return its first result."""
        self.block.add_op(op)
        return op.results[0]

    def constant(self, value: Attribute, type: Attribute) -> SSAValue:
        """A scalar or splat constant at the entry of the kernel."""
        key = (value, type)
        if key not in self.constants:
            attribute = value
            if isinstance(type, VectorType):
                attribute = DenseIntOrFPElementsAttr.from_list(type, [_literal(value)])
            op = arith.ConstantOp(cast(IntegerAttr, attribute), type)
            first = self.entry.first_op
            self.entry.insert_op_before(op, first) if first is not None else self.entry.add_op(op)
            self.constants[key] = op.result
        return self.constants[key]

    def index(self, value: int) -> SSAValue:
        """An index constant."""
        return self.constant(IntegerAttr(value, INDEX), INDEX)

    def offset(self, base: SSAValue | None, offset: int) -> SSAValue:
        """`base + offset`, with no operation where one side is nothing."""
        if base is None:
            return self.index(offset)
        return base if offset == 0 else self.add(arith.AddiOp(base, self.index(offset)))

    def scaled(self, base: SSAValue | None, loop: SSAValue, coefficient: int) -> SSAValue:
        """`base + coefficient * loop`."""
        term = loop if coefficient == 1 else self.add(arith.MuliOp(loop, self.index(coefficient)))
        return term if base is None else self.add(arith.AddiOp(base, term))


def _literal(value: Attribute) -> float | int:
    if isinstance(value, FloatAttr | IntegerAttr):
        return cast(float | int, value.value.data)
    raise PassFailedException(f"not a number: {value}")


Lane = tuple[int, ...]
"""The iteration of each loop of the nest that a register holds; the first one of its chunk for the vector loop."""


@dataclass
class Lanes:
    """Emits the accesses and bodies of one nest inside one loop level."""

    nest: ComputeOp
    flat: Mapping[SSAValue, SSAValue]
    vector_loop: int | None
    width: int
    bases: list[SSAValue | None]
    """Per access: the part of the linear address that the sequential loops give."""
    indices: list[SSAValue | None]
    """Per loop: the index of a sequential loop."""
    code: Code
    clamped: Set[tuple[int, int]] = frozenset()
    """Reads and axes that the bounds of the loops keep inside."""
    loads: dict[tuple[int, int, int], SSAValue] = field(default_factory=dict[tuple[int, int, int], SSAValue])
    broadcasts: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])

    def count(self, lane: Lane) -> int:
        """How many elements of the vector at `lane` are inside the vector loop."""
        if self.vector_loop is None:
            return 1
        return min(self.width, self.nest.extents[self.vector_loop] - lane[self.vector_loop])

    def mask(self, count: int) -> SSAValue:
        """The mask of the first `count` lanes."""
        return self.code.add(vector.CreateMaskOp([self.code.index(count)], VectorType(i1, [self.width])))

    def broadcast(self, value: SSAValue) -> SSAValue:
        """A scalar in every lane; vectors as they are."""
        if isinstance(value.type, VectorType):
            return value
        if value not in self.broadcasts:
            owner = value.owner
            result = VectorType(value.type, [self.width])
            if isinstance(owner, arith.ConstantOp):
                self.broadcasts[value] = self.code.constant(owner.value, result)
            else:
                self.broadcasts[value] = self.code.add(vector.BroadcastOp(value, result))
        return self.broadcasts[value]

    def address(self, position: int, access: Access, lane: Lane) -> tuple[SSAValue | None, int]:
        """The linear address of an access at `lane`: a run-time part and a constant."""
        buffer = self.nest.operands[position]
        strides = row_major(shape_of(buffer))
        offset = sum(o * s for o, s in zip(access.offsets, strides, strict=True))
        offset += sum(access.stride(i, shape_of(buffer)) * at for i, at in enumerate(lane) if at)
        return self.bases[position], offset

    def load(self, position: int, read: Read, lane: Lane) -> SSAValue:
        """The value of a read at `lane`: a scalar when it does not vary along the vector loop."""
        if read.outside is not None:
            guards = self._guards(position, read, lane)
            if guards is not None:
                return self._guarded(position, read, lane, guards)
        return self._plain(position, read.access, lane)

    def _plain(self, position: int, access: Access, lane: Lane) -> SSAValue:
        buffer = self.nest.operands[position]
        base, offset = self.address(position, access, lane)
        stride = 0 if self.vector_loop is None else access.stride(self.vector_loop, shape_of(buffer))
        count = self.count(lane) if stride else 1
        key = (position, offset, count)
        if key not in self.loads:
            self.loads[key] = self._emit_load(buffer, base, offset, stride, count)
        return self.loads[key]

    def _emit_load(
        self, buffer: SSAValue, base: SSAValue | None, offset: int, stride: int, count: int
    ) -> SSAValue:
        flat, code, element = self.flat[buffer], self.code, element_of(buffer)
        if stride == 0:
            return code.add(memref.LoadOp.get(flat, [code.offset(base, offset)]))
        kind = VectorType(element, [self.width])
        if stride == 1 and count == self.width:
            return code.add(vector.LoadOp(flat, [code.offset(base, offset)], kind))
        if stride == 1:
            zero = code.constant(zero_of(element), kind)
            return code.add(
                vector.MaskedLoadOp(flat, [code.offset(base, offset)], self.mask(count), zero, kind)
            )
        scalars = [memref.LoadOp.get(flat, [code.offset(base, offset + k * stride)]) for k in range(count)]
        return self._gather([code.add(s) for s in scalars], kind)

    def _gather(self, scalars: Sequence[SSAValue], kind: VectorType) -> SSAValue:
        result = self.code.constant(zero_of(kind.get_element_type()), kind)
        for k, scalar in enumerate(scalars):
            result = self.code.add(vector.InsertOp(scalar, result, [k]))
        return result

    def _guards(self, position: int, read: Read, lane: Lane) -> list[tuple[int, bool, bool]] | None:
        """Axes that may leave the buffer at this lane (axis, below, above); `None` when none does."""
        extents = [1 if d.in_registers else d.size for d in self.nest.loops]
        shape, found = shape_of(read.buffer), list[tuple[int, bool, bool]]()
        for axis, row in enumerate(read.access.rows):
            if (position, axis) in self.clamped:
                continue
            here = read.access.offsets[axis] + sum(c * at for c, at in zip(row, lane, strict=True))
            low, high = row_bounds(row, here, extents)
            if self.vector_loop is not None:
                span = row[self.vector_loop] * (self.count(lane) - 1)
                low, high = low + min(span, 0), high + max(span, 0)
            if low < 0 or high >= shape[axis]:
                found.append((axis, low < 0, high >= shape[axis]))
        return found or None

    def _guarded(
        self, position: int, read: Read, lane: Lane, guards: Sequence[tuple[int, bool, bool]]
    ) -> SSAValue:
        """A load where the access is inside the buffer, else the value outside."""
        loop = self.vector_loop
        if loop is not None and any(read.access.rows[axis][loop] for axis, _, _ in guards):
            return self._guarded_per_element(position, read, lane)
        varies = loop is not None and read.access.stride(loop, shape_of(read.buffer)) != 0
        element = element_of(read.buffer)
        kind = VectorType(element, [self.width]) if varies else element
        assert read.outside is not None
        inside = self._condition(read, lane, guards)
        outer, saved = self.code.block, dict(self.loads)
        then, otherwise = Block(), Block()
        self.code.block = then
        value = self._plain(position, read.access, lane)
        then.add_op(scf.YieldOp(value))
        self.code.block, self.loads = outer, saved
        otherwise.add_op(scf.YieldOp(self.code.constant(read.outside, kind)))
        return self.code.add(scf.IfOp(inside, [kind], Region(then), Region(otherwise)))

    def _condition(self, read: Read, lane: Lane, guards: Sequence[tuple[int, bool, bool]]) -> SSAValue:
        conditions: list[SSAValue] = []
        for axis, below, above in guards:
            at = self._row_value(read.access, axis, lane)
            bounds = [("sge", 0)] * below + [("slt", shape_of(read.buffer)[axis])] * above
            conditions += [
                self.code.add(arith_ext.CmpiOp(at, self.code.index(bound), how)) for how, bound in bounds
            ]
        inside = conditions[0]
        for condition in conditions[1:]:
            inside = self.code.add(arith.AndIOp(inside, condition))
        return inside

    def _row_value(self, access: Access, axis: int, lane: Lane) -> SSAValue:
        row = access.rows[axis]
        value: SSAValue | None = None
        for coefficient, index in zip(row, self.indices, strict=True):
            if coefficient and index is not None:
                value = self.code.scaled(value, index, coefficient)
        return self.code.offset(
            value, access.offsets[axis] + sum(c * at for c, at in zip(row, lane, strict=True))
        )

    def _guarded_per_element(self, position: int, read: Read, lane: Lane) -> SSAValue:
        assert self.vector_loop is not None
        loop, scalars = self.vector_loop, list[SSAValue]()
        for k in range(self.count(lane)):
            at = (*lane[:loop], lane[loop] + k, *lane[loop + 1 :])
            single = Lanes(self.nest, self.flat, None, 1, self.bases, self.indices, self.code, self.clamped)
            scalars.append(single.load(position, read, at))
        return self._gather(scalars, VectorType(element_of(read.buffer), [self.width]))

    def store(self, position: int, write: Write, value: SSAValue, lane: Lane) -> None:
        """Write a value at `lane`."""
        buffer, flat = write.buffer, self.flat[write.buffer]
        base, offset = self.address(position, write.access, lane)
        stride = 0 if self.vector_loop is None else write.access.stride(self.vector_loop, shape_of(buffer))
        count, code = self.count(lane), self.code
        if stride == 0:
            code.block.add_op(memref.StoreOp.get(value, flat, [code.offset(base, offset)]))
            return
        value = self.broadcast(value)
        if stride == 1 and count == self.width:
            code.block.add_op(vector.StoreOp(value, flat, [code.offset(base, offset)]))
        elif stride == 1:
            code.block.add_op(
                vector.MaskedStoreOp(flat, [code.offset(base, offset)], self.mask(count), value)
            )
        else:
            for k in range(count):
                scalar = code.add(vector.ExtractOp(value, [k], element_of(buffer)))
                code.block.add_op(memref.StoreOp.get(scalar, flat, [code.offset(base, offset + k * stride)]))

    def run(self, block: Block, arguments: Sequence[SSAValue], lane: Lane) -> list[SSAValue]:
        """A body or epilogue on the values of one lane; returns what it yields."""
        values: dict[SSAValue, SSAValue] = dict(zip(block.args, arguments, strict=True))
        for op in block.ops:
            if isinstance(op, YieldOp):
                return [values.get(v, v) for v in op.values]
            if isinstance(op, arith.ConstantOp):
                values[op.result] = self.code.constant(op.value, op.result.type)
            elif isinstance(op, ApplyOp):
                values[op.index] = self._apply(op.access.data, lane)
            elif isinstance(op, memref.LoadOp | memref.StoreOp):
                self._indirect(op, values)
            else:
                self._clone(op, values)
        raise PassFailedException("a body without nest.yield")

    def _clone(self, op: Operation, values: dict[SSAValue, SSAValue]) -> None:
        operands = [values.get(o, o) for o in op.operands]
        result_types = list(op.result_types)
        if any(isinstance(o.type, VectorType) for o in operands):
            operands = [self.broadcast(o) for o in operands]
            result_types = [VectorType(t, [self.width]) for t in result_types]
        clone = type(op).create(operands=operands, result_types=result_types,
                                properties=op.properties, attributes=op.attributes)  # fmt: skip
        self.code.block.add_op(clone)
        values.update(zip(op.results, clone.results, strict=True))

    def _apply(self, access: Access, lane: Lane) -> SSAValue:
        value = self._row_value(access, 0, lane)
        step = 0 if self.vector_loop is None else access.rows[0][self.vector_loop]
        if not step:
            return value
        kind = VectorType(INDEX, [self.width])
        steps = DenseIntOrFPElementsAttr.from_list(kind, [k * step for k in range(self.width)])
        ramp = self.code.add(arith.ConstantOp(steps, kind))
        return self.code.add(arith.AddiOp(self.broadcast(value), ramp))

    def _indirect(self, op: memref.LoadOp | memref.StoreOp, values: dict[SSAValue, SSAValue]) -> None:
        """An access at computed indices, element by element."""
        operands = [values.get(o, o) for o in op.operands]
        if not any(isinstance(o.type, VectorType) for o in operands):
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
        scalars = [self._one_element(op, operands, k) for k in range(self.width)]
        values[op.res] = self._gather(scalars, VectorType(op.res.type, [self.width]))

    def _one_element(self, op: memref.LoadOp, operands: Sequence[SSAValue], k: int) -> SSAValue:
        # Lanes beyond the mask hold index 0 of a masked load, which is inside any buffer that is read at all.
        picked = [
            self.code.add(vector.ExtractOp(o, [k], o.type.get_element_type()))
            if isinstance(o.type, VectorType)
            else o
            for o in operands
        ]
        return self.code.add(memref.LoadOp.get(picked[0], picked[1:]))


def zero_of(element: Attribute) -> Attribute:
    """Zero of an element type."""
    if isinstance(element, IntegerType | IndexType):
        return IntegerAttr(0, element)
    return FloatAttr(0.0, cast(AnyFloat, element))
