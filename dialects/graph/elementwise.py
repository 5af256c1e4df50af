"""Arithmetic of the `graph` dialect: what machines do in one or a few instructions per element.

The bases serve the other elementwise families too.
"""

from abc import ABC

import numpy as np
from xdsl.dialects.builtin import BoolAttr, FloatAttr, StringAttr, i1
from xdsl.ir import Attribute, Operation
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.element_types import STRING, bit_size, numpy_dtype
from penstock.dialects.graph.base import AnyTensor, Array, Elementwise, element_of, flag, wide
from penstock.dialects.graph.casting import ROUNDINGS, Rounding, converted, machine_cast
from penstock.dialects.graph.element_rules import verify_numbers, verify_reals


class Unary(Elementwise, ABC):
    """An elementwise op of one operand."""

    x = operand_def(AnyTensor)
    y = result_def(AnyTensor)
    assembly_format = "$x attr-dict `:` type($x) `->` type($y)"


class Binary(Elementwise, ABC):
    """An elementwise op of two operands that broadcast."""

    lhs = operand_def(AnyTensor)
    rhs = operand_def(AnyTensor)
    y = result_def(AnyTensor)
    assembly_format = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($y)"


class Ternary(Elementwise, ABC):
    """An elementwise op of three operands that broadcast."""

    a = operand_def(AnyTensor)
    b = operand_def(AnyTensor)
    c = operand_def(AnyTensor)
    y = result_def(AnyTensor)
    assembly_format = "$a `,` $b `,` $c attr-dict `:` type($a) `,` type($b) `,` type($c) `->` type($y)"


class Arithmetic(Binary, ABC):
    """A function of two numbers of one type."""

    def verify_elements(self) -> None:
        """Booleans are no numbers."""
        verify_numbers(self, self.operands)


class NumberFunction(Unary, ABC):
    """A function of one number."""

    def verify_elements(self) -> None:
        """Booleans are no numbers."""
        verify_numbers(self, self.operands)


class RealFunction(Unary, ABC):
    """A function of one real."""

    def verify_elements(self) -> None:
        """Integers are no reals."""
        verify_reals(self, self.operands)


@irdl_op_definition
class AddOp(Arithmetic):
    """Sum: `%y = graph.add %a, %b : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.add"

    def compute(self, *operands: Array) -> Array:
        return np.add(*operands)


@irdl_op_definition
class SubOp(Arithmetic):
    """Difference: `%y = graph.sub %a, %b : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.sub"

    def compute(self, *operands: Array) -> Array:
        return np.subtract(*operands)


@irdl_op_definition
class MulOp(Arithmetic):
    """Product: `%y = graph.mul %a, %b : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.mul"

    def compute(self, *operands: Array) -> Array:
        return np.multiply(*operands)


@irdl_op_definition
class DivOp(Arithmetic):
    """Quotient; of integers truncated towards zero, and 0 where the divisor is 0.

    `%y = graph.div %a, %b : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>`
    """

    name = "graph.div"

    def compute(self, *operands: Array) -> Array:
        a, b = operands
        if a.dtype.kind not in "iu":
            return np.divide(a, b)
        floor, rest = np.floor_divide(a, b), np.remainder(a, b)
        inexact_and_negative = np.not_equal(rest, 0) & (np.less(a, 0) != np.less(b, 0))
        return np.add(floor, inexact_and_negative.astype(a.dtype))


@irdl_op_definition
class ModOp(Arithmetic):
    """Remainder with the sign of the divisor, or of the dividend if `truncated`; of integers by 0 it is 0.

    `%y = graph.mod %a, %b {truncated = true} : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>`
    """

    name = "graph.mod"
    truncated = prop_def(BoolAttr, default_value=flag(False))

    def compute(self, *operands: Array) -> Array:
        return np.fmod(*operands) if self.truncated.value.data else np.remainder(*operands)


@irdl_op_definition
class PowOp(Arithmetic):
    """Power; of integers modulo 2^width, and truncated towards zero where the exponent is negative.

    `%y = graph.pow %a, %b : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>`
    """

    name = "graph.pow"

    def compute(self, *operands: Array) -> Array:
        base, exponent = (wide(o) for o in operands)
        if base.dtype.kind == "f":
            return np.power(base, exponent)
        inverse = np.where(np.abs(base) == 1, np.power(base, np.abs(exponent)), 0)
        return np.where(exponent < 0, inverse, np.power(base, np.maximum(exponent, 0)))


@irdl_op_definition
class MaxOp(Arithmetic):
    """The greater, NaN if either is: `%y = graph.max %a, %b : tensor<f32>, tensor<f32> -> tensor<f32>`."""

    name = "graph.max"

    def compute(self, *operands: Array) -> Array:
        return np.maximum(*operands)


@irdl_op_definition
class MinOp(Arithmetic):
    """The smaller, NaN if either is: `%y = graph.min %a, %b : tensor<f32>, tensor<f32> -> tensor<f32>`."""

    name = "graph.min"

    def compute(self, *operands: Array) -> Array:
        return np.minimum(*operands)


