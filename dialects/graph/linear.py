"""Convolution, its transpose and the matrix product of the `graph` dialect.

Their sums are formed in double precision (integers: in 64 bits that wrap) and rounded once.
"""

import math
from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import I64, IntegerAttr
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.element_types import numpy_dtype
from penstock.dialects.graph.base import (
    AnyTensor,
    Array,
    Dim,
    GraphOp,
    Tensor,
    Wide,
    broadcast_shapes,
    channel_axis,
    computed_dim,
    dim_of,
    element_count,
    element_of,
    extent_of,
    rank_of,
    shape_of,
    size_of,
    spatial_axes,
    tensor,
    wide,
)
from penstock.dialects.graph.element_rules import verify_numbers
from penstock.dialects.graph.movement import COUNTS, counts_of, in_numbers
from penstock.dialects.graph.window import Windowed, from_channels_first, halves, to_channels_first
from penstock.dialects.sizes import multiplied

COLUMNS = 2**24
"""Elements gathered for one matrix product: more taps in one product are faster, and take more memory."""


class Convolution(Windowed):
    """What a convolution and its transpose share: a filter, groups and a bias per output channel."""

    x = operand_def(AnyTensor)
    w = operand_def(AnyTensor)
    bias = opt_operand_def(AnyTensor)
    groups = prop_def(IntegerAttr[I64])
    y = result_def(AnyTensor)
    assembly_format = (
        "$x `,` $w (`,` $bias^)? attr-dict `:` type($x) `,` type($w) (`,` type($bias)^)? `->` type($y)"
    )

    def kernel(self) -> tuple[Dim, ...]:
        """The spatial sizes of the filter."""
        return shape_of(self.w)[2:]

    def result_element(self) -> Attribute:
        """The element type of the result; that of the input unless overridden."""
        return element_of(self.x)

    def verify_elements(self) -> None:
        """All operands are numbers of one type."""
        verify_numbers(self, self.operands)

    def verify_ranks(self) -> None:
        """Input and filter have one number of dims, at least one of them spatial."""
        if rank_of(self.x) != rank_of(self.w) or rank_of(self.w) < 3:
            raise VerifyException(
                f"{self.name}: input of rank {rank_of(self.x)} with a filter of rank {rank_of(self.w)}"
            )
        self.verify_elements()

    def verify_channels(self, wanted: Dim, out_channels: Dim) -> None:
        """The channels of input, filter and bias agree."""
        channels = shape_of(self.x)[channel_axis(self.layout.data, rank_of(self.x))]
        if _differ(channels, wanted):
            raise VerifyException(f"{self.name}: {channels} input channels, the filter wants {wanted}")
        groups = self.groups.value.data
        if groups < 1 or any(isinstance(c, int) and c % groups for c in (wanted, out_channels)):
            raise VerifyException(f"{self.name}: {wanted} to {out_channels} channels in {groups} groups")
        bias = () if self.bias is None else shape_of(self.bias)
        if self.bias is not None and (len(bias) != 1 or _differ(bias[0], out_channels)):
            raise VerifyException(f"{self.name}: bias {list(bias)} for {out_channels} output channels")

    def result_type(self, spatial: Sequence[Dim], out_channels: Dim) -> Tensor:
        """The result with its channels where the layout wants them."""
        shape: list[Dim] = [shape_of(self.x)[0], *spatial]
        shape.insert(channel_axis(self.layout.data, rank_of(self.x)), out_channels)
        return tensor(shape, self.result_element())

    def finish(self, y: Array, bias: Sequence[Array]) -> Array:
        """(n, groups, out, *spatial) plus bias, rounded and in the op's layout."""
        y = y.reshape(y.shape[0], -1, *y.shape[3:])
        for b in bias:
            y = np.add(y, wide(b).reshape(-1, *[1] * (y.ndim - 2)))
        return np.ascontiguousarray(
            from_channels_first(y, self.layout.data), numpy_dtype(self.result_element())
        )


def _differ(a: Dim, b: Dim) -> bool:
    return isinstance(a, int) and isinstance(b, int) and a != b


