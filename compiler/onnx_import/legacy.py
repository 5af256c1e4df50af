"""Importers of experimental operations that old exporters wrote and the standard has dropped."""

import numpy as np
from xdsl.ir import SSAValue

from penstock.dialects.element_types import numpy_dtype
from penstock.dialects.graph.activation import SoftplusOp
from penstock.dialects.graph.base import element_of, rank_of
from penstock.dialects.graph.elementwise import AddOp
from penstock.dialects.graph.transcendental import TanhOp
from penstock.onnx_import.activation import scaled, shifted
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node


def import_affine(node: Node, build: Builder) -> SSAValue:
    """Affine: `alpha * x + beta`."""
    return shifted(build, scaled(build, node.input(0), node.float("alpha", 1.0)), node.float("beta", 0.0))


def import_scale(node: Node, build: Builder) -> SSAValue:
    """Scale: `scale * x`."""
    return scaled(build, node.input(0), node.float("scale", 1.0))


def import_scaled_tanh(node: Node, build: Builder) -> SSAValue:
    """ScaledTanh: `alpha * tanh(beta * x)`."""
    tanh = build.op(TanhOp, [scaled(build, node.input(0), node.float("beta", 1.0))])
    return scaled(build, tanh, node.float("alpha", 1.0))


def import_parametric_softplus(node: Node, build: Builder) -> SSAValue:
    """ParametricSoftplus: `alpha * log(1 + e^(beta * x))`."""
    softplus = build.op(SoftplusOp, [scaled(build, node.input(0), node.float("beta", 1.0))])
    return scaled(build, softplus, node.float("alpha", 1.0))


def import_image_scaler(node: Node, build: Builder) -> SSAValue:
    """ImageScaler: `scale * x` plus a bias per channel."""
    x = scaled(build, node.input(0), node.float("scale", 1.0))
    bias = build.constant(np.array(node.floats("bias"), numpy_dtype(element_of(x))))
    return build.op(AddOp, [x, build.append_axes(bias, rank_of(x) - 2)])


LEGACY: Family = {
    "Affine": import_affine,
    "ImageScaler": import_image_scaler,
    "ParametricSoftplus": import_parametric_softplus,
    "Scale": import_scale,
    "ScaledTanh": import_scaled_tanh,
}
