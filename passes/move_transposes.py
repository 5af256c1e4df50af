"""`move-transposes`: transposes move to where they cancel, or to where fewer bytes pass through them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from penstock.dialects.graph.base import Elementwise, integers, is_static, rank_of, shape_of
from penstock.dialects.graph.linear import MatMulOp
from penstock.dialects.graph.movement import (
    BroadcastToOp,
    ConcatOp,
    PadOp,
    SliceOp,
    TransposeOp,
    counts_attr,
    counts_of,
    dims_attr,
)
from penstock.dialects.graph.reduction import Reduction
from penstock.passes.cancel_inverse_pairs import MergeTransposes
from penstock.passes.graph_rewriting import (
    Graft,
    apply_patterns,
    axis_attr,
    bytes_of,
    constant_of,
    copied_properties,
    inverse,
    is_single,
)
from penstock.passes.remove_no_ops import TransposeToReshape


def permutation_of(op: TransposeOp) -> list[int]:
    """The permutation of a transpose."""
    return [int(p) for p in op.permutation.get_values()]


def transposed(value: SSAValue) -> TransposeOp | None:
    """The transpose that a value comes from, if it is the value's only user's to move."""
    owner = value.owner
    return owner if isinstance(owner, TransposeOp) and value.has_one_use() else None


def common_permutation(values: Sequence[SSAValue]) -> list[int] | None:
    """The permutation of the transposes that values come from, constants and single numbers aside."""
    found: list[int] | None = None
    for value in values:
        transpose = transposed(value)
        if transpose is None and constant_of(value) is None and not is_single(value):
            return None
        if transpose is not None:
            permutation = permutation_of(transpose)
            if found is not None and found != permutation:
                return None
            found = permutation
    return found


def before(value: SSAValue, permutation: Sequence[int], graft: Graft) -> SSAValue:
    """What gives `value` under a transpose: its operand, or a constant transposed back."""
    transpose = transposed(value)
    if transpose is not None:
        return transpose.x
    array = constant_of(value)
    if array is None or array.size == 1:
        return value
    lifted = array.reshape((1,) * (len(permutation) - array.ndim) + array.shape)
    return graft.constant(lifted.transpose(inverse(permutation)))


def transposes_of(values: Sequence[SSAValue]) -> list[TransposeOp]:
    """The transposes among the producers of values."""
    return [t for t in map(transposed, values) if t is not None]


class SinkThroughElementwise(RewritePattern):
    """`f(transpose(x), transpose(y), c) -> transpose(f(x, y, transposed c))`, and alike for `concat`.

    All operands that are no constants come from the same transpose, so that their number never grows; a wider
    result would mean more bytes to move.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: Elementwise | ConcatOp, rewriter: PatternRewriter) -> None:
        permutation = common_permutation(op.operands)
        (y,) = op.results
        if permutation is None or len(permutation) != rank_of(y):
            return
        old = transposes_of(op.operands)
        if bytes_of(y) > sum(bytes_of(t.y) for t in old):
            return
        graft = Graft(rewriter, op, *old)
        if isinstance(op, ConcatOp):
            parts = [before(o, permutation, graft) for o in op.inputs]
            axis = permutation[op.axis.value.data % rank_of(y)]
            new = graft.op(ConcatOp, [parts], {"axis": axis_attr(axis)})
        else:
            operands = [before(o, permutation, graft) for o in op.operands]
            new = graft.op(type(op), operands, copied_properties(op))
        graft.replace(graft.transpose(new, permutation))


class SinkThroughReduction(RewritePattern):
    """`reduce(transpose(x)) -> transpose(reduce(x))`: less is left to transpose, often nothing."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: Reduction, rewriter: PatternRewriter) -> None:
        transpose = transposed(op.x)
        if transpose is None:
            return
        permutation = permutation_of(transpose)
        axes = sorted(permutation[a] for a in op.reduced())
        graft = Graft(rewriter, op, transpose)
        new = graft.op(type(op), [transpose.x], copied_properties(op, axes=integers(axes)))
        if not op.keepdims.value.data:
            left = [a for a in range(len(permutation)) if a not in axes]
            permutation = [left.index(p) for p in permutation if p in left]
        graft.replace(graft.transpose(new, permutation))


class SinkThroughSlice(RewritePattern):
    """`slice(transpose(x)) -> transpose(slice(x))`: only what is taken is transposed."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SliceOp, rewriter: PatternRewriter) -> None:
        transpose = transposed(op.x)
        if transpose is None:
            return
        permutation = permutation_of(transpose)
        back = inverse(permutation)
        bounds = {
            name: integers([values.get_values()[i] for i in back])
            for name, values in (("starts", op.starts), ("ends", op.ends), ("steps", op.steps))
        }
        graft = Graft(rewriter, op, transpose)
        graft.replace(graft.transpose(graft.op(SliceOp, [transpose.x], bounds), permutation))


class HoistAbovePad(RewritePattern):
    """`transpose(pad(x)) -> pad(transpose(x))`, `transpose(broadcast_to(x)) -> broadcast_to(transpose(x))`.

    The transpose then moves what there was before it grew.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: TransposeOp, rewriter: PatternRewriter) -> None:
        inner = op.x.owner
        if not op.x.has_one_use() or not isinstance(inner, PadOp | BroadcastToOp) or not is_static(op.x):
            return
        if rank_of(inner.x) != rank_of(op.x) or bytes_of(inner.x) >= bytes_of(op.x):
            return
        permutation = permutation_of(op)
        graft = Graft(rewriter, op, inner)
        x = graft.transpose(inner.x, permutation)
        if isinstance(inner, BroadcastToOp):
            graft.replace(graft.op(BroadcastToOp, [x], {"shape": dims_attr(shape_of(op.y))}))
            return
        low, high = (counts_attr([counts_of(p)[i] for i in permutation]) for p in (inner.low, inner.high))
        graft.replace(graft.op(PadOp, [x], copied_properties(inner, low=low, high=high)))


class SwapMatMul(RewritePattern):
    """`matmul(a^T, b^T) -> matmul(b, a)^T` where the result is no larger than what was transposed."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MatMulOp, rewriter: PatternRewriter) -> None:
        old = transposes_of([op.a, op.b])
        rank = rank_of(op.y)
        swap = [*range(rank - 2), rank - 1, rank - 2]
        if len(old) < 2 or any(permutation_of(t) != swap for t in old):
            return
        if bytes_of(op.y) > bytes_of(op.a) + bytes_of(op.b):
            return
        graft = Graft(rewriter, op, *old)
        graft.replace(graft.transpose(graft.op(MatMulOp, [old[1].x, old[0].x]), swap))


PATTERNS: tuple[type[RewritePattern], ...] = (
    MergeTransposes,
    TransposeToReshape,
    SinkThroughElementwise,
    SinkThroughReduction,
    SinkThroughSlice,
    HoistAbovePad,
    SwapMatMul,
)


@dataclass(frozen=True)
class MoveTransposesPass(ModulePass):
    """Sink transposes below what works on either side of them; those that meet are merged.

    A transpose moves only if nothing else reads it, and never to where it moves more bytes.
    """

    name = "move-transposes"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, *(pattern() for pattern in PATTERNS))
