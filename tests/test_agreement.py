"""The sweep over models of others: what it says of those that agree, differ, are declined, die or hang."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx.parser
import pytest
from onnx import ModelProto

from benchmarks.models import Places
from penstock.dialects.graph.base import wide
from penstock.onnx_values import arrays_of
from tools.agreement.apart import Limits, apart
from tools.agreement.comparing import difference, disagreement, moved_rows
from tools.agreement.definition import errors_by_definition
from tools.agreement.judge import AGREES, DECLINED, DIFFERS, NOT_RUN, Verdict, judge
from tools.agreement.onnxruntime_values import outputs_of, values_of
from tools.agreement.report import GRAPHS, MODELS, Group, read_results, write_report
from tools.agreement.steps import MADE, compared, cut, quantised_tensors
from tools.agreement.subjects import Subject, inputs_of, random_outputs, shapes_of

GENEROUS = Limits(60, 1 << 40)
QUANTISED = """
    <ir_version: 9, opset_import: ["": 17]>
    small (float[4] x) => (uint8[4] z)
    <float scale = {0.5}, uint8 zero = {3}, float two = {2.0}>
    {
        y = QuantizeLinear (x, scale, zero)
        r = DequantizeLinear (y, scale, zero)
        d = Mul (r, two)
        z = QuantizeLinear (d, scale, zero)
    }"""


def parsed(text: str) -> ModelProto:
    return onnx.parser.parse_model(text)


def subject(folder: Path, text: str) -> Subject:
    (folder / "small.onnx").write_bytes(parsed(text).SerializeToString())
    return Subject("small", Places(folder, None, ""), {})


def test_a_model_that_agrees(tmp_path: Path) -> None:
    verdict = judge(subject(tmp_path, QUANTISED))
    assert (verdict.status, verdict.difference, verdict.told) == (AGREES, 0.0, "")


def test_a_model_that_is_declined(tmp_path: Path) -> None:
    text = '<ir_version: 9, opset_import: ["": 17, "none": 1]> a (float[2] x) => (y) { y = none.Such (x) }'
    verdict = judge(subject(tmp_path, text))
    assert verdict.status == DECLINED
    assert "none.Such" in verdict.told


def test_quantised_tensors_are_compared_each_by_itself() -> None:
    model, inputs = parsed(QUANTISED), {"x": np.array([0.1, 0.3, 5.0, -9.0], np.float32)}
    names = quantised_tensors(model)
    theirs = values_of(model, names, inputs)
    taken_apart, given = cut(model, theirs), {**inputs, **theirs}
    ours = outputs_of(taken_apart, given)
    assert names == ["y", "z"]
    assert compared(ours, theirs, taken_apart, given).differing == 0
    # A step in the first tensor is not carried into the second.
    ours["y" + MADE] = np.add(wide(ours["y" + MADE]), 1).astype(np.uint8)
    steps = compared(ours, theirs, taken_apart, given)
    assert (steps.differing, steps.largest, steps.ours, steps.wrong, steps.first) == (4, 1, 0, 0, "y")
    ours["y" + MADE] = np.add(wide(ours["y" + MADE]), 2).astype(np.uint8)
    assert compared(ours, theirs, taken_apart, given).wrong == 4


def test_reals_may_differ_a_little_indices_not_at_all() -> None:
    one = np.ones(3, np.float32)
    assert difference(one * np.float32(1.5), one) == 0.5
    assert disagreement(one, one * np.float32(1 + 1e-6)) == ""
    assert disagreement(one, one[:2])
    assert disagreement(np.array([2], np.uint8), np.array([3], np.uint8)) == ""
    assert disagreement(np.array([2]), np.array([3]))


def test_inputs_are_what_a_manifest_says() -> None:
    model = parsed('<ir_version: 9, opset_import: ["": 17]> a (float[N, 2] x, int64[N] i) => (x) { }')
    told = {"i": {"shape": [3], "below": 2}, "x": {"shape": [3, 2], "fill": "ones"}}
    inputs = arrays_of(inputs_of(model, told))
    np.testing.assert_array_equal(inputs["x"], np.ones((3, 2)))
    assert inputs["i"].shape == (3,) and int(inputs["i"].max()) < 2
    assert shapes_of(inputs_of(model, {}))["x"] == (1, 2)


def test_a_sequence_is_fed_tensors_of_the_told_shapes(tmp_path: Path) -> None:
    text = """
        <ir_version: 9, opset_import: ["": 17]>
        a (seq(float[N, 2]) s) => (float[M, 2] y) { y = ConcatFromSequence <axis = 0> (s) }"""
    told = {"s": {"shapes": [[3, 2], [1, 2]]}}
    assert shapes_of(inputs_of(parsed(text), told)) == {"s[0]": (3, 2), "s[1]": (1, 2)}
    assert judge(replace(subject(tmp_path, text), told=told)).status == AGREES


def test_rows_of_positions_may_change_places() -> None:
    rows = np.array([[0, 1], [0, 2], [1, 0]])
    assert moved_rows(rows, rows[[1, 0, 2]]) == 2
    assert moved_rows(rows, rows[[0, 0, 2]]) == 0
    assert moved_rows(rows[:0], rows[:0]) == moved_rows(rows[:, :0], rows[:, :0]) == 0


def test_the_definition_decides_where_roundings_are_large() -> None:
    # A sum in single precision that cancels: what is left depends on the order of additions.
    model = parsed(
        '<ir_version: 9, opset_import: ["": 17]> a (float[3] x) => (float y)'
        "{ s = ReduceSum <keepdims = 0> (x) y = Identity (s) }"
    )
    inputs = {"x": np.array([1e8, 1.0, -1e8], np.float32)}
    (errors,) = errors_by_definition(
        model, inputs, {"y": np.ones((), np.float32)}, {"y": np.zeros((), np.float32)}
    )
    assert (errors.ours, errors.theirs, errors.rounded) == (0.0, 1.0, 0.0)
    assert errors.is_right and not errors.is_unsteady


def test_a_definition_that_rounding_moves_is_unsteady() -> None:
    # In doubles a third of 1e-4 is left, in single precision a multiple of 2^-10.
    model = parsed(
        """<ir_version: 9, opset_import: ["": 17]> a (float[1] x) => (float[1] y)
        <float large = {10000.0}> { a = Add (x, large) y = Sub (a, large) }"""
    )
    inputs = {"x": np.full(1, 1 / 30000, np.float32)}
    (errors,) = errors_by_definition(model, inputs, {"y": np.zeros(1, np.float32)}, None)
    assert (errors.ours, errors.rounded) == (1.0, 1.0)
    assert errors.is_unsteady and not errors.is_right


def test_outputs_of_random_numbers_are_known() -> None:
    model = parsed(
        '<ir_version: 9, opset_import: ["": 17]> a (float[2] x) => (y, z)'
        "{ r = RandomNormalLike (x) y = Add (x, r) z = Relu (x) }"
    )
    assert random_outputs(model) == {"y"}


def test_work_apart_gives_its_result() -> None:
    assert apart(lambda: [1, 2], GENEROUS).result == [1, 2]


def test_work_that_dies_or_takes_too_long_or_too_much(capfd: pytest.CaptureFixture[str]) -> None:
    assert apart(lambda: os.kill(os.getpid(), signal.SIGKILL), GENEROUS).fate == "died of SIGKILL"
    assert apart(lambda: time.sleep(60), Limits(0.1, 1 << 40)).fate == "took more than 0 s"
    assert apart(lambda: bytearray(1 << 36), Limits(60, 1 << 34)).fate == "exit code 1"
    assert "MemoryError" in capfd.readouterr().err


def test_the_report_keeps_what_is_not_run_anew(tmp_path: Path) -> None:
    write_report(
        Group(MODELS, ["a", "b", "gone"], {"a": Verdict(AGREES, 1.0, 2.0, 3e-7), "gone": Verdict(DECLINED)}),
        tmp_path,
    )
    write_report(Group(GRAPHS, ["g"], {"g": Verdict(DECLINED, told="why | why")}), tmp_path)
    write_report(Group(MODELS, ["a", "b", "c"], {"b": Verdict(DIFFERS)}), tmp_path)
    assert read_results(tmp_path) == {
        MODELS: {"a": Verdict(AGREES, difference=3e-7), "b": Verdict(DIFFERS), "c": Verdict(NOT_RUN)},
        GRAPHS: {"g": Verdict(DECLINED, told="why | why")},
    }
    page = (tmp_path / "model_agreement.md").read_text()
    assert "**1 of 3 models are right; 0 of 1 graphs are right.**" in page
    assert "| a | agrees | 3.0e-07 |  |" in page and "why \\| why" in page


def test_beyond_the_range_of_a_type_nothing_is_right_or_wrong() -> None:
    model = parsed('<ir_version: 9, opset_import: ["": 17]> a (float[2] x) => (float[2] y) { y = Exp (x) }')
    inputs = {"x": np.array([0.0, 100.0], np.float32)}
    (errors,) = errors_by_definition(model, inputs, {"y": np.array([1.0, np.nan], np.float32)}, None)
    assert (errors.ours, errors.rounded) == (0.0, 0.0)
