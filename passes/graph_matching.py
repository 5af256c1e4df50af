"""Tools for patterns over several graph ops: operands in either order, numbers, factors of products."""

import math
from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from xdsl.dialects.builtin import bf16, f16
from xdsl.ir import Attribute, Operation, SSAValue

from penstock.dialects.graph.base import element_of, rank_of, shape_of
from penstock.dialects.graph.elementwise import Binary, DivOp, MulOp, PowOp, SubOp
from penstock.dialects.graph.reduction import ReduceMeanOp
from penstock.passes.graph_rewriting import number_of

Kind = TypeVar("Kind", bound=Operation)
COARSE: dict[Attribute, float] = {f16: 1e-3, bf16: 1e-2}
"""How far a constant of an element type may be from what was meant."""


def made_by(value: SSAValue, kind: type[Kind]) -> Kind | None:
    """The op a value comes from, if it is of a kind."""
    owner = value.owner
    return owner if isinstance(owner, kind) else None


def either_order(op: Binary) -> Iterator[tuple[SSAValue, SSAValue]]:
    """The operands of a commutative op, both ways round."""
    yield op.lhs, op.rhs
    yield op.rhs, op.lhs


def close(a: float | None, b: float, like: SSAValue) -> bool:
    """Whether a number is what `b` may have been rounded to in the element type of `like`."""
    return a is not None and math.isclose(a, b, rel_tol=COARSE.get(element_of(like), 1e-6))


def with_number(value: SSAValue, kind: type[Binary]) -> tuple[SSAValue, float] | None:
    """`x` and `c` where the value is `x + c` or `c + x`, for a commutative kind of op."""
    op = made_by(value, kind)
    if op is None:
        return None
    for x, constant in either_order(op):
        number = number_of(constant)
        if number is not None and x.type == op.y.type:
            return x, float(number)
    return None


def scaled(value: SSAValue) -> tuple[SSAValue, float]:
    """`x` and `c` where the value is `x * c` or `x / c`; the value itself and 1 otherwise."""
    product = with_number(value, MulOp)
    if product is not None:
        return product
    quotient = made_by(value, DivOp)
    divisor = None if quotient is None else number_of(quotient.rhs)
    if quotient is None or not divisor or quotient.lhs.type != quotient.y.type:
        return value, 1.0
    return quotient.lhs, 1 / float(divisor)


def factors_of(root: SSAValue) -> tuple[list[SSAValue], float]:
    """The factors of a product, numbers multiplied out; inner products have no other use."""
    values, number, pending = list[SSAValue](), 1.0, [root]
    while pending:
        value = pending.pop()
        inner, scale = scaled(value) if value is root or value.has_one_use() else (value, 1.0)
        product = made_by(value, MulOp)
        if scale != 1 or inner is not value:
            number *= scale
            pending.append(inner)
        elif product is not None and (value is root or value.has_one_use()):
            pending += [product.rhs, product.lhs]
        else:
            values.append(value)
    return values, number


def is_square_of(value: SSAValue, x: SSAValue) -> bool:
    """Whether the value is `x * x` or `pow(x, 2)`."""
    product, power = made_by(value, MulOp), made_by(value, PowOp)
    if product is not None:
        return product.lhs is x and product.rhs is x
    return power is not None and power.lhs is x and number_of(power.rhs) == 2


def trailing_mean(value: SSAValue) -> tuple[SSAValue, int] | None:
    """`x` and `axis` where the value is the mean of `x` over all dims from `axis` on, which are kept."""
    mean = made_by(value, ReduceMeanOp)
    if mean is None or not mean.keepdims.value.data:
        return None
    axes, rank = sorted(mean.reduced()), rank_of(mean.x)
    return (mean.x, axes[0]) if axes and axes == list(range(axes[0], rank)) else None


def deviation(value: SSAValue) -> tuple[SSAValue, SSAValue, int] | None:
    """`x`, its mean and the first reduced axis where the value is `x - mean(x)`."""
    difference = made_by(value, SubOp)
    mean = None if difference is None else trailing_mean(difference.rhs)
    if difference is None or mean is None or mean[0] is not difference.lhs:
        return None
    return difference.lhs, difference.rhs, mean[1]


def broadcasts_into(value: SSAValue, x: SSAValue, axis: int) -> bool:
    """Whether a value has no dims before `axis` of `x` but those of size 1, and broadcasts to `x`."""
    shape, whole = shape_of(value), shape_of(x)
    if len(shape) > len(whole):
        return False
    padded = (1,) * (len(whole) - len(shape)) + shape
    return all(
        size == 1 or (i >= axis and size == full)
        for i, (size, full) in enumerate(zip(padded, whole, strict=True))
    )


def eps_of(value: float) -> float:
    """A small number of single precision as it was meant: the shortest text that rounds to it."""
    return float(str(np.float32(value))) if np.float32(value) == value else value
