"""ONNX's conformance suite: cases that passed when the reports were written pass still."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx.parser
import pytest

from tools.onnx_suite.constant import run_constant
from tools.onnx_suite.report import file_name

ROOT = Path(__file__).parent.parent
MODES = {"static": 30, "constant": 25, "dynamic": 40}
"""Mode -> which part of the cases is run: a fixed one, across all operators."""


@pytest.mark.parametrize("mode", MODES)
def test_a_sample_of_the_cases_that_passed_passes(mode: str) -> None:
    options = ["--mode", mode, "--sample", str(MODES[mode])]
    command = [sys.executable, "-W", "ignore", "-m", "tools.onnx_suite", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("mode", MODES)
def test_the_page_and_the_data_say_the_same(mode: str) -> None:
    data = json.loads((ROOT / "docs" / file_name(mode, ".json")).read_text())
    passed, folded, fixed = (
        sum(each["status"] == status for each in data.values()) for status in ("passed", "folded", "fixed")
    )
    page = (ROOT / "docs" / file_name(mode, ".md")).read_text()
    told = {
        "static": f"**{passed} of {len(data)} cases pass; {folded} more are right",
        "constant": f"**{passed + folded} of {len(data)} cases pass, {folded} of them by folding",
        "dynamic": f"**{passed} of {len(data)} cases pass, {fixed} more for given values of some inputs",
    }
    assert told[mode] in page


def test_constant_inputs_are_folded_or_compiled() -> None:
    model = onnx.parser.parse_model("""
        <ir_version: 9, opset_import: ["": 17]>
        grown (float[2] x, int64[1] size, seq(float[2]) parts, optional(float[2]) none)
        => (y, wide, n, is_there)
        {
            n = SequenceLength (parts)
            is_there = OptionalHasElement (none)
            last = SequenceAt (parts, n_less)
            n_less = Sub (n, one)
            one = Constant <value_int = 1> ()
            y = Add (x, last)
            wide = Expand (x_column, size)
            axes = Constant <value_ints = [1]> ()
            x_column = Unsqueeze (x, axes)
        }""")
    x, parts = np.array([1, 2], np.float32), [np.zeros(2, np.float32), np.ones(2, np.float32)]
    given = {"x": x, "size": np.array([3]), "parts": parts, "none": None}
    (y, wide, count, is_there), is_folded = run_constant(model, given)
    assert is_folded
    np.testing.assert_array_equal(np.asarray(y), [2, 3])
    np.testing.assert_array_equal(np.asarray(wide), [[1, 1, 1], [2, 2, 2]])
    assert (count, is_there) == (2, False)
    # A megabyte and more of the same number stays computed.
    large = {**given, "size": np.array([300_000])}
    (_, wide, _, _), is_folded = run_constant(model, large)
    assert not is_folded
    np.testing.assert_array_equal(np.asarray(wide)[:, -1], [1, 2])
