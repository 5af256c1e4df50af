"""ONNX's conformance suite: cases that passed when the report was written pass still."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
EVERY = 30
"""Which part of the cases is run: a fixed one, across all operators."""


def test_a_sample_of_the_cases_that_passed_passes() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "tools.onnx_suite", "--sample", str(EVERY)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_and_the_data_say_the_same() -> None:
    data = json.loads((ROOT / "docs" / "onnx_support.json").read_text())
    passed, folded = (sum(each["status"] == s for each in data.values()) for s in ("passed", "folded"))
    page = (ROOT / "docs" / "onnx_support.md").read_text()
    assert f"**{passed} of {len(data)} cases pass; {folded} more are right" in page
