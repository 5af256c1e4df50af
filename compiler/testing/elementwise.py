"""Random elementwise operations: each picks its operands and properties, and adds one operation."""

from collections.abc import Mapping

import numpy as np
from xdsl.ir import Attribute, SSAValue

from penstock.dialects.element_types import is_float, numpy_dtype
from penstock.dialects.graph import activation, comparison, elementwise, transcendental
from penstock.dialects.graph.base import GraphOp, element_of, flag, number, static_shape_of
from penstock.testing.canvas import Canvas

ANY_UNARY: tuple[type[GraphOp], ...] = (elementwise.AbsOp, elementwise.NegOp)
REAL_UNARY: tuple[type[GraphOp], ...] = (
    *ANY_UNARY,
    elementwise.ClipOp,
    activation.SigmoidOp,
    transcendental.TanhOp,
    transcendental.ExpOp,
    transcendental.ErfOp,
    transcendental.SinOp,
    activation.SoftplusOp,
    activation.LeakyReluOp,
    activation.HardSigmoidOp,
    activation.EluOp,
    activation.GeluOp,
)
STEPS: tuple[type[GraphOp], ...] = (
    elementwise.FloorOp,
    elementwise.CeilOp,
    elementwise.RoundOp,
    elementwise.SignOp,
)
BINARY: tuple[type[GraphOp], ...] = (
    elementwise.AddOp,
    elementwise.SubOp,
    elementwise.MulOp,
    elementwise.MaxOp,
    elementwise.MinOp,
)


def unary(c: Canvas) -> SSAValue | None:
    """A continuous function of one operand."""
    x = c.value()
    kind = c.choose(REAL_UNARY if is_float(element_of(x)) else ANY_UNARY)
    properties: Mapping[str, Attribute] = {}
    if kind is elementwise.ClipOp:
        properties = {"low": number(c.real(-2, 0)), "high": number(c.real(0, 2))}
    elif kind in (activation.LeakyReluOp, activation.EluOp):
        properties = {"alpha": number(c.real(0, 1))}
    elif kind is activation.HardSigmoidOp:
        properties = {"alpha": number(0.25), "beta": number(0.5)}
    elif kind is activation.GeluOp:
        properties = {"approximate": flag(c.chance())}
    return c.op(kind, [x], properties)


def steps(c: Canvas) -> SSAValue | None:
    """A function that jumps: the smallest difference in its operand may be a large one in its result."""
    return c.op(c.choose(STEPS), [c.value(real=True)])


def binary(c: Canvas) -> SSAValue | None:
    """Arithmetic of two operands that broadcast, in either order."""
    x = c.value()
    pair = [x, _broadcast(c, x)]
    return c.op(c.choose(BINARY), pair[::-1] if c.chance() else pair)


def divide(c: Canvas) -> SSAValue | None:
    """A quotient whose divisor is not small."""
    x = c.value(real=True)
    denominator = c.op(elementwise.AbsOp, [_broadcast(c, x)])
    safe = denominator and c.op(elementwise.AddOp, [denominator, _number(c, 0.5, x)])
    return safe and c.op(elementwise.DivOp, [x, safe])


def select(c: Canvas) -> SSAValue | None:
    """One of two operands by a comparison: where both are equal, either is right."""
    x = c.value()
    y = _broadcast(c, x)
    less = c.insert(comparison.LessOp.make([x, y]))
    return c.op(comparison.SelectOp, [less, x, y])


def _broadcast(c: Canvas, x: SSAValue) -> SSAValue:
    """A value that broadcasts to `x`."""
    shape = static_shape_of(x)
    fresh = [1 if c.chance() else size for size in shape][c.integer(0, len(shape)) :]

    def fits(other: tuple[int, ...]) -> bool:
        pairs = zip(shape[::-1], other[::-1], strict=False)
        return len(other) <= len(shape) and all(b in (1, a) for a, b in pairs)

    return c.like(x, fits, fresh)


def _number(c: Canvas, value: float, like: SSAValue) -> SSAValue:
    return c.table(np.asarray(value, numpy_dtype(element_of(like))))
