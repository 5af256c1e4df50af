"""What the names of a model stand for during the import: tensors, sequences of them, empty optionals.

A sequence is a list of tensors whose length is known while importing.  Nothing of it is left in the module.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.ir import SSAValue


@dataclass(frozen=True)
class TensorSequence:
    """A sequence: its tensors in order, each of a type of its own."""

    tensors: tuple[SSAValue, ...]


@dataclass(frozen=True)
class Nothing:
    """An optional that holds nothing; one that holds a value is this value."""


Value: TypeAlias = SSAValue | TensorSequence | Nothing
Values: TypeAlias = list[Value | None]
"""The outputs of a node; `None` for those that could not be imported."""


def kind_of(value: Value) -> str:
    """What a value is, for messages."""
    if isinstance(value, SSAValue):
        return "a tensor"
    return "a sequence" if isinstance(value, TensorSequence) else "an optional without a value"


def element_name(name: str, index: int) -> str:
    """The name of a tensor of a sequence that is an input or output of the model."""
    return f"{name}[{index}]"


def named_tensors(name: str, value: Value) -> Iterator[tuple[str, SSAValue]]:
    """The tensors of an input or output of the model, by name."""
    if isinstance(value, SSAValue):
        yield name, value
    elif isinstance(value, TensorSequence):
        yield from ((element_name(name, i), tensor) for i, tensor in enumerate(value.tensors))