class Correlation(Convolution):
    """A convolution proper: the filter is (out channels, in channels / groups, *kernel) in any layout."""

    def infer(self) -> Sequence[Tensor]:
        w, groups = shape_of(self.w), self.groups.value.data
        self.verify_ranks()
        self.verify_channels(computed_dim(multiplied, w[1], groups), w[0])
        x = shape_of(self.x)
        spatial = [x[a] for a in spatial_axes(self.layout.data, len(x))]
        return [self.result_type(self.out_spatial(spatial, self.kernel()), w[0])]

    def effort(self) -> int:
        """Every result is a sum over its part of the filter."""
        products = element_count(self.w) // max(extent_of(shape_of(self.w)[0]), 1)
        return super().effort() + element_count(self.y) * products

    def summed(self, x: Wide, w: Wide) -> Array:
        """The sums of products as (n, groups, out channels per group, *spatial)."""
        padded, kernel = self.padded(to_channels_first(x, self.layout.data), 0), w.shape[2:]
        out = self.out_sizes(padded, kernel)
        n, groups = len(x), self.groups.value.data
        split = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
        y = np.zeros((n, groups, split.shape[1], *out), padded.dtype)
        taps = list(self.taps(out, kernel))
        at_once = max(1, COLUMNS // max(1, padded.shape[0] * padded.shape[1] * math.prod(out)))
        for batch in (taps[i : i + at_once] for i in range(0, len(taps), at_once)):
            columns = [padded[:, :, *part].reshape(n, groups, w.shape[1], -1) for _, part in batch]
            rows = np.concatenate([split[:, :, :, *tap] for tap, _ in batch], 2)
            y += np.matmul(rows, np.concatenate(columns, 2)).reshape(y.shape)
        return y


@irdl_op_definition
class ConvOp(Correlation):
    """Convolution, grouped, over any number of spatial dims, plus an optional bias per output channel.

    The filter is (out channels, in channels / groups, *kernel) whatever the layout of the activations:

        %y = graph.conv %x, %w, %b {strides = array<i64: 1, 1>, ..., groups = 1 : i64, layout = "nchw"}
    """

    name = "graph.conv"

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        x, w, *bias = operands
        return [self.finish(self.summed(wide(x), wide(w)), bias)]


@irdl_op_definition
class ConvTransposeOp(Convolution):
    """The transpose of a convolution: every input element adds its multiple of the filter to the output.

    The filter is (in channels, out channels / groups, *kernel); pads are cut from the result,
    `output_padding` widens it at its high end:

        %y = graph.conv_transpose %x, %w {strides = array<i64: 2, 2>, output_padding = array<i64: 1, 1>, ...}
    """

    name = "graph.conv_transpose"
    output_padding = prop_def(COUNTS)

    def infer(self) -> Sequence[Tensor]:
        self.verify_ranks()
        x, w, kernel, groups = shape_of(self.x), shape_of(self.w), self.kernel(), self.groups.value.data
        out_channels = computed_dim(multiplied, w[1], groups)
        self.verify_channels(w[0], out_channels)
        self.verify_window(len(x) - 2, kernel)
        extra = counts_of(self.output_padding)
        if len(extra) != len(kernel) or min((e for e in extra if isinstance(e, int)), default=0) < 0:
            raise VerifyException(f"{self.name}: output_padding {self.output_padding} for kernel {kernel}")
        grow = self._growth(kernel)
        axes = spatial_axes(self.layout.data, len(x))
        spatial = [
            "?" if "?" in (x[a], g) else dim_of((size_of(x[a]) - 1) * s + size_of(g))
            for a, s, g in zip(axes, self.window()[0], grow, strict=True)
        ]
        if any(isinstance(size, int) and size < 0 for size in spatial):
            raise VerifyException(f"{self.name}: pads {self.window()[1]} cut more than there is: {spatial}")
        return [self.result_type(spatial, out_channels)]

    def effort(self) -> int:
        """Every input element is multiplied by its part of the filter."""
        products = element_count(self.w) // max(extent_of(shape_of(self.w)[0]), 1)
        return super().effort() + element_count(self.x) * products

    def formulas(self) -> Sequence[Dim]:
        return *super().formulas(), *counts_of(self.output_padding)

    def _growth(self, kernel: Sequence[Dim]) -> list[Dim]:
        """The size of the result for an input of one element, per spatial dim."""
        _, pads, dilations = self.window()
        rows = zip(kernel, dilations, counts_of(self.output_padding), *halves(pads), strict=True)
        return [
            "?"
            if k == "?"
            else dim_of(d * (size_of(k) - 1) + 1 + size_of(extra) - size_of(low) - size_of(high))
            for k, d, extra, low, high in rows
        ]

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        x, w, *bias = operands
        first, kernel = to_channels_first(x, self.layout.data), w.shape[2:]
        strides, pads, _ = self.window()
        low, high = halves(in_numbers(pads))
        n, groups, spatial = x.shape[0], self.groups.value.data, first.shape[2:]
        growth = in_numbers(self._growth(kernel))
        grown = zip(spatial, strides, growth, low, high, strict=True)
        full = [(size - 1) * s + g + lo + hi for size, s, g, lo, hi in grown]
        columns = wide(first).reshape(n, groups, w.shape[0] // groups, -1)
        split = wide(w).reshape(groups, -1, *w.shape[1:])
        y = np.zeros((n, groups, w.shape[1], *full), columns.dtype)
        for tap, part in self.taps(spatial, kernel):
            spread = np.matmul(np.swapaxes(split[:, :, :, *tap], 1, 2), columns)
            y[:, :, :, *part] += spread.reshape(n, groups, w.shape[1], *spatial)
        cut = tuple(slice(lo, size - hi) for size, lo, hi in zip(full, low, high, strict=True))
        return [self.finish(y[:, :, :, *cut], bias)]


@irdl_op_definition
class MatMulOp(GraphOp):
    """Matrix product of the last two dims, batched over the rest (NumPy's `matmul`, operands of rank >= 2):

    `%y = graph.matmul %a, %b : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>`.
    """

    name = "graph.matmul"
    a = operand_def(AnyTensor)
    b = operand_def(AnyTensor)
    y = result_def(AnyTensor)
    assembly_format = "$a `,` $b attr-dict `:` type($a) `,` type($b) `->` type($y)"

    def infer(self) -> Sequence[Tensor]:
        verify_numbers(self, self.operands)
        return [tensor(product_shape(self, self.a, self.b), element_of(self.a))]

    def effort(self) -> int:
        """Every result is a sum over the inner size."""
        return super().effort() + element_count(self.y) * extent_of(shape_of(self.a)[-1])

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        a, b = operands
        return [np.asarray(np.matmul(wide(a), wide(b)), a.dtype)]


def product_shape(op: GraphOp, left: SSAValue, right: SSAValue) -> list[Dim]:
    """The shape of a matrix product over the last two dims."""
    a, b = shape_of(left), shape_of(right)
    if len(a) < 2 or len(b) < 2:
        raise VerifyException(f"{op.name}: operands of rank {len(a)} and {len(b)}, both must be 2 or more")
    if _differ(a[-1], b[-2]):
        raise VerifyException(f"{op.name}: inner sizes differ: {list(a)} against {list(b)}")
    return [*broadcast_shapes(a[:-2], b[:-2]), a[-2], b[-1]]


OPS: tuple[type[Operation], ...] = (ConvOp, ConvTransposeOp, MatMulOp)
