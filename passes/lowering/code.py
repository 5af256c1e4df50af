"""A place to emit scalar and vector code at: shared constants, index arithmetic, memory accesses.

Operations are made with `create`, which takes the parts as they are: a kernel has thousands of them, and
xDSL's checked constructors take five times as long.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import cast

from xdsl.dialects import arith, memref, vector
from xdsl.dialects.builtin import (
    AnyFloat,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    VectorType,
    i1,
)
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.utils.exceptions import PassFailedException

from penstock.dialects.narrowing import dense, is_vector
from penstock.dialects.sizes import Extent
from penstock.passes.lowering.size_code import SizeCode

INDEX = IndexType()
_WRAPS: dict[str, Attribute] = {"overflowFlags": arith.IntegerOverflowAttr("none")}
_Key = tuple[Attribute, Attribute]


@dataclass
class Code:
    """The block that operations are appended to, and the constants at the entry of the kernel."""

    block: Block
    entry: Block
    sizes: SizeCode
    constants: dict[_Key, SSAValue] = field(default_factory=dict[_Key, SSAValue])
    indices: dict[int, SSAValue] = field(default_factory=dict[int, SSAValue])
    vectors: dict[tuple[Attribute, int], VectorType[Attribute]] = field(
        default_factory=dict[tuple[Attribute, int], VectorType[Attribute]]
    )

    def add(self, op: Operation) -> SSAValue:
        """Append an operation and return its first result."""
        self.block.add_op(op)
        return op.results[0]

    def vector(self, element: Attribute, lanes: int) -> VectorType[Attribute]:
        """The type of a vector."""
        key = (element, lanes)
        if key not in self.vectors:
            self.vectors[key] = VectorType(element, [lanes])
        return self.vectors[key]

    def constant(self, value: Attribute, kind: Attribute) -> SSAValue:
        """A scalar or splat constant at the entry of the kernel."""
        key = (value, kind)
        if key not in self.constants:
            self.constants[key] = self._entry_constant(value, kind)
        return self.constants[key]

    def _entry_constant(self, value: Attribute, kind: Attribute) -> SSAValue:
        number = literal(value)
        if is_vector(kind) and not isfinite(number):
            # xDSL prints infinities in dense attributes as bit patterns and reads those back as integers.
            scalar = self.constant(value, kind.get_element_type())
            return self._insert(vector.BroadcastOp(scalar, kind), scalar.owner)
        attribute = dense(kind, [number]) if is_vector(kind) else value
        return self._insert(
            arith.ConstantOp.create(result_types=[kind], properties={"value": attribute}), None
        )

    def _insert(self, op: Operation, after: Operation | Block | None) -> SSAValue:
        first = self.entry.first_op
        if isinstance(after, Operation):
            self.entry.insert_op_after(op, after)
        elif first is not None:
            self.entry.insert_op_before(op, first)
        else:
            self.entry.add_op(op)
        return op.results[0]

    def index(self, value: int) -> SSAValue:
        """An index constant."""
        if value not in self.indices:
            self.indices[value] = self.constant(IntegerAttr(value, INDEX), INDEX)
        return self.indices[value]

    def sum(self, a: SSAValue, b: SSAValue) -> SSAValue:
        """`a + b` of indices."""
        return self.add(arith.AddiOp.create(operands=[a, b], result_types=[a.type], properties=_WRAPS))

    def size(self, size: Extent) -> SSAValue:
        """A number, or the value of a size, at the entry of the kernel."""
        return self.index(size) if isinstance(size, int) else self.sizes.value(size)

    def offset(self, base: SSAValue | None, offset: Extent) -> SSAValue:
        """`base + offset`, with no operation where one side is nothing."""
        if base is None:
            return self.size(offset)
        return base if offset == 0 else self.sum(base, self.size(offset))

    def scaled(self, base: SSAValue | None, loop: SSAValue, coefficient: Extent) -> SSAValue:
        """`base + coefficient * loop`."""
        term = loop
        if coefficient != 1:
            factor = self.size(coefficient)
            term = self.add(
                arith.MuliOp.create(operands=[loop, factor], result_types=[INDEX], properties=_WRAPS)
            )
        return term if base is None else self.sum(base, term)

    def mask(self, count: int, lanes: int) -> SSAValue:
        """The mask of the first `count` lanes."""
        kind = self.vector(i1, lanes)
        return self.add(vector.CreateMaskOp.create(operands=[self.index(count)], result_types=[kind]))

    def load(self, flat: SSAValue, at: SSAValue, element: Attribute) -> SSAValue:
        """One element of a flat buffer."""
        return self.add(memref.LoadOp.create(operands=[flat, at], result_types=[element]))

    def load_vector(
        self, flat: SSAValue, at: SSAValue, element: Attribute, count: int, lanes: int
    ) -> SSAValue:
        """Consecutive elements; lanes from `count` on are not read and hold zero."""
        kind = self.vector(element, lanes)
        if count == lanes:
            return self.add(vector.LoadOp.create(operands=[flat, at], result_types=[kind]))
        zero = self.constant(zero_of(element), kind)
        operands = [flat, at, self.mask(count, lanes), zero]
        return self.add(vector.MaskedLoadOp.create(operands=operands, result_types=[kind]))

    def store(self, value: SSAValue, flat: SSAValue, at: SSAValue) -> None:
        """Write one element of a flat buffer."""
        self.block.add_op(memref.StoreOp.create(operands=[value, flat, at]))

    def store_vector(self, value: SSAValue, flat: SSAValue, at: SSAValue, count: int, lanes: int) -> None:
        """Write consecutive elements, the first `count` lanes only.

        One lane is no masked store: of bytes with AVX-512, LLVM 22 makes one of four bytes of that
        (github.com/llvm/llvm-project/issues/179489).
        """
        if count == 1:
            self.store(self.lane(value, 0), flat, at)
            return
        if count == lanes:
            self.block.add_op(vector.StoreOp.create(operands=[value, flat, at]))
            return
        self.block.add_op(vector.MaskedStoreOp.create(operands=[flat, at, self.mask(count, lanes), value]))

    def gather(self, scalars: Sequence[SSAValue], element: Attribute, lanes: int) -> SSAValue:
        """A vector of scalars, zero in the lanes that are left."""
        kind = self.vector(element, lanes)
        result = self.constant(zero_of(element), kind)
        for k, scalar in enumerate(scalars):
            result = self.add(vector.InsertOp(scalar, result, [k]))
        return result

    def lane(self, value: SSAValue, k: int) -> SSAValue:
        """One element of a vector; a scalar as it is."""
        if not is_vector(value.type):
            return value
        return self.add(vector.ExtractOp(value, [k], value.type.get_element_type()))


def literal(value: Attribute) -> float | int:
    """The number of a numeric attribute."""
    if isinstance(value, FloatAttr):
        return value.value.data
    if isinstance(value, IntegerAttr):
        return cast("IntegerAttr[IntegerType]", value).value.data
    raise PassFailedException(f"not a number: {value}")


def zero_of(element: Attribute) -> Attribute:
    """Zero of an element type."""
    if isinstance(element, IntegerType | IndexType):
        return IntegerAttr(0, cast(IntegerType, element))
    return FloatAttr(0.0, cast(AnyFloat, element))
