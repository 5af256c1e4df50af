"""`cancel-inverse-pairs`: movements that undo or continue each other become one or none."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from penstock.dialects.element_types import is_narrow, numpy_dtype
from penstock.dialects.graph.base import element_of, integers, is_static, shape_of
from penstock.dialects.graph.elementwise import CastOp
from penstock.dialects.graph.movement import (
    BroadcastToOp,
    ConcatOp,
    PadOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    counts_of,
    in_numbers,
)
from penstock.passes.graph_rewriting import Graft, apply_patterns, copied_properties
from penstock.passes.remove_no_ops import RemoveSameShape


class MergeTransposes(RewritePattern):
    """`transpose(transpose(x, p), q) -> transpose(x, p[q])`, and `x` if that is the identity."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: TransposeOp, rewriter: PatternRewriter) -> None:
        inner = op.x.owner
        if not isinstance(inner, TransposeOp):
            return
        first, second = inner.permutation.get_values(), op.permutation.get_values()
        graft = Graft(rewriter, op, inner)
        graft.replace(graft.transpose(inner.x, [first[i] for i in second]))


class MergeReshapes(RewritePattern):
    """`reshape(reshape(x)) -> reshape(x)`, and `x` if its shape comes back."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ReshapeOp, rewriter: PatternRewriter) -> None:
        inner = op.x.owner
        if not isinstance(inner, ReshapeOp) or not is_static(inner.x) or not is_static(op.y):
            return
        graft = Graft(rewriter, op, inner)
        graft.replace(graft.reshape(inner.x, shape_of(op.y)))


class MergeBroadcasts(RewritePattern):
    """`broadcast_to(broadcast_to(x)) -> broadcast_to(x)`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: BroadcastToOp, rewriter: PatternRewriter) -> None:
        inner = op.x.owner
        if not isinstance(inner, BroadcastToOp) or not is_static(op.y):
            return
        graft = Graft(rewriter, op, inner)
        graft.replace(graft.op(BroadcastToOp, [inner.x], copied_properties(op)))


def holds_all_of(wide: Attribute, narrow: Attribute) -> bool:
    """Whether every number of one element type is exactly one of another.

    NumPy's rule errs for integers in floats of equal width, and knows nothing of bf16 and of narrow types:
    those count as lossy.
    """
    if is_narrow(narrow) or is_narrow(wide):
        return False
    a, b = numpy_dtype(narrow), numpy_dtype(wide)
    if a == b or a.kind == "b":
        return True
    if "V" in (a.kind, b.kind):
        return False
    if a.kind in "iu" and b.kind == "f":
        return np.iinfo(np.dtype(a.str)).bits < np.finfo(np.dtype(b.str)).nmant + 2
    return np.can_cast(a, b, "safe")


class CancelCasts(RewritePattern):
    """`cast(cast(x, B), C) -> cast(x, C)` if every number of `x` is one of B; `x` if C is its type.

    Through a narrower type the first cast rounds, and stays.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CastOp, rewriter: PatternRewriter) -> None:
        inner = op.x.owner
        if not isinstance(inner, CastOp) or not holds_all_of(inner.to, element_of(inner.x)):
            return
        # From an integer on, a real and the integer it came from are cast to integers by different rules.
        mixed = numpy_dtype(element_of(inner.x)).kind != numpy_dtype(inner.to).kind
        if mixed and op.to != element_of(inner.x):
            return
        graft = Graft(rewriter, op, inner)
        same = op.to == element_of(inner.x)
        graft.replace(inner.x if same else graft.op(CastOp, [inner.x], copied_properties(op)))


class MergeSlices(RewritePattern):
    """`slice(slice(x)) -> slice(x)` over known sizes."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SliceOp, rewriter: PatternRewriter) -> None:
        inner = op.x.owner
        if not isinstance(inner, SliceOp) or not is_static(inner.x):
            return
        taken = [r[s] for r, s in zip(inner.ranges(), op.slices(), strict=True)]
        if any(r.step < 0 or len(r) == 0 for r in taken):
            return
        graft = Graft(rewriter, op, inner)
        graft.replace(graft.op(SliceOp, [inner.x], slice_properties(taken)))


def slice_properties(taken: list[range]) -> dict[str, Attribute]:
    """The properties of a slice that takes these positions, counted upwards."""
    return {
        "starts": integers([r.start for r in taken]),
        "ends": integers([r.stop for r in taken]),
        "steps": integers([r.step for r in taken]),
    }


