"""Normalizing operations of the `graph` dialect: softmax and the division by a mean square or variance."""

from abc import ABC
from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import I64, FloatAttr, IntegerAttr
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    prop_def,
    result_def,
)
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.graph.base import (
    AnyTensor,
    Array,
    GraphOp,
    Tensor,
    element_count,
    may_broadcast,
    rank_of,
    shape_of,
    tensor_of,
    wide,
)
from penstock.dialects.graph.element_rules import verify_reals
from penstock.dialects.graph.reduction import verify_axes


class AlongAxis(GraphOp, ABC):
    """An op that keeps the type of its first operand and distinguishes one axis of it.

    Each op declares its operands itself: inherited ones would come last.
    """

    axis = prop_def(IntegerAttr[I64])
    y = result_def(AnyTensor)

    def infer(self) -> Sequence[Tensor]:
        x = self.operands[0]
        verify_axes(self, [self.axis.value.data], rank_of(x))
        verify_reals(self, self.operands)
        return [tensor_of(x)]


@irdl_op_definition
class SoftmaxOp(AlongAxis):
    """`e^x / sum(e^x)`: `%y = graph.softmax %x {axis = 1 : i64} : tensor<2x3xf32> -> tensor<2x3xf32>`."""

    name = "graph.softmax"
    x = operand_def(AnyTensor)
    assembly_format = "$x attr-dict `:` type($x) `->` type($y)"

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        (x,), axis = operands, self.axis.value.data
        return [np.asarray(softmax(x, axis), x.dtype)]


def softmax(x: Array, axis: int) -> Array:
    """The softmax in double precision; the maximum is subtracted so that no exponential overflows."""
    with np.errstate(all="ignore"):
        e = np.exp(np.subtract(wide(x), np.max(wide(x), axis, keepdims=True, initial=-np.inf)))
        return e / np.sum(e, axis, keepdims=True)


