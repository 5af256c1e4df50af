"""Scalar arithmetic for the bodies of nests: formulas that read like the mathematics they write.

Buffers hold signless integers, so operations in which the sign matters are told `unsigned`; `i1` always is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from xdsl.dialects import arith, math, memref
from xdsl.dialects.builtin import (
    AnyFloat,
    BFloat16Type,
    Float16Type,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    f32,
    i1,
    i64,
)
from xdsl.ir import Attribute, Block, Operation, SSAValue

from penstock.dialects import arith_ext
from penstock.dialects.element_types import is_float
from penstock.dialects.nest.access import Access
from penstock.dialects.nest.ops import ApplyOp
from penstock.dialects.sizes import Extent

Formula = Callable[["Scalars", Sequence[SSAValue]], Sequence[SSAValue]]
"""A scalar computation: operand values in, result values out."""


def number_attr(value: float | int, like: Attribute) -> IntegerAttr | FloatAttr:
    """A number as an attribute of an element type."""
    if isinstance(like, IntegerType):
        return IntegerAttr(int(value), cast(IntegerType, like), truncate_bits=True)
    if isinstance(like, IndexType):
        return IntegerAttr(int(value), like)
    return FloatAttr(float(value), cast(AnyFloat, like))


def width_of(element: Attribute) -> int:
    """The bits of a number."""
    return cast(AnyFloat | IntegerType, element).bitwidth


def working(element: Attribute) -> Attribute:
    """The type in which formulas on `element` are computed: `f32` for the half types."""
    return f32 if isinstance(element, Float16Type | BFloat16Type) else element


@dataclass
class Scalars:
    """Appends scalar arithmetic to a block; reads like the formula it writes."""

    block: Block
    loops: int = 0
    """The loops around the block."""

    def add_op(self, op: Operation) -> SSAValue:
        """Append an operation; its first result."""
        self.block.add_op(op)
        return op.results[0]

    def constant(self, value: float | int, like: Attribute) -> SSAValue:
        """A number of the given element type."""
        return self.literal(number_attr(value, like))

    def literal(self, number: IntegerAttr | FloatAttr) -> SSAValue:
        """A number given as an attribute."""
        return self.add_op(arith.ConstantOp(number))

    def add(self, a: SSAValue, b: SSAValue) -> SSAValue:
        """`a + b`."""
        return self.add_op(arith.AddfOp(a, b) if is_float(a.type) else arith.AddiOp(a, b))

    def sub(self, a: SSAValue, b: SSAValue) -> SSAValue:
        """`a - b`."""
        return self.add_op(arith.SubfOp(a, b) if is_float(a.type) else arith.SubiOp(a, b))

    def mul(self, a: SSAValue, b: SSAValue) -> SSAValue:
        """`a * b`."""
        return self.add_op(arith.MulfOp(a, b) if is_float(a.type) else arith.MuliOp(a, b))

    def div(self, a: SSAValue, b: SSAValue, unsigned: bool = False) -> SSAValue:
        """`a / b`, truncated for integers."""
        if is_float(a.type):
            return self.add_op(arith.DivfOp(a, b))
        return self.add_op(arith.DivUIOp(a, b) if unsigned else arith.DivSIOp(a, b))

    def rem(self, a: SSAValue, b: SSAValue, unsigned: bool = False) -> SSAValue:
        """The remainder of the truncated division of integers."""
        return self.add_op(arith.RemUIOp(a, b) if unsigned else arith.RemSIOp(a, b))

    def neg(self, x: SSAValue) -> SSAValue:
        """`-x`."""
        return self.add_op(arith.NegfOp(x)) if is_float(x.type) else self.sub(self.constant(0, x.type), x)

    def scaled(self, x: SSAValue, factor: float) -> SSAValue:
        """`x * factor`."""
        return self.mul(x, self.constant(factor, x.type))

    def shifted(self, x: SSAValue, term: float) -> SSAValue:
        """`x + term`."""
        return self.add(x, self.constant(term, x.type))

    def maximum(self, a: SSAValue, b: SSAValue, unsigned: bool = False) -> SSAValue:
        """The greater one; NaN if either is."""
        if is_float(a.type):
            return self.add_op(arith.MaximumfOp(a, b))
        return self.add_op(arith.MaxUIOp(a, b) if unsigned or a.type == i1 else arith.MaxSIOp(a, b))

    def minimum(self, a: SSAValue, b: SSAValue, unsigned: bool = False) -> SSAValue:
        """The lesser one; NaN if either is."""
        if is_float(a.type):
            return self.add_op(arith.MinimumfOp(a, b))
        return self.add_op(arith.MinUIOp(a, b) if unsigned or a.type == i1 else arith.MinSIOp(a, b))

    def compare(self, how: str, a: SSAValue, b: SSAValue, unsigned: bool = False) -> SSAValue:
        """`a how b` for how in lt, le, gt, ge, eq, ne; false (but true for ne) when either is NaN."""
        if is_float(a.type):
            return self.add_op(arith_ext.CmpfOp(a, b, "une" if how == "ne" else f"o{how}"))
        sign = "" if how in ("eq", "ne") else "u" if unsigned or a.type == i1 else "s"
        return self.add_op(arith_ext.CmpiOp(a, b, sign + how))

    def unordered(self, how: str, a: SSAValue, b: SSAValue, unsigned: bool = False) -> SSAValue:
        """`compare`, but true when either is NaN."""
        if is_float(a.type):
            return self.add_op(arith_ext.CmpfOp(a, b, f"u{how}"))
        return self.compare(how, a, b, unsigned)

    def both(self, a: SSAValue, b: SSAValue) -> SSAValue:
        """Bits, or truths, in both."""
        return self.add_op(arith.AndIOp(a, b))

    def either(self, a: SSAValue, b: SSAValue) -> SSAValue:
        """Bits, or truths, in either."""
        return self.add_op(arith.OrIOp(a, b))

    def differing(self, a: SSAValue, b: SSAValue) -> SSAValue:
        """Bits, or truths, in one of both."""
        return self.add_op(arith.XOrIOp(a, b))

    def shift_left(self, x: SSAValue, amount: SSAValue) -> SSAValue:
        """`x * 2^amount` for an amount below the width."""
        return self.add_op(arith.ShLIOp(x, amount))

    def shift_right(self, x: SSAValue, amount: SSAValue, unsigned: bool = False) -> SSAValue:
        """`floor(x / 2^amount)` for an amount below the width."""
        return self.add_op(arith.ShRUIOp(x, amount) if unsigned else arith.ShRSIOp(x, amount))

    def bits(self, x: SSAValue, to: Attribute) -> SSAValue:
        """The same bits as another type of the same width."""
        return self.add_op(arith.BitcastOp(x, to))

    def select(self, condition: SSAValue, a: SSAValue, b: SSAValue) -> SSAValue:
        """`a` where the condition holds, else `b`."""
        return self.add_op(arith_ext.SelectOp(condition, a, b))

    def at_least(self, x: SSAValue, bound: SSAValue, unsigned: bool = False) -> SSAValue:
        """`max(x, bound)` for a bound that is no NaN: NaN in `x` stays, in one machine instruction."""
        return self.select(self.compare("lt", x, bound, unsigned), bound, x)

    def at_most(self, x: SSAValue, bound: SSAValue, unsigned: bool = False) -> SSAValue:
        """`min(x, bound)` for a bound that is no NaN: NaN in `x` stays, in one machine instruction."""
        return self.select(self.compare("gt", x, bound, unsigned), bound, x)

    def exp(self, x: SSAValue) -> SSAValue:
        """The exponential."""
        return self.add_op(math.ExpOp(x))

    def sqrt(self, x: SSAValue) -> SSAValue:
        """The square root."""
        return self.add_op(math.SqrtOp(x))

    def absolute(self, x: SSAValue) -> SSAValue:
        """`|x|` of a number with a sign; the least integer stays as it is."""
        return self.add_op(math.AbsFOp(x) if is_float(x.type) else math.AbsIOp(x))

    def power(self, x: SSAValue, exponent: SSAValue) -> SSAValue:
        """`x ^ exponent` of reals."""
        return self.add_op(math.PowFOp(x, exponent))

    def real(self, x: SSAValue, to: Attribute) -> SSAValue:
        """A real number in another real type; the half types meet in `f32`."""
        if x.type == to:
            return x
        source, target = width_of(x.type), width_of(to)
        if source == target:
            return self.real(self.real(x, f32), to)
        return self.add_op(arith.ExtFOp(x, to) if source < target else arith.TruncFOp(x, to))

    def widened(self, x: SSAValue) -> SSAValue:
        """A real number in its working type."""
        return self.real(x, working(x.type))

    def whole(self, x: SSAValue, to: Attribute, unsigned: bool = False) -> SSAValue:
        """An integer in another width: cut, or extended as its sign asks."""
        before, after, target = width_of(x.type), width_of(to), cast(IntegerType, to)
        if before == after:
            return x
        if before > after:
            return self.add_op(arith_ext.TruncIOp(x, target))
        extend = arith_ext.ExtUIOp if unsigned or before == 1 else arith_ext.ExtSIOp
        return self.add_op(extend(x, target))

    def from_whole(self, x: SSAValue, to: Attribute, unsigned: bool = False) -> SSAValue:
        """An integer as a real number."""
        convert = arith_ext.UIToFPOp if unsigned or x.type == i1 else arith_ext.SIToFPOp
        return self.add_op(convert(x, cast(AnyFloat, to)))

    def position(self, access: Access) -> SSAValue:
        """A linear expression of the loops as an `i64`."""
        return self.add_op(arith_ext.IndexCastOp(self.add_op(ApplyOp(access)), i64))

    def size(self, size: Extent) -> SSAValue:
        """A size as an `i64`."""
        if isinstance(size, int):
            return self.constant(size, i64)
        return self.position(Access(((0,) * self.loops,), (size,)))

    def loop(self, number: int, count: int) -> SSAValue:
        """The index of one of `count` loops."""
        return self.add_op(ApplyOp(Access.of(count, number)))

    def index(self, x: SSAValue) -> SSAValue:
        """An integer as an index."""
        return self.add_op(arith_ext.IndexCastOp(x, IndexType()))

    def load(self, buffer: SSAValue, at: Sequence[SSAValue]) -> SSAValue:
        """The element at computed indices, which must be inside of the buffer."""
        return self.add_op(memref.LoadOp.get(buffer, at))

    def store(self, value: SSAValue, buffer: SSAValue, at: Sequence[SSAValue]) -> None:
        """Write the element at computed indices, which must be inside of the buffer."""
        self.block.add_op(memref.StoreOp.get(value, buffer, at))
