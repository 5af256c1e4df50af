"""What the loops interpreter's emitted source calls: arithmetic that is more than one NumPy expression."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from penstock.backends.loops.exact_fma import exact_fma

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
FloatType = type[np.float64]


def divide_toward_zero(a: int, b: int) -> int:
    """Signed division that drops the remainder."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def remainder_toward_zero(a: int, b: int) -> int:
    """Remainder of `divide_toward_zero`, which has the sign of `a`."""
    return a - b * divide_toward_zero(a, b)


def divide_up(a: int, b: int) -> int:
    """Division rounded up."""
    return -(-a // b)


def integer_power(base: int, exponent: int) -> int:
    """`base ** exponent` as `math.ipowi` has it, where 2 ** -1 is 0; zero to a negative power raises."""
    if exponent >= 0:
        # Only the low 64 bits can be asked for, and the number itself may not fit in memory.
        return pow(base, exponent, 1 << 64)
    return divide_toward_zero(1, base) ** (-exponent & 1) if abs(base) <= 1 else 0


def trailing_zeros(value: int, bits: int) -> int:
    """Zero bits below the lowest set bit."""
    return (value & -value).bit_length() - 1 if value else bits


def smear(value: NDArray[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
    """Set all bits below the highest set bit of each lane."""
    for shift in (1, 2, 4, 8, 16, 32):
        value = value | (value >> np.array(shift, value.dtype))
    return value


def each(function: Callable[..., int], *lanes: Integers) -> NDArray[np.uint64]:
    """Apply a function of Python ints lane by lane, modulo 2**64."""
    values = [function(*scalars) % 2**64 for scalars in zip(*(lane.tolist() for lane in lanes), strict=True)]
    return np.array(values, np.uint64)


def add_with_carry(a: int, b: int, bits: int) -> tuple[int, int]:
    """Sum and carry of two unsigned numbers."""
    return a + b, (a + b) >> bits


def multiply_extended(a: int, b: int, bits: int) -> tuple[int, int]:
    """Low and high half of a product."""
    return a * b, (a * b) >> bits


def pair(function: Callable[[int, int, int], tuple[int, int]], bits: int, a: int, b: int) -> tuple[int, int]:
    """Apply a function with two results to scalars."""
    return function(a, b, bits)


def pairs(
    function: Callable[[int, int, int], tuple[int, int]], bits: int, a: Integers, b: Integers
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Apply a function with two results lane by lane."""

    def half(index: int, x: int, y: int) -> int:
        return function(x, y, bits)[index]

    return each(partial(half, 0), a, b), each(partial(half, 1), a, b)


def equal_maximum(a: np.float64, b: np.float64) -> np.float64:
    """`maximumf` when neither is greater: the sum of two zeros has the right sign, and NaN stays."""
    return a if a == b and a != 0 else a + b


def equal_minimum(a: np.float64, b: np.float64) -> np.float64:
    """`minimumf` when neither is less."""
    return a if a == b and a != 0 else -(-a + -b)


def maximum_of(a: np.float64, b: np.float64) -> np.float64:
    """`maximumf` of two scalars."""
    return a if a > b else b if b > a else equal_maximum(a, b)


def minimum_of(a: np.float64, b: np.float64) -> np.float64:
    """`minimumf` of two scalars."""
    return a if a < b else b if b < a else equal_minimum(a, b)


def lane(index: int, lanes: int) -> int:
    """A lane number that is in range."""
    if not 0 <= index < lanes:
        raise IndexError(f"lane {index} of a vector of {lanes}")
    return index


def vector_maximum(a: Floats, b: Floats) -> Floats:
    """`maximumf` lane by lane; NumPy leaves the sign of a zero open."""
    result = np.maximum(a, b)
    if np.count_nonzero(result) == result.size:
        return result
    return np.where((a == 0) & (b == 0), a + b, result)


def vector_minimum(a: Floats, b: Floats) -> Floats:
    """`minimumf` lane by lane."""
    result = np.minimum(a, b)
    if np.count_nonzero(result) == result.size:
        return result
    return np.where((a == 0) & (b == 0), -(-a + -b), result)


def round_half_away(a: Floats) -> Floats:
    """Round to the nearest integer, halves away from zero."""
    whole = np.trunc(a)
    away = np.copysign((abs(a - whole) >= 0.5).astype(a.dtype), a)
    return np.copysign(whole + away, a)


def fma(a: Floats, b: Floats, c: Floats, dtype: FloatType) -> Floats:
    """`a * b + c` of at most 32 bits: the product is exact in float64, the sum nearly always."""
    product = np.multiply(a, b, dtype=np.float64)
    product += c
    return product.astype(dtype)


def fma_scalar(a: np.float64, b: np.float64, c: np.float64, dtype: FloatType) -> np.float64:
    """The same for scalars."""
    return dtype(float(a) * float(b) + float(c))


def fma_exact(a: Floats, b: Floats, c: Floats, dtype: FloatType) -> Floats:
    """`a * b + c` of f64 rounded once."""
    return exact_fma(a, b, c).astype(dtype)[()]


def erf(a: Floats) -> Floats:
    """The error function, lane by lane."""
    return np.array([math.erf(x) for x in np.ravel(a).tolist()]).reshape(np.shape(a))[()]


def to_integers(a: Floats, bits: int, signed: bool) -> Integers:
    """Drop the fraction; numbers outside the type, and NaN, give the least signed integer."""
    whole = np.trunc(a.astype(np.float64))
    low, high = (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1)) if signed else (0.0, 2.0**bits)
    fits = (whole >= low) & (whole < high)
    held = np.where(fits, whole, 0.0)
    # Subtracting a power of two is exact here and brings the upper half of u64 into reach of int64.
    wrapped = np.where(held >= 2.0**63, held - 2.0**64, held).astype(np.int64)
    return np.where(fits, wrapped, -(2 ** (bits - 1)))


def to_integer(a: np.float64, bits: int, signed: bool) -> int:
    """The same for a scalar, as a Python int held signed."""
    value = int(to_integers(np.array(a), bits, signed))
    if bits == 1:
        return value & 1
    return value - 2**bits if value >= 2 ** (bits - 1) else value