@irdl_op_definition
class NegOp(NumberFunction):
    """Negation: `%y = graph.neg %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.neg"

    def compute(self, *operands: Array) -> Array:
        return np.negative(*operands)


@irdl_op_definition
class AbsOp(NumberFunction):
    """Absolute value: `%y = graph.abs %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.abs"

    def compute(self, *operands: Array) -> Array:
        return np.absolute(*operands)


@irdl_op_definition
class SignOp(NumberFunction):
    """-1, 0 or 1, NaN of NaN: `%y = graph.sign %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.sign"

    def compute(self, *operands: Array) -> Array:
        return np.sign(*operands)


@irdl_op_definition
class FloorOp(RealFunction):
    """The next integer below: `%y = graph.floor %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.floor"

    def compute(self, *operands: Array) -> Array:
        return np.floor(*operands)


@irdl_op_definition
class CeilOp(RealFunction):
    """The next integer above: `%y = graph.ceil %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.ceil"

    def compute(self, *operands: Array) -> Array:
        return np.ceil(*operands)


@irdl_op_definition
class RoundOp(RealFunction):
    """The nearest integer, halves to even: `%y = graph.round %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.round"

    def compute(self, *operands: Array) -> Array:
        return np.rint(*operands)


@irdl_op_definition
class SqrtOp(RealFunction):
    """Square root: `%y = graph.sqrt %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.sqrt"

    def compute(self, *operands: Array) -> Array:
        return np.sqrt(*operands)


@irdl_op_definition
class ClipOp(NumberFunction):
    """`min(max(x, low), high)`, either bound optional:

    `%y = graph.clip %x {low = 0.0 : f64, high = 6.0 : f64} : tensor<2xf32> -> tensor<2xf32>`.
    NaN stays NaN; with `low` alone at 0 this is the rectifier.  Bounds are cast as `graph.cast` does.
    """

    name = "graph.clip"
    low = opt_prop_def(FloatAttr)
    high = opt_prop_def(FloatAttr)

    def compute(self, *operands: Array) -> Array:
        (x,) = operands
        if self.low is not None:
            x = np.maximum(x, machine_cast(np.asarray(self.low.value.data), x.dtype))
        if self.high is not None:
            x = np.minimum(x, machine_cast(np.asarray(self.high.value.data), x.dtype))
        return x


@irdl_op_definition
class CastOp(Unary):
    """The number in another type: `%y = graph.cast %x {to = i8} : tensor<2xf32> -> tensor<2xi8>`.

    Reals round to nearest even; reals to integers truncate and saturate, NaN becomes 0; integers wrap;
    anything but zero is true.  Reals to integers of fewer than 8 bits wrap as the 32-bit integers they are.

    A float of at most 8 bits holds the nearest number, beyond its range the greatest one, or, unless the cast
    `saturate`s, infinity or NaN, whichever it has; 4- and 6-bit floats have neither, and -0 for NaN.
    A power of two (f8E8M0FNU) holds the magnitude, rounded as `rounding` says, and its range ends likewise.
    """

    name = "graph.cast"
    to = prop_def(Attribute)
    saturate = prop_def(BoolAttr, default_value=flag(True))
    rounding = prop_def(StringAttr, default_value=StringAttr("up"))

    def result_element(self) -> Attribute:
        return self.to

    def verify_elements(self) -> None:
        if STRING in (self.to, element_of(self.x)):
            raise VerifyException(f"{self.name}: numbers are written and read by operations of the host")
        rounding = self.rounding.data
        if rounding not in ROUNDINGS:
            raise VerifyException(f"{self.name}: rounding is '{rounding}', not one of {', '.join(ROUNDINGS)}")

    def compute(self, *operands: Array) -> Array:
        way: Rounding = next(way for way in ROUNDINGS if way == self.rounding.data)
        return converted(operands[0], self.to, self.saturate.value.data != 0, way)


@irdl_op_definition
class BitcastOp(Unary):
    """The same bits as another type: `%y = graph.bitcast %x {to = i32} : tensor<2xf32> -> tensor<2xi32>`.

    Both types have the same width; a truth is a byte of 0 or 1.
    """

    name = "graph.bitcast"
    to = prop_def(Attribute)

    def result_element(self) -> Attribute:
        return self.to

    def verify_elements(self) -> None:
        if bit_size(self.to) != bit_size(element_of(self.x)):
            raise VerifyException(f"{self.name}: {element_of(self.x)} and {self.to} differ in width")

    def compute(self, *operands: Array) -> Array:
        (x,) = operands
        return x != np.zeros((), x.dtype) if self.to == i1 else x.view(numpy_dtype(self.to))


OPS: tuple[type[Operation], ...] = (
    AddOp,
    SubOp,
    MulOp,
    DivOp,
    ModOp,
    PowOp,
    MaxOp,
    MinOp,
    NegOp,
    AbsOp,
    SignOp,
    FloorOp,
    CeilOp,
    RoundOp,
    SqrtOp,
    ClipOp,
    CastOp,
    BitcastOp,
)
