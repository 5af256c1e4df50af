"""The function under construction in `lower-loops-to-llvm`: its blocks, its values, its index arithmetic."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerAttr, i32, i64
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from penstock.dialects.narrowing import is_buffer
from penstock.dialects.nest.machine import Machine
from penstock.passes.lowering.affine_index import AffineIndex
from penstock.passes.lowering.llvm_constants import splat_integer, splat_real, wrap
from penstock.passes.lowering.llvm_types import convert_type, memory_type, row_major_strides

NO_PROPERTIES: Mapping[str, Attribute] = {}
STRICT: Mapping[str, Attribute] = {"fastmathFlags": llvm.FastMathAttr(None)}
NO_SIGNED_WRAP: Mapping[str, Attribute] = {"overflowFlags": IntegerAttr(1, i32)}
NO_WRAP: Mapping[str, Attribute] = {"overflowFlags": IntegerAttr(3, i32)}
_WRAPS: Mapping[str, Attribute] = {"overflowFlags": IntegerAttr(0, i32)}
_ANY_MACHINE = Machine()
UNFLAGGED: Mapping[type[Operation], Mapping[str, Attribute]] = {
    llvm.AddOp: _WRAPS,
    llvm.SubOp: _WRAPS,
    llvm.MulOp: _WRAPS,
    llvm.ShlOp: _WRAPS,
    llvm.TruncOp: {"overflowFlags": llvm.OverflowAttr("none")},
}
"""The properties of ops emitted without any: what their text says of flags without a word of them."""


@dataclass(frozen=True)
class Buffer:
    """What an access needs to know of a memref: its pointer, strides in elements and stored element type."""

    pointer: SSAValue
    strides: tuple[int, ...] | None
    element: Attribute


class Emitter:
    """Appends llvm ops to a region and remembers which llvm value stands for which value of the source."""

    def __init__(
        self, entry: Block, emitters: Mapping[str, "EmitFunction"], machine: Machine = _ANY_MACHINE
    ) -> None:
        self.machine = machine
        self.region = Region(entry)
        self.block = entry
        self._emitters = emitters
        self._entry = entry
        self._values: dict[SSAValue, SSAValue] = {}
        self._indices: dict[SSAValue, AffineIndex] = {}
        self._buffers: dict[SSAValue, Buffer] = {}
        self._constants: dict[object, SSAValue] = {}
        self._head: list[Operation] = []
        self._atoms: list[SSAValue] = []
        self._atom_of: dict[SSAValue, int] = {}
        self._nonnegative: set[int] = set()
        self._reusable: dict[object, SSAValue] = {}
        self._reusable_order: list[object] = []

    # Building

    def walk(self, block: Block) -> None:
        """Lower the ops of a block of the source in their order."""
        for op in block.ops:
            emit = self._emitters.get(op.name)
            if emit is None:
                raise NotImplementedError(f"lower-loops-to-llvm: no lowering for {op.name}")
            emit(self, op)

    def emit(
        self,
        op_class: type[Operation],
        operands: Sequence[SSAValue],
        result_type: Attribute,
        properties: Mapping[str, Attribute] = NO_PROPERTIES,
    ) -> SSAValue:
        """Append an op with one result and return that result."""
        given = properties or UNFLAGGED.get(op_class, NO_PROPERTIES)
        op = op_class.create(operands=operands, result_types=(result_type,), properties=given)
        self.block.add_op(op)
        return op.results[0]

    def append(self, op: Operation) -> None:
        """Append an op that has no result."""
        self.block.add_op(op)

    def enter(self, block: Block) -> None:
        """Place `block` after those there are, and append to it from now on."""
        self.region.add_block(block)
        self.block = block

    @contextmanager
    def scope(self) -> Generator[None]:
        """What is computed inside does not dominate what comes after, so forget it at the end."""
        mark = len(self._reusable_order)
        yield
        for key in self._reusable_order[mark:]:
            del self._reusable[key]
        del self._reusable_order[mark:]

    def finish(self) -> Region:
        """Place constants and stack buffers at the head of the function and return its body."""
        first = self._entry.first_op
        assert first is not None, "a function ends in a return"
        self._entry.insert_ops_before(self._head, first)
        return self.region

    def at_head(self, op: Operation) -> SSAValue:
        """Keep `op` for the head of the function: each call runs it once, wherever the walk is."""
        self._head.append(op)
        return op.results[0]

    # Types and constants

    def type_of(self, value: SSAValue) -> Attribute:
        """The llvm type of a value of the source."""
        return convert_type(value.type)

    def constant(self, value: Attribute, llvm_type: Attribute) -> SSAValue:
        """A constant of the function, one op however often it is asked for."""
        return self._constant((value, llvm_type), lambda: value, llvm_type)

    def integer(self, value: int, llvm_type: Attribute) -> SSAValue:
        """An integer constant, or a vector with that integer everywhere."""
        return self._constant((value, llvm_type), lambda: splat_integer(value, llvm_type), llvm_type)

    def real(self, value: float, llvm_type: Attribute) -> SSAValue:
        """A floating-point constant, or a vector with that number everywhere."""
        return self._constant((str(value), llvm_type), lambda: splat_real(value, llvm_type), llvm_type)

    def _constant(self, key: object, make: Callable[[], Attribute], llvm_type: Attribute) -> SSAValue:
        found = self._constants.get(key)
        if found is None:
            op = llvm.ConstantOp.create(result_types=(llvm_type,), properties={"value": make()})
            found = self._constants[key] = self.at_head(op)
        return found

    # Values

    def value(self, source: SSAValue) -> SSAValue:
        """The llvm value of a value of the source; index arithmetic is emitted now if it was put off."""
        found = self._values.get(source)
        return self.materialise(self._indices[source]) if found is None else found

    def bind(self, source: SSAValue, value: SSAValue) -> None:
        """Say which llvm value stands for a value of the source."""
        if is_buffer(source.type):
            self.bind_buffer(source, value)
        else:
            self._values[source] = value

    def bind_buffer(self, source: SSAValue, pointer: SSAValue) -> None:
        """Say which pointer stands for a memref."""
        assert is_buffer(source.type), "only buffers have pointers"
        strides = row_major_strides(source.type)
        self._buffers[source] = Buffer(pointer, strides, memory_type(source.type.element_type))
        self._values[source] = pointer

    def bind_pointer(self, source: SSAValue, pointer: SSAValue) -> None:
        """Say which pointer stands for a memref of any layout, which is named and not accessed."""
        self._values[source] = pointer

    def buffer(self, source: SSAValue) -> Buffer:
        """The buffer that stands for a memref."""
        return self._buffers[source]

    # Index arithmetic, put off until a value is needed

    def index(self, source: SSAValue) -> AffineIndex:
        """An `index` value as a sum of multiples."""
        found = self._indices.get(source)
        if found is None:
            found = self._indices[source] = self.atom(self._values[source])
        return found

    def bind_index(self, source: SSAValue, index: AffineIndex) -> None:
        """Say which sum stands for an `index` value; it is emitted when used as a value."""
        self._indices[source] = index

    def atom(self, value: SSAValue, *, nonnegative: bool = False) -> AffineIndex:
        """An `i64` value that index arithmetic takes as it is."""
        number = self._atom_of.get(value)
        if number is None:
            number = self._atom_of[value] = len(self._atoms)
            self._atoms.append(value)
        if nonnegative:
            self._nonnegative.add(number)
        return AffineIndex(0, ((number, 1),))

    def is_monotone(self, index: AffineIndex) -> bool:
        """Whether every partial sum of `index` lies between zero and the whole."""
        known = self._nonnegative
        return index.const >= 0 and all(c > 0 and atom in known for atom, c in index.terms)

    def materialise(self, index: AffineIndex, *, no_wrap: bool = False) -> SSAValue:
        """Emit the sum; partial sums are shared with others that start alike.

        `no_wrap` promises that no partial sum overflows: true of the offset of an access that is made.
        """
        if not index.terms:
            return self.integer(wrap(index.const, 64), i64)
        properties = NO_WRAP if no_wrap else NO_PROPERTIES
        total = self._sum_of_terms(index.terms, properties)
        if not index.const:
            return total
        return self.reuse(
            index, lambda: self.emit(llvm.AddOp, (total, self.integer(index.const, i64)), i64, properties)
        )

    def _sum_of_terms(
        self, terms: tuple[tuple[int, int], ...], properties: Mapping[str, Attribute]
    ) -> SSAValue:
        found = self._reusable.get(terms)
        if found is not None:
            return found
        if len(terms) == 1:
            return self._product(terms, properties)
        operands = (self._sum_of_terms(terms[:-1], properties), self._product(terms[-1:], properties))
        return self.reuse(terms, lambda: self.emit(llvm.AddOp, operands, i64, properties))

    def _product(self, term: tuple[tuple[int, int], ...], properties: Mapping[str, Attribute]) -> SSAValue:
        ((atom, coefficient),) = term
        value = self._atoms[atom]
        if coefficient == 1:
            return value
        factor = self.integer(wrap(coefficient, 64), i64)
        return self.reuse(term, lambda: self.emit(llvm.MulOp, (value, factor), i64, properties))

    def reuse(self, key: object, make: Callable[[], SSAValue]) -> SSAValue:
        """The value made earlier for `key` where this point is dominated by it, else a new one."""
        found = self._reusable.get(key)
        if found is None:
            found = self._reusable[key] = make()
            self._reusable_order.append(key)
        return found


EmitFunction = Callable[[Emitter, Operation], None]
