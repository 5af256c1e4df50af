"""Layer normalization written out in elementary ops becomes one op: for `recognize-composites`."""

from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from penstock.dialects.element_types import is_float
from penstock.dialects.graph.base import element_of, number
from penstock.dialects.graph.elementwise import AddOp, DivOp, MulOp, PowOp, SqrtOp, SubOp
from penstock.dialects.graph.normalization import LayerNormOp, RmsNormOp
from penstock.passes.graph_matching import (
    broadcasts_into,
    deviation,
    either_order,
    eps_of,
    is_square_of,
    made_by,
    trailing_mean,
    with_number,
)
from penstock.passes.graph_rewriting import Graft, axis_attr, number_of


@dataclass(frozen=True)
class Moments:
    """What a layer norm normalizes, and how."""

    x: SSAValue
    mean: SSAValue
    axis: int
    eps: float


def mean_square(value: SSAValue) -> tuple[SSAValue, int, float] | None:
    """`d`, `axis` and `eps` where the value is `mean(d * d) + eps`."""
    shifted = with_number(value, AddOp)
    mean = None if shifted is None else trailing_mean(shifted[0])
    if shifted is None or mean is None or not is_float(element_of(value)) or shifted[1] <= 0:
        return None
    square = mean[0].owner
    if (
        not isinstance(square, Operation)
        or not square.operands
        or not is_square_of(mean[0], square.operands[0])
    ):
        return None
    return square.operands[0], mean[1], eps_of(shifted[1])


def moments_of(value: SSAValue) -> Moments | None:
    """The moments where the value is `mean((x - mean(x)) ^ 2) + eps`."""
    square = mean_square(value)
    centred = None if square is None else deviation(square[0])
    if square is None or centred is None or centred[2] != square[1]:
        return None
    return Moments(centred[0], centred[1], centred[2], square[2])


def radicand(value: SSAValue) -> SSAValue | None:
    """`v` where the value is `sqrt(v)` or `pow(v, 0.5)`."""
    root, power = made_by(value, SqrtOp), made_by(value, PowOp)
    if root is not None:
        return root.x
    return power.lhs if power is not None and number_of(power.rhs) == 0.5 else None


def inverse_radicand(value: SSAValue) -> SSAValue | None:
    """`v` where the value is `1 / sqrt(v)` or `pow(v, -0.5)`."""
    quotient, power = made_by(value, DivOp), made_by(value, PowOp)
    if quotient is not None:
        return radicand(quotient.rhs) if number_of(quotient.lhs) == 1 else None
    return power.lhs if power is not None and number_of(power.rhs) == -0.5 else None


def divided(op: DivOp | MulOp) -> tuple[SSAValue, SSAValue] | None:
    """`d` and `v` where the op is `d / sqrt(v)` or `d * (1 / sqrt(v))`."""
    if isinstance(op, DivOp):
        v = radicand(op.rhs)
        return None if v is None else (op.lhs, v)
    for d, inverse in either_order(op):
        v = inverse_radicand(inverse)
        if v is not None:
            return d, v
    return None


class RecognizeLayerNorm(RewritePattern):
    """`d / sqrt(mean(d * d) + eps) -> layer_norm(x)` with `d = x - mean(x)`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DivOp | MulOp, rewriter: PatternRewriter) -> None:
        parts = divided(op)
        moments = None if parts is None else moments_of(parts[1])
        centred = None if parts is None else deviation(parts[0])
        if moments is None or centred is None or centred[:2] != (moments.x, moments.mean):
            return
        replace_by_norm(op, moments, None, None, rewriter)


class RecognizeFactoredLayerNorm(RewritePattern):
    """`x * g + (b - mean * g) -> layer_norm(x, scale, b)` with `g = scale / sqrt(variance + eps)`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: AddOp, rewriter: PatternRewriter) -> None:
        for product, rest in either_order(op):
            multiply, shift = made_by(product, MulOp), made_by(rest, SubOp)
            correction = None if shift is None else made_by(shift.rhs, MulOp)
            if multiply is None or shift is None or correction is None:
                continue
            for x, g in either_order(multiply):
                scale = self._scale(x, g, correction)
                if scale is not None and broadcasts_into(shift.lhs, x, scale[1].axis):
                    replace_by_norm(op, scale[1], scale[0], shift.lhs, rewriter)
                    return

    def _scale(self, x: SSAValue, g: SSAValue, correction: MulOp) -> tuple[SSAValue, Moments] | None:
        """The scale and the moments, if `g` has them and the correction is `mean * g`."""
        product = made_by(g, MulOp)
        if product is None:
            return None
        for scale, inverse in either_order(product):
            v = inverse_radicand(inverse)
            moments = None if v is None else moments_of(v)
            if moments is None or moments.x is not x or not broadcasts_into(scale, x, moments.axis):
                continue
            if {correction.lhs, correction.rhs} == {moments.mean, g}:
                return scale, moments
        return None


