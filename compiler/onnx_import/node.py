"""What an importer sees of an ONNX node: typed inputs, checked attributes and the values known already."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from onnx import AttributeProto, GraphProto
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import Array, Dim
from penstock.errors import ModelError
from penstock.onnx_import.known_values import KnownValues
from penstock.onnx_import.tensors import TensorReader
from penstock.onnx_import.unsupported import Unsupported
from penstock.onnx_import.values import TensorSequence, Value, kind_of

T = TypeVar("T")
__all__ = ["Node", "Unsupported"]


@dataclass(frozen=True)
class Node:
    """A node with its inputs resolved to values; `outputs` are names, empty when nobody reads them."""

    op_type: str
    domain: str
    opset: int
    name: str
    inputs: tuple[Value | None, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, AttributeProto]
    known: KnownValues
    reader: TensorReader
    lookup: Callable[[str], Value | None]
    """What a name that an attribute gives stands for where the node is."""

    def value(self, index: int) -> Value:
        """A required input of any kind; `ModelError` when the node lacks it."""
        value = self.optional_value(index)
        if value is None:
            raise ModelError(
                f"{self.op_type} needs an input {index}, the node has none",
                node=self.name,
                remedy="Connect the input or export the model again.",
            )
        return value

    def optional_value(self, index: int) -> Value | None:
        """An input of any kind, or `None` when the node leaves it out."""
        return self.inputs[index] if index < len(self.inputs) else None

    def sequence(self, index: int) -> TensorSequence:
        """A required input that is a sequence."""
        value = self.value(index)
        if not isinstance(value, TensorSequence):
            raise self._of_another_kind(index, value, "a sequence")
        return value

    def input(self, index: int) -> SSAValue:
        """A required input that is a tensor."""
        value = self.value(index)
        if not isinstance(value, SSAValue):
            raise self._of_another_kind(index, value, "a tensor")
        return value

    def optional(self, index: int) -> SSAValue | None:
        """A tensor, or `None` when the node leaves the input out."""
        return None if self.optional_value(index) is None else self.input(index)

    def variadic(self, start: int = 0) -> list[SSAValue]:
        """All inputs from `start` on, each required; `ModelError` when there is none."""
        return [self.input(i) for i in range(start, max(len(self.inputs), start + 1))]

    def uses(self, output: int) -> bool:
        """Whether anything reads this output."""
        return output < len(self.outputs) and self.outputs[output] != ""

    def constant(self, index: int) -> Array | None:
        """The value of an input if it can be computed now; `None` if not, or if it is left out."""
        value = self.optional(index)
        return None if value is None else self.known.array(value)

    def required_constant(self, index: int, what: str) -> Array:
        """The value of a required input; `Unsupported` when it depends on an input of the model."""
        value = self.known.array(self.input(index))
        if value is None:
            raise Unsupported(
                f"{what} of {self.op_type} depend on the inputs of the model",
                f"Make {what} constant, or give fixed shapes (shapes=..., dims=...).",
            )
        return value

    def integers(self, index: int, what: str) -> tuple[int, ...]:
        """A required constant list of integers, such as axes or pads."""
        array = self.required_constant(index, what)
        if array.dtype.kind not in "iu" or array.ndim > 1:
            raise ModelError(
                f"{what} must be a list of integers, got {array.dtype} of rank {array.ndim}",
                node=self.name,
                remedy="Export the model again.",
            )
        return tuple(int(v) for v in array.reshape(-1).tolist())

    def dims(self, index: int) -> tuple[Dim, ...] | None:
        """The value of an input that is a shape, whose sizes may be symbols; `None` when it is not one."""
        value = self.optional(index)
        return None if value is None else self.known.dims(value)

    def has(self, name: str) -> bool:
        """Whether the node carries the attribute."""
        return name in self.attributes

    def string(self, name: str, default: str | None = None) -> str:
        """A text attribute."""
        attribute = self._attribute(name, AttributeProto.STRING)
        return self._or_default(name, None if attribute is None else self._text(name, attribute.s), default)

    def ints(self, name: str, default: Sequence[int] | None = None) -> tuple[int, ...]:
        """A list of integers."""
        attribute = self._attribute(name, AttributeProto.INTS)
        return tuple(self._or_default(name, None if attribute is None else attribute.ints, default))

    def floats(self, name: str, default: Sequence[float] | None = None) -> tuple[float, ...]:
        """A list of reals."""
        attribute = self._attribute(name, AttributeProto.FLOATS)
        return tuple(self._or_default(name, None if attribute is None else attribute.floats, default))

    def strings(self, name: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """A list of texts."""
        attribute = self._attribute(name, AttributeProto.STRINGS)
        given = None if attribute is None else [self._text(name, s) for s in attribute.strings]
        return tuple(self._or_default(name, given, default))

    def tensor(self, name: str) -> Array:
        """A tensor attribute as an array."""
        attribute = self._attribute(name, AttributeProto.TENSOR)
        proto = self._or_default(name, None if attribute is None else attribute.t, None)
        return self.reader.read(proto, f"attribute '{name}' of node '{self.name}'")

    def graph(self, name: str) -> GraphProto:
        """A subgraph, such as the body of a loop."""
        attribute = self._attribute(name, AttributeProto.GRAPH)
        return self._or_default(name, None if attribute is None else attribute.g, None)

    def _of_another_kind(self, index: int, value: Value, wanted: str) -> ModelError:
        return ModelError(
            f"input {index} of {self.op_type} is {kind_of(value)}, it must be {wanted}",
            node=self.name,
            remedy="Export the model again.",
        )

    def _attribute(self, name: str, kind: AttributeProto.AttributeType) -> AttributeProto | None:
        attribute = self.attributes.get(name)
        if attribute is None or attribute.type == kind:
            return attribute
        given = AttributeProto.AttributeType.Name(attribute.type)
        wanted = AttributeProto.AttributeType.Name(kind)
        raise ModelError(
            f"attribute '{name}' of {self.op_type} is {given}, it must be {wanted}",
            node=self.name,
            remedy="Export the model again.",
        )

    def _or_default(self, name: str, given: T | None, default: T | None) -> T:
        chosen = default if given is None else given
        if chosen is None:
            raise ModelError(
                f"{self.op_type} needs the attribute '{name}'",
                node=self.name,
                remedy="Export the model again.",
            )
        return chosen

    def _text(self, name: str, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise ModelError(
                f"attribute '{name}' of {self.op_type} is not UTF-8",
                node=self.name,
                remedy="Export the model again.",
            ) from None

    # `int` and `float` come last: below them the annotations of the class would mean these methods.
    def int(self, name: str, default: int | None = None) -> int:
        """An integer attribute; `ModelError` when it is of another type, or absent without a default."""
        attribute = self._attribute(name, AttributeProto.INT)
        return self._or_default(name, None if attribute is None else attribute.i, default)

    def float(self, name: str, default: float | None = None) -> float:
        """A real attribute."""
        attribute = self._attribute(name, AttributeProto.FLOAT)
        return self._or_default(name, None if attribute is None else attribute.f, default)
