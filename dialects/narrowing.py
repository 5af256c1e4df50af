"""Tests of shaped types for hot paths: xDSL's `isa(t, VectorType[Attribute])` takes 1,000 times as long."""

from typing import TypeGuard, cast

from xdsl.dialects.builtin import IntegerAttr, IntegerType, MemRefType, VectorType
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
