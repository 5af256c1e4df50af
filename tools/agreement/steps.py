"""Quantised models taken apart at their integers, so that each step is compared by itself.

A sum whose last bit differs can fall on the other side of a rounding, and give the neighbour on the grid of a
quantised tensor; the layers behind it carry that on and enlarge it.  So every such tensor becomes an input
that is fed what ONNX Runtime computed, and an output that is compared: within a step of it, or wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto, helper

from penstock.backends.reference import run_graph
from penstock.dialects.graph.base import Array, wide
from penstock.onnx_import import import_model
from penstock.onnx_values import Given, arrays_of, lengths_of
from tools.agreement.subjects import shapes_of

MADE = ".made"
"""Follows the name of a tensor that is computed, where the name itself is fed."""


def quantised_tensors(model: ModelProto) -> list[str]:
    """What the nodes that quantise compute."""
    return [
        name
        for node in model.graph.node
        if node.op_type.startswith(("QLinear", "QuantizeLinear", "DynamicQuantizeLinear"))
        for name in node.output[:1]
    ]


def cut(model: ModelProto, fed: Mapping[str, Array]) -> ModelProto:
    """The model with its outputs and these tensors as outputs, and what reads the tensors fed instead."""
    apart = ModelProto()
    apart.CopyFrom(model)
    for node in apart.graph.node:
        node.output[:] = [name + MADE if name in fed else name for name in node.output]
    for name, array in fed.items():
        dtype = helper.np_dtype_to_tensor_dtype(array.dtype)
        apart.graph.input.append(helper.make_tensor_value_info(name, dtype, array.shape))
    kept = [output for output in apart.graph.output if output.name not in fed]
    del apart.graph.output[:]
    apart.graph.output.extend(kept)
    apart.graph.output.extend(helper.make_empty_tensor_value_info(name + MADE) for name in fed)
    return apart


@dataclass(frozen=True)
class Steps:
    """How the quantised tensors of a model compare, each computed from what ONNX Runtime fed it."""

    tensors: int
    elements: int
    differing: int
    largest: int
    """The largest difference, in steps of the grid."""
    ours: int
    """Elements that differ where the definition in double precision gives what we give."""
    first: str
    """The first tensor with a difference."""

    def __str__(self) -> str:
        if not self.differing:
            return f"all {self.elements:,} integers of {self.tensors} quantised tensors equal"
        return (
            f"{self.differing:,} of {self.elements:,} integers of {self.tensors} quantised tensors differ, "
            f"by {self.largest} at most, first in '{self.first}'; "
            f"double precision gives ours in {self.ours:,} of them"
        )


def compared(
    ours: Mapping[str, Array], theirs: Mapping[str, Array], apart: ModelProto, inputs: Given
) -> Steps:
    """Compare all cut tensors; where any differ, the executor of the graph level is the judge."""
    apart_by = {name: np.abs(wide(ours[name + MADE]) - wide(theirs[name])) for name in theirs}
    unequal = [name for name, difference in apart_by.items() if difference.any()]
    return Steps(
        tensors=len(theirs),
        elements=sum(difference.size for difference in apart_by.values()),
        differing=sum(int(np.count_nonzero(apart_by[name])) for name in unequal),
        largest=max((int(apart_by[name].max()) for name in unequal), default=0),
        ours=_given_by_definition(ours, unequal, theirs, apart, inputs),
        first=unequal[0] if unequal else "",
    )


def _given_by_definition(
    ours: Mapping[str, Array],
    names: Sequence[str],
    theirs: Mapping[str, Array],
    apart: ModelProto,
    inputs: Given,
) -> int:
    if not names:
        return 0
    judged = ModelProto()
    judged.CopyFrom(apart)
    del judged.graph.output[:]
    judged.graph.output.extend(helper.make_empty_tensor_value_info(name + MADE) for name in names)
    module = import_model(judged, shapes=shapes_of(inputs), lengths=lengths_of(judged, inputs))
    defined = run_graph(module, arrays_of(inputs))
    made = [name + MADE for name in names]
    return sum(
        int(np.count_nonzero((ours[m] == defined[m]) & (ours[m] != theirs[n])))
        for m, n in zip(made, names, strict=True)
    )
