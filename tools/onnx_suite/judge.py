"""Runs one case of the suite and says what came of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnx.backend.test.runner import Runner

from penstock.dialects.graph.base import Array
from penstock.errors import PenstockError, UnsupportedError
from penstock.onnx_backend import PenstockBackend
from tools.onnx_suite.cases import Case

PASSED = "passed"
FOLDED = "folded"
WRONG = "wrong"
CRASHED = "crashed"
HUNG = "hung"
ERROR = "error"
UNSUPPORTED = "unsupported"
NOT_RUN = "not run"
STATUSES = {
    PASSED: "the machine code gives the expected outputs",
    FOLDED: "the expected outputs, computed while compiling: the values of all inputs decide shapes",
    WRONG: "other outputs than expected",
    CRASHED: "the process died",
    HUNG: "no end within the time limit",
    ERROR: "an exception that is no verdict on the model",
    UNSUPPORTED: "declined, with a reason",
    NOT_RUN: "the model would have to be downloaded",
}
GOOD = (PASSED, FOLDED)
LONGEST = 160


@dataclass(frozen=True)
class Outcome:
    """What came of a case, and why in a few words."""

    status: str
    reason: str = ""


def judge(case: Case) -> Outcome:
    """Compile a case, run it, and compare its outputs as the suite does."""
    if not case.is_on_disk:
        return Outcome(NOT_RUN)
    try:
        return _run(case)
    except UnsupportedError as error:
        return Outcome(UNSUPPORTED, f"{error.problems[0].op}: {error.problems[0].reason}")
    except PenstockError as error:
        return Outcome(UNSUPPORTED, _short(error.message))
    except Exception as error:
        return Outcome(ERROR, _short(f"{type(error).__name__}: {error}"))


def _run(case: Case) -> Outcome:
    prepared = PenstockBackend.prepare(case.model)
    status, sets = PASSED, list(case.data_sets())
    if not sets:
        return Outcome(NOT_RUN, "the case has no data")
    for given, wanted in sets:
        results = prepared.run(given)
        try:
            Runner.assert_similar_outputs(wanted, results, case.test.rtol, case.test.atol)
        except AssertionError as error:
            return Outcome(WRONG, _difference(results, wanted) or _short(str(error)))
        if given and not prepared.compiled_for(prepared.by_name(given)).inputs:
            status = FOLDED
    return Outcome(status)


def _difference(results: Sequence[Array], wanted: Sequence[object]) -> str:
    """By how much reals differ, in the unit that an output's type sets; empty where it is no such matter."""
    most = 0.0
    for y, w in zip(results, wanted, strict=False):
        if not isinstance(w, np.ndarray) or w.dtype != np.float16 or y.dtype != w.dtype or y.shape != w.shape:
            continue
        apart = np.abs(y.astype(np.float64) - w.astype(np.float64))
        most = max(most, float(np.max(apart / np.spacing(np.abs(w)).astype(np.float64), initial=0.0)))
    return f"float16, {most:.0f} units in the last place apart" if 0 < most < 10 else ""


def _short(text: str) -> str:
    """One line without addresses, which differ from run to run, and without arrays."""
    text = re.sub(r"(Mismatch at ind|First \d+ mism|Max abs|ACTUAL: ).*", "", text, flags=re.DOTALL)
    line = re.sub(r"0x[0-9a-f]+", "0x..", " ".join(text.split()))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
