"""Operations of the `graph` dialect that follow an axis in order: running sums and products, and ranking."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import I64, BoolAttr, IntegerAttr, i64
from xdsl.ir import Operation
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.graph.base import (
    AnyTensor,
    Array,
    Dim,
    GraphOp,
    Tensor,
    element_of,
    flag,
    rank_of,
    shape_of,
    tensor,
    tensor_of,
    wide,
)
from penstock.dialects.graph.element_rules import verify_numbers
from penstock.dialects.graph.movement import ShapeAttr, dims_of
from penstock.dialects.graph.reduction import verify_axes
from penstock.dialects.graph.sections import numbers_of


class Running(GraphOp, ABC):
    """Each element combined with all before it along `axis` (after it if `reverse`), or only with those."""

    x = operand_def(AnyTensor)
    axis = prop_def(IntegerAttr[I64])
    exclusive = prop_def(BoolAttr, default_value=flag(False))
    reverse = prop_def(BoolAttr, default_value=flag(False))
    y = result_def(AnyTensor)
    assembly_format = "$x attr-dict `:` type($x) `->` type($y)"

    def infer(self) -> Sequence[Tensor]:
        verify_numbers(self, self.operands)
        verify_axes(self, [self.axis.value.data], rank_of(self.x))
        return [tensor_of(self.x)]

    @abstractmethod
    def run(self, x: Array, axis: int) -> Array:
        """The inclusive, forward meaning."""

    @abstractmethod
    def neutral(self) -> int:
        """What an empty combination gives."""

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        (x,), axis = operands, self.axis.value.data
        forward = np.flip(x, axis) if self.reverse.value.data else x
        y = self.run(wide(forward), axis)
        if self.exclusive.value.data and x.shape[axis]:
            start = np.full_like(np.take(y, [0], axis), self.neutral())
            y = np.concatenate([start, np.delete(y, -1, axis)], axis)
        return [np.asarray(np.flip(y, axis) if self.reverse.value.data else y, x.dtype)]


@irdl_op_definition
class CumSumOp(Running):
    """Running sum: `%y = graph.cumsum %x {axis = 0 : i64} : tensor<3xf32> -> tensor<3xf32>`."""

    name = "graph.cumsum"

    def run(self, x: Array, axis: int) -> Array:
        return np.add.accumulate(x, axis)

    def neutral(self) -> int:
        return 0


@irdl_op_definition
class CumProdOp(Running):
    """Running product: `%y = graph.cumprod %x {axis = 0 : i64} : tensor<3xf32> -> tensor<3xf32>`."""

    name = "graph.cumprod"

    def run(self, x: Array, axis: int) -> Array:
        return np.multiply.accumulate(x, axis)

    def neutral(self) -> int:
        return 1


@irdl_op_definition
class TopKOp(GraphOp):
    """The `k` greatest (or smallest) along an axis in falling (rising) order, and where they are.

    Of equals the earlier comes first; NaN counts as the greatest:

    `%v, %i = graph.top_k %x {k = [2 : i64], axis = 0 : i64} : tensor<9xf32> -> tensor<2xf32>, tensor<2xi64>`.
    """

    name = "graph.top_k"
    x = operand_def(AnyTensor)
    k = prop_def(ShapeAttr)
    axis = prop_def(IntegerAttr[I64])
    largest = prop_def(BoolAttr, default_value=flag(True))
    values = result_def(AnyTensor)
    indices = result_def(AnyTensor)
    assembly_format = "$x attr-dict `:` type($x) `->` type($values) `,` type($indices)"

    def infer(self) -> Sequence[Tensor]:
        shape, axis, k = list(shape_of(self.x)), self.axis.value.data, self.count
        verify_axes(self, [axis], len(shape))
        size = shape[axis]
        if isinstance(k, int) and (k < 0 or (isinstance(size, int) and k > size)):
            raise VerifyException(f"{self.name}: {k} of the {size} elements along axis {axis}")
        shape[axis] = k
        return [tensor(shape, element_of(self.x)), tensor(shape, i64)]

    @property
    def count(self) -> Dim:
        """How many are asked for."""
        (k,) = dims_of(self.k)
        return k

    def formulas(self) -> Sequence[Dim]:
        return dims_of(self.k)

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        (x,), axis = operands, self.axis.value.data
        keys = x if x.dtype.kind in "biu" else wide(x)
        if self.largest.value.data:
            # A stable rising sort of the reversed keys, read backwards, falls and keeps the order of equals.
            rising = np.argsort(np.flip(keys, axis), axis, kind="stable")
            order = x.shape[axis] - 1 - np.flip(rising, axis)
        else:
            order = np.argsort(keys, axis, kind="stable")
        chosen = np.take(order, range(*numbers_of(self, [self.count])), axis)
        return [np.take_along_axis(x, chosen, axis), chosen]


OPS: tuple[type[Operation], ...] = (CumSumOp, CumProdOp, TopKOp)
