"""Convolution and matrix product of bytes with zero points, summed exactly in 32 bits that wrap.

A zero point broadcasts to what it belongs to; padding holds the zero point, so it adds nothing.
"""

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import i8, i32
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, result_def
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.element_types import unsigned
from penstock.dialects.graph.base import (
    AnyTensor,
    Array,
    GraphOp,
    Tensor,
    Wide,
    element_count,
    element_of,
    extent_of,
    may_broadcast,
    shape_of,
    tensor,
    wide,
)
from penstock.dialects.graph.linear import Correlation, product_shape

BYTES = (i8, unsigned(8))


def _verify_zero(op: GraphOp, values: SSAValue, zero: SSAValue) -> None:
    """Bytes, a zero point of the same type, and no more of these than bytes."""
    element = element_of(values)
    if element not in BYTES or element_of(zero) != element:
        raise VerifyException(f"{op.name}: values of {element} with a zero point of {element_of(zero)}")
    if not may_broadcast(shape_of(zero), shape_of(values)):
        shapes = f"{list(shape_of(zero))} for values {list(shape_of(values))}"
        raise VerifyException(f"{op.name}: zero point {shapes}")


def _centred(x: Array, zero: Array) -> Wide:
    """What is left without the zero point, as doubles: sums of products of bytes are exact in them."""
    return np.subtract(wide(x), wide(zero)).astype(np.float64)


@irdl_op_definition
class ConvOp(Correlation):
    """Convolution of `x - x_zero` with `w - w_zero`, plus an optional 32-bit bias per output channel.

    The layout is that of `graph.conv`, and `w_zero` has the rank of the filter or 0:

        %y = quant.conv %x, %w zeros %x_zero, %w_zero bias %b {strides = array<i64: 1, 1>, ...}
    """

    name = "quant.conv"
    # xDSL puts the operands of a class in front of those of its bases, which are named again to come first.
    x = operand_def(AnyTensor)
    w = operand_def(AnyTensor)
    bias = opt_operand_def(AnyTensor)
    x_zero = operand_def(AnyTensor)
    w_zero = operand_def(AnyTensor)
    assembly_format = (
        "$x `,` $w `zeros` $x_zero `,` $w_zero (`bias` $bias^)? attr-dict `:` "
        "type($x) `,` type($w) `zeros` type($x_zero) `,` type($w_zero) (`bias` type($bias)^)? `->` type($y)"
    )

    def result_element(self) -> Attribute:
        return i32

    def verify_elements(self) -> None:
        _verify_zero(self, self.x, self.x_zero)
        _verify_zero(self, self.w, self.w_zero)
        if any(size != 1 for size in shape_of(self.x_zero)):
            raise VerifyException(
                f"{self.name}: zero point {list(shape_of(self.x_zero))} for all of the input"
            )
        if self.bias is not None and element_of(self.bias) != i32:
            raise VerifyException(f"{self.name}: the bias must be i32, got {element_of(self.bias)}")

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        x, w, *bias, x_zero, w_zero = operands
        total = self.summed(_centred(x, x_zero.reshape(())), _centred(w, w_zero)).astype(np.int64)
        return [self.finish(total, bias)]


@irdl_op_definition
class MatMulOp(GraphOp):
    """Matrix product of `a - a_zero` and `b - b_zero`, batched as `graph.matmul`:

    `%y = quant.matmul %a, %b, %a_zero, %b_zero : tensor<2x3xui8>, tensor<3x4xi8>, ... -> tensor<2x4xi32>`.
    """

    name = "quant.matmul"
    a = operand_def(AnyTensor)
    b = operand_def(AnyTensor)
    a_zero = operand_def(AnyTensor)
    b_zero = operand_def(AnyTensor)
    y = result_def(AnyTensor)
    assembly_format = (
        "$a `,` $b `,` $a_zero `,` $b_zero attr-dict `:` "
        "type($a) `,` type($b) `,` type($a_zero) `,` type($b_zero) `->` type($y)"
    )

    def infer(self) -> Sequence[Tensor]:
        _verify_zero(self, self.a, self.a_zero)
        _verify_zero(self, self.b, self.b_zero)
        return [tensor(product_shape(self, self.a, self.b), i32)]

    def effort(self) -> int:
        """Every result is a sum over the inner size."""
        return super().effort() + element_count(self.y) * extent_of(shape_of(self.a)[-1])

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        a, b, a_zero, b_zero = operands
        total = np.matmul(_centred(a, a_zero), _centred(b, b_zero))
        return [total.astype(np.int64).astype(np.int32)]


OPS: tuple[type[Operation], ...] = (ConvOp, MatMulOp)
