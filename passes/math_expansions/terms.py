"""Arithmetic on SSA values that reads like mathematics: what the formulas of `expand-math` are written in.

`Real`, `Whole` and `Mask` wrap a scalar or a 1-D vector; every operator builds one op before the op being
expanded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite

from xdsl.builder import Builder
from xdsl.dialects import arith, math, vector
from xdsl.dialects.builtin import (
    AnyFloat,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    VectorType,
    f32,
    f64,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.utils.hints import isa
from xdsl.utils.type import get_element_type_or_self

from penstock.dialects import arith_ext
from penstock.dialects.arith_ext import CmpfOp, CmpiOp, SelectOp
from penstock.passes.math_expansions.formats import FORMATS, Format, with_element


@dataclass
class Site:
    """A place where ops are built, and the constants that its block has already."""

    builder: Builder
    constants: dict[tuple[Attribute, str], SSAValue] = field(
        default_factory=dict[tuple[Attribute, str], SSAValue]
    )

    def build(self, op: Operation) -> SSAValue:
        """Insert an op and give its result."""
        return self.builder.insert(op).results[0]

    def constant(self, number: float, type_: Attribute) -> SSAValue:
        """A number as a scalar, or in all elements of a vector."""
        key = (type_, repr(number))
        known = self.constants.get(key)
        if known is None:
            known = self.constants[key] = self.build(self._constant(number, type_))
        return known

    def _constant(self, number: float, type_: Attribute) -> Operation:
        """The op that makes a constant: always one that xDSL can parse back."""
        if not isa(type_, VectorType):
            return arith.ConstantOp(scalar_attribute(number, type_))
        element = type_.get_element_type()
        if not isa(element, IntegerType) and printed_as_hexadecimal(number):
            return vector.BroadcastOp(self.constant(number, element), type_)
        return arith.ConstantOp(vector_attribute(number, type_))


def scalar_attribute(number: float, type_: Attribute) -> FloatAttr | IntegerAttr:
    """A number as an attribute."""
    if isa(type_, IntegerType):
        return IntegerAttr(int(number), type_)
    assert isinstance(type_, AnyFloat), f"no constants of type {type_}"
    return FloatAttr(number, type_)


def vector_attribute(number: float, type_: VectorType) -> DenseIntOrFPElementsAttr:
    """A number in all elements as an attribute."""
    element = type_.get_element_type()
    if isa(element, IntegerType):
        return DenseIntOrFPElementsAttr.from_list(VectorType(element, type_.shape), [int(number)])
    assert isinstance(element, AnyFloat), f"no constants of type {element}"
    return DenseIntOrFPElementsAttr.from_list(VectorType(element, type_.shape), [number])


def printed_as_hexadecimal(number: float) -> bool:
    """Whether a number may print as its bits, which xDSL 0.74 misreads as an integer inside `dense<>`."""
    return not isfinite(number) or (number == int(number) and abs(number) >= 1e6)


@dataclass(frozen=True)
class Term:
    """A value and the place where it is computed with."""

    site: Site
    value: SSAValue

    @property
    def element(self) -> Attribute:
        """The type of the value, or of its elements."""
        return get_element_type_or_self(self.value.type)

    def same(self, number: "Term | float") -> SSAValue:
        """A term of this type: the value itself, or a number made a constant."""
        return number.value if isinstance(number, Term) else self.site.constant(number, self.value.type)


@dataclass(frozen=True)
class Mask(Term):
    """A truth value, or one per element."""

    def __and__(self, other: "Mask") -> "Mask":
        return Mask(self.site, self.site.build(arith.AndIOp(self.value, other.value)))

    def __or__(self, other: "Mask") -> "Mask":
        return Mask(self.site, self.site.build(arith.OrIOp(self.value, other.value)))


@dataclass(frozen=True)
class Whole(Term):
    """An integer, signed where it matters."""

    def _op(self, op: type[arith.SignlessIntegerBinaryOperation], other: "Whole | int") -> "Whole":
        return Whole(self.site, self.site.build(op(self.value, self.same(other))))

    def __add__(self, other: "Whole | int") -> "Whole":
        return self._op(arith.AddiOp, other)

    def __sub__(self, other: "Whole | int") -> "Whole":
        return self._op(arith.SubiOp, other)

    def __rsub__(self, other: int) -> "Whole":
        return Whole(self.site, self.site.build(arith.SubiOp(self.same(other), self.value)))

    def __mul__(self, other: "Whole | int") -> "Whole":
        return self._op(arith.MuliOp, other)

    def __and__(self, other: "Whole | int") -> "Whole":
        return self._op(arith.AndIOp, other)

    def __lshift__(self, places: int) -> "Whole":
        return self._op(arith.ShLIOp, places)

    def __rshift__(self, places: int) -> "Whole":
        return self._op(arith.ShRSIOp, places)

    def __lt__(self, other: "Whole | int") -> Mask:
        return Mask(self.site, self.site.build(CmpiOp(self.value, self.same(other), "slt")))

    def equals(self, other: "Whole | int") -> Mask:
        """Where the two are the same."""
        return Mask(self.site, self.site.build(CmpiOp(self.value, self.same(other), "eq")))

    def has_bit(self, bit: int) -> Mask:
        """Where the bit of this weight is set."""
        return Mask(self.site, self.site.build(CmpiOp((self & bit).value, self.same(0), "ne")))

    def to_double(self) -> "Real":
        """The number in double format."""
        # Created without its constructor, whose annotation knows scalars only.
        target = with_element(self.value.type, f64)
        op = arith_ext.SIToFPOp.create(operands=[self.value], result_types=[target])
        return Real(self.site, self.site.build(op))

    def as_real(self) -> "Real":
        """The floating-point number with these bits."""
        real = next(form.real for form in FORMATS.values() if form.whole == self.element)
        return Real(
            self.site, self.site.build(arith.BitcastOp(self.value, with_element(self.value.type, real)))
        )


@dataclass(frozen=True)
class Real(Term):
    """A floating-point number of single or double format."""

    @property
    def format(self) -> Format:
        """The format of the number."""
        return FORMATS[type(self.element)]

    def number(self, literal: float) -> "Real":
        """A literal as a number of this type."""
        return Real(self.site, self.same(literal))

    def _new(self, op: Operation) -> "Real":
        return Real(self.site, self.site.build(op))

    def _compare(self, predicate: str, other: "Real | float") -> Mask:
        return Mask(self.site, self.site.build(CmpfOp(self.value, self.same(other), predicate)))

    def __add__(self, other: "Real | float") -> "Real":
        return self._new(arith.AddfOp(self.value, self.same(other)))

    def __sub__(self, other: "Real | float") -> "Real":
        return self._new(arith.SubfOp(self.value, self.same(other)))

    def __rsub__(self, other: float) -> "Real":
        return self._new(arith.SubfOp(self.same(other), self.value))

    def __mul__(self, other: "Real | float") -> "Real":
        return self._new(arith.MulfOp(self.value, self.same(other)))

    def __truediv__(self, other: "Real | float") -> "Real":
        return self._new(arith.DivfOp(self.value, self.same(other)))

    def __rtruediv__(self, other: float) -> "Real":
        return self._new(arith.DivfOp(self.same(other), self.value))

    def __neg__(self) -> "Real":
        return self._new(arith.NegfOp(self.value))

    def __abs__(self) -> "Real":
        return self._new(math.AbsFOp(self.value))

    def __lt__(self, other: "Real | float") -> Mask:
        return self._compare("olt", other)

    def __gt__(self, other: "Real | float") -> Mask:
        return self._compare("ogt", other)

    def __le__(self, other: "Real | float") -> Mask:
        return self._compare("ole", other)

    def equals(self, other: "Real | float") -> Mask:
        """Where the two are equal numbers."""
        return self._compare("oeq", other)

    def differs(self, other: "Real | float") -> Mask:
        """Where the two are unequal, or one is not a number."""
        return self._compare("une", other)

    def unordered(self, other: "Real | float") -> Mask:
        """Where one of the two is not a number."""
        return self._compare("uno", other)

    def sign_is_set(self) -> Mask:
        """Where the sign bit is set, of a zero too."""
        return self.bits() < 0

    def sqrt(self) -> "Real":
        """The square root, correctly rounded."""
        return self._new(math.SqrtOp(self.value))

    def floor(self) -> "Real":
        """The greatest integer not above the number."""
        return self._new(math.FloorOp(self.value))

    def trunc(self) -> "Real":
        """The integer part."""
        return self._new(math.TruncOp(self.value))

    def with_sign_of(self, other: "Real") -> "Real":
        """The magnitude of this number under the sign of another."""
        return self._new(math.CopySignOp(self.value, other.value))

    def bits(self) -> Whole:
        """The bits of the number."""
        target = with_element(self.value.type, self.format.whole)
        return Whole(self.site, self.site.build(arith.BitcastOp(self.value, target)))

    def widened(self) -> "Real":
        """The number in double format."""
        return self._new(arith.ExtFOp(self.value, with_element(self.value.type, f64)))

    def narrowed(self) -> "Real":
        """The number rounded to single format."""
        return self._new(arith.TruncFOp(self.value, with_element(self.value.type, f32)))


def fma(a: Real, b: Real | float, c: Real | float) -> Real:
    """`a * b + c`, rounded once."""
    return Real(a.site, a.site.build(math.FmaOp(a.value, a.same(b), a.same(c))))


def choose(condition: Mask, chosen: Real | float, other: Real | float) -> Real:
    """The first number where the condition holds, the other one elsewhere; at least one is no literal."""
    like = chosen if isinstance(chosen, Real) else other
    assert isinstance(like, Real), "one of the choices must carry the type"
    return Real(like.site, like.site.build(SelectOp(condition.value, like.same(chosen), like.same(other))))


def choose_whole(condition: Mask, chosen: Whole | int, other: Whole | int) -> Whole:
    """The first integer where the condition holds, the other one elsewhere; at least one is no literal."""
    like = chosen if isinstance(chosen, Whole) else other
    assert isinstance(like, Whole), "one of the choices must carry the type"
    return Whole(like.site, like.site.build(SelectOp(condition.value, like.same(chosen), like.same(other))))


def clamp(x: Real, low: float, high: float) -> Real:
    """The number brought into an interval; what is not a number stays so."""
    raised = choose(x < low, low, x)
    return choose(raised > high, high, raised)


def polynomial(x: Real, coefficients: Sequence[float]) -> Real:
    """The value of a polynomial, lowest power first, by Horner's rule.

    Long ones go as two chains in `x^2`, the even and the odd powers, which halves the wait for each other.
    """
    if len(coefficients) > 8:
        return fma(
            polynomial_in_one_chain(x * x, coefficients[1::2]),
            x,
            polynomial_in_one_chain(x * x, coefficients[::2]),
        )
    return polynomial_in_one_chain(x, coefficients)


def polynomial_in_one_chain(x: Real, coefficients: Sequence[float]) -> Real:
    """The value of a polynomial by Horner's rule, one multiply-add per coefficient."""
    total = fma(x, coefficients[-1], coefficients[-2])
    for coefficient in reversed(coefficients[:-2]):
        total = fma(total, x, coefficient)
    return total
