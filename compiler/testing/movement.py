"""Random operations that move elements: each picks its operands and properties, and adds one operation."""

import numpy as np
from xdsl.dialects.builtin import IntegerAttr, StringAttr, i64
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import integers, number, rank_of, static_shape_of
from penstock.dialects.graph.indexing import GatherOp
from penstock.dialects.graph.movement import (
    BroadcastToOp,
    ConcatOp,
    PadOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    dims_attr,
)
from penstock.testing.canvas import Canvas


def transpose(c: Canvas) -> SSAValue | None:
    """Dims in another order."""
    x = c.value(1)
    order = list(range(rank_of(x)))
    permutation = [order.pop(c.integer(0, len(order) - 1)) for _ in range(rank_of(x))]
    return c.op(TransposeOp, [x], {"permutation": integers(permutation)})


def reshape(c: Canvas) -> SSAValue | None:
    """A dim of size 1 added, two dims joined, or one dim split."""
    x = c.value(1)
    shape = list(static_shape_of(x))
    at, how = c.integer(0, len(shape) - 1), c.choose(["unsqueeze", "join", "split"])
    if how == "join" and at + 1 < len(shape):
        shape[at : at + 2] = [shape[at] * shape[at + 1]]
    elif how == "split":
        factor = next((f for f in (2, 3) if shape[at] % f == 0), 1)
        shape[at : at + 1] = [factor, shape[at] // factor]
    else:
        shape.insert(at, 1)
    return c.op(ReshapeOp, [x], {"shape": dims_attr(shape)}) if len(shape) <= 5 else None


def broadcast_to(c: Canvas) -> SSAValue | None:
    """Dims of size 1 repeated, and perhaps a new leading dim."""
    x = c.value(0, 3)
    shape = [c.choose([1, 3, 4]) if s == 1 else s for s in static_shape_of(x)]
    return c.op(BroadcastToOp, [x], {"shape": dims_attr([2, *shape] if c.chance() else shape)})


def concat(c: Canvas) -> SSAValue | None:
    """Operands behind one another; they may be the same."""
    x = c.value(1)
    shape = static_shape_of(x)
    axis = c.integer(0, len(shape) - 1)

    def fits(other: tuple[int, ...]) -> bool:
        return len(other) == len(shape) and all(
            a == b for i, (a, b) in enumerate(zip(shape, other, strict=True)) if i != axis
        )

    operands = [x, *(c.like(x, fits, shape) for _ in range(c.integer(1, 2)))]
    return c.op(ConcatOp, [operands], {"axis": IntegerAttr(axis, i64)})


def slice_(c: Canvas) -> SSAValue | None:
    """A part of every dim, perhaps backwards or with gaps; never nothing."""
    x = c.value(1)
    bounds = [_bounds(c, size) for size in static_shape_of(x)]
    starts, ends, gaps = zip(*bounds, strict=True)
    properties = {"starts": integers(starts), "ends": integers(ends), "steps": integers(gaps)}
    return c.op(SliceOp, [x], properties)


def _bounds(c: Canvas, size: int) -> tuple[int, int, int]:
    first, step = c.integer(0, size - 1), c.choose([1, 2, -1])
    return (first, size, step) if step > 0 else (first, -size - 1, step)


def pad(c: Canvas) -> SSAValue | None:
    """Elements added around."""
    x = c.value(1)
    shape, mode = static_shape_of(x), c.choose(["constant", "edge", "reflect"])
    most = min(2, min(shape) - 1 if mode == "reflect" else 2)
    low, high = ([c.integer(0, most) for _ in shape] for _ in range(2))
    value = number(c.integer(-1, 1))
    properties = {"low": integers(low), "high": integers(high), "mode": StringAttr(mode), "value": value}
    return c.op(PadOp, [x], properties)


def gather(c: Canvas) -> SSAValue | None:
    """Entries along an axis at constant positions."""
    x = c.value(1)
    axis = c.integer(0, rank_of(x) - 1)
    size = static_shape_of(x)[axis]
    positions = np.array([c.integer(-size, size - 1) for _ in range(c.integer(1, 3))], np.int64)
    return c.op(GatherOp, [x, c.table(positions)], {"axis": IntegerAttr(axis, i64)})
