"""The floating-point formats that `expand-math` has formulas for, and the types of values in them."""

from dataclasses import dataclass

from xdsl.dialects.builtin import (
    AnyFloat,
    Float32Type,
    Float64Type,
    IntegerType,
    VectorType,
    f32,
    f64,
    i32,
    i64,
)
from xdsl.ir import Attribute


@dataclass(frozen=True)
class Format:
    """A binary floating-point format and the numbers its formulas need."""

    real: AnyFloat
    whole: IntegerType
    fraction_bits: int
    bias: int

    @property
    def one_bits(self) -> int:
        """The bits of 1.0; added to an exponent in place they make a power of two."""
        return self.bias << self.fraction_bits

    @property
    def smallest_normal(self) -> float:
        """The least positive number that is not subnormal."""
        return 2.0 ** (1 - self.bias)

    @property
    def shifter(self) -> float:
        """Added to a small number, it leaves the nearest integer in the low bits of the sum."""
        return 1.5 * 2.0**self.fraction_bits

    @property
    def shifter_bits(self) -> int:
        """The bits of `shifter`."""
        return ((self.bias + self.fraction_bits) << self.fraction_bits) | (1 << (self.fraction_bits - 1))


SINGLE = Format(f32, i32, 23, 127)
DOUBLE = Format(f64, i64, 52, 1023)
FORMATS: dict[type[Attribute], Format] = {Float32Type: SINGLE, Float64Type: DOUBLE}


def with_element(type_: Attribute, element: Attribute) -> Attribute:
    """The scalar or vector type of the same shape with another element type."""
    return VectorType(element, type_.shape, type_.scalable_dims) if isinstance(type_, VectorType) else element
