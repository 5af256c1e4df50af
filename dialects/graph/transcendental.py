"""Functions of the `graph` dialect that no machine has as an instruction: their meaning is exact.

Each is computed in double precision and rounded once to the element type.
"""

import math

import numpy as np
from xdsl.ir import Operation
from xdsl.irdl import irdl_op_definition

from penstock.dialects.graph.base import Array, wide
from penstock.dialects.graph.elementwise import RealFunction


@irdl_op_definition
class ExpOp(RealFunction):
    """`e^x`: `%y = graph.exp %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.exp"

    def compute(self, *operands: Array) -> Array:
        return np.exp(wide(*operands))


@irdl_op_definition
class LogOp(RealFunction):
    """Natural logarithm: `%y = graph.log %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.log"

    def compute(self, *operands: Array) -> Array:
        return np.log(wide(*operands))


@irdl_op_definition
class ErfOp(RealFunction):
    """Error function: `%y = graph.erf %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.erf"

    def compute(self, *operands: Array) -> Array:
        x = wide(*operands)
        return np.array([math.erf(v) for v in x.reshape(-1).tolist()], np.float64).reshape(x.shape)


@irdl_op_definition
class SinOp(RealFunction):
    """Sine: `%y = graph.sin %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.sin"

    def compute(self, *operands: Array) -> Array:
        return np.sin(wide(*operands))


@irdl_op_definition
class CosOp(RealFunction):
    """Cosine: `%y = graph.cos %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.cos"

    def compute(self, *operands: Array) -> Array:
        return np.cos(wide(*operands))


@irdl_op_definition
class TanOp(RealFunction):
    """Tangent: `%y = graph.tan %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.tan"

    def compute(self, *operands: Array) -> Array:
        return np.tan(wide(*operands))


@irdl_op_definition
class AsinOp(RealFunction):
    """Inverse sine: `%y = graph.asin %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.asin"

    def compute(self, *operands: Array) -> Array:
        return np.arcsin(wide(*operands))


@irdl_op_definition
class AcosOp(RealFunction):
    """Inverse cosine: `%y = graph.acos %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.acos"

    def compute(self, *operands: Array) -> Array:
        return np.arccos(wide(*operands))


@irdl_op_definition
class AtanOp(RealFunction):
    """Inverse tangent: `%y = graph.atan %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.atan"

    def compute(self, *operands: Array) -> Array:
        return np.arctan(wide(*operands))


@irdl_op_definition
class SinhOp(RealFunction):
    """Hyperbolic sine: `%y = graph.sinh %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.sinh"

    def compute(self, *operands: Array) -> Array:
        return np.sinh(wide(*operands))


@irdl_op_definition
class CoshOp(RealFunction):
    """Hyperbolic cosine: `%y = graph.cosh %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.cosh"

    def compute(self, *operands: Array) -> Array:
        return np.cosh(wide(*operands))


@irdl_op_definition
class TanhOp(RealFunction):
    """Hyperbolic tangent: `%y = graph.tanh %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.tanh"

    def compute(self, *operands: Array) -> Array:
        return np.tanh(wide(*operands))


@irdl_op_definition
class AsinhOp(RealFunction):
    """Inverse hyperbolic sine: `%y = graph.asinh %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.asinh"

    def compute(self, *operands: Array) -> Array:
        return np.arcsinh(wide(*operands))


@irdl_op_definition
class AcoshOp(RealFunction):
    """Inverse hyperbolic cosine: `%y = graph.acosh %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.acosh"

    def compute(self, *operands: Array) -> Array:
        return np.arccosh(wide(*operands))


@irdl_op_definition
class AtanhOp(RealFunction):
    """Inverse hyperbolic tangent: `%y = graph.atanh %x : tensor<2xf32> -> tensor<2xf32>`."""

    name = "graph.atanh"

    def compute(self, *operands: Array) -> Array:
        return np.arctanh(wide(*operands))


OPS: tuple[type[Operation], ...] = (
    ExpOp,
    LogOp,
    ErfOp,
    SinOp,
    CosOp,
    TanOp,
    AsinOp,
    AcosOp,
    AtanOp,
    SinhOp,
    CoshOp,
    TanhOp,
    AsinhOp,
    AcoshOp,
    AtanhOp,
)
