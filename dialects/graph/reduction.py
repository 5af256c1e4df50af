"""Reductions of the `graph` dialect: one element out of many, or the position of one."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import BoolAttr, DenseArrayBase, i64
from xdsl.ir import Attribute, Operation
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.graph.base import (
    AnyTensor,
    Array,
    GraphOp,
    Tensor,
    element_of,
    flag,
    shape_of,
    tensor,
    wide,
)
from penstock.dialects.graph.element_rules import verify_computable, verify_numbers


def lowest(dtype: np.dtype[np.generic]) -> float | int:
    """What every number of the type is at least: the neutral element of the maximum."""
    return (
        int(np.iinfo(np.dtype(dtype.str)).min) if dtype.kind in "iu" else 0 if dtype.kind == "b" else -np.inf
    )


def highest(dtype: np.dtype[np.generic]) -> float | int:
    """What every number of the type is at most: the neutral element of the minimum."""
    return (
        int(np.iinfo(np.dtype(dtype.str)).max) if dtype.kind in "iu" else 1 if dtype.kind == "b" else np.inf
    )


def verify_axes(op: GraphOp, axes: Sequence[int], rank: int) -> None:
    """Axes are counted from the front and named once."""
    if len(set(axes)) != len(axes) or any(not 0 <= a < rank for a in axes):
        raise VerifyException(f"{op.name}: axes {list(axes)} of a tensor of rank {rank}")


class Reduction(GraphOp, ABC):
    """One element out of all along `axes`, which stay as dims of size 1 if `keepdims`."""

    x = operand_def(AnyTensor)
    axes = prop_def(DenseArrayBase.constr(i64))
    keepdims = prop_def(BoolAttr, default_value=flag(True))
    y = result_def(AnyTensor)
    assembly_format = "$x attr-dict `:` type($x) `->` type($y)"

    def reduced(self) -> tuple[int, ...]:
        """The reduced axes."""
        return tuple(map(int, self.axes.get_values()))

    def result_element(self) -> Attribute:
        """The element type of the result."""
        return element_of(self.x)

    def infer(self) -> Sequence[Tensor]:
        verify_computable(self, self.operands)
        shape, axes = shape_of(self.x), self.reduced()
        verify_axes(self, axes, len(shape))
        if self.keepdims.value.data:
            return [tensor([1 if i in axes else d for i, d in enumerate(shape)], self.result_element())]
        return [tensor([d for i, d in enumerate(shape) if i not in axes], self.result_element())]

    @abstractmethod
    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        """The meaning, with the reduced dims kept."""

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        (x,) = operands
        with np.errstate(all="ignore"):
            y = self.reduce(x, self.reduced())
        if not self.keepdims.value.data:
            y = np.squeeze(y, self.reduced())
        return [np.asarray(y, np.int64 if self.result_element() == i64 else x.dtype)]


class NumberReduction(Reduction, ABC):
    """A reduction of numbers, which booleans are not."""

    def infer(self) -> Sequence[Tensor]:
        verify_numbers(self, self.operands)
        return super().infer()


@irdl_op_definition
class ReduceSumOp(NumberReduction):
    """Sum: `%y = graph.reduce_sum %x {axes = array<i64: 1>} : tensor<2x3xf32> -> tensor<2x1xf32>`."""

    name = "graph.reduce_sum"

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        return np.sum(wide(x), axis=axes, keepdims=True)


@irdl_op_definition
class ReduceMeanOp(NumberReduction):
    """Mean; of integers truncated: `%y = graph.reduce_mean %x {axes = array<i64: 1>} : ... -> ...`."""

    name = "graph.reduce_mean"

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        return np.mean(wide(x), axis=axes, keepdims=True)


@irdl_op_definition
class ReduceProdOp(NumberReduction):
    """Product: `%y = graph.reduce_prod %x {axes = array<i64: 1>} : tensor<2x3xf32> -> tensor<2x1xf32>`."""

    name = "graph.reduce_prod"

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        return np.prod(wide(x), axis=axes, keepdims=True)


@irdl_op_definition
class ReduceMaxOp(Reduction):
    """Greatest; NaN if any is: `%y = graph.reduce_max %x {axes = array<i64: 1>} : ... -> ...`."""

    name = "graph.reduce_max"

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        return np.maximum.reduce(
            x, axis=axes, keepdims=True, initial=np.asarray(lowest(x.dtype), x.dtype)[()]
        )


@irdl_op_definition
class ReduceMinOp(Reduction):
    """Smallest; NaN if any is: `%y = graph.reduce_min %x {axes = array<i64: 1>} : ... -> ...`."""

    name = "graph.reduce_min"

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        return np.minimum.reduce(
            x, axis=axes, keepdims=True, initial=np.asarray(highest(x.dtype), x.dtype)[()]
        )


class ArgReduction(Reduction, ABC):
    """The position, along one axis, of an extreme; the last of equals if `select_last`."""

    select_last = prop_def(BoolAttr, default_value=flag(False))

    def result_element(self) -> Attribute:
        """Positions are 64-bit integers."""
        return i64

    def infer(self) -> Sequence[Tensor]:
        axes = self.reduced()
        if len(axes) != 1:
            raise VerifyException(f"{self.name}: needs one axis, got {list(axes)}")
        inferred = super().infer()
        if shape_of(self.x)[axes[0]] == 0:
            raise VerifyException(f"{self.name}: axis {axes[0]} is empty")
        return inferred

    @abstractmethod
    def first(self, x: Array, axis: int) -> Array:
        """The first position of the extreme."""

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        (axis,) = axes
        if not self.select_last.value.data:
            return np.expand_dims(self.first(x, axis), axis)
        last = np.subtract(x.shape[axis] - 1, self.first(np.flip(x, axis), axis))
        return np.expand_dims(last, axis)


@irdl_op_definition
class ArgMaxOp(ArgReduction):
    """Where the greatest is: `%y = graph.argmax %x {axes = array<i64: 1>} : ... -> tensor<2x1xi64>`."""

    name = "graph.argmax"

    def first(self, x: Array, axis: int) -> Array:
        return np.argmax(x, axis)


@irdl_op_definition
class ArgMinOp(ArgReduction):
    """Where the smallest is: `%y = graph.argmin %x {axes = array<i64: 1>} : ... -> tensor<2x1xi64>`."""

    name = "graph.argmin"

    def first(self, x: Array, axis: int) -> Array:
        return np.argmin(x, axis)


OPS: tuple[type[Operation], ...] = (
    ReduceSumOp,
    ReduceMeanOp,
    ReduceProdOp,
    ReduceMaxOp,
    ReduceMinOp,
    ArgMaxOp,
    ArgMinOp,
)
