"""The inputs and outputs a model declares: their types, with the shapes and sizes the user gives put in."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from onnx import GraphProto, TensorShapeProto, TypeProto, ValueInfoProto
from xdsl.ir import SSAValue

from penstock.dialects.element_types import element_type
from penstock.dialects.graph.base import Dim, Tensor, dim_of, fit, shape_of, tensor, tensor_of
from penstock.dialects.size_text import parse_size
from penstock.dialects.sizes import evaluate, symbol, symbols_of
from penstock.errors import ModelError, ShapeError
from penstock.onnx_import.inputs import Input, Lengths, input_of
from penstock.onnx_import.known_values import MAX_TENSOR_BYTES, static_bytes
from penstock.onnx_import.tensors import numpy_dtype_of
from penstock.onnx_import.unsupported import Unsupported
from penstock.onnx_import.values import TensorSequence, Value, kind_of

Shapes = Mapping[str, Sequence[Dim]]
Sizes = Mapping[str, int]


NAME = re.compile(r"[A-Za-z_][\w.]*")
"""What a formula can have as a symbol."""


def name_of(text: str) -> str:
    """A text as the name of a size."""
    name = re.sub(r"\W", "_", text)
    return name if NAME.fullmatch(name) else f"_{name}"


def model_inputs(graph: GraphProto) -> list[ValueInfoProto]:
    """The inputs the caller must give: those without a value in the model."""
    known = {tensor.name for tensor in graph.initializer} | {t.values.name for t in graph.sparse_initializer}
    return [value for value in graph.input if value.name not in known]


class Signature:
    """Computes the types of a model's inputs from what the model and the user say."""

    def __init__(self, graph: GraphProto, shapes: Shapes, sizes: Sizes, lengths: Lengths) -> None:
        declared = model_inputs(graph)
        self._check_lengths(declared, lengths)
        self._inputs = [input_of(value, lengths) for value in declared]
        self._tensors = [tensor for each in self._inputs for tensor in each.tensors]
        self._shapes = shapes
        self._check_names()
        self._sizes = {**dict(self._implied()), **sizes}
        self._check_sizes(sizes)

    @staticmethod
    def _check_lengths(declared: Sequence[ValueInfoProto], lengths: Lengths) -> None:
        plain = ("tensor_type", "sparse_tensor_type", "map_type", None)
        names = [value.name for value in declared if value.type.WhichOneof("value") not in plain]
        for name in lengths:
            if name not in names:
                fault = f"a length is given for {name!r}, which is no sequence or optional among the inputs"
                raise ShapeError(fault, remedy=f"The sequences and optionals are {names}.")

    def _check_names(self) -> None:
        names = [value.name for value in self._tensors]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ModelError(f"two inputs are called {twice!r}", remedy="Export the model again.")
        unknown = next((name for name in self._shapes if name not in names), None)
        if unknown is not None:
            raise ShapeError(
                f"a shape is given for {unknown!r}, which is no input", remedy=f"The inputs are {names}."
            )

    @property
    def inputs(self) -> Sequence[Input]:
        """The inputs of the model in order."""
        return self._inputs

    @property
    def tensors(self) -> Sequence[ValueInfoProto]:
        """The tensors the inputs consist of, in order."""
        return self._tensors

    @property
    def specialised(self) -> bool:
        """Whether the user gave a shape or size: what the model declares of inner values may be outdated."""
        return bool(self._shapes) or bool(self._sizes)

    def type_of(self, value: ValueInfoProto) -> Tensor:
        """The type of an input."""
        element = element_type(numpy_dtype_of(tensor_type(value).elem_type))
        if value.name in self._shapes:
            given = [_checked(value.name, dim) for dim in self._shapes[value.name]]
        elif tensor_type(value).HasField("shape"):
            given = declared_shape(value)
        else:
            remedy = f"Give its shape: shapes={{{value.name!r}: [...]}}."
            raise ShapeError(f"the model does not say the rank of input {value.name!r}", remedy=remedy)
        shape = [self._sizes.get(d, d) if isinstance(d, str) else d for d in given]
        declared = tensor([self._size(d) for d in shape], element)
        if static_bytes(declared) > MAX_TENSOR_BYTES:
            fault = f"input {value.name!r} of {shape} takes more than {MAX_TENSOR_BYTES} bytes"
            raise ShapeError(fault, remedy="Check its shape.")
        return declared

    def _size(self, dim: Dim) -> Dim:
        """A size as a number, a name, or a formula of names that inputs have; other texts become names."""
        if isinstance(dim, int) or NAME.fullmatch(dim):
            return dim
        try:
            size = parse_size(dim)
        except ValueError:
            size = symbol(name_of(dim))
        if set(symbols_of(size)) <= self._names:
            return dim_of(evaluate(size, self._sizes))
        return name_of(dim)

    @cached_property
    def _names(self) -> frozenset[str]:
        """The names that are sizes of inputs as they are."""
        shapes = [shape for _, shape in self._declared_shapes()] + list(self._shapes.values())
        return frozenset(d for shape in shapes for d in shape if isinstance(d, str) and NAME.fullmatch(d))

    def _implied(self) -> Iterator[tuple[str, int]]:
        """Symbols that a given shape puts in numbers, for the other inputs that have them too."""
        for name, shape in self._declared_shapes():
            given = self._shapes.get(name, ())
            if len(shape) == len(given):
                pairs = zip(shape, given, strict=True)
                yield from (
                    (name, size) for name, size in pairs if isinstance(name, str) and isinstance(size, int)
                )

    def _declared_shapes(self) -> Iterator[tuple[str, list[Dim]]]:
        for value in self._tensors:
            if value.type.WhichOneof("value") == "tensor_type" and value.type.tensor_type.HasField("shape"):
                yield value.name, declared_shape(value)

    def _check_sizes(self, sizes: Sizes) -> None:
        declared = {dim for _, shape in self._declared_shapes() for dim in shape if isinstance(dim, str)}
        names = declared | self._names
        for name, size in sizes.items():
            if name not in names:
                raise ShapeError(f"the model has no size {name!r}", remedy=f"It has {sorted(names)}.")
            _checked(name, size)


