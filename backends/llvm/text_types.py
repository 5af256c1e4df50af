"""Types and constants of the `llvm` dialect as LLVM IR text; `translate` writes the instructions."""

import struct
from collections.abc import Sequence

from xdsl.dialects import llvm
from xdsl.dialects.builtin import (
    BFloat16Type,
    DenseIntOrFPElementsAttr,
    Float16Type,
    Float32Type,
    Float64Type,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    VectorType,
)
from xdsl.ir import Attribute

from penstock.dialects.narrowing import is_vector

_FLOATS: dict[type[Attribute], tuple[str, str]] = {
    Float16Type: ("half", "f16"),
    BFloat16Type: ("bfloat", "bf16"),
    Float32Type: ("float", "f32"),
    Float64Type: ("double", "f64"),
}


def type_text(source: Attribute) -> str:
    """The type in LLVM's syntax."""
    if type(source) in _FLOATS:
        return _FLOATS[type(source)][0]
    if is_vector(source):
        return f"<{_length(source)} x {type_text(source.element_type)}>"
    match source:
        case IntegerType():
            return f"i{source.width.data}"
        case llvm.LLVMPointerType():
            return "ptr"
        case llvm.LLVMVoidType():
            return "void"
        case llvm.LLVMArrayType():
            return f"[{source.size.data} x {type_text(source.type)}]"
        case llvm.LLVMStructType():
            return f"{{ {', '.join(map(type_text, source.types))} }}"
        case _:
            raise NotImplementedError(f"llvm: type {source}")


def _length(vector: VectorType[Attribute]) -> int:
    if len(vector.get_shape()) != 1 or vector.get_num_scalable_dims():
        raise NotImplementedError(f"llvm: {vector}: vectors have one fixed dimension")
    return vector.get_shape()[0]


def overload_suffix(source: Attribute) -> str:
    """What an intrinsic's name says of the type it is overloaded on: `v16f32`."""
    if is_vector(source):
        return f"v{_length(source)}{overload_suffix(source.element_type)}"
    if type(source) in _FLOATS:
        return _FLOATS[type(source)][1]
    if isinstance(source, llvm.LLVMPointerType):
        return "p0"
    return type_text(source)


def constant_text(value: Attribute, llvm_type: Attribute) -> str:
    """A constant in LLVM's syntax, without its type."""
    match value:
        case IntegerAttr():
            return str(value.value.data)
        case FloatAttr():
            return number_text(value.value.data, llvm_type)
        case DenseIntOrFPElementsAttr() if isinstance(llvm_type, llvm.LLVMArrayType):
            return _array_text(value.get_values(), llvm_type.type)
        case DenseIntOrFPElementsAttr():
            assert is_vector(llvm_type), "a dense constant is a vector"
            return _vector_text(value.get_values(), llvm_type.element_type, _is_splat(value))
        case _:
            raise NotImplementedError(f"llvm: constant {value}")


def _is_splat(value: DenseIntOrFPElementsAttr) -> bool:
    """Whether all elements have the same bits: -0.0 equals 0.0 and is another constant."""
    data, count = value.data.data, len(value)
    return data == data[: len(data) // count] * count


def _vector_text(values: Sequence[object], element: Attribute, is_splat: bool) -> str:
    name = type_text(element)
    if is_splat:
        return f"splat ({name} {number_text(values[0], element)})"
    return f"<{', '.join(f'{name} {number_text(value, element)}' for value in values)}>"


def _array_text(values: Sequence[object], element: Attribute) -> str:
    name = type_text(element)
    return f"[{', '.join(f'{name} {number_text(value, element)}' for value in values)}]"


def number_text(value: object, element: Attribute) -> str:
    """A number in LLVM's syntax; a floating-point number is the bits of the double that equals it."""
    if isinstance(element, IntegerType):
        assert isinstance(value, int), "an integer constant is an integer"
        return str(value)
    assert isinstance(value, float), "a floating-point constant is a float"
    if not isinstance(element, Float32Type | Float64Type):
        raise NotImplementedError(f"llvm: constant of type {element}")
    # xDSL has rounded it to its type, so the double is exact.
    return f"0x{_double_bits(value):016X}"


def _double_bits(value: float) -> int:
    return int.from_bytes(struct.pack(">d", value), "big")
