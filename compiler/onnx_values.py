"""Sequences and optionals of the `onnx.backend` protocol taken apart into tensors, and put together again."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias, cast

import numpy as np
from onnx import ModelProto, ValueInfoProto

from penstock.dialects.graph.base import Array
from penstock.onnx_import.inputs import Lengths
from penstock.onnx_import.signature import model_inputs
from penstock.onnx_import.values import element_name

Given = Mapping[str, object]
"""Inputs by name: arrays, lists of arrays for sequences, and `None` for an optional without a value."""
Result: TypeAlias = Array | list[Array] | None


def arrays_of(given: Given) -> dict[str, Array]:
    """The tensors of the inputs, those of a sequence by the names they have in the module."""
    return dict(pair for name, value in given.items() for pair in _named_arrays(name, value))


def _named_arrays(name: str, value: object) -> Iterator[tuple[str, Array]]:
    if is_array(value):
        yield name, np.asarray(cast(Array, value))
    elif isinstance(value, list | tuple):
        elements = cast(list[Array], value)
        yield from ((element_name(name, i), np.asarray(element)) for i, element in enumerate(elements))


def is_array(value: object) -> bool:
    """Whether a value is a tensor by itself, an array or a number."""
    return isinstance(value, np.ndarray | np.generic | int | float)


def lengths_of(model: ModelProto, given: Given) -> Lengths:
    """How many tensors each input holds that is a sequence or an optional."""
    kinds = {value.name: value.type.WhichOneof("value") for value in model_inputs(model.graph)}
    several = [name for name in given if kinds.get(name) in ("sequence_type", "optional_type")]
    return {name: _length(given[name]) for name in several}


def _length(value: object) -> int | None:
    if value is None:
        return None
    return 1 if is_array(value) else len(cast(list[object], value))


def gathered(output: ValueInfoProto, results: Mapping[str, Array]) -> Result:
    """An output as the protocol wants it, from the tensors of the module."""
    if output.name in results:
        return results[output.name]
    tensors: list[Array] = []
    while (name := element_name(output.name, len(tensors))) in results:
        tensors.append(results[name])
    # An optional that holds an empty sequence is declined by the import.
    return tensors if tensors or output.type.WhichOneof("value") == "sequence_type" else None
