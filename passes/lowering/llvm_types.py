"""How values of the loops level are typed at the llvm level, for `lower-loops-to-llvm`.

`index` is `i64` and a buffer is one pointer.  `f16` and `bf16` travel as `i16`: copies, selects and shuffles
of them are then plain integer work on any target, and `llvm_half` converts where arithmetic is done.  An `i1`
in memory is a byte.  Attributes are values, and making one costs more than finding it: those made are kept.
"""

from functools import lru_cache
from math import prod

from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    IndexType,
    IntegerType,
    MemRefType,
    NoneAttr,
    VectorType,
    i1,
    i8,
    i16,
    i64,
)
from xdsl.dialects.llvm import LLVMPointerType
from xdsl.ir import Attribute

from penstock.dialects.narrowing import is_buffer, is_vector

POINTER = LLVMPointerType()
HALF_TYPES = (Float16Type, BFloat16Type)


def element_of(value_type: Attribute) -> Attribute:
    """The element type of a vector, or the type itself."""
    return value_type.element_type if is_vector(value_type) else value_type


@lru_cache(maxsize=1024)
def with_element(shape_of: Attribute, element: Attribute) -> Attribute:
    """`element`, or a vector of it that is as long as the vector type `shape_of`."""
    return VectorType(element, shape_of.shape) if is_vector(shape_of) else element


def lanes(value_type: Attribute) -> int:
    """The length of a vector type; 1 for a scalar."""
    if not is_vector(value_type):
        return 1
    shape = value_type.get_shape()
    if len(shape) != 1 or value_type.get_num_scalable_dims():
        raise NotImplementedError(f"lower-loops-to-llvm: {value_type}: vectors have one fixed dimension")
    return shape[0]


def _convert_scalar(scalar: Attribute) -> Attribute:
    match scalar:
        case IndexType():
            return i64
        case Float16Type() | BFloat16Type():
            return i16
        case IntegerType() | Float32Type() | Float64Type():
            return scalar
        case _:
            raise NotImplementedError(f"lower-loops-to-llvm: type {scalar}")


@lru_cache(maxsize=1024)
def convert_type(source: Attribute) -> Attribute:
    """The llvm type of a value whose type at the loops level is `source`."""
    if is_buffer(source):
        return POINTER
    if not is_vector(source):
        return _convert_scalar(source)
    lanes(source)
    return VectorType(_convert_scalar(source.element_type), source.shape)


@lru_cache(maxsize=1024)
def memory_type(value_type: Attribute) -> Attribute:
    """The llvm type in which a value is stored: `convert_type`, with a byte for each `i1`."""
    if element_of(value_type) == i1:
        return with_element(value_type, i8)
    return convert_type(value_type)


def byte_size(element: Attribute) -> int:
    """The bytes one element of llvm type `element` takes in memory."""
    match element:
        case IntegerType():
            return max(8, element.width.data) // 8
        case Float32Type():
            return 4
        case Float64Type():
            return 8
        case _:
            raise NotImplementedError(f"lower-loops-to-llvm: elements of type {element} in memory")


def row_major_strides(buffer: MemRefType[Attribute]) -> tuple[int, ...] | None:
    """How many elements one step along each dimension of a row-major buffer skips.

    `None` where that is known only at run time: then the buffer is accessed through a flat view of it.
    """
    shape = buffer.get_shape()
    if not isinstance(buffer.layout, NoneAttr):
        raise NotImplementedError(f"lower-loops-to-llvm: {buffer}: buffers are row-major")
    if any(dim < 0 for dim in shape[1:]):
        return None
    return tuple(prod(shape[dim + 1 :]) for dim in range(len(shape)))