def tensor_type(value: ValueInfoProto) -> TypeProto.Tensor:
    """The tensor type of a declared value; `Unsupported` for sequences, maps and optionals."""
    kind = value.type.WhichOneof("value")
    if kind is None:
        raise ModelError(f"{value.name!r} has no type", remedy="Export the model again.")
    if kind != "tensor_type":
        reason = f"{value.name!r} is of kind {kind.removesuffix('_type')}, and what it holds is not known"
        raise Unsupported(
            reason, f"Say how many tensors: lengths={{{value.name!r}: ...}}, or use plain tensors."
        )
    return value.type.tensor_type


def declared_shape(value: ValueInfoProto) -> list[Dim]:
    """The shape a model declares; nameless unknown sizes are named after the value and the axis."""
    return [_declared_dim(value.name, axis, dim) for axis, dim in enumerate(value.type.tensor_type.shape.dim)]


def _declared_dim(name: str, axis: int, dim: TensorShapeProto.Dimension) -> Dim:
    # Several exporters write an unknown size as -1.
    if dim.HasField("dim_value") and dim.dim_value != -1:
        if dim.dim_value < 0:
            remedy = f"Give its shape: shapes={{{name!r}: [...]}}."
            raise ShapeError(f"{name!r} has a negative size {dim.dim_value}", remedy=remedy)
        return dim.dim_value
    # Bytes that are no text come as bytes.
    text = str(dim.dim_param)
    return text if text not in ("", "?") else f"{name}.{axis}"


def _checked(name: str, size: Dim) -> Dim:
    if isinstance(size, int) and size < 0:
        raise ShapeError(f"the size {size} given for {name!r} is negative", remedy="Sizes are 0 or more.")
    return size


def check_declared(value: ValueInfoProto, computed: Value) -> None:
    """Refuse a model that declares another type for a value than its operations give it."""
    check_kind(value, computed)
    if not isinstance(computed, SSAValue):
        return
    inferred = tensor_of(computed)
    if value.type.WhichOneof("value") != "tensor_type" or not value.type.tensor_type.elem_type:
        return
    shape = declared_shape(value) if value.type.tensor_type.HasField("shape") else shape_of(inferred)
    try:
        element = element_type(numpy_dtype_of(value.type.tensor_type.elem_type))
    except Unsupported as problem:
        # No operation gives such a type.
        raise _misdeclared(value, problem.reason, inferred) from None
    if element != inferred.get_element_type() or not fit(shape, shape_of(inferred)):
        raise _misdeclared(value, str(tensor(shape, element)), inferred)


def _misdeclared(value: ValueInfoProto, declared: str, inferred: Tensor) -> ShapeError:
    fault = f"the model declares {value.name!r} as {declared}, its operations make it {inferred}"
    return ShapeError(fault, remedy="Export the model again, or run onnx.shape_inference on it.")


def check_kind(value: ValueInfoProto, computed: Value) -> None:
    """Refuse a model that declares a value of another kind than its operations give it."""
    kind = value.type.WhichOneof("value")
    wanted = {"tensor_type": SSAValue, "sequence_type": TensorSequence}.get(kind or "")
    if wanted is not None and not isinstance(computed, wanted):
        raise ShapeError(
            f"the model declares {value.name!r} of kind {kind}, its operations make it {kind_of(computed)}",
            remedy="Export the model again.",
        )