class SliceOfConcat(RewritePattern):
    """`slice(concat(a, b, c)) -> b` where the range is that of `b`, and `slice(b)` where it is within."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SliceOp, rewriter: PatternRewriter) -> None:
        inner = op.x.owner
        if not isinstance(inner, ConcatOp) or not is_static(op.x):
            return
        axis, ranges = inner.axis.value.data % len(op.slices()), op.ranges()
        taken = ranges[axis]
        if any(r.step < 0 or len(r) == 0 for r in ranges):
            return
        start = 0
        for part in inner.inputs:
            size = shape_of(part)[axis]
            assert isinstance(size, int), "the concatenation has a static shape"
            if start <= taken[0] and taken[-1] < start + size:
                ranges[axis] = range(taken.start - start, taken[-1] - start + 1, taken.step)
                graft = Graft(rewriter, op)
                graft.replace(graft.op(SliceOp, [part], slice_properties(ranges)))
                return
            start += size


class ConcatOfSlices(RewritePattern):
    """`concat(.., x[a:b], x[b:c], ..) -> concat(.., x[a:c], ..)` where neighbouring ranges meet."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ConcatOp, rewriter: PatternRewriter) -> None:
        axis = op.axis.value.data % len(shape_of(op.y))
        for i, (a, b) in enumerate(zip(op.inputs[:-1], op.inputs[1:], strict=True)):
            joined = joined_slices(a, b, axis)
            if joined is None or not isinstance(a.owner, SliceOp):
                continue
            if len(op.inputs) > 2 and not (a.has_one_use() and b.has_one_use()):
                continue
            graft = Graft(rewriter, op)
            both = graft.op(SliceOp, [a.owner.x], slice_properties(joined))
            parts = [*op.inputs[:i], both, *op.inputs[i + 2 :]]
            graft.replace(both if len(parts) == 1 else graft.op(ConcatOp, [parts], copied_properties(op)))
            return


def joined_slices(a: SSAValue, b: SSAValue, axis: int) -> list[range] | None:
    """The ranges of one slice that takes what two slices of one value take behind one another."""
    first, second = a.owner, b.owner
    if not isinstance(first, SliceOp) or not isinstance(second, SliceOp) or first.x is not second.x:
        return None
    if not is_static(first.x):
        return None
    low, high = first.ranges(), second.ranges()
    if any(r.step != 1 for r in (low[axis], high[axis])) or low[axis].stop != high[axis].start:
        return None
    if [*low[:axis], *low[axis + 1 :]] != [*high[:axis], *high[axis + 1 :]]:
        return None
    if any(r.step < 0 or len(r) == 0 for r in (*low, *high)):
        return None
    low[axis] = range(low[axis].start, high[axis].stop)
    return low


class MergeConcats(RewritePattern):
    """`concat(a, concat(b, c)) -> concat(a, b, c)` on one axis, if the inner one has no other use."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ConcatOp, rewriter: PatternRewriter) -> None:
        merged: list[ConcatOp] = []
        parts: list[SSAValue] = []
        for part in op.inputs:
            inner = part.owner
            if isinstance(inner, ConcatOp) and inner.axis == op.axis and part.has_one_use():
                merged.append(inner)
                parts += inner.inputs
            else:
                parts.append(part)
        if merged:
            graft = Graft(rewriter, op, *merged)
            graft.replace(graft.op(ConcatOp, [parts], copied_properties(op)))


class MergePads(RewritePattern):
    """`pad(pad(x)) -> pad(x)` with one constant value and nothing cut off."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PadOp, rewriter: PatternRewriter) -> None:
        inner = op.x.owner
        if not isinstance(inner, PadOp) or inner.value != op.value:
            return
        if any(pad.mode.data != "constant" for pad in (op, inner)):
            return
        found = [counts_of(p) for p in (op.low, inner.low, op.high, inner.high)]
        if any(isinstance(c, str) or c < 0 for count in found for c in count):
            return
        counts = [in_numbers(count) for count in found]
        low, high = (integers([a + b for a, b in zip(*counts[i : i + 2], strict=True)]) for i in (0, 2))
        graft = Graft(rewriter, op, inner)
        graft.replace(graft.op(PadOp, [inner.x], copied_properties(op, low=low, high=high)))


PATTERNS: tuple[type[RewritePattern], ...] = (
    MergeTransposes,
    MergeReshapes,
    MergeBroadcasts,
    CancelCasts,
    MergeSlices,
    SliceOfConcat,
    ConcatOfSlices,
    MergeConcats,
    MergePads,
    RemoveSameShape,
)


@dataclass(frozen=True)
class CancelInversePairsPass(ModulePass):
    """Merge chains of movements and casts; pairs that undo each other vanish.

    Values in between that have other users stay for those.  Quantization followed by its inverse is no such
    pair: it rounds.
    """

    name = "cancel-inverse-pairs"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, *(pattern() for pattern in PATTERNS))
