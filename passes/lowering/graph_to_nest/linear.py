"""Convolution and matrix product as loop nests; sums of half-precision products are rounded once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue

from penstock.dialects.graph.base import CHANNELS_FIRST, GraphOp, channel_axis, size_of, spatial_axes
from penstock.dialects.graph.linear import ConvOp, Correlation, MatMulOp
from penstock.dialects.nest.access import Access
from penstock.dialects.nest.ops import DimAttr, Read, Write, element_of, parallel, reduction
from penstock.dialects.nest.sizes import sizes_of
from penstock.dialects.requirements import equal
from penstock.dialects.sizes import Extent
from penstock.passes.lowering.graph_to_nest.builder import Expression, Lowering, zero
from penstock.passes.lowering.graph_to_nest.elementwise import repeated
from penstock.passes.lowering.graph_to_nest.scalar_builder import Formula, Scalars, number_attr, working

Rule = Callable[[GraphOp, Lowering], None]


def multiply_add(s: Scalars, values: Sequence[SSAValue]) -> list[SSAValue]:
    """`acc + a * b`, in the type of the accumulator."""
    a, b, acc = values
    return [s.add(acc, s.mul(s.real(a, acc.type), s.real(b, acc.type)))]


def rounded_sum(y: SSAValue) -> Formula:
    """The accumulator, and the bias if there is one, as an element of `y`."""

    def finish(s: Scalars, values: Sequence[SSAValue]) -> list[SSAValue]:
        total, *bias = values
        for each in bias:
            total = s.add(total, s.real(each, total.type))
        return [s.real(total, element_of(y))]

    return finish


def arrange(
    layout: str, batch: Expression, channel: Expression, spatial: list[Expression]
) -> list[Expression]:
    """The expressions of an activation access in the order of its layout."""
    return [batch, channel, *spatial] if layout == CHANNELS_FIRST else [batch, *spatial, channel]


def lower_conv(op: GraphOp, low: Lowering) -> None:
    """y[n, o, oc] = bias + sum over k, c of x[n, o*stride + k*dil - pad, c] * w[oc, c, k], per group."""
    assert isinstance(op, ConvOp)
    correlate(op, low, low.buffer(op.x), low.buffer(op.w), low.result(op.y), multiply_add)


def correlate(
    op: Correlation,
    low: Lowering,
    x: SSAValue,
    w: SSAValue,
    y: SSAValue,
    body: Formula,
    *,
    padding: int = 0,
    further: Sequence[SSAValue] = (),
) -> None:
    """The nest of a convolution; `body` adds one product, from the elements of the `further` filters too.

    These broadcast to the filter.  Outside of `x` there is `padding`.
    """
    layout, groups = op.layout.data, op.groups.value.data
    outputs, per_group, *kernel = sizes_of(w)
    rank, channels = len(kernel), channel_axis(layout, len(sizes_of(w)))
    y_shape = sizes_of(y)
    spatial = [y_shape[axis] for axis in spatial_axes(layout, len(y_shape))]
    names = [f"o{i}" for i in range(rank)], [f"k{i}" for i in range(rank)]
    dims: list[DimAttr] = [parallel("n", y_shape[0]), *map(parallel, names[0], spatial)]
    dims += [parallel("g", groups), parallel("oc", outputs // groups)]
    dims += [*map(reduction, names[1], kernel), reduction("ic", per_group)]
    total, g, oc, ic = len(dims), rank + 1, rank + 2, 2 * rank + 3
    strides, pads, dilations = op.window()
    taps: list[Expression] = [
        ({1 + i: strides[i], rank + 3 + i: dilations[i]}, 0 - size_of(pads[i])) for i in range(rank)
    ]
    low.require(equal(sizes_of(x)[channels], per_group * groups))
    parts = Groups(low, groups, g, total)
    outside = number_attr(padding, element_of(x)) if any(pads) else None
    places: list[Expression] = [oc, ic, *(rank + 3 + i for i in range(rank))]
    filters = [w, *(repeated(low, each, sizes_of(w)) for each in further)]
    written = arrange(layout, 0, oc, list(range(1, rank + 1)))
    low.compute(
        dims,
        [
            Read(*parts.reached(x, channels, arrange(layout, 0, ic, taps)), outside),
            *(Read(*parts.of_filter(each, places)) for each in filters),
        ],
        [Write(*parts.reached(y, channels, written))],
        body,
        extras=biases(low, op.bias, parts, oc, outputs),
        init=[zero(working(element_of(y)))],
        epilogue=rounded_sum(y),
    )


def biases(low: Lowering, bias: SSAValue | None, parts: "Groups", channel: int, count: Extent) -> list[Read]:
    """The read of a bias per output channel, if there is one."""
    if bias is None:
        return []
    buffer = low.buffer(bias)
    low.require(equal(sizes_of(buffer)[0], count))
    return [Read(*parts.reached(buffer, 0, [channel]))]


@dataclass(frozen=True)
class Groups:
    """How channels of groups are reached: by a loop over groups and one over the channels of a group."""

    low: Lowering
    groups: int
    loop: int
    """The loop over groups."""
    total: int

    def of_filter(self, buffer: SSAValue, places: Sequence[Expression]) -> tuple[SSAValue, Access]:
        """A filter, or what broadcasts to one, with an access; what has fewer dims has no channels."""
        own = broadcast_places(buffer, places)
        if len(own) < len(places):
            return buffer, Access.of(self.total, *own)
        return self.reached(buffer, 0, own)

    def reached(self, buffer: SSAValue, axis: int, places: Sequence[Expression]) -> tuple[SSAValue, Access]:
        """A buffer with an access, given those along its dims, the channel being counted within its group.

        The step from group to group is no number where the channels are not: they become dims of their own.
        """
        size, channel = sizes_of(buffer)[axis], places[axis]
        if not isinstance(channel, int):
            return buffer, Access.of(self.total, *places)
        if isinstance(size, int):
            place: Expression = {self.loop: size // self.groups, channel: 1}
            return buffer, Access.of(self.total, *places[:axis], place, *places[axis + 1 :])
        if self.groups == 1:
            return buffer, Access.of(self.total, *places)
        each, sizes = size // self.groups, sizes_of(buffer)
        self.low.require(equal(each * self.groups, size))
        apart = self.low.view(buffer, [*sizes[:axis], self.groups, each, *sizes[axis + 1 :]])
        return apart, Access.of(self.total, *places[:axis], self.loop, *places[axis:])


def broadcast_places(buffer: SSAValue, places: Sequence[Expression]) -> list[Expression]:
    """Where a buffer that broadcasts to another one is read when that one is read at `places`."""
    sizes = sizes_of(buffer)
    return [{} if s == 1 else p for s, p in zip(sizes, places[len(places) - len(sizes) :], strict=True)]


def lower_matmul(op: GraphOp, low: Lowering) -> None:
    """y[..., m, n] = sum over k of a[..., m, k] * b[..., k, n], batch dims broadcast."""
    assert isinstance(op, MatMulOp)
    multiply(low, low.buffer(op.a), low.buffer(op.b), low.result(op.y), multiply_add)


def multiply(
    low: Lowering,
    a: SSAValue,
    b: SSAValue,
    y: SSAValue,
    body: Formula,
    *,
    left: Sequence[SSAValue] = (),
    right: Sequence[SSAValue] = (),
) -> None:
    """The nest of a matrix product; `body` adds one product, from what broadcasts to `a` and `b` too."""
    shape, inner = sizes_of(y), sizes_of(a)[-1]
    batch, total = len(shape) - 2, len(shape) + 1
    low.require(equal(inner, sizes_of(b)[-2]))
    a, b = (repeated(low, each, [*shape[:-2], *sizes_of(each)[-2:]]) for each in (a, b))
    left = [repeated(low, each, sizes_of(a)) for each in left]
    right = [repeated(low, each, sizes_of(b)) for each in right]
    dims = [*(parallel(f"b{i}", s) for i, s in enumerate(shape[:-2])), parallel("m", shape[-2])]
    dims += [parallel("n", shape[-1]), reduction("k", inner)]

    def read(operand: SSAValue, *last: int) -> Read:
        sizes = sizes_of(operand)[:-2]
        skip = batch - len(sizes)
        outer: list[Expression] = [{} if s == 1 else skip + i for i, s in enumerate(sizes)]
        return Read(operand, Access.of(total, *outer, *last))

    def further(operand: SSAValue, *last: int) -> Read:
        return Read(operand, Access.of(total, *broadcast_places(operand, [*range(batch), *last])))

    reads = [read(a, batch, batch + 2), read(b, batch + 2, batch + 1)]
    reads += [further(each, batch, batch + 2) for each in left]
    reads += [further(each, batch + 2, batch + 1) for each in right]
    write = Write(y, Access.of(total, *range(batch + 2)))
    start = zero(working(element_of(y)))
    low.compute(dims, reads, [write], body, init=[start], epilogue=rounded_sum(y))


RULES: Mapping[type[Operation], Rule] = {ConvOp: lower_conv, MatMulOp: lower_matmul}
