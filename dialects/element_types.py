"""Element types of tensors and their NumPy counterparts.

Signed integers are signless (`i8`), unsigned ones carry their sign (`ui8`), booleans are `i1`: below the
`graph` level everything is signless and the sign lives in the operations, as in upstream MLIR.
"""

from typing import TypeGuard

import ml_dtypes
import numpy as np
from xdsl.dialects.builtin import (
    BFloat16Type,
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
from xdsl.ir import Attribute


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
_TYPE_OF = {dtype: element for element, dtype in _NUMPY_OF.items()}

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


def is_unsigned(element: Attribute) -> bool:
    """Whether `element` is an unsigned integer or a boolean."""
    return element == i1 or (is_integer(element) and element.signedness.data == Signedness.UNSIGNED)


def signless(element: Attribute) -> Attribute:
    """`element` as it appears in buffers: `ui8` becomes `i8`."""
    return IntegerType(element.width.data) if is_integer(element) else element


def byte_size(element: Attribute) -> int:
    """Bytes of one element in a buffer; booleans take one."""
    return numpy_dtype(element).itemsize
