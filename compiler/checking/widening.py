"""A module as it would be in double precision: tells what a pass breaks from what it rounds otherwise."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    AnyDenseElement,
    ArrayAttr,
    BFloat16Type,
    BytesAttr,
    DenseIntOrFPElementsAttr,
    DictionaryAttr,
    Float16Type,
    Float32Type,
    ModuleOp,
    TensorType,
    VectorType,
    f64,
)
from xdsl.ir import Attribute, Operation, ParametrizedAttribute, SSAValue
from xdsl.rewriter import Rewriter

from penstock.dialects.element_types import element_type, has_element_type, is_float, numpy_dtype
from penstock.dialects.resources import Array, ResourceAttr

Narrow = Float16Type | BFloat16Type | Float32Type


def widened(module: ModuleOp) -> ModuleOp | None:
    """A copy of a module with every float type as `f64`; `None` when the bits of numbers matter in it."""
    if any(isinstance(op, arith.BitcastOp) for op in module.walk()):
        return None
    copy = module.clone()
    known: dict[Attribute, Attribute] = {}
    for op in copy.walk():
        for value in _defined(op):
            wide = _widen(value.type, known)
            if wide != value.type:
                Rewriter.replace_value_with_new_type(value, wide)
        op.properties = {name: _widen(a, known) for name, a in op.properties.items()}
        op.attributes = {name: _widen(a, known) for name, a in op.attributes.items()}
    return copy


def widened_arrays(arrays: Sequence[Array]) -> list[Array]:
    """Arrays as a widened module takes them."""
    return [_wide_array(a) for a in arrays]


def is_real(array: Array) -> bool:
    """Whether machines compute with an array as floating-point numbers; narrow ones are codes here."""
    return has_element_type(array.dtype) and is_float(element_type(array.dtype))


def _wide_array(array: Array) -> Array:
    return array.astype(np.float64, copy=False) if is_real(array) else array


def _defined(op: Operation) -> list[SSAValue]:
    blocks = [block for region in op.regions for block in region.blocks]
    return [*op.results, *(argument for block in blocks for argument in block.args)]


def _widen(attribute: Attribute, known: dict[Attribute, Attribute]) -> Attribute:
    """The attribute with every float type in it widened, numbers and data included."""
    if attribute not in known:
        known[attribute] = _widen_new(attribute, known)
    return known[attribute]


def _widen_new(attribute: Attribute, known: dict[Attribute, Attribute]) -> Attribute:
    match attribute:
        case Float16Type() | BFloat16Type() | Float32Type():
            return f64
        case ResourceAttr():
            array = _wide_array(attribute.array)
            return attribute if array is attribute.array else ResourceAttr.of(attribute.data.name, array)
        case DenseIntOrFPElementsAttr():
            return _widen_dense(attribute, known)
        case ArrayAttr():
            return ArrayAttr([_widen(item, known) for item in attribute.data])
        case DictionaryAttr():
            return DictionaryAttr({name: _widen(item, known) for name, item in attribute.data.items()})
        case ParametrizedAttribute():
            return _widen_parameters(attribute, known)
        case _:
            return attribute


def _widen_parameters(attribute: ParametrizedAttribute, known: dict[Attribute, Attribute]) -> Attribute:
    given = attribute.parameters
    wide = [_widen(parameter, known) for parameter in given]
    return attribute if list(given) == wide else type(attribute).new(wide)


def _widen_dense(attribute: DenseIntOrFPElementsAttr, known: dict[Attribute, Attribute]) -> Attribute:
    element: Attribute = attribute.get_element_type()
    if not isinstance(element, Narrow):
        return attribute
    numbers = np.frombuffer(attribute.data.data, numpy_dtype(element)).astype(np.float64)
    kind = cast(TensorType[AnyDenseElement] | VectorType[AnyDenseElement], _widen(attribute.type, known))
    return DenseIntOrFPElementsAttr(kind, BytesAttr(numbers.tobytes()))
