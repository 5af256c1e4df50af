"""The committed coefficients are what the fitting script writes."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "tools" / "fit_polynomials.py"


def test_coefficients_are_up_to_date() -> None:
    pytest.importorskip("mpmath", reason="the fits need mpmath")
    checked = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
