"""Activation functions written out in elementary ops become one op: for `recognize-composites`."""

import math

from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from penstock.dialects.element_types import is_float
from penstock.dialects.graph.activation import GeluOp, HardSigmoidOp, LeakyReluOp, SigmoidOp
from penstock.dialects.graph.base import element_of, flag, number, shape_of
from penstock.dialects.graph.elementwise import AddOp, ClipOp, DivOp, MaxOp, MulOp, NegOp, PowOp, SubOp
from penstock.dialects.graph.normalization import SoftmaxOp
from penstock.dialects.graph.reduction import ReduceMaxOp, ReduceSumOp
from penstock.dialects.graph.transcendental import ErfOp, ExpOp, TanhOp
from penstock.passes.graph_matching import close, either_order, factors_of, made_by, scaled, with_number
from penstock.passes.graph_rewriting import Graft, axis_attr, number_of


class RecognizeGelu(RewritePattern):
    """`0.5 * x * (1 + erf(x / sqrt(2))) -> gelu(x)`, `0.5 * x * (1 + tanh(...)) -> gelu(x, approximate)`.

    The product may be nested in any way.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MulOp | DivOp, rewriter: PatternRewriter) -> None:
        values, half = factors_of(op.y)
        if len(values) != 2 or not close(half, 0.5, op.y) or not is_float(element_of(op.y)):
            return
        for x, gate in (values, values[::-1]):
            shifted = with_number(gate, AddOp)
            if x.type != op.y.type or shifted is None or shifted[1] != 1:
                continue
            exact, approximate = is_gelu_erf(shifted[0], x), is_gelu_tanh(shifted[0], x)
            if exact or approximate:
                graft = Graft(rewriter, op)
                graft.replace(graft.op(GeluOp, [x], {"approximate": flag(approximate)}))
                return


def is_gelu_erf(value: SSAValue, x: SSAValue) -> bool:
    """Whether the value is `erf(x / sqrt(2))`."""
    erf = made_by(value, ErfOp)
    if erf is None:
        return False
    inner, factor = scaled(erf.x)
    return inner is x and close(factor, math.sqrt(0.5), x)


def is_gelu_tanh(value: SSAValue, x: SSAValue) -> bool:
    """Whether the value is `tanh(sqrt(2 / pi) * (x + 0.044715 * x ^ 3))`."""
    tanh = made_by(value, TanhOp)
    if tanh is None:
        return False
    total, factor = scaled(tanh.x)
    add = made_by(total, AddOp)
    if add is None or not close(factor, math.sqrt(2 / math.pi), x):
        return False
    return any(base is x and _is_cubic(cube, x) for base, cube in either_order(add))


def _is_cubic(value: SSAValue, x: SSAValue) -> bool:
    """Whether the value is `0.044715 * x ^ 3`."""
    values, factor = factors_of(value)
    degree = sum(_degree(v, x) for v in values)
    return close(factor, 0.044715, x) and degree == 3


def _degree(value: SSAValue, x: SSAValue) -> float:
    """`n` where the value is `x ^ n`, written as a power or as a product; NaN otherwise."""
    if value is x:
        return 1
    power, product = made_by(value, PowOp), made_by(value, MulOp)
    if power is not None and power.lhs is x:
        exponent = number_of(power.rhs)
        return math.nan if exponent is None else exponent
    return math.nan if product is None else _degree(product.lhs, x) + _degree(product.rhs, x)


class RecognizeHardSigmoid(RewritePattern):
    """`clip(x + b, 0, c) / c -> hard_sigmoid(x, 1 / c, b / c)`, as in the hard swish."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MulOp | DivOp, rewriter: PatternRewriter) -> None:
        clip, factor = scaled(op.y)
        clipped = made_by(clip, ClipOp)
        if clipped is None or not clip.has_one_use() or clipped.low is None or clipped.high is None:
            return
        high = clipped.high.value.data
        shifted = with_number(clipped.x, AddOp)
        if shifted is None or clipped.low.value.data != 0 or high <= 0 or not close(factor * high, 1, op.y):
            return
        x, shift = shifted
        graft = Graft(rewriter, op, clipped)
        properties = {"alpha": number(1 / high), "beta": number(shift / high)}
        graft.replace(graft.op(HardSigmoidOp, [x], properties))


class RecognizeSigmoid(RewritePattern):
    """`1 / (1 + exp(-x)) -> sigmoid(x)`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DivOp, rewriter: PatternRewriter) -> None:
        shifted = with_number(op.rhs, AddOp)
        power = None if shifted is None else made_by(shifted[0], ExpOp)
        negation = None if power is None else made_by(power.x, NegOp)
        if shifted is None or negation is None or shifted[1] != 1 or number_of(op.lhs) != 1:
            return
        if op.y.type != negation.x.type:
            return
        graft = Graft(rewriter, op)
        graft.replace(graft.op(SigmoidOp, [negation.x]))


class RecognizeLeakyRelu(RewritePattern):
    """`max(x, x * alpha) -> leaky_relu(x, alpha)` where `0 < alpha < 1`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MaxOp, rewriter: PatternRewriter) -> None:
        for x, slope in either_order(op):
            inner, alpha = scaled(slope)
            if inner is x and 0 < alpha < 1 and is_float(element_of(x)):
                graft = Graft(rewriter, op)
                graft.replace(graft.op(LeakyReluOp, [x], {"alpha": number(alpha)}))
                return


class RecognizeSoftmax(RewritePattern):
    """`e / sum(e) -> softmax(x)` along one axis, with `e = exp(x - max(x))`.

    Without the maximum it stays: that one overflows, and a softmax does not.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DivOp, rewriter: PatternRewriter) -> None:
        power, total = made_by(op.lhs, ExpOp), made_by(op.rhs, ReduceSumOp)
        if power is None or total is None or total.x is not power.y or len(total.reduced()) != 1:
            return
        shifted = made_by(power.x, SubOp)
        greatest = None if shifted is None else made_by(shifted.rhs, ReduceMaxOp)
        if shifted is None or greatest is None or greatest.x is not shifted.lhs:
            return
        if greatest.reduced() != total.reduced() or not all(r.keepdims.value.data for r in (greatest, total)):
            return
        # The maximum of no elements has no exponential.
        if shape_of(op.y)[total.reduced()[0]] == 0:
            return
        graft = Graft(rewriter, op, power, total, shifted, greatest)
        graft.replace(graft.op(SoftmaxOp, [shifted.lhs], {"axis": axis_attr(total.reduced()[0])}))


ACTIVATIONS: tuple[type[RewritePattern], ...] = (
    RecognizeGelu,
    RecognizeHardSigmoid,
    RecognizeSigmoid,
    RecognizeLeakyRelu,
    RecognizeSoftmax,
)
