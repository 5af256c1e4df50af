"""Importers of activation functions; those that are products or choices of others are composed here."""

from xdsl.ir import SSAValue

from penstock.dialects.graph.activation import (
    EluOp,
    GeluOp,
    HardSigmoidOp,
    LeakyReluOp,
    SigmoidOp,
    SoftplusOp,
)
from penstock.dialects.graph.base import flag, number, rank_of, shape_of
from penstock.dialects.graph.comparison import LessOp, SelectOp
from penstock.dialects.graph.elementwise import AbsOp, AddOp, DivOp, MinOp, MulOp, SubOp
from penstock.dialects.graph.transcendental import ExpOp, TanhOp
from penstock.errors import ModelError
from penstock.onnx_import.arithmetic import clip, unary
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node

# Defaults of the ONNX standard, which gives them as single-precision numbers.
SELU_ALPHA = 1.67326319217681884765625
SELU_GAMMA = 1.05070102214813232421875


def scaled(build: Builder, x: SSAValue, factor: float) -> SSAValue:
    """`factor * x`; `x` itself for the factor 1."""
    return x if factor == 1 else build.op(MulOp, [x, build.scalar(factor, like=x)])


def shifted(build: Builder, x: SSAValue, offset: float) -> SSAValue:
    """`x + offset`; `x` itself for the offset 0."""
    return x if offset == 0 else build.op(AddOp, [x, build.scalar(offset, like=x)])


def import_relu(node: Node, build: Builder) -> SSAValue:
    """Relu: `max(x, 0)`."""
    return clip(build, node.input(0), low=0)


def import_leaky_relu(node: Node, build: Builder) -> SSAValue:
    """LeakyRelu: the slope below zero is an attribute."""
    return build.op(LeakyReluOp, [node.input(0)], {"alpha": number(node.float("alpha", 0.01))})


def import_prelu(node: Node, build: Builder) -> SSAValue:
    """PRelu: `slope * x` below zero; up to opset 6 a slope of rank 1 is per channel."""
    x, slope = node.input(0), node.input(1)
    if node.opset < 7 and rank_of(slope) == 1 and shape_of(slope) != (1,):
        slope = build.append_axes(slope, max(rank_of(x) - 2, 0))
    negative = build.op(LessOp, [x, build.scalar(0, like=x)])
    return build.op(SelectOp, [negative, build.op(MulOp, [slope, x]), x])


def import_thresholded_relu(node: Node, build: Builder) -> SSAValue:
    """ThresholdedRelu: `x` above the threshold, else 0."""
    x = node.input(0)
    above = build.op(LessOp, [build.scalar(node.float("alpha", 1.0), like=x), x])
    return build.op(SelectOp, [above, x, build.scalar(0, like=x)])


def import_elu(node: Node, build: Builder) -> SSAValue:
    """Elu: `alpha * (e^x - 1)` below zero."""
    return build.op(EluOp, [node.input(0)], {"alpha": number(node.float("alpha", 1.0))})


def import_selu(node: Node, build: Builder) -> SSAValue:
    """Selu: an elu times `gamma`."""
    elu = build.op(EluOp, [node.input(0)], {"alpha": number(node.float("alpha", SELU_ALPHA))})
    return scaled(build, elu, node.float("gamma", SELU_GAMMA))


def import_celu(node: Node, build: Builder) -> SSAValue:
    """Celu: `max(0, x) + min(0, alpha * (e^(x / alpha) - 1))`."""
    x, alpha = node.input(0), node.float("alpha", 1.0)
    power = build.op(ExpOp, [build.op(DivOp, [x, build.scalar(alpha, like=x)])])
    below = scaled(build, shifted(build, power, -1), alpha)
    return build.op(AddOp, [clip(build, x, low=0), build.op(MinOp, [below, build.scalar(0, like=x)])])


def import_hard_sigmoid(node: Node, build: Builder) -> SSAValue:
    """HardSigmoid: `alpha * x + beta` held in [0, 1]."""
    return _hard_sigmoid(build, node.input(0), node.float("alpha", 0.2), node.float("beta", 0.5))


def _hard_sigmoid(build: Builder, x: SSAValue, alpha: float, beta: float) -> SSAValue:
    return build.op(HardSigmoidOp, [x], {"alpha": number(alpha), "beta": number(beta)})


def import_hard_swish(node: Node, build: Builder) -> SSAValue:
    """HardSwish: `x` times its hard sigmoid of slope 1/6."""
    x = node.input(0)
    return build.op(MulOp, [x, _hard_sigmoid(build, x, 1 / 6, 0.5)])


def import_gelu(node: Node, build: Builder) -> SSAValue:
    """Gelu: exact, or by a hyperbolic tangent."""
    approximate = node.string("approximate", "none")
    if approximate not in ("none", "tanh"):
        raise ModelError(
            f"Gelu is approximated by {approximate!r}, it must be none or tanh",
            node=node.name,
            remedy="Export the model again.",
        )
    return build.op(GeluOp, [node.input(0)], {"approximate": flag(approximate == "tanh")})


def import_swish(node: Node, build: Builder) -> SSAValue:
    """Swish: `x * sigmoid(alpha * x)`."""
    x = node.input(0)
    return build.op(MulOp, [x, build.op(SigmoidOp, [scaled(build, x, node.float("alpha", 1.0))])])


def import_swiglu(node: Node, build: Builder) -> SSAValue:
    """SwiGLU: the swish of the gate times the other input."""
    return build.op(MulOp, [import_swish(node, build), node.input(1)])


def import_mish(node: Node, build: Builder) -> SSAValue:
    """Mish: `x * tanh(softplus(x))`."""
    x = node.input(0)
    return build.op(MulOp, [x, build.op(TanhOp, [build.op(SoftplusOp, [x])])])


def import_softsign(node: Node, build: Builder) -> SSAValue:
    """Softsign: `x / (1 + |x|)`."""
    x = node.input(0)
    return build.op(DivOp, [x, shifted(build, build.op(AbsOp, [x]), 1)])


def import_shrink(node: Node, build: Builder) -> SSAValue:
    """Shrink: `x + bias` below `-lambd`, `x - bias` above `lambd`, 0 between."""
    x, limit, bias = (
        node.input(0),
        node.float("lambd", 0.5),
        build.scalar(node.float("bias", 0.0), node.input(0)),
    )
    below = build.op(LessOp, [x, build.scalar(-limit, like=x)])
    above = build.op(LessOp, [build.scalar(limit, like=x), x])
    upper = build.op(SelectOp, [above, build.op(SubOp, [x, bias]), build.scalar(0, like=x)])
    return build.op(SelectOp, [below, build.op(AddOp, [x, bias]), upper])


ACTIVATION: Family = {
    "Celu": import_celu,
    "Elu": import_elu,
    "Gelu": import_gelu,
    "HardSigmoid": import_hard_sigmoid,
    "HardSwish": import_hard_swish,
    "LeakyRelu": import_leaky_relu,
    "Mish": import_mish,
    "PRelu": import_prelu,
    "Relu": import_relu,
    "Selu": import_selu,
    "Shrink": import_shrink,
    "Sigmoid": unary(SigmoidOp),
    "Softplus": unary(SoftplusOp),
    "Softsign": import_softsign,
    "SwiGLU": import_swiglu,
    "Swish": import_swish,
    "ThresholdedRelu": import_thresholded_relu,
}
