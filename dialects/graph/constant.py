"""Constants of the `graph` dialect: small ones as text in the module, weights as named resources."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias, cast

import numpy as np
from xdsl.dialects.builtin import AnyDenseElement, BytesAttr, DenseIntOrFPElementsAttr, TensorType
from xdsl.ir import Attribute, Operation
from xdsl.irdl import irdl_op_definition, prop_def, result_def

from penstock.dialects.element_types import STRING, element_type, is_narrow, numpy_dtype
from penstock.dialects.graph.base import AnyTensor, Array, GraphOp, Tensor, tensor, tensor_of
from penstock.dialects.resources import ResourceAttr
from penstock.dialects.texts import StringsAttr

DenseType: TypeAlias = TensorType[AnyDenseElement]
INLINE_LIMIT = 16
"""Constants of at most this many elements are written out as text."""


def constant_value(array: Array, name: str) -> DenseIntOrFPElementsAttr | ResourceAttr | StringsAttr:
    """The attribute for an array: its elements if they are strings, or few and finite; else a resource."""
    if array.dtype == np.object_:
        return StringsAttr.of(array)
    element = cast(AnyDenseElement, element_type(array.dtype))
    # xDSL 0.74 prints inf and NaN in dense attributes as bit patterns and reads these back as integers.
    # It packs narrow elements in ways of its own.
    if is_narrow(element) or array.size > INLINE_LIMIT or not np.isfinite(array).all():
        return ResourceAttr.of(name, array)
    # A true bit is stored as -1, as xDSL's own parser does.
    stored = -array.astype(np.int8) if array.dtype == np.bool_ else array
    return _dense(stored.tobytes(), array.shape, element)


@lru_cache(4096)
def _dense(elements: bytes, shape: tuple[int, ...], element: AnyDenseElement) -> DenseIntOrFPElementsAttr:
    return DenseIntOrFPElementsAttr(cast(DenseType, tensor(shape, element)), BytesAttr(elements))


@irdl_op_definition
class ConstantOp(GraphOp):
    """A tensor known in advance: `%w = graph.constant {value = dense<1.0> : tensor<f32>} -> tensor<f32>`."""

    name = "graph.constant"
    value = prop_def(DenseIntOrFPElementsAttr | ResourceAttr | StringsAttr)
    y = result_def(AnyTensor)
    assembly_format = "attr-dict `->` type($y)"

    @staticmethod
    def of(array: Array, name: str) -> "ConstantOp":
        """A constant that holds `array`; large ones are not copied: do not write to them any more."""
        return ConstantOp.make([], {"value": constant_value(array, name)})

    @property
    def array(self) -> Array:
        """The value; a `LookupError` when it is a resource of which only the text was parsed."""
        value: Attribute = self.value
        if isinstance(value, ResourceAttr | StringsAttr):
            return value.array
        dtype = numpy_dtype(value.get_element_type())
        stored = np.dtype(np.int8) if dtype == np.bool_ else dtype
        return np.frombuffer(value.data.data, stored).reshape(value.get_shape()).astype(dtype)

    def infer(self) -> Sequence[Tensor]:
        value = self.value
        if isinstance(value, StringsAttr):
            return [tensor(value.sizes, STRING)]
        if not isinstance(value, ResourceAttr):
            return [tensor(value.get_shape(), value.get_element_type())]
        try:
            return [tensor(value.array.shape, element_type(value.array.dtype))]
        except LookupError:
            return [tensor_of(self.y)]

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        return [self.array]


OPS: tuple[type[Operation], ...] = (ConstantOp,)
