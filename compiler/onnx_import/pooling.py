"""Importers of pooling operations; pooling over all positions is a reduction."""

import math
from collections.abc import Sequence

from xdsl.ir import SSAValue

from penstock.dialects.graph.base import (
    Dim,
    GraphOp,
    computed_dim,
    dim_of,
    element_of,
    flag,
    integer,
    integers,
    product_of,
    rank_of,
    shape_of,
    size_of,
)
from penstock.dialects.graph.elementwise import AbsOp, AddOp, DivOp, ModOp, MulOp, PowOp, SqrtOp
from penstock.dialects.graph.indexing import ScatterElementsOp
from penstock.dialects.graph.movement import counts_attr, in_numbers
from penstock.dialects.graph.pooling import AveragePoolOp, MaxPoolIndicesOp, MaxPoolOp
from penstock.dialects.graph.reduction import ReduceMaxOp, ReduceMeanOp, ReduceSumOp
from penstock.dialects.graph.window import halves
from penstock.dialects.requirements import at_most
from penstock.dialects.sizes import minimum, subtracted
from penstock.onnx_import.axes import require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family, Importer
from penstock.onnx_import.movement import known_sizes, padded
from penstock.onnx_import.node import Node
from penstock.onnx_import.window import Window, auto_pad, explicit_window, read_window, rounded_up


def _window(node: Node, x: SSAValue) -> tuple[Window, Window]:
    """The window over `x` as given, and with the padding that rounding up adds."""
    given = read_window(node, x)
    if node.int("ceil_mode", 0) == 0 or auto_pad(node).startswith("SAME"):
        return given, given
    return given, rounded_up(x, given)


def import_max_pool(node: Node, build: Builder) -> Sequence[SSAValue]:
    """MaxPool: the positions of the maxima are an op of their own, made only when they are read."""
    x, (_, window) = node.input(0), _window(node, node.input(0))
    properties = {**window.properties(), "kernel": integers(in_numbers(window.kernel))}
    y = build.op(MaxPoolOp, [x], properties)
    if not node.uses(1):
        return [y]
    indices = build.op(MaxPoolIndicesOp, [x], properties)
    return [y, _column_major(node, build, indices) if node.int("storage_order", 0) else indices]


def _column_major(node: Node, build: Builder, indices: SSAValue) -> SSAValue:
    """Positions counted with the first spatial dim fastest instead of the last."""
    x, rank = node.input(0), rank_of(node.input(0))
    sizes = shape_of(x)[2:rank]
    place, weight = indices, size_of(1)
    digits: list[SSAValue] = []
    for size in reversed(sizes):
        base = build.size(size, element_of(indices))
        digits.append(build.op(ModOp, [place, base]))
        place = build.op(DivOp, [place, base])
    total: SSAValue | None = None
    for size, digit in zip(sizes, reversed(digits), strict=True):
        part = build.op(MulOp, [digit, build.size(dim_of(weight), element_of(indices))])
        total = part if total is None else build.op(AddOp, [total, part])
        weight = weight * size_of(size)
    assert total is not None, "a pooled tensor has a spatial dim"
    planes = build.op(MulOp, [place, build.size(dim_of(weight), element_of(indices))])
    return build.op(AddOp, [total, planes])


def import_average_pool(node: Node, build: Builder) -> SSAValue:
    """AveragePool of the input."""
    return average_pool(node, build, node.input(0))


def average_pool(node: Node, build: Builder, x: SSAValue) -> SSAValue:
    """The mean of each window: padding counts if the attribute says so, except what rounding up adds."""
    given, window = _window(node, x)
    counted = node.int("count_include_pad", 0) != 0
    return _average(build, x, window, given.pads if counted else [0] * len(given.pads))


