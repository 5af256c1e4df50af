"""What attributes hold, by type, for hot paths: `isa(t, VectorType[Attribute])` takes 1,000 times as long."""

from collections.abc import Sequence
from typing import TypeGuard, cast

from xdsl.dialects.builtin import (
    AnyFloat,
    ArrayAttr,
    DenseIntOrFPElementsAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    MemRefType,
    StringAttr,
    VectorType,
)
from xdsl.ir import Attribute


def is_vector(candidate: Attribute) -> TypeGuard[VectorType[Attribute]]:
    """Whether a type is a vector type."""
    return isinstance(candidate, VectorType)


def is_buffer(candidate: Attribute) -> TypeGuard[MemRefType[Attribute]]:
    """Whether a type is a memref type."""
    return isinstance(candidate, MemRefType)


def integer_width(integer: Attribute) -> int:
    """The bits of an integer type, or of the elements of a vector of integers."""
    element = integer.element_type if is_vector(integer) else integer
    assert isinstance(element, IntegerType), f"{integer} is not an integer type"
    return cast(IntegerType, element).width.data


def integer_value(attribute: Attribute) -> int:
    """The number an integer attribute holds."""
    assert isinstance(attribute, IntegerAttr), f"{attribute} is not an integer"
    return cast(IntegerAttr[IntegerType], attribute).value.data


def strings(attribute: Attribute | None) -> tuple[str, ...]:
    """The texts of an array of strings; an array that is not there has none."""
    if attribute is None:
        return ()
    assert isinstance(attribute, ArrayAttr), f"{attribute} is not an array"
    return tuple(text.data for text in cast(ArrayAttr[StringAttr], attribute))


def dense(kind: VectorType[Attribute], numbers: Sequence[int] | Sequence[float]) -> Attribute:
    """The constant vector of some numbers, or of one number for all elements."""
    if isinstance(kind.element_type, IntegerType | IndexType):
        integers = cast(VectorType[IntegerType | IndexType], kind)
        return DenseIntOrFPElementsAttr.from_list(integers, [int(n) for n in numbers])
    return DenseIntOrFPElementsAttr.from_list(cast(VectorType[AnyFloat], kind), [float(n) for n in numbers])
