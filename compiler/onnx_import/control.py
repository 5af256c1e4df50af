"""Importers of constants and of operations that do nothing at inference time."""

import numpy as np
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import shape_of
from penstock.dialects.graph.constant import INLINE_LIMIT
from penstock.errors import ModelError, ShapeError
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.drawing import drop_out
from penstock.onnx_import.family import Family
from penstock.onnx_import.movement import given_shape
from penstock.onnx_import.node import Node, Unsupported
from penstock.onnx_import.values import Value


def import_constant(node: Node, build: Builder) -> SSAValue:
    """Constant: the value is one of several attributes."""
    if node.has("value"):
        return build.constant(node.tensor("value"))
    if node.has("value_float"):
        return build.constant(np.array(node.float("value_float"), np.float32))
    if node.has("value_floats"):
        return build.constant(np.array(node.floats("value_floats"), np.float32))
    if node.has("value_int"):
        return build.constant(np.array(node.int("value_int"), np.int64))
    if node.has("value_ints"):
        return build.constant(np.array(node.ints("value_ints"), np.int64))
    if node.attributes:
        raise Unsupported(
            "a constant of text, or a sparse one", "Store the constant as a dense numeric tensor."
        )
    raise ModelError("a Constant without a value", node=node.name, remedy="Export the model again.")


def import_constant_of_shape(node: Node, build: Builder) -> SSAValue:
    """ConstantOfShape: one value everywhere, 0.0 unless it is given."""
    value = node.tensor("value") if node.has("value") else np.zeros((1,), np.float32)
    shape = given_shape(node, build, 0)
    sizes = [d for d in shape if isinstance(d, int)]
    if value.size != 1 or min(sizes, default=0) < 0:
        fault = f"a value of shape {list(value.shape)} for the shape {list(shape)}"
        raise ShapeError(fault, node=node.name, remedy="It must be one number, and no size negative.")
    if len(sizes) == len(shape) and np.prod(sizes, dtype=np.float64) <= INLINE_LIMIT:
        return build.constant(np.full(sizes, value.reshape(-1)[0], value.dtype))
    return build.broadcast_to(build.constant(value.reshape(())), shape)


def import_identity(node: Node, build: Builder) -> Value:
    """Identity: the value itself, of any kind."""
    return node.value(0)


def import_dropout(node: Node, build: Builder) -> list[SSAValue]:
    """Dropout: at inference time the value itself, and a mask that keeps everything."""
    x = node.input(0)
    if node.opset < 7 and node.int("is_test", 0) == 0:
        raise Unsupported("dropout in training mode (is_test=0) is random", "Export the model for inference.")
    training, ratio = node.constant(2), node.constant(1)
    drops = node.optional(1) is None or ratio is None or ratio.any()
    if node.optional(2) is not None and (training is None or training.any()) and drops:
        return drop_out(node, build, None if training is not None else node.input(2))
    if not node.uses(1):
        return [x]
    # The mask has the type of the data up to opset 9.
    keep = build.constant(np.array(True)) if node.opset >= 10 else build.scalar(1, like=x)
    return [x, build.broadcast_to(keep, shape_of(x))]


CONTROL: Family = {
    "Constant": import_constant,
    "ConstantOfShape": import_constant_of_shape,
    "Dropout": import_dropout,
    "Identity": import_identity,
}
