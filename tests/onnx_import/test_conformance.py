"""ONNX's own node tests: after import each is computed as the standard says, or declined as listed here."""

from collections import Counter
from functools import cache
from typing import cast

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.case.test_case import TestCase

from penstock.backends.reference import run_graph
from penstock.dialects.graph.base import Array, wide
from penstock.errors import ModelError, UnsupportedError
from penstock.onnx_import import import_model

UNSUPPORTED = {
    "data-dependent shapes": ["NonMaxSuppression"],
    "images": ["ImageDecoder"],
    "optionals": ["Optional"],
    "random numbers": ["RandomUniformLike"],
    "sequences": [
        "SequenceConstruct",
        "SequenceEmpty",
        "SequenceInsert",
        "SequenceLength",
        "SplitToSequence",
    ],
    "others": ["Det"],
}
OPERATORS = {name for names in UNSUPPORTED.values() for name in names}
"""Operators that no importer handles; one that is handled some day must leave this list."""

REASONS = ("element type", "of kind", "operators of the domain", "in training mode", "depends on")
"""What declines a node of an operator that is handled otherwise."""

OLD = {"test_not_2d", "test_not_3d", "test_not_4d"}
"""Cases written for an operator set older than 6."""

NOISE = {"test_dft_inverse", "test_dft_inverse_opset19"}
"""Cases that expect the rounding errors of their own transform where the result is 0."""

UNITS = {"float16": 2**-9, "bfloat16": 2**-6}
"""Two units in the last place: the cases round after every step of a composition, an op here rounds once."""


@cache
def cases() -> dict[str, TestCase]:
    """The cases by name."""
    return {case.name: case for case in collect_testcases()}


def array(value: object) -> Array | None:
    """An array of a case; `None` for a sequence, an optional or text."""
    if isinstance(value, TensorProto):
        return numpy_helper.to_array(value)
    return np.asarray(cast(Array, value)) if isinstance(value, np.ndarray | np.generic) else None


def with_values(model: ModelProto, inputs: dict[str, Array | None], known: int) -> ModelProto:
    """The model with the values of its last `known` inputs stored in it."""
    copy = ModelProto()
    copy.CopyFrom(model)
    for name, value in list(inputs.items())[len(inputs) - known :]:
        if value is not None:
            copy.graph.initializer.append(numpy_helper.from_array(value, name))
    return copy


def computed(model: ModelProto, inputs: dict[str, Array | None]) -> list[Array]:
    """The results after import, with as many inputs stored in the model as it needs."""
    last = len(inputs)
    for known in sorted({0, max(last - 1, 0)}):
        try:
            module = import_model(with_values(model, inputs, known))
        except UnsupportedError:
            continue
        given = list(inputs.items())[: last - known]
        return list(run_graph(module, {name: x for name, x in given if x is not None}).values())
    return list(run_graph(import_model(with_values(model, inputs, last)), {}).values())


def check(case: TestCase) -> None:
    """Compare the results with those of the case."""
    assert case.model is not None and case.data_sets is not None
    for given, wanted in case.data_sets:
        names = [value.name for value in case.model.graph.input]
        results = computed(case.model, dict(zip(names, map(array, given), strict=True)))
        for y, w in zip(results, map(array, wanted), strict=True):
            assert w is not None and (y.dtype, y.shape) == (w.dtype, w.shape)
            rtol = max(case.rtol, UNITS.get(y.dtype.name, 0))
            noise = np.abs(wide(w)).max() * np.finfo(np.float32).eps if case.name in NOISE else 0
            np.testing.assert_allclose(wide(y), wide(w), rtol, max(case.atol, noise))


def test_every_case_is_computed_or_declined() -> None:
    outcome: Counter[str] = Counter()
    wrong: list[str] = []
    declined: set[str] = set()
    for name in cases().keys() - OLD:
        try:
            check(cases()[name])
            outcome["computed"] += 1
        except UnsupportedError as error:
            outcome["declined"] += 1
            operators = {problem.op for problem in error.problems}
            declined |= operators & OPERATORS
            if not all(p.op in OPERATORS or any(r in p.reason for r in REASONS) for p in error.problems):
                wrong.append(f"{name}: {error}")
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
    assert not wrong, "\n".join(wrong)
    assert declined == OPERATORS
    assert outcome["computed"] >= 1796


@pytest.mark.parametrize("name", sorted(OLD))
def test_old_operator_sets_are_refused(name: str) -> None:
    with pytest.raises(ModelError, match="older than 6"):
        check(cases()[name])
