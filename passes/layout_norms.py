"""Instance and group norms for `assign-layout`: channels-last they are written out in means.

A layer norm takes its moments over the last dims, and with the channels there the spatial dims are no longer
last.  As means over any dims they may be where they are, and the vectors run along the channels.
"""

from collections.abc import Sequence

from xdsl.ir import Block, Operation, SSAValue

from penstock.dialects.element_types import byte_size
from penstock.dialects.graph.base import element_of, flag, integers, rank_of, shape_of
from penstock.dialects.graph.elementwise import AddOp, DivOp, MulOp, SqrtOp, SubOp
from penstock.dialects.graph.movement import ReshapeOp
from penstock.dialects.graph.normalization import LayerNormOp
from penstock.dialects.graph.reduction import ReduceMeanOp
from penstock.passes.graph_rewriting import Graft
from penstock.passes.layout_rules import Flexible, Role, last_order, permuted
from penstock.passes.layout_shuffle import split_order


def written_out(graft: Graft, x: SSAValue, axes: Sequence[int], eps: float) -> SSAValue:
    """`(x - mean) / sqrt(variance + eps)` over axes."""
    over = {"axes": integers(axes), "keepdims": flag(True)}
    centred = graft.op(SubOp, [x, graft.op(ReduceMeanOp, [x], over)])
    variance = graft.op(ReduceMeanOp, [graft.op(MulOp, [centred, centred])], over)
    shifted = graft.op(AddOp, [variance, graft.scalar(eps, variance)])
    return graft.op(DivOp, [centred, graft.op(SqrtOp, [shifted])])


def find_norms(block: Block) -> tuple[dict[Operation, Flexible], dict[SSAValue, list[int]]]:
    """How norms per channel or group work channels-last, and the order of the dims of values inside."""
    plans: dict[Operation, Flexible] = {}
    orders: dict[SSAValue, list[int]] = {}
    for op in block.ops:
        if not isinstance(op, LayerNormOp) or op.axis.value.data != 2 or len(op.operands) > 1:
            continue
        # A narrow type would round, or overflow, the squares that a layer norm keeps in a wider one.
        if byte_size(element_of(op.x)) < 4:
            continue
        group = _group(op)
        if group is not None:
            split, merge = group
            order = split_order(rank_of(op.x))
            orders |= {op.x: order, op.y: order}
            plans |= {split: _reshape(split, order), merge: _reshape(merge, last_order(rank_of(merge.y)))}
            plans[op] = _norm(op, [*range(1, rank_of(op.x) - 2), rank_of(op.x) - 1])
        elif rank_of(op.x) > 2:
            plans[op] = _norm(op, range(1, rank_of(op.x) - 1))
    return plans, orders


def _norm(op: LayerNormOp, axes: Sequence[int]) -> Flexible:
    def build(graft: Graft, values: Sequence[SSAValue]) -> Sequence[SSAValue]:
        return [written_out(graft, values[0], axes, op.eps.value.data)]

    return Flexible((Role.FOLLOWS,), Role.FOLLOWS, build)


def _group(op: LayerNormOp) -> tuple[ReshapeOp, ReshapeOp] | None:
    """The reshapes to `[n, groups, channels / groups, ...]` and back around a group norm."""
    split = op.x.owner
    if not isinstance(split, ReshapeOp) or not op.x.has_one_use() or not op.y.has_one_use():
        return None
    merge = next(iter(op.y.uses)).operation
    outer, inner = shape_of(split.x), shape_of(op.x)
    if not isinstance(merge, ReshapeOp) or shape_of(merge.y) != outer or len(outer) < 3:
        return None
    return (split, merge) if inner[:1] + inner[3:] == outer[:1] + outer[2:] else None


def _reshape(op: ReshapeOp, order: Sequence[int]) -> Flexible:
    def build(graft: Graft, values: Sequence[SSAValue]) -> Sequence[SSAValue]:
        return [graft.reshape(values[0], permuted(shape_of(op.y), order))]

    return Flexible((Role.FOLLOWS,), Role.FOLLOWS, build)
