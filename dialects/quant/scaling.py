"""How reals become quantised values and back: `real = scale * (value - zero point)`.

Scale and zero point broadcast to the values as in NumPy: one number for the whole tensor, one per channel
with dims of size 1 around it, or one for every element.  Rounding is by name.
"""

from abc import ABC
from collections.abc import Callable, Mapping

import numpy as np
from xdsl.dialects.builtin import BoolAttr, StringAttr, i1, i32
from xdsl.ir import Attribute, Operation
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.element_types import bit_size, is_float, is_integer, is_unsigned, numpy_dtype
from penstock.dialects.graph.base import AnyTensor, Array, Elementwise, element_of, flag, wide
from penstock.dialects.graph.casting import converted, from_codes
from penstock.dialects.minifloats import is_minifloat


def half_away(x: Array) -> Array:
    """The nearest integer, of two the one farther from zero."""
    whole = np.trunc(x)
    return np.where(np.abs(np.subtract(x, whole)) < 0.5, whole, np.add(whole, np.sign(x)))


ROUNDINGS: Mapping[str, Callable[[Array], Array]] = {"half_even": np.rint, "half_away": half_away}
"""The named ways to round: to the nearest integer, of two to the even one or away from zero."""


class Scaling(Elementwise, ABC):
    """An op on values with a scale and a zero point."""

    x = operand_def(AnyTensor)
    scale = operand_def(AnyTensor)
    zero = operand_def(AnyTensor)
    y = result_def(AnyTensor)
    assembly_format = (
        "$x `,` $scale `,` $zero attr-dict `:` type($x) `,` type($scale) `,` type($zero) `->` type($y)"
    )


class Rounding(Scaling, ABC):
    """An op whose result is quantised: its element type is that of the zero point."""

    rounding = prop_def(StringAttr, default_value=StringAttr("half_even"))

    def result_element(self) -> Attribute:
        return element_of(self.zero)

    def verify_elements(self) -> None:
        """A name for the rounding that there is, and a type that values can be quantised to."""
        if self.rounding.data not in ROUNDINGS:
            known = ", ".join(ROUNDINGS)
            raise VerifyException(f"{self.name}: rounding is '{self.rounding.data}', not one of {known}")
        if not is_quantised(element_of(self.zero)):
            raise VerifyException(f"{self.name}: nothing is quantised to {element_of(self.zero)}")

    def finish(self, ratio: Array, zero: Array) -> Array:
        """The ratio as a whole number plus the zero point, or the nearest value of the type."""
        low, high = limits(element_of(self.zero))
        whole = ROUNDINGS[self.rounding.data](ratio.astype(np.float64))
        total = np.add(np.where(np.isnan(whole), 0, whole), wide(zero))
        held = np.clip(total, low, high).astype(np.int64)
        if bit_size(element_of(self.zero)) < 8:
            return from_codes(held & ((1 << bit_size(element_of(self.zero))) - 1), element_of(self.zero))
        return held.astype(numpy_dtype(element_of(self.zero)))


def is_quantised(element: Attribute) -> bool:
    """Whether values are quantised to a type: integers of at most 16 bits, floats of at most 8."""
    small = is_integer(element) and element != i1 and bit_size(element) <= 16
    return small or is_minifloat(element)


def limits(element: Attribute) -> tuple[int, int]:
    """The least and the greatest integer of a type.

    >>> limits(i32)
    (-2147483648, 2147483647)
    """
    bits = bit_size(element)
    return (0, (1 << bits) - 1) if is_unsigned(element) else (-(1 << bits - 1), (1 << bits - 1) - 1)


def _verify_real_scale(op: Scaling) -> None:
    if not is_float(element_of(op.scale)):
        raise VerifyException(f"{op.name}: the scale must be real, got {element_of(op.scale)}")


@irdl_op_definition
class QuantizeOp(Rounding):
    """`saturate(round(x / scale) + zero)`, the ratio in the type of both; NaN is the zero point.

    `%y = quant.quantize %x, %s, %z : tensor<2xf32>, tensor<f32>, tensor<ui8> -> tensor<2xui8>`

    A float of at most 8 bits is the nearest to `x / scale + zero`, as `graph.cast` finds it.
    """

    name = "quant.quantize"
    saturate = prop_def(BoolAttr, default_value=flag(True))

    def verify_elements(self) -> None:
        super().verify_elements()
        _verify_real_scale(self)
        if element_of(self.x) != element_of(self.scale):
            raise VerifyException(
                f"{self.name}: {element_of(self.x)} is divided by a scale of {element_of(self.scale)}"
            )

    def compute(self, *operands: Array) -> Array:
        x, scale, zero = operands
        ratio, element = np.divide(x, scale), element_of(self.zero)
        if not is_minifloat(element):
            return self.finish(ratio, zero)
        # Adding a zero would lose the sign of another.
        shift = converted(zero, element_of(self.scale))
        moved = np.where(np.equal(shift, 0), ratio, np.add(ratio, shift)).astype(ratio.dtype)
        return converted(moved, element, self.saturate.value.data != 0)


@irdl_op_definition
class DequantizeOp(Scaling):
    """`(x - zero) * scale` in the type of the scale; integers are subtracted in 32 bits.

    `%y = quant.dequantize %x, %s, %z : tensor<2xui8>, tensor<f32>, tensor<ui8> -> tensor<2xf32>`
    """

    name = "quant.dequantize"

    def result_element(self) -> Attribute:
        return element_of(self.scale)

    def verify_elements(self) -> None:
        _verify_real_scale(self)
        x, zero = element_of(self.x), element_of(self.zero)
        if x != zero or not (is_quantised(x) or x == i32):
            raise VerifyException(f"{self.name}: values of {x} with a zero point of {zero}")

    def compute(self, *operands: Array) -> Array:
        x, scale, zero = operands
        if is_minifloat(element_of(self.x)):
            real = converted(x, element_of(self.scale))
            return np.multiply(np.subtract(real, converted(zero, element_of(self.scale))), scale)
        whole = np.subtract(wide(x), wide(zero)).astype(np.int32)
        return np.multiply(whole.astype(scale.dtype), scale)


@irdl_op_definition
class RequantizeOp(Rounding):
    """`saturate(round(x * scale) + zero)` of 32-bit sums; sum and product are singles.

    The scale is that of the sums over that of the result:

    `%y = quant.requantize %x, %s, %z : tensor<2xi32>, tensor<f32>, tensor<i8> -> tensor<2xi8>`.
    """

    name = "quant.requantize"

    def verify_elements(self) -> None:
        super().verify_elements()
        x, scale = element_of(self.x), element_of(self.scale)
        whole = is_integer(element_of(self.zero))
        if x != i32 or numpy_dtype(scale) != np.float32 or not whole:
            raise VerifyException(f"{self.name}: {x} by {scale} to {element_of(self.zero)}, not i32 by f32")

    def compute(self, *operands: Array) -> Array:
        x, scale, zero = operands
        return self.finish(np.multiply(x.astype(np.float32), scale), zero)


OPS: tuple[type[Operation], ...] = (QuantizeOp, DequantizeOp, RequantizeOp)
