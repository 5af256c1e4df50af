"""ONNX's own node tests: after import each is computed as the standard says."""

from functools import cache

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.case.test_case import TestCase

from penstock.backends.reference import run_graph
from penstock.dialects.graph.base import Array, wide
from penstock.errors import UnsupportedError
from penstock.host.arrays import is_strings
from penstock.onnx_import import import_model
from penstock.onnx_import.drawing import DRAWING
from penstock.onnx_values import Given, arrays_of, is_array, lengths_of

NOISE = {"test_dft_inverse", "test_dft_inverse_opset19"}
"""Cases that expect the rounding errors of their own transform where the result is 0."""

UNITS = {"float16": 2**-9, "bfloat16": 2**-6}
"""Two units in the last place: the cases round after every step of a composition, an op here rounds once."""


@cache
def cases() -> dict[str, TestCase]:
    """The cases by name."""
    return {case.name: case for case in collect_testcases()}


def plain(value: object) -> object:
    """A value of a case with its tensors as arrays."""
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value


def with_values(model: ModelProto, inputs: Given, known: int) -> ModelProto:
    """The model with the values of its last `known` inputs stored in it, as far as they are tensors."""
    copy = ModelProto()
    copy.CopyFrom(model)
    for name, value in list(inputs.items())[len(inputs) - known :]:
        if is_array(value):
            copy.graph.initializer.append(numpy_helper.from_array(arrays_of({name: value})[name], name))
    return copy


def computed(model: ModelProto, inputs: Given, known: int) -> dict[str, Array]:
    """The results after import, with some inputs stored in the model."""
    stored = with_values(model, inputs, known)
    fixed = {tensor.name for tensor in stored.graph.initializer}
    given = {name: value for name, value in inputs.items() if name not in fixed}
    lengths = lengths_of(stored, given)
    # The sizes of tensors are left to the model, where it tells them.
    shapes = {name: x.shape for name, x in arrays_of(given).items() if name not in given}
    return run_graph(import_model(stored, lengths=lengths, shapes=shapes), arrays_of(given))


def outputs_of(model: ModelProto, inputs: Given) -> dict[str, Array]:
    """The results after import, with as many inputs stored in the model as it needs."""
    for known in sorted({0, max(len(inputs) - 1, 0)}):
        try:
            return computed(model, inputs, known)
        except UnsupportedError:
            continue
    return computed(model, inputs, len(inputs))


def draws(node: NodeProto) -> bool:
    """Whether a node draws random numbers, of which only types and shapes can be expected."""
    return node.op_type in DRAWING or node.op_type == "Dropout" and len(node.input) > 2


def check(case: TestCase) -> None:
    """Compare the results with those of the case."""
    assert case.model is not None and case.data_sets is not None
    for given, wanted in case.data_sets:
        names = [value.name for value in case.model.graph.input]
        results = outputs_of(case.model, dict(zip(names, map(plain, given), strict=True)))
        outputs = {value.name: plain(w) for value, w in zip(case.model.graph.output, wanted, strict=True)}
        assert results.keys() == arrays_of(outputs).keys()
        for y, w in zip(results.values(), arrays_of(outputs).values(), strict=True):
            assert (y.dtype, y.shape) == (w.dtype, w.shape)
            if any(map(draws, case.model.graph.node)):
                continue
            if is_strings(w):
                assert y.tolist() == w.tolist()
                continue
            rtol = max(case.rtol, UNITS.get(y.dtype.name, 0))
            noise = np.abs(wide(w)).max() * np.finfo(np.float32).eps if case.name in NOISE else 0
            np.testing.assert_allclose(wide(y), wide(w), rtol, max(case.atol, noise))


def test_every_case_is_computed() -> None:
    wrong: list[str] = []
    for name in cases():
        try:
            check(cases()[name])
        except (UnsupportedError, AssertionError) as error:
            wrong.append(f"{name}: {error}")
    assert not wrong, "\n".join(wrong)
