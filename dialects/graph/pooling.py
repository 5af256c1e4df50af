"""Pooling operations of the `graph` dialect: one number per channel out of each window."""

from abc import ABC
from collections.abc import Sequence
from math import prod

import numpy as np
from xdsl.dialects.builtin import DenseArrayBase, i64
from xdsl.ir import Operation
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.graph.base import (
    AnyTensor,
    Array,
    Dim,
    Tensor,
    element_count,
    element_of,
    tensor,
    wide,
)
from penstock.dialects.graph.element_rules import verify_computable, verify_reals
from penstock.dialects.graph.movement import COUNTS, counts_of, in_numbers
from penstock.dialects.graph.reduction import lowest
from penstock.dialects.graph.window import Windowed, from_channels_first, halves, to_channels_first


class Pooling(Windowed, ABC):
    """A window of `kernel` taps over the spatial dims of each channel."""

    x = operand_def(AnyTensor)
    kernel = prop_def(DenseArrayBase.constr(i64))

    def taps_per_dim(self) -> tuple[int, ...]:
        """The sizes of the window."""
        return tuple(map(int, self.kernel.get_values()))

    def effort(self) -> int:
        """Every window is gone through."""
        return super().effort() + element_count(self.results[0]) * prod(self.taps_per_dim())

    def infer(self) -> Sequence[Tensor]:
        verify_computable(self, self.operands)
        return [tensor(self.pooled_shape(self.taps_per_dim()), element_of(self.x))]


@irdl_op_definition
class MaxPoolOp(Pooling):
    """The greatest element of each window, padding never chosen; NaN if any is:

    `%y = graph.max_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, ...} : ... -> ...`.
    """

    name = "graph.max_pool"
    y = result_def(AnyTensor)
    assembly_format = "$x attr-dict `:` type($x) `->` type($y)"

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        (x,) = operands
        padded, kernel = (
            self.padded(to_channels_first(x, self.layout.data), lowest(x.dtype)),
            self.taps_per_dim(),
        )
        taps = self.taps(self.out_sizes(padded, kernel), kernel)
        y = np.maximum.reduce([padded[:, :, *part] for _, part in taps])
        return [np.ascontiguousarray(from_channels_first(y, self.layout.data))]


@irdl_op_definition
class MaxPoolIndicesOp(Pooling):
    """Where `graph.max_pool` finds each element: its position in the flattened `x`, the first of equals.

    `%i = graph.max_pool_indices %x {kernel = array<i64: 2>, ...} : tensor<1x1x4xf32> -> tensor<1x1x2xi64>`
    """

    name = "graph.max_pool_indices"
    indices = result_def(AnyTensor)
    assembly_format = "$x attr-dict `:` type($x) `->` type($indices)"

    def infer(self) -> Sequence[Tensor]:
        verify_computable(self, self.operands)
        return [tensor(self.pooled_shape(self.taps_per_dim()), i64)]

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        (x,) = operands
        kernel, layout = self.taps_per_dim(), self.layout.data
        positions = np.arange(x.size).reshape(x.shape)
        padded = self.padded(to_channels_first(x, layout), lowest(x.dtype))
        where = self.padded(to_channels_first(positions, layout), -1)
        taps = [part for _, part in self.taps(self.out_sizes(padded, kernel), kernel)]
        values = np.stack([padded[:, :, *part] for part in taps])
        seen = np.stack([where[:, :, *part] for part in taps])
        # Padding equals the least element, and must lose against it.
        best = np.argmax(np.equal(values, values.max(0)) & np.greater_equal(seen, 0), axis=0)
        return [np.ascontiguousarray(from_channels_first(np.take_along_axis(seen, best[None], 0)[0], layout))]


@irdl_op_definition
class AveragePoolOp(Pooling):
    """The mean of each window, where of the padding only `counted` (low..., high...) counts as zeros:

    `%y = graph.average_pool %x {kernel = array<i64: 2>, counted = array<i64: 0, 0>, ...} : ... -> ...`.
    """

    name = "graph.average_pool"
    counted = prop_def(COUNTS)
    y = result_def(AnyTensor)
    assembly_format = "$x attr-dict `:` type($x) `->` type($y)"

    def infer(self) -> Sequence[Tensor]:
        verify_reals(self, self.operands)
        (inferred,) = super().infer()
        pads, counted = self.window()[1], counts_of(self.counted)
        if len(counted) != len(pads) or any(
            isinstance(c, int) and not 0 <= c <= (p if isinstance(p, int) else c)
            for c, p in zip(counted, pads, strict=True)
        ):
            raise VerifyException(f"{self.name}: counted {list(counted)} is not within the pads {list(pads)}")
        return [inferred]

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        x, kernel = to_channels_first(wide(*operands), self.layout.data), self.taps_per_dim()
        padded, count = self.padded(x, 0), self._counting(x.shape[2:])
        taps = [part for _, part in self.taps(self.out_sizes(padded, kernel), kernel)]
        total = np.add.reduce([padded[:, :, *part] for part in taps])
        with np.errstate(all="ignore"):
            y = np.divide(total, np.add.reduce([count[:, :, *part] for part in taps]))
        return [np.ascontiguousarray(from_channels_first(y, self.layout.data), operands[0].dtype)]

    def formulas(self) -> Sequence[Dim]:
        return *super().formulas(), *counts_of(self.counted)

    def _counting(self, spatial: Sequence[int]) -> Array:
        """1 where the padded input counts, 0 elsewhere."""
        low, high = halves(in_numbers(counts_of(self.counted)))
        lows, highs = halves(in_numbers(self.window()[1]))
        ones = np.ones([1, 1, *(size + a + b for size, a, b in zip(spatial, low, high, strict=True))])
        rest = [(p - c, q - d) for p, c, q, d in zip(lows, low, highs, high, strict=True)]
        return np.pad(ones, [(0, 0), (0, 0), *rest])


OPS: tuple[type[Operation], ...] = (MaxPoolOp, MaxPoolIndicesOp, AveragePoolOp)
