"""The families of random operations by name: what `graph_modules(ops=...)` chooses from."""

from collections.abc import Callable, Mapping

from xdsl.ir import SSAValue

from penstock.testing import elementwise, layers, movement
from penstock.testing.canvas import Canvas

Family = Callable[[Canvas], SSAValue | None]
"""Adds an operation of the family to a canvas, or nothing where it would be too large."""

CONTINUOUS: Mapping[str, Family] = {
    "unary": elementwise.unary,
    "binary": elementwise.binary,
    "divide": elementwise.divide,
    "select": elementwise.select,
    "transpose": movement.transpose,
    "reshape": movement.reshape,
    "broadcast_to": movement.broadcast_to,
    "concat": movement.concat,
    "slice": movement.slice_,
    "pad": movement.pad,
    "gather": movement.gather,
    "reduce": layers.reduce,
    "matmul": layers.matmul,
    "softmax": layers.softmax,
    "layer_norm": layers.layer_norm,
    "batch_norm": layers.batch_norm,
    "conv": layers.conv,
    "conv_transpose": layers.conv_transpose,
    "pool": layers.pool,
}
"""Where rounding an operand otherwise makes a small difference only."""

OF_REALS = (
    "divide",
    "matmul",
    "softmax",
    "layer_norm",
    "batch_norm",
    "conv",
    "conv_transpose",
    "pool",
    "steps",
)
"""Left out where inputs are integers only."""

FAMILIES: Mapping[str, Family] = {**CONTINUOUS, "steps": elementwise.steps}
