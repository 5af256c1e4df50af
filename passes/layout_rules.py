"""How graph ops are written over tensors with their channels last: one rule per kind of op.

`assign-layout` asks `flexible(op)` what an op needs in order to work in either order of its dims.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from xdsl.dialects.builtin import DenseArrayBase, StringAttr, f64
from xdsl.ir import Attribute, Operation, SSAValue

from penstock.dialects.graph.base import (
    CHANNELS_FIRST,
    CHANNELS_LAST,
    Dim,
    Elementwise,
    GraphOp,
    integers,
    normalize_axis,
    rank_of,
    shape_of,
)
from penstock.dialects.graph.indexing import GatherOp
from penstock.dialects.graph.linear import Convolution, ConvTransposeOp
from penstock.dialects.graph.movement import (
    BroadcastToOp,
    ConcatOp,
    PadOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    are_counts,
    counts_attr,
    counts_of,
    dims_attr,
)
from penstock.dialects.graph.normalization import BatchNormOp, LocalResponseNormOp, LogSoftmaxOp, SoftmaxOp
from penstock.dialects.graph.ordering import CumProdOp, CumSumOp, TopKOp
from penstock.dialects.graph.pooling import AveragePoolOp, MaxPoolOp
from penstock.dialects.graph.reduction import Reduction
from penstock.dialects.graph.resize import ResizeOp
from penstock.passes.graph_rewriting import (
    Graft,
    Properties,
    axis_attr,
    bytes_of,
    copied_properties,
    count_of,
    groups_of,
    inverse,
    is_single,
)


class Role(Enum):
    """What becomes of an operand when the op works channels-last."""

    STAYS = "as it is"
    FOLLOWS = "channels-last too"
    LIFTED = "of lower rank: given leading dims of size 1, then channels-last"


@dataclass(frozen=True)
class Flexible:
    """An op that can work with its channels last.

    `operands` and `results` say what else is channels-last then; `penalty` is what it costs, in bytes moved,
    to work channels-first instead.
    """

    operands: tuple[Role, ...]
    results: Role
    build: Callable[[Graft, Sequence[SSAValue]], Sequence[SSAValue]]
    penalty: int = 0


Rule = Callable[[GraphOp], Flexible | None]


def last_order(rank: int) -> list[int]:
    """The permutation that moves the channels from behind the batch to the end.

    >>> last_order(4)
    [0, 2, 3, 1]
    """
    return [0, *range(2, rank), 1]


def moved(axis: int, rank: int) -> int:
    """Where an axis of a channels-first tensor is when the channels are last."""
    return inverse(last_order(rank))[axis]


def flexible(op: Operation) -> Flexible | None:
    """How an op works channels-last, or nothing if it works in the order of its dims alone."""
    if not isinstance(op, GraphOp):
        return None
    for kind in type(op).__mro__:
        rule = RULES.get(kind)
        if rule is not None:
            return rule(op)
    return None


def _same_kind(op: GraphOp, properties: Properties, roles: Sequence[Role], penalty: int = 0) -> Flexible:
    """The op itself with other properties, all its results channels-last."""

    def build(graft: Graft, values: Sequence[SSAValue]) -> Sequence[SSAValue]:
        given = dict(zip(op.operands, values, strict=True))
        return graft.ops(type(op), groups_of(op, lambda v: given[v]), properties, len(op.results))

    return Flexible(tuple(roles), Role.FOLLOWS, build, penalty)


def _first_only(op: GraphOp) -> list[Role]:
    return [Role.FOLLOWS, *[Role.STAYS] * (len(op.operands) - 1)]


def _elementwise(op: GraphOp) -> Flexible | None:
    rank = rank_of(op.results[0])
    roles = [
        Role.FOLLOWS if rank_of(o) == rank else Role.STAYS if is_single(o) else Role.LIFTED
        for o in op.operands
    ]
    if rank < 3:
        return None
    return _same_kind(op, copied_properties(op), roles)


LAST: Attribute = StringAttr(CHANNELS_LAST)


def _convolution(op: GraphOp) -> Flexible | None:
    """Channels-first costs a share of the arithmetic: vectors then run along a row and end at its borders."""
    assert isinstance(op, Convolution)
    if op.layout.data != CHANNELS_FIRST:
        return None
    per_element = math.prod(d for d in shape_of(op.w)[1:] if isinstance(d, int))
    elements = count_of(op.x) if isinstance(op, ConvTransposeOp) else count_of(op.y)
    penalty = elements * per_element // MULTIPLIES_PER_BYTE + bytes_of(op.y)
    return _same_kind(op, copied_properties(op, layout=LAST), _first_only(op), penalty)


MULTIPLIES_PER_BYTE = 16
"""Multiplications that take as long as it takes to move a byte in a transpose."""


def _pool(op: GraphOp) -> Flexible | None:
    assert isinstance(op, MaxPoolOp | AveragePoolOp)
    if op.layout.data != CHANNELS_FIRST:
        return None
    return _same_kind(op, copied_properties(op, layout=LAST), _first_only(op), bytes_of(op.y))


def _along_axis(op: GraphOp) -> Flexible | None:
    """Ops with a property `axis` that keep the rank."""
    assert isinstance(op, ConcatOp | AxisOp)
    rank = rank_of(op.results[0])
    if rank < 3:
        return None
    axis = axis_attr(moved(normalize_axis(op.axis.value.data, rank), rank))
    roles = [Role.FOLLOWS] * len(op.operands) if isinstance(op, ConcatOp) else _first_only(op)
    return _same_kind(op, copied_properties(op, axis=axis), roles)


AxisOp = BatchNormOp | LocalResponseNormOp | LogSoftmaxOp | SoftmaxOp | CumSumOp | CumProdOp | TopKOp


def _gather(op: GraphOp) -> Flexible | None:
    """A gather along one dim that keeps the others where they are."""
    assert isinstance(op, GatherOp)
    rank = rank_of(op.x)
    if rank < 3 or rank_of(op.indices) != 1:
        return None
    axis = axis_attr(moved(normalize_axis(op.axis.value.data, rank), rank))
    return _same_kind(op, copied_properties(op, axis=axis), _first_only(op))


def permuted(values: Sequence[Dim], order: Sequence[int]) -> list[Dim]:
    """Entries in another order.

    >>> permuted([1, 8, 4, 4], [0, 2, 3, 1])
    [1, 4, 4, 8]
    """
    return [values[i] for i in order]


def _per_dim(op: GraphOp) -> Flexible | None:
    """Ops whose properties have one entry per dim."""
    rank = rank_of(op.operands[0])
    if rank < 3:
        return None
    order = last_order(rank)
    changed = {
        name: counts_attr([counts_of(value)[i] for i in order])
        for name, value in op.properties.items()
        if are_counts(value)
    }
    return _same_kind(op, copied_properties(op, **changed), [Role.FOLLOWS])


def _broadcast(op: GraphOp) -> Flexible | None:
    assert isinstance(op, BroadcastToOp)
    rank, shape = rank_of(op.y), shape_of(op.y)
    if rank < 3:
        return None
    order = last_order(rank)
    role = Role.FOLLOWS if rank_of(op.x) == rank else Role.STAYS if is_single(op.x) else Role.LIFTED
    return _same_kind(op, {"shape": dims_attr(permuted(shape, order))}, [role])


def _resize(op: GraphOp) -> Flexible | None:
    assert isinstance(op, ResizeOp)
    rank = rank_of(op.x)
    if rank < 3:
        return None
    order = last_order(rank)
    scales = [op.scales.get_values()[i] for i in order]
    changed: dict[str, Attribute] = {
        "shape": dims_attr(permuted(shape_of(op.y), order)),
        "scales": DenseArrayBase.from_list(f64, scales),
    }
    if op.roi is not None:
        bounds = op.roi.get_values()
        changed["roi"] = DenseArrayBase.from_list(f64, [bounds[i + h] for h in (0, rank) for i in order])
    return _same_kind(op, copied_properties(op, **changed), [Role.FOLLOWS])


def _reduction(op: GraphOp) -> Flexible | None:
    """With its dims dropped the result must come out in the same order, as a mean over all pixels does."""
    assert isinstance(op, Reduction)
    rank, axes = rank_of(op.x), op.reduced()
    if rank < 3:
        return None
    axes_last = integers(sorted(moved(a, rank) for a in axes))
    plan = _same_kind(op, copied_properties(op, axes=axes_last), [Role.FOLLOWS])
    if op.keepdims.value.data:
        return plan
    rest = [moved(a, rank) for a in range(rank) if a not in axes]
    return Flexible(plan.operands, Role.STAYS, plan.build) if rest == sorted(rest) else None


def _reshape(op: GraphOp) -> Flexible | None:
    """`[n, c, *spatial] -> [n, c, *other spatial]`."""
    assert isinstance(op, ReshapeOp)
    old, new = shape_of(op.x), shape_of(op.y)
    if min(len(old), len(new)) < 3 or old[:2] != new[:2] or "?" in old[:2]:
        return None

    def build(graft: Graft, values: Sequence[SSAValue]) -> Sequence[SSAValue]:
        return [graft.reshape(values[0], permuted(new, last_order(len(new))))]

    return Flexible((Role.FOLLOWS,), Role.FOLLOWS, build)


def _transpose(op: GraphOp) -> Flexible | None:
    """A transpose that moves the channels to the end, or back, is nothing on what is stored so already."""
    assert isinstance(op, TransposeOp)
    permutation = list(op.permutation.get_values())
    if len(permutation) < 3:
        return None
    order = last_order(len(permutation))

    def build(graft: Graft, values: Sequence[SSAValue]) -> Sequence[SSAValue]:
        return values

    if permutation == order:
        return Flexible((Role.FOLLOWS,), Role.STAYS, build, bytes_of(op.x))
    if permutation == inverse(order):
        return Flexible((Role.STAYS,), Role.FOLLOWS, build, bytes_of(op.x))
    return None


RULES: Mapping[type, Rule] = {
    Elementwise: _elementwise,
    Convolution: _convolution,
    MaxPoolOp: _pool,
    AveragePoolOp: _pool,
    ConcatOp: _along_axis,
    BatchNormOp: _along_axis,
    LocalResponseNormOp: _along_axis,
    SoftmaxOp: _along_axis,
    LogSoftmaxOp: _along_axis,
    CumSumOp: _along_axis,
    CumProdOp: _along_axis,
    TopKOp: _along_axis,
    GatherOp: _gather,
    SliceOp: _per_dim,
    PadOp: _per_dim,
    BroadcastToOp: _broadcast,
    ResizeOp: _resize,
    Reduction: _reduction,
    ReshapeOp: _reshape,
    TransposeOp: _transpose,
}