def _average(build: Builder, x: SSAValue, window: Window, counted: Sequence[Dim]) -> SSAValue:
    within = [computed_dim(minimum, c, p) for c, p in zip(counted, window.pads, strict=True)]
    properties = {"kernel": integers(in_numbers(window.kernel)), "counted": counts_attr(within)}
    return build.op(AveragePoolOp, [x], {**window.properties(), **properties})


def import_lp_pool(node: Node, build: Builder) -> SSAValue:
    """LpPool: the root of the sum of powers, which is their mean, padding counted, times the taps."""
    _, window = _window(node, node.input(0))
    p = node.int("p", 2)
    mean = _average(build, power(build, node.input(0), p), window, window.pads)
    taps = build.scalar(math.prod(in_numbers(window.kernel)), like=mean)
    return root(build, build.op(MulOp, [mean, taps]), p)


def power(build: Builder, x: SSAValue, p: int) -> SSAValue:
    """`|x|^p`."""
    if p == 2:
        return build.op(MulOp, [x, x])
    magnitude = build.op(AbsOp, [x])
    return magnitude if p == 1 else build.op(PowOp, [magnitude, build.scalar(p, like=x)])


def root(build: Builder, x: SSAValue, p: int) -> SSAValue:
    """`x^(1/p)`."""
    if p <= 2:
        return x if p == 1 else build.op(SqrtOp, [x])
    return build.op(PowOp, [x, build.scalar(1 / p, like=x)])


def over_positions(kind: type[GraphOp]) -> Importer:
    """The importer of a global pooling: a reduction over all spatial dims."""
    return lambda node, build: _reduce_positions(build, kind, node.input(0))


def _reduce_positions(build: Builder, kind: type[GraphOp], x: SSAValue) -> SSAValue:
    return build.op(kind, [x], {"axes": integers(range(2, rank_of(x))), "keepdims": flag(True)})


def import_global_lp_pool(node: Node, build: Builder) -> SSAValue:
    """GlobalLpPool: the root of the sum of powers over all positions."""
    p = node.int("p", 2)
    return root(build, _reduce_positions(build, ReduceSumOp, power(build, node.input(0), p)), p)


def import_max_unpool(node: Node, build: Builder) -> SSAValue:
    """MaxUnpool: each element goes back to where MaxPool found it, the rest is 0.

    Positions count in the shape that the window implies, whatever larger shape is asked for.
    """
    x, indices = node.input(0), node.input(1)
    window = explicit_window(node, x)
    shape = shape_of(x)
    rows = zip(shape[2:], window.strides, window.spans(), *halves(window.pads), strict=True)
    spread = [
        (size_of(size) - 1) * stride + span - size_of(low) - size_of(high)
        for size, stride, span, low, high in rows
    ]
    full = [*shape[:2], *map(dim_of, spread)]
    flat = [build.reshape(value, [product_of(shape)]) for value in (indices, x)]
    empty = build.broadcast_to(build.scalar(0, like=x), [product_of(full)])
    y = build.reshape(build.indexing(ScatterElementsOp, [empty, *flat], {"axis": integer(0)}), full)
    if node.optional(2) is None:
        return y
    wanted = known_sizes(node, 2, "the output shape")
    require(node, len(wanted) == len(full), f"the output shape {list(wanted)} does not hold {full}")
    high = [computed_dim(subtracted, want, have) for want, have in zip(wanted, full, strict=True)]
    for have, want, more in zip(full, wanted, high, strict=True):
        enough = not isinstance(more, int) or more >= 0
        require(node, enough, f"the output shape {list(wanted)} does not hold {full}")
        build.hold(at_most(size_of(have), size_of(want)))
    return padded(build, y, [0] * len(full), high)


POOLING: Family = {
    "AveragePool": import_average_pool,
    "GlobalAveragePool": over_positions(ReduceMeanOp),
    "GlobalLpPool": import_global_lp_pool,
    "GlobalMaxPool": over_positions(ReduceMaxOp),
    "LpPool": import_lp_pool,
    "MaxPool": import_max_pool,
    "MaxUnpool": import_max_unpool,
}
