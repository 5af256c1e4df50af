"""The inputs of a model as the tensors they consist of: a sequence is as many tensors as the caller says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onnx import TypeProto, ValueInfoProto
from xdsl.ir import SSAValue

from penstock.errors import ShapeError
from penstock.onnx_import.values import Nothing, TensorSequence, Value, element_name

Lengths = Mapping[str, int | None]
"""How many tensors a sequence or an optional holds; `None` for an optional without a value."""


@dataclass(frozen=True)
class Input:
    """An input of the model: its name, its kind, and the tensors to be passed for it."""

    name: str
    kind: type[SSAValue] | type[TensorSequence] | type[Nothing]
    tensors: Sequence[ValueInfoProto]

    def of(self, values: Sequence[SSAValue]) -> Value:
        """What the input stands for when these are its tensors."""
        if self.kind is Nothing:
            return Nothing()
        return TensorSequence(tuple(values)) if self.kind is TensorSequence else values[0]


def input_of(value: ValueInfoProto, lengths: Lengths) -> Input:
    """An input taken apart; one whose structure is not known stays whole, for its type to be declined."""
    kind = value.type.WhichOneof("value")
    if value.name not in lengths or kind not in ("sequence_type", "optional_type"):
        return Input(value.name, SSAValue, [value])
    length = lengths[value.name]
    held = value.type.optional_type.elem_type if kind == "optional_type" else value.type
    if length is None and kind == "optional_type":
        return Input(value.name, Nothing, [])
    if length is None or length < 0:
        raise _bad_length(value.name, length)
    if held.WhichOneof("value") == "sequence_type":
        element = held.sequence_type.elem_type
        return Input(value.name, TensorSequence, [_element(value.name, i, element) for i in range(length)])
    if length != 1:
        raise _bad_length(value.name, length)
    return Input(value.name, SSAValue, [ValueInfoProto(name=value.name, type=held)])


def _bad_length(name: str, length: int | None) -> ShapeError:
    remedy = "A sequence has 0 tensors or more, an optional tensor 1, an optional without a value None."
    return ShapeError(f"the length {length} given for {name!r} does not fit its type", remedy=remedy)


def _element(name: str, index: int, declared: TypeProto) -> ValueInfoProto:
    """A tensor of a sequence; what the sequence calls a size differs from tensor to tensor."""
    element = ValueInfoProto(name=element_name(name, index), type=declared)
    for dim in element.type.tensor_type.shape.dim if declared.tensor_type.HasField("shape") else ():
        dim.ClearField("dim_param")
    return element
