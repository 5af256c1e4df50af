"""How the loops interpreter holds the values of each IR type, in registers and in memory."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from xdsl.dialects.builtin import IndexType, IntegerType, MemRefType, VectorType, i64
from xdsl.ir import Attribute
from xdsl.utils.hints import isa

from penstock.dialects.element_types import is_float, numpy_dtype


@dataclass(frozen=True)
class Kind:
    """A scalar (`lanes` is None) or 1-D vector type: integers are Python ints, the rest is NumPy's.

    A scalar integer is held signed, except `i1`, which is 0 or 1; an index has 64 bits.
    """

    element: Attribute
    lanes: int | None

    @property
    def is_float(self) -> bool:
        """Whether the elements are floating-point numbers."""
        return is_float(self.element)

    @property
    def is_mask(self) -> bool:
        """Whether the elements are `i1`."""
        return self.bits == 1

    @property
    def bits(self) -> int:
        """Width of an element, with index as 64."""
        return self.element.width.data if isa(self.element, IntegerType) else self.dtype.itemsize * 8

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The NumPy type of an element in a register."""
        element = i64 if isinstance(self.element, IndexType) else self.element
        try:
            return numpy_dtype(element)
        except KeyError:
            raise NotImplementedError(f"the loops interpreter has no values of type {element}") from None

    @property
    def code(self) -> str:
        """The name of `dtype` in emitted source, such as `f32` or `i1`."""
        if not self.is_float:
            return f"i{self.bits}"
        return "bf16" if self.dtype.name == "bfloat16" else f"f{self.bits}"


@cache
def kind_of(type_: Attribute) -> Kind:
    """How values of a scalar or 1-D vector type are held."""
    if not isa(type_, VectorType):
        return Kind(type_, None)
    if type_.get_num_dims() != 1 or any(type_.get_scalable_dims()):
        raise NotImplementedError(f"the loops interpreter runs 1-D vectors of fixed length, not {type_}")
    return Kind(type_.get_element_type(), type_.get_shape()[0])


@dataclass(frozen=True)
class Buffer:
    """The shape of a memref, its strides in elements, and the type of those."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    element: Kind

    @property
    def storage(self) -> np.dtype[np.generic]:
        """The NumPy type of an element in memory, where `i1` takes a byte."""
        return np.dtype(np.uint8) if self.element.is_mask else self.element.dtype

    @property
    def span(self) -> int:
        """Elements from the first to the last one, both included."""
        if 0 in self.shape:
            return 0
        return 1 + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))


@cache
def buffer_of(type_: Attribute) -> Buffer:
    """The layout of a memref type with static shape and strides."""
    assert isa(type_, MemRefType), f"{type_} is no memref"
    strides = type_.get_strides()
    if not type_.has_static_shape() or strides is None or None in strides:
        raise NotImplementedError(f"the loops interpreter needs static shapes and strides, not {type_}")
    fixed = tuple(stride for stride in strides if stride is not None)
    return Buffer(tuple(type_.get_shape()), fixed, kind_of(type_.get_element_type()))
