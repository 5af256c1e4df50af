"""Constants of the loops level as constants of the llvm level, for `lower-loops-to-llvm`."""

from collections.abc import Sequence
from functools import lru_cache
from typing import cast

import ml_dtypes
import numpy as np
from xdsl.dialects.builtin import (
    BFloat16Type,
    DenseIntOrFPElementsAttr,
    Float16Type,
    Float32Type,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    VectorType,
    i16,
    i64,
)
from xdsl.ir import Attribute

from penstock.dialects.narrowing import integer_width, is_vector
from penstock.passes.lowering.llvm_types import convert_type, element_of


def wrap(value: int, width: int) -> int:
    """The signed integer of `width` bits that is congruent to `value`."""
    half = 1 << (width - 1)
    return (value + half) % (2 * half) - half


@lru_cache(maxsize=4096)
def splat_integer(value: int, llvm_type: Attribute) -> Attribute:
    """`value` as an attribute of an integer type, or everywhere in a vector of one."""
    width = integer_width(llvm_type)
    number = wrap(value, width)
    return dense_integers([number], llvm_type) if is_vector(llvm_type) else IntegerAttr(number, width)


def dense_integers(values: Sequence[int], llvm_type: Attribute) -> Attribute:
    """A vector of integers; one value stands for all."""
    return DenseIntOrFPElementsAttr.from_list(cast(VectorType[IntegerType], llvm_type), values)


def splat_real(value: float, llvm_type: Attribute) -> Attribute:
    """`value` as an attribute of a floating-point type, or everywhere in a vector of one."""
    if is_vector(llvm_type):
        return DenseIntOrFPElementsAttr.from_list(cast(VectorType[Float32Type], llvm_type), [value])
    return FloatAttr(value, cast(Float32Type, llvm_type))


def half_bits(value: float, element: Attribute) -> int:
    """The bits of `value` rounded to `f16` or `bf16`, as a signed integer."""
    dtype = np.float16 if isinstance(element, Float16Type) else ml_dtypes.bfloat16
    with np.errstate(over="ignore"):
        return int(np.array(value, np.float64).astype(dtype).view(np.int16))


def convert_constant(value: Attribute) -> Attribute:
    """The attribute of an `arith.constant` in the types of the llvm level."""
    match value:
        case IntegerAttr(type=IndexType()):
            return IntegerAttr(value.value.data, i64)
        case FloatAttr(type=Float16Type() | BFloat16Type()):
            return IntegerAttr(half_bits(value.value.data, value.type), i16)
        case DenseIntOrFPElementsAttr():
            return _convert_dense(value)
        case _:
            return value


def _convert_dense(value: DenseIntOrFPElementsAttr) -> Attribute:
    element = element_of(value.type)
    if not isinstance(element, IndexType | Float16Type | BFloat16Type):
        return value
    numbers = cast(Sequence[float], value.get_values())
    if not isinstance(element, IndexType):
        numbers = [half_bits(number, element) for number in numbers]
    return dense_integers([int(number) for number in numbers], convert_type(value.type))
