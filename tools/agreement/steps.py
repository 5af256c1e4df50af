"""Quantised models taken apart at their integers, so that each step is compared by itself.

A sum whose last bit differs can fall on the other side of a rounding, and give the neighbour on the grid of a
quantised tensor; the layers behind it carry that on and enlarge it.  So every such tensor becomes an input
that is fed what ONNX Runtime computed, and an output that is compared: within a step of it, or wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, helper

from penstock.backends.reference import run_graph
from penstock.dialects.graph.base import Array, wide
from penstock.onnx_import import import_model
from penstock.onnx_values import Given, arrays_of, lengths_of
from tools.agreement.onnxruntime_values import Values
from tools.agreement.subjects import shapes_of

Reals = NDArray[np.float64]

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


def cut(model: ModelProto, fed: Values) -> ModelProto:
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


def with_outputs(model: ModelProto, names: Sequence[str]) -> ModelProto:
    """The model with these tensors as its outputs, and no others."""
    told = ModelProto()
    told.CopyFrom(model)
    del told.graph.output[:]
    told.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    return told


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
    wrong: int
    """Elements more than a step apart where the definition is as far from ours, or nearer to theirs."""
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


def compared(ours: Values, theirs: Values, apart: ModelProto, given: Given) -> Steps:
    """Compare all cut tensors; where any differ, the executor of the graph level is the judge."""
    distances = {name: _steps(ours[name + MADE], array) for name, array in theirs.items()}
    unequal = [name for name, steps in distances.items() if steps.any()]
    defined = _defined(unequal, apart, given)
    same = wrong = 0
    for name in unequal:
        off, theirs_off = _steps(ours[name + MADE], defined[name]), _steps(theirs[name], defined[name])
        same += int(np.count_nonzero(distances[name][off == 0]))
        wrong += int(np.count_nonzero((distances[name] > 1) & ((off > 1) | (off > theirs_off))))
    return Steps(
        tensors=len(theirs),
        elements=sum(steps.size for steps in distances.values()),
        differing=sum(int(np.count_nonzero(distances[name])) for name in unequal),
        largest=max((int(distances[name].max()) for name in unequal), default=0),
        ours=same,
        wrong=wrong,
        first=unequal[0] if unequal else "",
    )


def _steps(a: Array, b: Array) -> Reals:
    """How many steps of the grid integers are apart."""
    return np.abs(wide(a).astype(np.float64) - wide(b).astype(np.float64))


def _defined(names: Sequence[str], apart: ModelProto, given: Given) -> dict[str, Array]:
    """What the executor of the graph level makes of some of the cut tensors."""
    if not names:
        return {}
    judged = with_outputs(apart, [name + MADE for name in names])
    module = import_model(judged, shapes=shapes_of(given), lengths=lengths_of(judged, given))
    made = run_graph(module, arrays_of(given))
    return {name: made[name + MADE] for name in names}
