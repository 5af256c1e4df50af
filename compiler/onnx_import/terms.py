"""Formulas over tensors that read as they are written: a `Term` is a value with Python's operators."""

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import IntegerAttr, f32, f64, i64
from xdsl.ir import Attribute, SSAValue

from penstock.dialects.element_types import numpy_dtype
from penstock.dialects.graph.base import (
    Array,
    Dim,
    GraphOp,
    dim_of,
    element_of,
    flag,
    integers,
    shape_of,
    size_of,
)
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
from penstock.dialects.requirements import equal
from penstock.dialects.sizes import Extent
from penstock.onnx_import.builder import Builder

Number = int | float


@dataclass(frozen=True)
class Term:
    """A value that operators combine with others and with numbers, broadcasting as in NumPy."""

    build: Builder
    value: SSAValue

    @property
    def shape(self) -> tuple[Dim, ...]:
        """The sizes."""
        return shape_of(self.value)

    @property
    def element(self) -> Attribute:
        """The element type."""
        return element_of(self.value)

    def like(self, value: SSAValue) -> "Term":
        """Another value as a term."""
        return Term(self.build, value)

    def table(self, numbers: Array) -> "Term":
        """A constant of the same element type."""
        return self.like(self.build.constant(numbers.astype(numpy_dtype(self.element))))

    def _operand(self, other: "Term | Number") -> SSAValue:
        return other.value if isinstance(other, Term) else self.build.scalar(other, like=self.value)

    def _with(self, kind: type[GraphOp], other: "Term | Number") -> "Term":
        return self.like(self.build.op(kind, [self.value, self._operand(other)]))

    def _from(self, kind: type[GraphOp], other: Number) -> "Term":
        return self.like(self.build.op(kind, [self._operand(other), self.value]))

    def __add__(self, other: "Term | Number") -> "Term":
        return self._with(AddOp, other)

    def __sub__(self, other: "Term | Number") -> "Term":
        return self._with(SubOp, other)

    def __rsub__(self, other: Number) -> "Term":
        return self._from(SubOp, other)

    def __mul__(self, other: "Term | Number") -> "Term":
        return self._with(MulOp, other)

    def __truediv__(self, other: "Term | Number") -> "Term":
        return self._with(DivOp, other)

    def __rtruediv__(self, other: Number) -> "Term":
        return self._from(DivOp, other)

    def __mod__(self, other: "Term | Number") -> "Term":
        return self._with(ModOp, other)

    def __matmul__(self, other: "Term") -> "Term":
        return self._with(MatMulOp, other)

    def __and__(self, other: "Term") -> "Term":
        return self._with(AndOp, other)

    def __or__(self, other: "Term") -> "Term":
        return self._with(OrOp, other)

    def __invert__(self) -> "Term":
        return self.apply(NotOp)

    def __lt__(self, other: "Term | Number") -> "Term":
        return self._with(LessOp, other)

    def __le__(self, other: "Term | Number") -> "Term":
        return self._with(LessEqualOp, other)

    def __gt__(self, other: Number) -> "Term":
        return self._from(LessOp, other)

    def __ge__(self, other: Number) -> "Term":
        return self._from(LessEqualOp, other)

    def equals(self, other: "Term | Number") -> "Term":
        """Where both are the same."""
        return self._with(EqualOp, other)

    def maximum(self, other: "Term | Number") -> "Term":
        """The greater one."""
        return self._with(MaxOp, other)

    def minimum(self, other: "Term | Number") -> "Term":
        """The smaller one."""
        return self._with(MinOp, other)

    def number(self, size: Extent) -> "Term | Number":
        """A size as a number to compute with: a value of the same element type where only a call tells it."""
        return size if isinstance(size, int) else self.like(self.build.size(dim_of(size), self.element))

    def filled(self, number: Number) -> "Term":
        """One number of the same element type."""
        return self.like(self.build.scalar(number, like=self.value))

    def clipped(self, low: Number, high: Number) -> "Term":
        """Held between two numbers."""
        return self._with(MaxOp, low)._with(MinOp, high)

    def apply(self, kind: type[GraphOp]) -> "Term":
        """An operation of one operand."""
        return self.like(self.build.op(kind, [self.value]))

    def floor(self) -> "Term":
        """The next integer below."""
        return self.apply(FloorOp)

    def rounded(self) -> "Term":
        """The nearest integer, the even one of two."""
        return self.apply(RoundOp)

    def absolute(self) -> "Term":
        """Without its sign."""
        return self.apply(AbsOp)

    def sqrt(self) -> "Term":
        """The square root."""
        return self.apply(SqrtOp)

    def where(self, then: "Term", otherwise: "Term | Number") -> "Term":
        """`then` where this truth holds."""
        return self.like(self.build.op(SelectOp, [self.value, then.value, then._operand(otherwise)]))

    def cast(self, element: Attribute) -> "Term":
        """In another element type."""
        return self if self.element == element else self.like(
            self.build.op(CastOp, [self.value], {"to": element})
        )  # fmt: skip

    def positions(self) -> "Term":
        """As 64-bit integers."""
        return self.cast(i64)

    def precise(self) -> "Term":
        """In single precision at least."""
        return self if self.element == f64 else self.cast(f32)

    def reshape(self, *shape: Dim) -> "Term":
        """The same elements under another shape."""
        return self.like(self.build.reshape(self.value, shape))

    def held_to(self, *shape: Dim) -> "Term":
        """Under the shape that it must have: calls are held to it where sizes are open."""
        sizes = (*self.shape, *shape)
        is_known = all(isinstance(size, int) for size in sizes)
        if is_known or "?" in sizes or len(self.shape) != len(shape):
            return self
        for have, want in zip(self.shape, shape, strict=True):
            self.build.hold(equal(size_of(have), size_of(want)))
        return self.reshape(*shape)

    def transpose(self, *permutation: int) -> "Term":
        """The dims in another order."""
        return self.like(self.build.transpose(self.value, permutation))

    def slice(self, axis: int, start: int, end: int, step: int = 1) -> "Term":
        """A range along an axis."""
        return self.like(self.build.slice(self.value, axis, start, end, step))

    def at(self, axis: int, position: int) -> "Term":
        """One slice across an axis, which is gone."""
        shape = [size for i, size in enumerate(self.shape) if i != axis]
        return self.slice(axis, position, position + 1).reshape(*shape)

    def take(self, at: "Term", axis: int = 0) -> "Term":
        """Slices along an axis, at positions that are inside."""
        return self.like(self.build.op(GatherOp, [self.value, at.value], {"axis": IntegerAttr(axis, i64)}))

    def sum(self, *axes: int) -> "Term":
        """The sum along axes, which are gone."""
        return self._reduced(ReduceSumOp, axes)

    def product(self, *axes: int) -> "Term":
        """The product along axes, which are gone."""
        return self._reduced(ReduceProdOp, axes)

    def broadcast(self, *shape: Dim) -> "Term":
        """Repeated along the dims of size 1, up to a shape."""
        return self.like(self.build.broadcast_to(self.value, shape))

    def mean(self, *axes: int) -> "Term":
        """The mean along axes, which are gone."""
        return self._reduced(ReduceMeanOp, axes)

    def greatest(self, *axes: int, keeps: bool = False) -> "Term":
        """The greatest along axes, which are gone or, if it `keeps` them, of size 1."""
        return self._reduced(ReduceMaxOp, axes, keeps)

    def _reduced(self, kind: type[GraphOp], axes: Sequence[int], keeps: bool = False) -> "Term":
        properties = {"axes": integers(axes), "keepdims": flag(keeps)}
        return self.like(self.build.op(kind, [self.value], properties))


def concat(parts: Sequence[Term], axis: int) -> Term:
    """Terms behind one another along an axis."""
    return parts[0].like(parts[0].build.concat([part.value for part in parts], axis))


def stack(parts: Sequence[Term], axis: int) -> Term:
    """Terms of one shape side by side along a new axis."""
    return concat([p.reshape(*p.shape[:axis], 1, *p.shape[axis:]) for p in parts], axis)
