"""The derivative of each operation of the graph, as what its operands get of the gradient of its result.

A rule gives one function for each operand, so that only what is asked for is built.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

from xdsl.dialects.builtin import FloatAttr
from xdsl.ir import Attribute, SSAValue

from penstock.dialects.element_types import is_float
from penstock.dialects.graph import activation, elementwise, movement, reduction, transcendental
from penstock.dialects.graph.base import (
    GraphOp,
    element_of,
    extent_of,
    integers,
    normalize_axis,
    rank_of,
    shape_of,
)
from penstock.dialects.graph.comparison import SelectOp
from penstock.dialects.graph.linear import MatMulOp
from penstock.dialects.graph.normalization import LogSoftmaxOp, SoftmaxOp
from penstock.onnx_import.terms import Term
from penstock.onnx_import.unsupported import Unsupported

Share: TypeAlias = Callable[[], Term]
"""What an operand gets of the gradient, built when it is asked for; it may still be broadcast."""
Rule: TypeAlias = Callable[[GraphOp, Term], Sequence[Share]]


def shares(op: GraphOp, gradient: Term) -> Sequence[Share]:
    """What each operand gets; `Unsupported` names an operation without a rule."""
    rule = RULES.get(type(op))
    if rule is None:
        name = op.name.removeprefix("graph.")
        raise Unsupported(f"the derivative of {name} is not known", "Differentiate before the export.")
    return rule(op, gradient)


def summed_to(term: Term, value: SSAValue) -> Term:
    """The gradient of a value that was broadcast: the sum over what it was repeated along."""
    shape = shape_of(value)
    lead = len(term.shape) - len(shape)
    pairs = enumerate(zip(term.shape[lead:], shape, strict=True), lead)
    axes = [*range(lead), *(axis for axis, (many, one) in pairs if one == 1 and many != 1)]
    return (term.sum(*axes) if axes else term).reshape(*shape)


def zeros(term: Term) -> Term:
    """As many zeros."""
    return term.filled(0).broadcast(*term.shape)


def unary(slope: Callable[[Term, Term], Term]) -> Rule:
    """The rule of a function of one number, from its slope at operand and result."""

    def rule(op: GraphOp, gradient: Term) -> Sequence[Share]:
        x, y = (gradient.like(value) for value in (op.operands[0], op.results[0]))
        return [lambda: gradient * slope(x, y)]

    return rule


def flat(op: GraphOp, gradient: Term) -> Sequence[Share]:
    """Steps: they are level everywhere but where they have no slope."""
    return [lambda: zeros(gradient) for _ in op.operands]


def _operands(op: GraphOp, gradient: Term) -> list[Term]:
    return [gradient.like(value) for value in op.operands]


def _mul(op: GraphOp, gradient: Term) -> Sequence[Share]:
    a, b = _operands(op, gradient)
    return [lambda: gradient * b, lambda: gradient * a]


def _div(op: GraphOp, gradient: Term) -> Sequence[Share]:
    a, b = _operands(op, gradient)
    return [lambda: gradient / b, lambda: 0 - gradient * a / (b * b)]


def _pow(op: GraphOp, gradient: Term) -> Sequence[Share]:
    a, b = _operands(op, gradient)

    def of_exponent() -> Term:
        # Where the base is 0 the power is level.
        log = (a > 0).where(a.apply(transcendental.LogOp), 0)
        return gradient * gradient.like(op.results[0]) * log

    return [
        lambda: gradient * b * a.like(a.build.op(elementwise.PowOp, [a.value, (b - 1).value])),
        of_exponent,
    ]


def _greater(op: GraphOp, gradient: Term) -> Sequence[Share]:
    a, b = _operands(op, gradient)
    return [lambda: (b <= a).where(gradient, 0), lambda: (a < b).where(gradient, 0)]


def _smaller(op: GraphOp, gradient: Term) -> Sequence[Share]:
    a, b = _operands(op, gradient)
    return [lambda: (a <= b).where(gradient, 0), lambda: (b < a).where(gradient, 0)]


def _select(op: GraphOp, gradient: Term) -> Sequence[Share]:
    condition = gradient.like(op.operands[0])
    return [
        lambda: zeros(gradient),
        lambda: condition.where(gradient, 0),
        lambda: (~condition).where(gradient, 0),
    ]


def _cast(op: GraphOp, gradient: Term) -> Sequence[Share]:
    return [lambda: gradient.cast(element_of(op.operands[0]))]


def _clip(op: GraphOp, gradient: Term) -> Sequence[Share]:
    x, y = (gradient.like(value) for value in (op.operands[0], op.results[0]))
    clip = cast(elementwise.ClipOp, op)
    low, high = _number(clip.low, -math.inf), _number(clip.high, math.inf)
    return [lambda: ((y > low) & (y < high) & x.equals(y)).where(gradient, 0)]


def _number(attribute: FloatAttr | None, default: float) -> float:
    return default if attribute is None else attribute.value.data


def _alpha(op: GraphOp) -> float:
    attribute: Attribute = op.properties["alpha"]
    assert isinstance(attribute, FloatAttr), "the slope is a number"
    return attribute.value.data


def _leaky(op: GraphOp, gradient: Term) -> Sequence[Share]:
    x = gradient.like(op.operands[0])
    return [lambda: (x < 0).where(gradient * _alpha(op), gradient)]


def _elu(op: GraphOp, gradient: Term) -> Sequence[Share]:
    x, y = (gradient.like(value) for value in (op.operands[0], op.results[0]))
    return [lambda: (x < 0).where(gradient * (y + _alpha(op)), gradient)]


def _hard_sigmoid(op: GraphOp, gradient: Term) -> Sequence[Share]:
    y = gradient.like(op.results[0])
    return [lambda: ((y > 0) & (y < 1)).where(gradient * _alpha(op), 0)]


def _gelu(op: GraphOp, gradient: Term) -> Sequence[Share]:
    if cast(activation.GeluOp, op).approximate.value.data:
        raise Unsupported("the derivative of gelu by tanh is not known", "Use the exact form.")
    x = gradient.like(op.operands[0])

    def share() -> Term:
        below = (_call(x * math.sqrt(0.5), transcendental.ErfOp) + 1) * 0.5
        density = _call(x * x * -0.5, transcendental.ExpOp) * (1 / math.sqrt(2 * math.pi))
        return gradient * (below + x * density)

    return [share]


def _call(x: Term, kind: type[GraphOp]) -> Term:
    return x.apply(kind)


def _matmul(op: GraphOp, gradient: Term) -> Sequence[Share]:
    a, b = _operands(op, gradient)
    return [lambda: gradient @ _turned(b), lambda: _turned(a) @ gradient]


def _turned(x: Term) -> Term:
    """Matrices with rows and columns exchanged."""
    rank = len(x.shape)
    return x.transpose(*range(rank - 2), rank - 1, rank - 2)


def _transpose(op: GraphOp, gradient: Term) -> Sequence[Share]:
    order = cast(movement.TransposeOp, op).permutation.get_values()
    return [lambda: gradient.transpose(*(order.index(axis) for axis in range(len(order))))]


def _reshape(op: GraphOp, gradient: Term) -> Sequence[Share]:
    return [lambda: gradient.reshape(*shape_of(op.operands[0]))]


def _broadcast(op: GraphOp, gradient: Term) -> Sequence[Share]:
    return [lambda: gradient]


def _concat(op: GraphOp, gradient: Term) -> Sequence[Share]:
    axis = normalize_axis(cast(movement.ConcatOp, op).axis.value.data, len(gradient.shape))
    ends = [0]
    for operand in op.operands:
        size = shape_of(operand)[axis]
        if not isinstance(size, int):
            raise Unsupported("the derivative of concat needs known sizes", "Give fixed shapes.")
        ends.append(ends[-1] + size)
    bounds = zip(ends, ends[1:], strict=False)
    return [lambda start=start, end=end: gradient.slice(axis, start, end) for start, end in bounds]


def _slice(op: GraphOp, gradient: Term) -> Sequence[Share]:
    """Zeros around, and between where the slice has steps over elements."""
    ranges = cast(movement.SliceOp, op).ranges()
    shape = [extent_of(size) for size in shape_of(op.operands[0])]
    if len(ranges) != len(shape) or any(r.step != 1 for r in ranges):
        raise Unsupported("the derivative of a slice with steps is not known", "Use slices without steps.")
    low = [r.start for r in ranges]
    high = [size - r.stop for r, size in zip(ranges, shape, strict=True)]
    properties = {"low": integers(low), "high": integers(high)}
    return [lambda: gradient.like(gradient.build.op(movement.PadOp, [gradient.value], properties))]


def _kept(op: GraphOp, reduced: Term) -> Term:
    """What was reduced, with dims of size 1 where the operand was summed over."""
    axes = cast(reduction.Reduction, op).reduced()
    x = shape_of(op.operands[0])
    return reduced.reshape(*(1 if axis in axes else size for axis, size in enumerate(x)))


def _sum(op: GraphOp, gradient: Term) -> Sequence[Share]:
    return [lambda: _kept(op, gradient).broadcast(*shape_of(op.operands[0]))]


def _mean(op: GraphOp, gradient: Term) -> Sequence[Share]:
    axes, x = cast(reduction.Reduction, op).reduced(), shape_of(op.operands[0])
    sizes = [size for axis, size in enumerate(x) if axis in axes and isinstance(size, int)]
    if len(sizes) != len(axes):
        raise Unsupported("the derivative of a mean needs known sizes", "Give fixed shapes.")
    return [lambda: _kept(op, gradient / math.prod(sizes)).broadcast(*x)]


def _extreme(op: GraphOp, gradient: Term) -> Sequence[Share]:
    """Those that are the extreme share the gradient."""
    x, y = (gradient.like(value) for value in (op.operands[0], op.results[0]))

    def share() -> Term:
        chosen = x.equals(_kept(op, y)).cast(x.element)
        count = chosen.sum(*cast(reduction.Reduction, op).reduced())
        return chosen * _kept(op, gradient) / _kept(op, count)

    return [share]


def _along(op: GraphOp) -> int:
    axis = cast(SoftmaxOp | LogSoftmaxOp, op).axis.value.data
    return normalize_axis(axis, rank_of(op.operands[0]))


def _total(op: GraphOp, term: Term) -> Term:
    """The sum along the axis of an operation, which stays with size 1."""
    axis = _along(op)
    return term.sum(axis).reshape(*(1 if i == axis else size for i, size in enumerate(term.shape)))


def _softmax(op: GraphOp, gradient: Term) -> Sequence[Share]:
    y = gradient.like(op.results[0])
    return [lambda: y * (gradient - _total(op, gradient * y))]


def _log_softmax(op: GraphOp, gradient: Term) -> Sequence[Share]:
    y = gradient.like(op.results[0])
    return [lambda: gradient - y.apply(transcendental.ExpOp) * _total(op, gradient)]


def is_differentiable(value: SSAValue) -> bool:
    """Whether a value is of reals: others have no slope."""
    return is_float(element_of(value))


RULES: Mapping[type[GraphOp], Rule] = {
    activation.EluOp: _elu,
    activation.GeluOp: _gelu,
    activation.HardSigmoidOp: _hard_sigmoid,
    activation.LeakyReluOp: _leaky,
    activation.SigmoidOp: unary(lambda x, y: y * (1 - y)),
    activation.SoftplusOp: unary(lambda x, y: x.apply(activation.SigmoidOp)),
    elementwise.AbsOp: unary(lambda x, y: x.apply(elementwise.SignOp)),
    elementwise.AddOp: lambda op, gradient: [lambda: gradient, lambda: gradient],
    elementwise.CastOp: _cast,
    elementwise.CeilOp: flat,
    elementwise.ClipOp: _clip,
    elementwise.DivOp: _div,
    elementwise.FloorOp: flat,
    elementwise.MaxOp: _greater,
    elementwise.MinOp: _smaller,
    elementwise.MulOp: _mul,
    elementwise.NegOp: lambda op, gradient: [lambda: 0 - gradient],
    elementwise.PowOp: _pow,
    elementwise.RoundOp: flat,
    elementwise.SignOp: flat,
    elementwise.SqrtOp: unary(lambda x, y: 0.5 / y),
    elementwise.SubOp: lambda op, gradient: [lambda: gradient, lambda: 0 - gradient],
    LogSoftmaxOp: _log_softmax,
    MatMulOp: _matmul,
    movement.BroadcastToOp: _broadcast,
    movement.ConcatOp: _concat,
    movement.ReshapeOp: _reshape,
    movement.SliceOp: _slice,
    movement.TransposeOp: _transpose,
    reduction.ReduceMaxOp: _extreme,
    reduction.ReduceMeanOp: _mean,
    reduction.ReduceMinOp: _extreme,
    reduction.ReduceSumOp: _sum,
    SelectOp: _select,
    SoftmaxOp: _softmax,
    transcendental.AcosOp: unary(lambda x, y: -1 / (1 - x * x).sqrt()),
    transcendental.AcoshOp: unary(lambda x, y: 1 / (x * x - 1).sqrt()),
    transcendental.AsinOp: unary(lambda x, y: 1 / (1 - x * x).sqrt()),
    transcendental.AsinhOp: unary(lambda x, y: 1 / (x * x + 1).sqrt()),
    transcendental.AtanOp: unary(lambda x, y: 1 / (x * x + 1)),
    transcendental.AtanhOp: unary(lambda x, y: 1 / (1 - x * x)),
    transcendental.CosOp: unary(lambda x, y: 0 - x.apply(transcendental.SinOp)),
    transcendental.CoshOp: unary(lambda x, y: x.apply(transcendental.SinhOp)),
    transcendental.ErfOp: unary(
        lambda x, y: (0 - x * x).apply(transcendental.ExpOp) * (2 / math.sqrt(math.pi))
    ),
    transcendental.ExpOp: unary(lambda x, y: y),
    transcendental.LogOp: unary(lambda x, y: 1 / x),
    transcendental.SinOp: unary(lambda x, y: x.apply(transcendental.CosOp)),
    transcendental.SinhOp: unary(lambda x, y: x.apply(transcendental.CoshOp)),
    transcendental.TanOp: unary(lambda x, y: y * y + 1),
    transcendental.TanhOp: unary(lambda x, y: 1 - y * y),
}
"""Operation -> its rule."""
