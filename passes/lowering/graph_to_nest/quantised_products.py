"""Convolution and matrix product of bytes as loop nests: zero points are subtracted as the bytes are read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import i32
from xdsl.ir import Attribute, Operation, SSAValue

from penstock.dialects.element_types import is_unsigned
from penstock.dialects.graph.base import GraphOp
from penstock.dialects.graph.base import element_of as tensor_element_of
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.nest.sizes import sizes_of
from penstock.dialects.quant.products import ConvOp, MatMulOp
from penstock.passes.lowering.graph_to_nest.builder import Lowering
from penstock.passes.lowering.graph_to_nest.elementwise import map_into
from penstock.passes.lowering.graph_to_nest.linear import correlate, multiply
from penstock.passes.lowering.graph_to_nest.scalar_builder import Formula, Scalars

Rule = Callable[[GraphOp, Lowering], None]


@dataclass(frozen=True)
class Centred:
    """A factor: its element type, and its zero point as a number or as the element of another buffer."""

    element: Attribute
    number: int | None

    @staticmethod
    def of(values: SSAValue, zero: SSAValue) -> "Centred":
        """The values of a tensor less their zero points."""
        return Centred(tensor_element_of(values), uniform(zero))

    def value(self, s: Scalars, x: SSAValue, zeros: list[SSAValue]) -> SSAValue:
        """`x - zero` in 32 bits; a zero point that is no number is taken from the front of `zeros`."""
        wide = s.whole(x, i32, is_unsigned(self.element))
        if self.number == 0:
            return wide
        zero = s.constant(self.number, i32) if self.number is not None else None
        return s.sub(wide, zero or s.whole(zeros.pop(0), i32, is_unsigned(self.element)))


def uniform(zero: SSAValue) -> int | None:
    """The one number that all zero points are, if they are known."""
    owner = zero.owner
    if not isinstance(owner, ConstantOp) or owner.array.size == 0:
        return None
    numbers = np.unique(owner.array)
    return int(numbers[0]) if numbers.size == 1 else None


def _sum_of_products(a: Centred, b: Centred) -> Formula:
    def body(s: Scalars, values: Sequence[SSAValue]) -> Sequence[SSAValue]:
        x, y, *zeros, total = values
        return [s.add(total, s.mul(a.value(s, x, zeros), b.value(s, y, zeros)))]

    return body


def lower_conv(op: GraphOp, low: Lowering) -> None:
    """The sum over (x - x_zero) * (w - w_zero); a computed zero point of `x` is subtracted before."""
    assert isinstance(op, ConvOp)
    w, y = low.buffer(op.w), low.result(op.y)
    a, b = Centred.of(op.x, op.x_zero), Centred.of(op.w, op.w_zero)
    further = [] if b.number is not None else [low.buffer(op.w_zero)]
    if a.number is not None:
        x = low.buffer(op.x)
        correlate(op, low, x, w, y, _sum_of_products(a, b), padding=a.number, further=further)
        return
    x = centred(low, low.buffer(op.x), low.buffer(op.x_zero), a)
    correlate(op, low, x, w, y, _sum_of_products(Centred(i32, 0), b), further=further)


def centred(low: Lowering, x: SSAValue, zero: SSAValue, how: Centred) -> SSAValue:
    """A buffer of `x - zero` in 32 bits."""
    y = low.alloc(i32, sizes_of(x))
    map_into(low, [x, low.view(zero, [])], y, lambda s, v: [how.value(s, v[0], [v[1]])])
    return y


def lower_matmul(op: GraphOp, low: Lowering) -> None:
    """y[..., m, n] = sum over k of (a[..., m, k] - a_zero) * (b[..., k, n] - b_zero)."""
    assert isinstance(op, MatMulOp)
    a, b = Centred.of(op.a, op.a_zero), Centred.of(op.b, op.b_zero)
    left = [] if a.number is not None else [low.buffer(op.a_zero)]
    right = [] if b.number is not None else [low.buffer(op.b_zero)]
    operands = low.buffer(op.a), low.buffer(op.b), low.result(op.y)
    multiply(low, *operands, _sum_of_products(a, b), left=left, right=right)


RULES: Mapping[type[Operation], Rule] = {ConvOp: lower_conv, MatMulOp: lower_matmul}
