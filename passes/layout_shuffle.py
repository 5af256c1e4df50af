"""Channel shuffles for `assign-layout`: channels are split in two dims, these change places and become one.

    reshape [n, g * k, ...] -> [n, g, k, ...], transpose [n, k, g, ...], reshape [n, k * g, ...]

Channels-last the same three ops work on [n, ..., g, k].
"""

from collections.abc import Sequence

from xdsl.ir import Block, Operation, SSAValue

from penstock.dialects.graph.base import rank_of, shape_of
from penstock.dialects.graph.movement import ReshapeOp, TransposeOp
from penstock.passes.graph_rewriting import Graft
from penstock.passes.layout_rules import Flexible, Role, permuted


def split_order(rank: int) -> list[int]:
    """The permutation that moves both dims of the channels to the end.

    >>> split_order(5)
    [0, 3, 4, 1, 2]
    """
    return [0, *range(3, rank), 1, 2]


def find_shuffles(block: Block) -> tuple[dict[Operation, Flexible], dict[SSAValue, list[int]]]:
    """How the ops of all shuffles work channels-last, and the order of the dims of the values inside."""
    plans: dict[Operation, Flexible] = {}
    orders: dict[SSAValue, list[int]] = {}
    for op in block.ops:
        shuffle = _shuffle(op)
        if shuffle is not None:
            split, swap, merge = shuffle
            rank = rank_of(split.y)
            orders |= {split.y: split_order(rank), swap.y: split_order(rank)}
            plans |= {split: _reshape(split), swap: _swap(rank), merge: _reshape(merge)}
    return plans, orders


def _shuffle(op: Operation) -> tuple[ReshapeOp, TransposeOp, ReshapeOp] | None:
    if not isinstance(op, ReshapeOp) or rank_of(op.x) < 3 or not op.y.has_one_use():
        return None
    (n, *_), inner = shape_of(op.x), shape_of(op.y)
    swap = next(iter(op.y.uses)).operation
    if inner[:1] != (n,) or inner[3:] != shape_of(op.x)[2:] or not isinstance(swap, TransposeOp):
        return None
    swapped = [0, 2, 1, *range(3, len(inner))]
    if list(swap.permutation.get_values()) != swapped or not swap.y.has_one_use():
        return None
    merge = next(iter(swap.y.uses)).operation
    if not isinstance(merge, ReshapeOp) or shape_of(merge.y) != shape_of(op.x):
        return None
    return op, swap, merge


def _reshape(op: ReshapeOp) -> Flexible:
    shape = shape_of(op.y)
    rank = len(shape)
    # The inner value has one dim more than the channels-first tensors around the shuffle.
    order = split_order(rank) if rank > rank_of(op.x) else [0, *range(2, rank), 1]

    def build(graft: Graft, values: Sequence[SSAValue]) -> Sequence[SSAValue]:
        return [graft.reshape(values[0], permuted(shape, order))]

    return Flexible((Role.FOLLOWS,), Role.FOLLOWS, build)


def _swap(rank: int) -> Flexible:
    def build(graft: Graft, values: Sequence[SSAValue]) -> Sequence[SSAValue]:
        return [graft.transpose(values[0], [*range(rank - 2), rank - 1, rank - 2])]

    return Flexible((Role.FOLLOWS,), Role.FOLLOWS, build)
