"""Floating-point formats of at most 8 bits: what their codes are, and what a code stands for.

A code is the sign bit, where there is one, above a magnitude; the magnitudes of finite numbers count up from
0 in the order of the numbers.
"""

from dataclasses import dataclass
from functools import cache
from math import isfinite, isinf, isnan
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import FloatSemantics, ReducedPrecisionFloatType
from xdsl.ir import Attribute

from penstock.dialects.element_types import is_narrow


@dataclass(frozen=True)
class Minifloat:
    """A format: its fields, the greatest finite magnitude, and the magnitudes of what is not finite."""

    semantics: FloatSemantics
    greatest: int
    infinity: int | None
    """The magnitude of infinity, if there is one."""
    nan: int | None
    """The code of NaN with the sign cleared, if there is one; the sign bit alone in formats without -0."""

    @property
    def sign(self) -> int:
        """The sign bit; 0 in the format of powers of two, which has none."""
        return 1 << self.semantics.sign_shift if self.semantics.has_sign else 0

    @property
    def mantissa(self) -> int:
        """The bits of the mantissa."""
        return self.semantics.mantissa_bits

    @property
    def bias(self) -> int:
        """What is added to an exponent."""
        return self.semantics.exponent_bias

    @property
    def has_negative_zero(self) -> bool:
        """Whether the sign bit alone is a zero."""
        return self.sign != 0 and self.nan != self.sign

    @property
    def is_scale(self) -> bool:
        """Whether the format holds powers of two only, and no zero."""
        return not self.semantics.has_zero


def is_minifloat(element: Attribute) -> TypeGuard[ReducedPrecisionFloatType]:
    """Whether an element type is a floating-point format of at most 8 bits."""
    return isinstance(element, ReducedPrecisionFloatType) and is_narrow(element)


@cache
def minifloat(element: ReducedPrecisionFloatType) -> Minifloat:
    """The format of an element type; NaN is the quiet one."""
    semantics = element.SEMANTICS
    positive = [element.decode_bits(code) for code in range(1 << semantics.sign_shift)]
    greatest = max(code for code, value in enumerate(positive) if isfinite(value))
    infinity = next((code for code, value in enumerate(positive) if isinf(value)), None)
    nans = [code for code, value in enumerate(positive) if isnan(value)]
    if semantics.has_sign and isnan(element.decode_bits(1 << semantics.sign_shift)):
        nans = [1 << semantics.sign_shift]
    return Minifloat(semantics, greatest, infinity, nans[len(nans) // 2] if nans else None)


@cache
def values(element: ReducedPrecisionFloatType) -> NDArray[np.float64]:
    """The number of each byte that holds a code; bits above the code do not count."""
    codes = 1 << element.bitwidth
    return np.array([element.decode_bits(byte % codes) for byte in range(256)])
