"""Comparison, choice and bitwise operations of the `graph` dialect; on `i1` the last are the logical ones."""

from abc import ABC

import numpy as np
from xdsl.dialects.builtin import i1
from xdsl.ir import Attribute, Operation
from xdsl.irdl import irdl_op_definition
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.element_types import STRING, is_float
from penstock.dialects.graph.base import Array, element_of
from penstock.dialects.graph.elementwise import Binary, Ternary, Unary


class Comparison(Binary, ABC):
    """An op of two operands that answers yes or no; any answer about NaN is no."""

    def result_element(self) -> Attribute:
        """Booleans."""
        return i1


@irdl_op_definition
class EqualOp(Comparison):
    """`a == b`: `%y = graph.equal %a, %b : tensor<2xf32>, tensor<2xf32> -> tensor<2xi1>`."""

    name = "graph.equal"

    def verify_elements(self) -> None:
        """Strings are compared too."""
        if {element_of(self.lhs), element_of(self.rhs)} != {STRING}:
            super().verify_elements()

    def compute(self, *operands: Array) -> Array:
        return np.equal(*operands)


@irdl_op_definition
class LessOp(Comparison):
    """`a < b`: `%y = graph.less %a, %b : tensor<2xf32>, tensor<2xf32> -> tensor<2xi1>`."""

    name = "graph.less"

    def compute(self, *operands: Array) -> Array:
        return np.less(*operands)


@irdl_op_definition
class LessEqualOp(Comparison):
    """`a <= b`: `%y = graph.less_equal %a, %b : tensor<2xf32>, tensor<2xf32> -> tensor<2xi1>`."""

    name = "graph.less_equal"

    def compute(self, *operands: Array) -> Array:
        return np.less_equal(*operands)


@irdl_op_definition
class SelectOp(Ternary):
    """`b` where `a` is true, else `c`:

    `%y = graph.select %a, %b, %c : tensor<2xi1>, tensor<2xf32>, tensor<f32> -> tensor<2xf32>`.
    """

    name = "graph.select"

    def result_element(self) -> Attribute:
        return element_of(self.b)

    def verify_elements(self) -> None:
        if element_of(self.a) != i1:
            raise VerifyException(f"{self.name}: the condition must be i1, got {element_of(self.a)}")
        if element_of(self.b) != element_of(self.c):
            raise VerifyException(
                f"{self.name}: choices differ: {element_of(self.b)} against {element_of(self.c)}"
            )

    def compute(self, *operands: Array) -> Array:
        return np.where(*operands)


class Bitwise(Binary, ABC):
    """An op of two operands that works on the bits of integers or booleans."""

    def verify_elements(self) -> None:
        """Equal element types, and none is a real."""
        super().verify_elements()
        if is_float(element_of(self.lhs)):
            raise VerifyException(f"{self.name}: needs integers or booleans, got {element_of(self.lhs)}")


@irdl_op_definition
class AndOp(Bitwise):
    """Bits set in both: `%y = graph.and %a, %b : tensor<2xi1>, tensor<2xi1> -> tensor<2xi1>`."""

    name = "graph.and"

    def compute(self, *operands: Array) -> Array:
        return np.bitwise_and(*operands)


@irdl_op_definition
class OrOp(Bitwise):
    """Bits set in either: `%y = graph.or %a, %b : tensor<2xi1>, tensor<2xi1> -> tensor<2xi1>`."""

    name = "graph.or"

    def compute(self, *operands: Array) -> Array:
        return np.bitwise_or(*operands)


@irdl_op_definition
class XorOp(Bitwise):
    """Bits set in one of both: `%y = graph.xor %a, %b : tensor<2xi1>, tensor<2xi1> -> tensor<2xi1>`."""

    name = "graph.xor"

    def compute(self, *operands: Array) -> Array:
        return np.bitwise_xor(*operands)


@irdl_op_definition
class ShiftLeftOp(Bitwise):
    """`a * 2^b` modulo 2^width, 0 where `b` is not in [0, width):

    `%y = graph.shift_left %a, %b : tensor<2xui8>, tensor<2xui8> -> tensor<2xui8>`.
    """

    name = "graph.shift_left"

    def compute(self, *operands: Array) -> Array:
        return np.where(_whole_width(*operands), np.zeros_like(operands[0]), np.left_shift(*operands))


@irdl_op_definition
class ShiftRightOp(Bitwise):
    """`floor(a / 2^b)`, with any `b` outside [0, width) as if it were infinite:

    `%y = graph.shift_right %a, %b : tensor<2xui8>, tensor<2xui8> -> tensor<2xui8>`.
    """

    name = "graph.shift_right"

    def compute(self, *operands: Array) -> Array:
        a = operands[0]
        fill = np.negative(np.less(a, 0).astype(a.dtype))
        return np.where(_whole_width(*operands), fill, np.right_shift(*operands))


def _whole_width(value: Array, amount: Array) -> Array:
    return np.less(amount, 0) | np.greater_equal(amount, value.itemsize * 8)


@irdl_op_definition
class NotOp(Unary):
    """Every bit flipped: `%y = graph.not %x : tensor<2xi1> -> tensor<2xi1>`."""

    name = "graph.not"

    def verify_elements(self) -> None:
        super().verify_elements()
        if is_float(element_of(self.x)):
            raise VerifyException(f"{self.name}: needs integers or booleans, got {element_of(self.x)}")

    def compute(self, *operands: Array) -> Array:
        return np.invert(*operands)


OPS: tuple[type[Operation], ...] = (
    EqualOp,
    LessOp,
    LessEqualOp,
    SelectOp,
    AndOp,
    OrOp,
    XorOp,
    ShiftLeftOp,
    ShiftRightOp,
    NotOp,
)
