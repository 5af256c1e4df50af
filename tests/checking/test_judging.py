"""The rules of the check one by one: what is a difference, what a pass may state, what a module means."""

from dataclasses import dataclass
from typing import ClassVar

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from penstock.checking.comparison import bit_difference, bounded_difference, differing_bits
from penstock.checking.contracts import contract_of
from penstock.checking.execution import Case, execute, execute_wide
from penstock.checking.fingerprint import fingerprint
from penstock.checking.inputs import seeded_inputs
from penstock.checking.judgement import relative_error
from penstock.checking.reduction import minimal, reduced
from penstock.checking.report import CheckStep, summary
from penstock.checking.slices import steps_of
from penstock.checking.widening import widened
from penstock.errors import PluginError
from penstock.onnx_import import import_model
from penstock.passes.lowering.graph_to_nest.lowering import LowerGraphToNest
from penstock.passes.plan_memory import PlanMemoryPass
from tests.checking import models

Array = NDArray[np.generic]


@dataclass(frozen=True)
class Stating(ModulePass):
    """A pass that does nothing, and states something."""

    name = "stating"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Do nothing."""


def stating(text: str) -> ModulePass:
    """A pass that states these numerics."""

    class Stated(Stating):
        numerics: ClassVar[str] = text

    return Stated()


@pytest.mark.parametrize(
    "text, is_exact, ulps, error",
    [
        ("exact", True, 0, 0),
        ("reassociates", False, 0, 0),
        ("reassociates, contracts", False, 0, 0),
        ("approximates(4 ulp)", False, 4, 0),
        ("approximates(2.5 ulp), contracts", False, 2.5, 0),
        ("quantizes(1e-2)", False, 0, 0.01),
    ],
)
def test_statements_are_read(text: str, is_exact: bool, ulps: float, error: float) -> None:
    contract = contract_of(stating(text))
    assert (contract.is_exact, contract.ulps, contract.error) == (is_exact, ulps, error)


def test_a_pass_that_states_nothing_must_be_exact() -> None:
    assert contract_of(Stating()).is_exact


@pytest.mark.parametrize("text", ["", "fast", "approximates", "quantizes", "exactly", "approximates(many)"])
def test_unknown_statements_are_refused(text: str) -> None:
    with pytest.raises(PluginError, match="'stating' states the numerics"):
        contract_of(stating(text))


def test_bits_tell_zeros_apart_and_not_one_nan_from_another() -> None:
    quiet, other = np.array([0x7FC00000, 0xFFC00001], np.uint32).view(np.float32)
    left = np.array([0.0, quiet, 1.0], np.float32)
    right = np.array([-0.0, other, 1.0], np.float32)
    assert differing_bits(left, right).tolist() == [True, False, False]


def test_integers_that_lost_their_sign_are_equal() -> None:
    assert bit_difference([np.array([200], np.uint8)], [np.array([-56], np.int8)]) is None


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ml_dtypes.bfloat16])
def test_difference_is_relative_to_the_largest_number(dtype: type[np.generic]) -> None:
    before = np.array([[1.0, 8.0], [2.0, 4.0]]).astype(dtype)
    after = np.array([[1.0, 8.0], [2.5, 4.0]]).astype(dtype)
    found = bounded_difference([before], [after], [0.1])
    assert found is not None
    assert (found.error, found.place, found.is_allowed) == (0.0625, (1, 0), True)
    assert found.described(["y"]) == "'y' at [1, 0]: 2 became 2.5 (error 0.0625, allowed 0.1)".replace(
        "2 became", f"{before[1, 0]} became"
    )


@pytest.mark.parametrize(
    "before, after", [(1, np.nan), (np.nan, 1), (1, np.inf), (np.inf, -np.inf), (np.inf, 1)]
)
def test_what_is_not_finite_must_stay(before: float, after: float) -> None:
    pair = [np.array([v, 1], np.float32) for v in (before, after)]
    found = bounded_difference(pair[:1], pair[1:], [1e3])
    assert found is not None and not found.is_allowed


def test_overflow_in_another_order_is_no_difference() -> None:
    pair = [np.array([v], np.float32) for v in (3e38, np.inf)]
    assert bounded_difference(pair[:1], pair[1:], [1e-6]) is None


def test_wide_modules_compute_in_double_precision() -> None:
    module = import_model(models.convolution())
    inputs = seeded_inputs(module, 0)
    (narrow,), wide = execute(Case(module, inputs)), execute_wide(Case(module, inputs))
    assert wide is not None and wide[0].dtype == np.float64
    assert 0 < relative_error(narrow, wide[0]) < 1e-5
    assert "f32" not in str(widened(module)).replace("graph.resource", "")


def test_wide_nests_agree_with_the_wide_graph() -> None:
    module = import_model(models.attention())
    inputs = seeded_inputs(module, 0)
    graph = execute_wide(Case(module, inputs))
    LowerGraphToNest().apply(Context(), module)
    nests = execute_wide(Case(module, inputs))
    assert graph is not None and nests is not None
    assert relative_error(nests[0], graph[0]) < 1e-13


def test_planned_modules_are_not_widened() -> None:
    module = import_model(models.plain_convolution())
    inputs = seeded_inputs(module, 0)
    LowerGraphToNest().apply(Context(), module)
    PlanMemoryPass().apply(Context(), module)
    assert execute_wide(Case(module, inputs)) is None


def test_fingerprint_sees_what_is_computed_and_no_names() -> None:
    module = import_model(models.multiply_add())
    same, renamed = import_model(models.multiply_add()), import_model(models.multiply_add())
    for op in steps_of(renamed):
        del op.attributes["nodes"]
    assert fingerprint(module) == fingerprint(same) == fingerprint(renamed)
    first, second = steps_of(same)
    second.operands[0], second.operands[1] = second.operands[1], second.operands[0]
    assert fingerprint(module) != fingerprint(same)
    assert first is not second


def test_reduction_leaves_what_is_needed() -> None:
    case = Case(import_model(models.attention()), seeded_inputs(import_model(models.attention()), 0))
    part = reduced(case, lambda part: any(op.name == "graph.softmax" for op in steps_of(part.module)))
    assert [op.name for op in steps_of(part.module)] == ["graph.softmax"]
    part.module.verify()
    (given,) = part.inputs
    assert given.shape == (1, 7, 7)
    assert np.allclose(execute(part)[0].sum(axis=-1), 1)


def test_reduction_finds_two_steps_that_are_far_apart() -> None:
    steps = [import_model(models.clips()) for _ in range(40)]
    kept = minimal(steps, lambda rest: steps[3] in rest and steps[31] in rest)
    assert kept == [steps[3], steps[31]]


def test_summary_shows_the_worst_kernel() -> None:
    steps = [
        CheckStep("a", "graph", "exact", 0, 0, True),
        CheckStep("l", "loops", "exact", 1e-7, 1e-5, True, "k0"),
        CheckStep("l", "loops", "exact", 3e-7, 1e-5, True, "k1"),
        CheckStep("l", "loops", "exact", 0, 0, True, "k2"),
        CheckStep("a", "graph", "exact", 0, 0, True),
    ]
    assert [(s.name, s.kernel) for s in summary(steps)] == [("a", None), ("l", "k1"), ("a", None)]
