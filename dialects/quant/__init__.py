"""The `quant` dialect: tensors of integers with scale and zero point, beside `graph` at the same level."""

from xdsl.ir import Dialect

from penstock.dialects.quant import products, scaling

Quant = Dialect("quant", [*scaling.OPS, *products.OPS])
