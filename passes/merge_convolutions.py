"""`merge-convolutions`: convolutions of one value that leave vectors half empty become one.

    a = conv(x, w); b = conv(x, v)   ->   y = conv(x, [w; v]); a = y[:, :m]; b = y[:, m:]

The heads of a detector are such: 1 channel for a score, 4 for a box.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from typing import ClassVar

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from penstock.dialects.graph.base import (
    Array,
    channel_axis,
    element_of,
    is_static,
    rank_of,
    static_shape_of,
)
from penstock.dialects.graph.linear import ConvOp
from penstock.dialects.graph.movement import SliceOp
from penstock.dialects.nest.machine import Machine
from penstock.passes.cancel_inverse_pairs import slice_properties
from penstock.passes.graph_rewriting import Graft, apply_patterns, constant_of, copied_properties


@dataclass(frozen=True)
class MergeConvolutionsPass(ModulePass):
    """Merge convolutions by constants that read one value alike, where they fill fewer vectors together.

    Only such whose results are read by convolutions alone: what else reads them would have been done on sums
    in registers, and a convolution reads its part of the channels where it lies.
    """

    name = "merge-convolutions"
    numerics: ClassVar[str] = "reassociates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, MergeConvolutions(Machine.of(op)))


@dataclass
class MergeConvolutions(RewritePattern):
    """`conv(x, w), conv(x, v) -> slices of conv(x, [w; v])`."""

    machine: Machine

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ConvOp, rewriter: PatternRewriter) -> None:
        found = _alike(op)
        if len(found) < 2 or found[0] is not op or not self._fills(found):
            return
        graft = Graft(rewriter, op, *found[1:])
        operands = [op.x, *(graft.constant(np.concatenate(arrays)) for arrays in _constants(found))]
        merged = graft.op(ConvOp, operands, copied_properties(op))
        starts = [0, *accumulate(map(_count, found))]
        parts = [_channels(merged, *each, graft) for each in zip(found, starts, strict=False)]
        for each, part in zip(found, parts, strict=True):
            rewriter.replace(each, [], [part])

    def _fills(self, found: Sequence[ConvOp]) -> bool:
        """Whether fewer vectors hold the channels of all together."""
        lanes, counts = self.machine.lanes(element_of(found[0].y)), [_count(each) for each in found]
        return ceil(sum(counts) / lanes) < sum(ceil(count / lanes) for count in counts)


def _alike(op: ConvOp) -> list[ConvOp]:
    """The convolutions that could be one with `op`, in order; none when it is read otherwise."""
    users = {use.operation for use in op.x.uses}
    block = op.parent_block()
    if len(users) < 2 or block is None or not _is_mergeable(op):
        return []
    others = [other for other in block.ops if isinstance(other, ConvOp) and other in users]
    return [other for other in others if _is_mergeable(other) and _kind(other) == _kind(op)]


def _is_mergeable(op: ConvOp) -> bool:
    """One group, known numbers, and a result that is but the input of convolutions."""
    users = [use.operation for use in op.y.uses]
    return (
        op.groups.value.data == 1
        and is_static(op.y)
        and all(constant_of(value) is not None for value in op.operands[1:])
        and all(isinstance(user, ConvOp) and user.x is op.y for user in users)
    )


def _kind(op: ConvOp) -> tuple[SSAValue, object, tuple[int, ...], bool]:
    """What convolutions that become one have in common."""
    return op.x, copied_properties(op), static_shape_of(op.w)[1:], op.bias is None


def _count(op: ConvOp) -> int:
    return static_shape_of(op.w)[0]


def _constants(found: Sequence[ConvOp]) -> Iterator[list[Array]]:
    """The filters of all, then their biases if there are any."""
    for values in zip(*(each.operands[1:] for each in found), strict=True):
        yield [array for value in values if (array := constant_of(value)) is not None]


def _channels(merged: SSAValue, part: ConvOp, start: int, graft: Graft) -> SSAValue:
    """The channels of the merged result that were a result of their own."""
    taken = [range(size) for size in static_shape_of(part.y)]
    taken[channel_axis(part.layout.data, rank_of(part.y))] = range(start, start + _count(part))
    return graft.op(SliceOp, [merged], slice_properties(taken))
