"""Formulas over tensors that read as they are written: values with Python's operators."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from xdsl.dialects.builtin import f32, f64, i64
from xdsl.ir import Attribute, SSAValue

from penstock.dialects.element_types import numpy_dtype
from penstock.dialects.graph.base import Array, Dim, GraphOp, element_of, flag, integer, integers, shape_of
from penstock.dialects.graph.building import GraphBuilder
from penstock.dialects.graph.comparison import AndOp, EqualOp, LessEqualOp, LessOp, NotOp, OrOp, SelectOp
from penstock.dialects.graph.elementwise import (
    AbsOp,
    AddOp,
    CastOp,
    DivOp,
    FloorOp,
    MaxOp,
    MinOp,
    ModOp,
    MulOp,
    RoundOp,
    SqrtOp,
    SubOp,
)
from penstock.dialects.graph.indexing import GatherOp
from penstock.dialects.graph.linear import MatMulOp
from penstock.dialects.graph.reduction import ReduceMaxOp, ReduceMeanOp, ReduceProdOp, ReduceSumOp

Number = int | float
B = TypeVar("B", bound=GraphBuilder)


@dataclass(frozen=True)
class Formula(Generic[B]):
    """A value that operators combine with others and with numbers, broadcasting as in NumPy.

    What they make is inserted by `build`.
    """

    build: B
    value: SSAValue

    @property
    def shape(self) -> tuple[Dim, ...]:
        """The sizes."""
        return shape_of(self.value)

    @property
    def element(self) -> Attribute:
        """The element type."""
        return element_of(self.value)

    def like(self, value: SSAValue) -> Self:
        """Another value, built on in the same place."""
        return type(self)(self.build, value)

    def table(self, numbers: Array) -> Self:
        """A constant of the same element type."""
        return self.like(self.build.constant(numbers.astype(numpy_dtype(self.element))))

    def _operand(self, other: "Self | Number") -> SSAValue:
        return other.value if isinstance(other, Formula) else self.build.scalar(other, like=self.value)

    def _with(self, kind: type[GraphOp], other: "Self | Number") -> Self:
        return self.like(self.build.op(kind, [self.value, self._operand(other)]))

    def _from(self, kind: type[GraphOp], other: Number) -> Self:
        return self.like(self.build.op(kind, [self._operand(other), self.value]))

    def __add__(self, other: "Self | Number") -> Self:
        return self._with(AddOp, other)

    def __sub__(self, other: "Self | Number") -> Self:
        return self._with(SubOp, other)

    def __rsub__(self, other: Number) -> Self:
        return self._from(SubOp, other)

    def __mul__(self, other: "Self | Number") -> Self:
        return self._with(MulOp, other)

    def __truediv__(self, other: "Self | Number") -> Self:
        return self._with(DivOp, other)

    def __rtruediv__(self, other: Number) -> Self:
        return self._from(DivOp, other)

    def __mod__(self, other: "Self | Number") -> Self:
        return self._with(ModOp, other)

    def __matmul__(self, other: Self) -> Self:
        return self._with(MatMulOp, other)

    def __and__(self, other: Self) -> Self:
        return self._with(AndOp, other)

    def __or__(self, other: Self) -> Self:
        return self._with(OrOp, other)

    def __invert__(self) -> Self:
        return self.apply(NotOp)

    def __lt__(self, other: "Self | Number") -> Self:
        return self._with(LessOp, other)

    def __le__(self, other: "Self | Number") -> Self:
        return self._with(LessEqualOp, other)

    def __gt__(self, other: Number) -> Self:
        return self._from(LessOp, other)

    def __ge__(self, other: Number) -> Self:
        return self._from(LessEqualOp, other)

    def equals(self, other: "Self | Number") -> Self:
        """Where both are the same."""
        return self._with(EqualOp, other)

    def maximum(self, other: "Self | Number") -> Self:
        """The greater one."""
        return self._with(MaxOp, other)

    def minimum(self, other: "Self | Number") -> Self:
        """The smaller one."""
        return self._with(MinOp, other)

    def filled(self, number: Number) -> Self:
        """One number of the same element type."""
        return self.like(self.build.scalar(number, like=self.value))

    def clipped(self, low: Number, high: Number) -> Self:
        """Held between two numbers."""
        return self._with(MaxOp, low)._with(MinOp, high)

    def apply(self, kind: type[GraphOp]) -> Self:
        """An operation of one operand."""
        return self.like(self.build.op(kind, [self.value]))

    def floor(self) -> Self:
        """The next integer below."""
        return self.apply(FloorOp)

    def rounded(self) -> Self:
        """The nearest integer, the even one of two."""
        return self.apply(RoundOp)

    def absolute(self) -> Self:
        """Without its sign."""
        return self.apply(AbsOp)

    def sqrt(self) -> Self:
        """The square root."""
        return self.apply(SqrtOp)

    def where(self, then: Self, otherwise: "Self | Number") -> Self:
        """`then` where this truth holds."""
        return self.like(self.build.op(SelectOp, [self.value, then.value, then._operand(otherwise)]))

    def cast(self, element: Attribute) -> Self:
        """In another element type."""
        return self if self.element == element else self.like(
            self.build.op(CastOp, [self.value], {"to": element})
        )  # fmt: skip

    def positions(self) -> Self:
        """As 64-bit integers."""
        return self.cast(i64)

    def precise(self) -> Self:
        """In single precision at least."""
        return self if self.element == f64 else self.cast(f32)

    def reshape(self, *shape: Dim) -> Self:
        """The same elements under another shape."""
        return self.like(self.build.reshape(self.value, shape))

    def transpose(self, *permutation: int) -> Self:
        """The dims in another order."""
        return self.like(self.build.transpose(self.value, permutation))

    def slice(self, axis: int, start: int, end: int, step: int = 1) -> Self:
        """A range along an axis."""
        return self.like(self.build.slice(self.value, axis, start, end, step))

    def at(self, axis: int, position: int) -> Self:
        """One slice across an axis, which is gone."""
        shape = [size for i, size in enumerate(self.shape) if i != axis]
        return self.slice(axis, position, position + 1).reshape(*shape)

    def take(self, at: Self, axis: int = 0) -> Self:
        """Slices along an axis, at positions that are inside."""
        return self.like(self.build.op(GatherOp, [self.value, at.value], {"axis": integer(axis)}))

    def sum(self, *axes: int) -> Self:
        """The sum along axes, which are gone."""
        return self._reduced(ReduceSumOp, axes)

    def product(self, *axes: int) -> Self:
        """The product along axes, which are gone."""
        return self._reduced(ReduceProdOp, axes)

    def broadcast(self, *shape: Dim) -> Self:
        """Repeated along the dims of size 1, up to a shape."""
        return self.like(self.build.broadcast_to(self.value, shape))

    def mean(self, *axes: int) -> Self:
        """The mean along axes, which are gone."""
        return self._reduced(ReduceMeanOp, axes)

    def greatest(self, *axes: int, keeps: bool = False) -> Self:
        """The greatest along axes, which are gone or, if it `keeps` them, of size 1."""
        return self._reduced(ReduceMaxOp, axes, keeps)

    def _reduced(self, kind: type[GraphOp], axes: Sequence[int], keeps: bool = False) -> Self:
        properties = {"axes": integers(axes), "keepdims": flag(keeps)}
        return self.like(self.build.op(kind, [self.value], properties))