@irdl_op_definition
class LogSoftmaxOp(AlongAxis):
    """`x - log(sum(e^x))`: `%y = graph.log_softmax %x {axis = 1 : i64} : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.log_softmax"
    x = operand_def(AnyTensor)
    assembly_format = "$x attr-dict `:` type($x) `->` type($y)"

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        (x,), axis = operands, self.axis.value.data
        with np.errstate(all="ignore"):
            shifted = np.subtract(wide(x), np.max(wide(x), axis, keepdims=True, initial=-np.inf))
            y = shifted - np.log(np.sum(np.exp(shifted), axis, keepdims=True))
        return [np.asarray(y, x.dtype)]


@irdl_op_definition
class BatchNormOp(AlongAxis):
    """`(x - mean) / sqrt(var + eps) * scale + bias`, with one parameter per position on `axis`:

    `%y = graph.batch_norm %x, %s, %b, %m, %v {eps = 1.0e-5 : f64, axis = 1 : i64} : ... -> ...`.
    """

    name = "graph.batch_norm"
    x = operand_def(AnyTensor)
    scale = operand_def(AnyTensor)
    bias = operand_def(AnyTensor)
    mean = operand_def(AnyTensor)
    var = operand_def(AnyTensor)
    eps = prop_def(FloatAttr)
    assembly_format = (
        "$x `,` $scale `,` $bias `,` $mean `,` $var attr-dict `:` "
        "type($x) `,` type($scale) `,` type($bias) `,` type($mean) `,` type($var) `->` type($y)"
    )

    def infer(self) -> Sequence[Tensor]:
        inferred = super().infer()
        channels = shape_of(self.x)[self.axis.value.data]
        for operand in self.operands[1:]:
            shape = shape_of(operand)
            if len(shape) != 1 or (isinstance(channels, int) and shape[0] not in (channels, "?")):
                raise VerifyException(
                    f"{self.name}: a parameter of shape {list(shape)} for {channels} channels"
                )
        return inferred

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        x = operands[0]
        shape = [-1 if i == self.axis.value.data else 1 for i in range(x.ndim)]
        scale, bias, mean, var = (wide(o).reshape(shape) for o in operands[1:])
        with np.errstate(all="ignore"):
            y = (wide(x) - mean) / np.sqrt(var + self.eps.value.data) * scale + bias
        return [np.asarray(y, x.dtype)]


class TrailingNorm(AlongAxis, ABC):
    """A normalization over all dims from `axis` on; the other operands broadcast to the first."""

    eps = prop_def(FloatAttr)

    def infer(self) -> Sequence[Tensor]:
        inferred = super().infer()
        for operand in self.operands[1:]:
            self._verify_broadcast(operand)
        return inferred

    def _verify_broadcast(self, operand: SSAValue) -> None:
        shape, x = shape_of(operand), shape_of(self.operands[0])
        if not may_broadcast(shape, x):
            raise VerifyException(f"{self.name}: {list(shape)} does not broadcast to {list(x)}")

    def normalized_axes(self, x: Array) -> tuple[int, ...]:
        """The axes whose elements are normalized together."""
        return tuple(range(self.axis.value.data, x.ndim))


@irdl_op_definition
class LayerNormOp(TrailingNorm):
    """`(x - mean) / sqrt(variance + eps) * scale + bias`, the moments taken over all dims from `axis` on:

    `%y = graph.layer_norm %x scale %s bias %b {axis = 1 : i64, eps = 1.0e-5 : f64} : ... -> ...`.
    """

    name = "graph.layer_norm"
    x = operand_def(AnyTensor)
    scale = opt_operand_def(AnyTensor)
    bias = opt_operand_def(AnyTensor)
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    assembly_format = (
        "$x (`scale` $scale^)? (`bias` $bias^)? attr-dict `:` "
        "type($x) (`scale` type($scale)^)? (`bias` type($bias)^)? `->` type($y)"
    )

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        x, *rest = operands
        axes = self.normalized_axes(x)
        centred = wide(x) - np.mean(wide(x), axes, keepdims=True)
        y = centred / np.sqrt(np.mean(centred * centred, axes, keepdims=True) + self.eps.value.data)
        if self.scale is not None:
            y = np.multiply(y, wide(rest[0]))
        return [np.asarray(y if self.bias is None else np.add(y, wide(rest[-1])), x.dtype)]


@irdl_op_definition
class RmsNormOp(TrailingNorm):
    """`x / sqrt(mean(x^2) + eps) * scale`, the mean taken over all dims from `axis` on:

    `%y = graph.rms_norm %x, %s {axis = 1 : i64, eps = 1.0e-5 : f64} : ... -> ...`.
    """

    name = "graph.rms_norm"
    x = operand_def(AnyTensor)
    scale = opt_operand_def(AnyTensor)
    assembly_format = "$x (`,` $scale^)? attr-dict `:` type($x) (`,` type($scale)^)? `->` type($y)"

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        x, *scale = operands
        square = np.square(wide(x))
        y = wide(x) / np.sqrt(np.mean(square, self.normalized_axes(x), keepdims=True) + self.eps.value.data)
        return [np.asarray(np.multiply(y, wide(scale[0])) if scale else y, x.dtype)]


@irdl_op_definition
class LocalResponseNormOp(AlongAxis):
    """`x / (bias + alpha / size * s)^beta`, `s` the sum of squares of `size` neighbours along `axis`:

    `%y = graph.lrn %x {axis = 1 : i64, size = 5 : i64, alpha = 1.0e-4 : f64, ...} : ... -> ...`
    """

    name = "graph.lrn"
    x = operand_def(AnyTensor)
    size = prop_def(IntegerAttr[I64])
    alpha = prop_def(FloatAttr)
    beta = prop_def(FloatAttr)
    bias = prop_def(FloatAttr)
    assembly_format = "$x attr-dict `:` type($x) `->` type($y)"

    def infer(self) -> Sequence[Tensor]:
        if self.size.value.data < 1:
            raise VerifyException(f"{self.name}: size {self.size.value.data} must be positive")
        return super().infer()

    def effort(self) -> int:
        """Every element is summed with its neighbours."""
        return super().effort() + element_count(self.x) * self.size.value.data

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        (x,), axis, size = operands, self.axis.value.data, self.size.value.data
        pads = [((size - 1) // 2, size // 2) if i == axis else (0, 0) for i in range(x.ndim)]
        squares = np.moveaxis(np.pad(np.square(wide(x)), pads), axis, 0)
        total = np.add.reduce([squares[i : i + x.shape[axis]] for i in range(size)])
        scale = self.bias.value.data + self.alpha.value.data / size * np.moveaxis(total, 0, axis)
        return [np.asarray(wide(x) / np.power(scale, self.beta.value.data), x.dtype)]


OPS: tuple[type[Operation], ...] = (
    SoftmaxOp,
    LogSoftmaxOp,
    BatchNormOp,
    LayerNormOp,
    RmsNormOp,
    LocalResponseNormOp,
)