def replace_by_norm(
    op: Operation, moments: Moments, scale: SSAValue | None, bias: SSAValue | None, rewriter: PatternRewriter
) -> None:
    """Replace an op, and what leads to it from the operand of the norm, by a layer norm."""
    graft = Graft(rewriter, op, *reversed(between(op, moments.x, (scale, bias))))
    properties = {"axis": axis_attr(moments.axis), "eps": number(moments.eps)}
    graft.replace(graft.op(LayerNormOp, [moments.x, scale, bias], properties))


def between(op: Operation, x: SSAValue, others: tuple[SSAValue | None, ...]) -> list[Operation]:
    """The ops on the way from `x` to `op`, the last one first."""
    found: list[Operation] = []
    pending = [op]
    while pending:
        for operand in pending.pop().operands:
            owner = operand.owner
            if (
                isinstance(owner, Operation)
                and owner not in found
                and operand is not x
                and operand not in others
            ):
                found.append(owner)
                pending.append(owner)
    return found


class RecognizeRmsNorm(RewritePattern):
    """`x / sqrt(mean(x * x) + eps) -> rms_norm(x)`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DivOp | MulOp, rewriter: PatternRewriter) -> None:
        parts = divided(op)
        square = None if parts is None else mean_square(parts[1])
        # The deviation from a mean belongs to a layer norm.
        if parts is None or square is None or square[0] is not parts[0] or deviation(parts[0]) is not None:
            return
        x, axis, eps = square
        graft = Graft(rewriter, op, *reversed(between(op, x, ())))
        graft.replace(graft.op(RmsNormOp, [x, None], {"axis": axis_attr(axis), "eps": number(eps)}))


class AbsorbScale(RewritePattern):
    """`layer_norm(x) * scale -> layer_norm(x, scale)`, and alike for `rms_norm`, if nothing else reads it."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MulOp, rewriter: PatternRewriter) -> None:
        for y, scale in either_order(op):
            norm = y.owner
            if not isinstance(norm, LayerNormOp | RmsNormOp) or not y.has_one_use() or norm.scale is not None:
                continue
            if isinstance(norm, LayerNormOp) and norm.bias is not None:
                continue
            if not broadcasts_into(scale, y, norm.axis.value.data):
                continue
            graft = Graft(rewriter, op, norm)
            operands = [norm.x, scale, None] if isinstance(norm, LayerNormOp) else [norm.x, scale]
            graft.replace(graft.op(type(norm), operands, {"axis": norm.axis, "eps": norm.eps}))
            return


class AbsorbBias(RewritePattern):
    """`layer_norm(x, scale) + bias -> layer_norm(x, scale, bias)`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: AddOp, rewriter: PatternRewriter) -> None:
        for y, bias in either_order(op):
            norm = made_by(y, LayerNormOp)
            if norm is None or not y.has_one_use() or norm.bias is not None:
                continue
            if not broadcasts_into(bias, y, norm.axis.value.data):
                continue
            graft = Graft(rewriter, op, norm)
            properties = {"axis": norm.axis, "eps": norm.eps}
            graft.replace(graft.op(LayerNormOp, [norm.x, norm.scale, bias], properties))
            return


LAYER_NORM: tuple[type[RewritePattern], ...] = (
    RecognizeLayerNorm,
    RecognizeFactoredLayerNorm,
    RecognizeRmsNorm,
    AbsorbScale,
    AbsorbBias,
)
