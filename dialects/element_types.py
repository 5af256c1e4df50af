"""Element types of tensors and their NumPy counterparts.

Signed integers are signless (`i8`), unsigned ones carry their sign (`ui8`), booleans are `i1`: below the
`graph` level everything is signless and the sign lives in the operations, as in upstream MLIR.

Narrow elements (`i4`, `ui2`, `f8E4M3FN`, ...) have a byte each in memory: their code in its low bits, zeros
above.  Below the `graph` level they are `i8`, and only casts know what a code stands for.

Strings are there at the `graph` level only, where operations of the host make and read them.
"""

from typing import TypeGuard

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import (
    BFloat16Type,
    FixedBitwidthType,
    Float4E2M1FNType,
    Float6E2M3FNType,
    Float6E3M2FNType,
    Float8E4M3FNType,
    Float8E4M3FNUZType,
    Float8E5M2FNUZType,
    Float8E5M2Type,
    Float8E8M0FNUType,
    Float16Type,
    Float32Type,
    Float64Type,
    IntegerType,
    Signedness,
    bf16,
    f16,
    f32,
    f64,
    i1,
    i8,
    i16,
    i32,
    i64,
)
from xdsl.ir import Attribute, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import irdl_attr_definition


@irdl_attr_definition
class StringType(ParametrizedAttribute, TypeAttribute):
    """A text of any length: `tensor<2x!graph.string>`."""

    name = "graph.string"


STRING = StringType()


def unsigned(width: int) -> IntegerType:
    """The unsigned integer type of `width` bits."""
    return IntegerType(width, Signedness.UNSIGNED)


_NUMPY_OF: dict[Attribute, np.dtype[np.generic]] = {
    f16: np.dtype(np.float16),
    bf16: np.dtype(ml_dtypes.bfloat16),
    f32: np.dtype(np.float32),
    f64: np.dtype(np.float64),
    i1: np.dtype(np.bool_),
    i8: np.dtype(np.int8),
    i16: np.dtype(np.int16),
    i32: np.dtype(np.int32),
    i64: np.dtype(np.int64),
    unsigned(8): np.dtype(np.uint8),
    unsigned(16): np.dtype(np.uint16),
    unsigned(32): np.dtype(np.uint32),
    unsigned(64): np.dtype(np.uint64),
}
_NARROW: dict[Attribute, np.dtype[np.generic]] = {
    Float8E4M3FNType(): np.dtype(ml_dtypes.float8_e4m3fn),
    Float8E4M3FNUZType(): np.dtype(ml_dtypes.float8_e4m3fnuz),
    Float8E5M2Type(): np.dtype(ml_dtypes.float8_e5m2),
    Float8E5M2FNUZType(): np.dtype(ml_dtypes.float8_e5m2fnuz),
    Float8E8M0FNUType(): np.dtype(ml_dtypes.float8_e8m0fnu),
    Float6E2M3FNType(): np.dtype(ml_dtypes.float6_e2m3fn),
    Float6E3M2FNType(): np.dtype(ml_dtypes.float6_e3m2fn),
    Float4E2M1FNType(): np.dtype(ml_dtypes.float4_e2m1fn),
    IntegerType(4): np.dtype(ml_dtypes.int4),
    IntegerType(2): np.dtype(ml_dtypes.int2),
    unsigned(4): np.dtype(ml_dtypes.uint4),
    unsigned(2): np.dtype(ml_dtypes.uint2),
}
"""Elements without arithmetic of their own: they are moved, and cast."""
NARROW_NAMES = tuple(dtype.name for dtype in _NARROW.values())
_NUMPY_OF.update(_NARROW)
_NUMPY_OF[STRING] = np.dtype(np.object_)
_TYPE_OF = {dtype: element for element, dtype in _NUMPY_OF.items()}
_NARROW_INTEGERS = frozenset(dtype for element, dtype in _NARROW.items() if isinstance(element, IntegerType))

FloatElement = Float16Type | BFloat16Type | Float32Type | Float64Type


def numpy_dtype(element: Attribute) -> np.dtype[np.generic]:
    """The NumPy dtype that holds `element`; `KeyError` names the type when there is none.

    >>> numpy_dtype(unsigned(8))
    dtype('uint8')
    """
    return _NUMPY_OF[element]


def element_type(dtype: np.dtype[np.generic]) -> Attribute:
    """The element type of a NumPy dtype; `KeyError` names the dtype when there is none."""
    return _TYPE_OF[dtype]


def has_element_type(dtype: np.dtype[np.generic]) -> bool:
    """Whether arrays of `dtype` can be tensors here."""
    return dtype in _TYPE_OF


def is_integer(element: Attribute) -> TypeGuard[IntegerType]:
    """Whether `element` is an integer type; `isinstance` alone leaves its parameters unknown."""
    return isinstance(element, IntegerType)


def is_float(element: Attribute) -> bool:
    """Whether `element` is a floating-point type."""
    return isinstance(element, FloatElement)


def is_narrow(element: Attribute) -> bool:
    """Whether no machine computes with the type: it is only moved, and cast."""
    return element in _NARROW


def is_whole(dtype: np.dtype[np.generic]) -> bool:
    """Whether arrays of `dtype` hold integers or truths, narrow ones included."""
    return dtype.kind in "biu" or dtype in _NARROW_INTEGERS


def is_unsigned(element: Attribute) -> bool:
    """Whether `element` is an unsigned integer or a boolean."""
    return element == i1 or (is_integer(element) and element.signedness.data == Signedness.UNSIGNED)


def signless(element: Attribute) -> Attribute:
    """`element` as it appears in buffers: `ui8` and all narrow types become `i8`."""
    if is_narrow(element):
        return i8
    return IntegerType(element.width.data) if is_integer(element) else element


def stored(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """An array as a buffer holds it: narrow elements as their codes, nothing is copied."""
    return array.view(np.int8) if element_type(array.dtype) in _NARROW else array


def byte_size(element: Attribute) -> int:
    """Bytes of one element in a buffer; booleans and narrow types take one."""
    return numpy_dtype(element).itemsize


def bit_size(element: Attribute) -> int:
    """Bits that tell one value of the type from another; a boolean counts as its byte."""
    if is_narrow(element) and isinstance(element, FixedBitwidthType):
        return element.bitwidth
    return 8 * byte_size(element)
