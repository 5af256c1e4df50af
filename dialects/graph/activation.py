"""Activation functions of the `graph` dialect; importers compose the rest of these."""

import math

import numpy as np
from xdsl.dialects.builtin import BoolAttr, FloatAttr
from xdsl.ir import Operation
from xdsl.irdl import irdl_op_definition, prop_def

from penstock.dialects.graph.base import Array, flag, wide
from penstock.dialects.graph.elementwise import RealFunction


@irdl_op_definition
class SigmoidOp(RealFunction):
    """`1 / (1 + e^-x)`: `%y = graph.sigmoid %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.sigmoid"

    def compute(self, *operands: Array) -> Array:
        return 1 / (1 + np.exp(-wide(*operands)))


@irdl_op_definition
class HardSigmoidOp(RealFunction):
    """`alpha * x + beta` held in [0, 1]:

    `%y = graph.hard_sigmoid %x {alpha = 0.2 : f64, beta = 0.5 : f64} : tensor<2xf32> -> tensor<2xf32>`.
    """

    name = "graph.hard_sigmoid"
    alpha = prop_def(FloatAttr)
    beta = prop_def(FloatAttr)

    def compute(self, *operands: Array) -> Array:
        return np.clip(self.alpha.value.data * wide(*operands) + self.beta.value.data, 0, 1)


@irdl_op_definition
class SoftplusOp(RealFunction):
    """`log(1 + e^x)`: `%y = graph.softplus %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.softplus"

    def compute(self, *operands: Array) -> Array:
        return np.logaddexp(0, wide(*operands))


@irdl_op_definition
class EluOp(RealFunction):
    """`x` from 0 on, `alpha * (e^x - 1)` below:

    `%y = graph.elu %x {alpha = 1.0 : f64} : tensor<2xf32> -> tensor<2xf32>`.
    """

    name = "graph.elu"
    alpha = prop_def(FloatAttr)

    def compute(self, *operands: Array) -> Array:
        x = wide(*operands)
        return np.where(x < 0, self.alpha.value.data * np.expm1(x), x)


@irdl_op_definition
class LeakyReluOp(RealFunction):
    """`x` from 0 on, `alpha * x` below:

    `%y = graph.leaky_relu %x {alpha = 0.01 : f64} : tensor<2xf32> -> tensor<2xf32>`.
    """

    name = "graph.leaky_relu"
    alpha = prop_def(FloatAttr)

    def compute(self, *operands: Array) -> Array:
        x = wide(*operands)
        return np.where(x < 0, self.alpha.value.data * x, x)


@irdl_op_definition
class GeluOp(RealFunction):
    """`x * P(N(0, 1) <= x)`, or its fit by a hyperbolic tangent if `approximate`:

    `%y = graph.gelu %x {approximate = true} : tensor<2xf32> -> tensor<2xf32>`.
    """

    name = "graph.gelu"
    approximate = prop_def(BoolAttr, default_value=flag(False))

    def compute(self, *operands: Array) -> Array:
        x = wide(*operands)
        if self.approximate.value.data:
            return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
        # The complement keeps the digits of the left tail, which 1 + erf would cancel.
        tail = [0.5 * math.erfc(-v / math.sqrt(2)) for v in x.reshape(-1).tolist()]
        return x * np.array(tail, np.float64).reshape(x.shape)


OPS: tuple[type[Operation], ...] = (SigmoidOp, HardSigmoidOp, SoftplusOp, EluOp, LeakyReluOp, GeluOp)
