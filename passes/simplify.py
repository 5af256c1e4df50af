"""`simplify`: algebraic identities that hold for every number, infinities, NaN and signed zeros included."""

import math
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import FloatAttr, ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from penstock.dialects.element_types import is_float
from penstock.dialects.graph.base import element_of, is_static, number, shape_of
from penstock.dialects.graph.comparison import NotOp, SelectOp
from penstock.dialects.graph.elementwise import (
    AbsOp,
    AddOp,
    CeilOp,
    ClipOp,
    DivOp,
    FloorOp,
    MaxOp,
    MinOp,
    MulOp,
    NegOp,
    PowOp,
    RoundOp,
    SignOp,
    SubOp,
)
from penstock.dialects.graph.movement import BroadcastToOp, dims_attr
from penstock.passes.graph_rewriting import Graft, apply_patterns, constant_of, number_of


def is_number(value: SSAValue, wanted: float) -> bool:
    """Whether a value is a constant of one element, this number with this sign."""
    found = number_of(value)
    if found is None or found != wanted:
        return False
    return not is_float(element_of(value)) or math.copysign(1, found) == math.copysign(1, wanted)


class MultiplyByOne(RewritePattern):
    """`x * 1 -> x`, `1 * x -> x`, `x / 1 -> x`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MulOp | DivOp, rewriter: PatternRewriter) -> None:
        for x, one in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
            if is_number(one, 1) and x.type == op.y.type and (x is op.lhs or isinstance(op, MulOp)):
                rewriter.replace(op, [], [x])
                return


class AddNegativeZero(RewritePattern):
    """`x + -0.0 -> x`, `x - 0.0 -> x`, and for integers `x + 0 -> x`: `-0.0 + 0.0` would be `0.0`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: AddOp | SubOp, rewriter: PatternRewriter) -> None:
        neutral = -0.0 if isinstance(op, AddOp) else 0.0
        for x, zero in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
            if is_number(zero, neutral) and x.type == op.y.type and (x is op.lhs or isinstance(op, AddOp)):
                rewriter.replace(op, [], [x])
                return


class AddNegation(RewritePattern):
    """`x + -y -> x - y`, `x - -y -> x + y`: rounding is symmetric in the sign."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: AddOp | SubOp, rewriter: PatternRewriter) -> None:
        negation = op.rhs.owner
        if isinstance(negation, NegOp):
            graft = Graft(rewriter, op, negation)
            graft.replace(graft.op(SubOp if isinstance(op, AddOp) else AddOp, [op.lhs, negation.x]))


class UndoNegation(RewritePattern):
    """`-(-x) -> x`, `not(not(x)) -> x`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: NegOp | NotOp, rewriter: PatternRewriter) -> None:
        inner = op.x.owner
        if isinstance(inner, NegOp | NotOp) and type(inner) is type(op):
            rewriter.replace(op, [], [inner.x])


class RepeatProjection(RewritePattern):
    """`f(f(x)) -> f(x)` for `abs`, `sign`, `floor`, `ceil` and `round`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(
        self, op: AbsOp | SignOp | FloorOp | CeilOp | RoundOp, rewriter: PatternRewriter
    ) -> None:
        if type(op.x.owner) is type(op):
            rewriter.replace(op, [], [op.x])


class MergeClips(RewritePattern):
    """`clip(clip(x, a, b), c, d) -> clip(x, max(a, c), min(b, d))` where the two ranges overlap."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ClipOp, rewriter: PatternRewriter) -> None:
        inner = op.x.owner
        if not isinstance(inner, ClipOp) or not is_float(element_of(op.x)):
            return
        low = max((p for p in map(_bound, (inner.low, op.low)) if p is not None), default=None)
        high = min((p for p in map(_bound, (inner.high, op.high)) if p is not None), default=None)
        # Which of two zeros wins is not told by comparing them.
        bounds = [b for b in map(_bound, (inner.low, op.low, inner.high, op.high)) if b is not None]
        if (low is not None and high is not None and low > high) or any(math.isnan(b) for b in bounds):
            return
        if len({math.copysign(1, b) for b in bounds if b == 0}) > 1:
            return
        graft = Graft(rewriter, op, inner)
        graft.replace(graft.op(ClipOp, [inner.x], clip_properties(low, high)))


def clip_properties(low: float | None, high: float | None) -> dict[str, FloatAttr | None]:
    """The properties of a clip."""
    return {"low": None if low is None else number(low), "high": None if high is None else number(high)}


def _bound(attribute: FloatAttr | None) -> float | None:
    return None if attribute is None else attribute.value.data


class ExtremeOfItself(RewritePattern):
    """`max(x, x) -> x`, `min(x, x) -> x`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MaxOp | MinOp, rewriter: PatternRewriter) -> None:
        if op.lhs is op.rhs:
            rewriter.replace(op, [], [op.lhs])


class SimplePower(RewritePattern):
    """`pow(x, 1) -> x`, `pow(x, 2) -> x * x` in f64, f32 and integers.

    The power is the exact one, rounded once, and so is a product.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PowOp, rewriter: PatternRewriter) -> None:
        if op.lhs.type != op.y.type:
            return
        if is_number(op.rhs, 1):
            rewriter.replace(op, [], [op.lhs])
        elif is_number(op.rhs, 2):
            graft = Graft(rewriter, op)
            graft.replace(graft.op(MulOp, [op.lhs, op.lhs]))


class SelectKnown(RewritePattern):
    """`select(true, x, y) -> x`, `select(false, x, y) -> y`, `select(c, x, x) -> x`, broadcast if need be."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SelectOp, rewriter: PatternRewriter) -> None:
        condition = constant_of(op.a)
        if op.b is op.c:
            chosen = op.b
        elif condition is not None and condition.size and (condition.all() or not condition.any()):
            chosen = op.b if condition.all() else op.c
        else:
            return
        if not is_static(op.y) or not is_static(chosen):
            return
        graft = Graft(rewriter, op)
        if chosen.type != op.y.type:
            chosen = graft.op(BroadcastToOp, [chosen], {"shape": dims_attr(shape_of(op.y))})
        graft.replace(chosen)


PATTERNS: tuple[type[RewritePattern], ...] = (
    MultiplyByOne,
    AddNegativeZero,
    AddNegation,
    UndoNegation,
    RepeatProjection,
    MergeClips,
    ExtremeOfItself,
    SimplePower,
    SelectKnown,
)


@dataclass(frozen=True)
class SimplifyPass(ModulePass):
    """Apply identities whose two sides are equal bit by bit (NaNs as one), until none applies.

    What is equal only for some numbers stays: `x + 0.0`, `x * 0`, `x - x`, `x / x`, `sqrt(x) * sqrt(x)`.
    """

    name = "simplify"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, *(pattern() for pattern in PATTERNS))
