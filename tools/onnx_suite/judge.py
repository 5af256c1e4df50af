"""Runs one case of the suite and says what came of it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from onnx import ModelProto
from onnx.backend.test.runner import Runner

from penstock.dialects.graph.base import Array, wide
from penstock.errors import PenstockError, UnsupportedError
from penstock.onnx_backend import PenstockBackend
from tools.onnx_suite.cases import Case
from tools.onnx_suite.constant import run_constant
from tools.onnx_suite.dynamic import DynamicRuns

STATIC, CONSTANT, DYNAMIC = "static", "constant", "dynamic"
PASSED = "passed"
FIXED = "fixed"
FOLDED = "folded"
DRAWN = "drawn"
WRONG = "wrong"
CRASHED = "crashed"
HUNG = "hung"
ERROR = "error"
UNSUPPORTED = "unsupported"
NOT_RUN = "not run"
STATUSES = {
    PASSED: "the machine code gives the expected outputs",
    FIXED: "so does machine code for any sizes, but for the values of inputs that decide sizes or ranks",
    FOLDED: "the expected outputs, computed while compiling",
    DRAWN: "random numbers: the types and shapes of the outputs are as expected",
    WRONG: "other outputs than expected",
    CRASHED: "the process died",
    HUNG: "no end within the time limit",
    ERROR: "an exception that is no verdict on the model",
    UNSUPPORTED: "declined, with a reason",
    NOT_RUN: "the model would have to be downloaded",
}
GOOD = (PASSED, FIXED, FOLDED, DRAWN)
LONGEST = 160


@dataclass(frozen=True)
class Outcome:
    """What came of a case, and why in a few words."""

    status: str
    reason: str = ""


def ending(how: str | None) -> Outcome:
    """The outcome of a case whose process died, or did not come to an end."""
    return Outcome(HUNG) if how is None else Outcome(CRASHED, how)


def judge(case: Case, mode: str = STATIC) -> Outcome:
    """Compile a case, run it, and compare its outputs as the suite does."""
    if not case.is_on_disk:
        return Outcome(NOT_RUN)
    try:
        return _run(case, mode)
    except UnsupportedError as error:
        return Outcome(UNSUPPORTED, f"{error.problems[0].op}: {error.problems[0].reason}")
    except PenstockError as error:
        return Outcome(UNSUPPORTED, _short(error.message))
    except Exception as error:
        return Outcome(ERROR, _short(f"{type(error).__name__}: {error}"))


def _run(case: Case, mode: str) -> Outcome:
    run = RUNS[mode](case.model)
    status, sets = PASSED, list(case.data_sets())
    if not sets:
        return Outcome(NOT_RUN, "the case has no data")
    for given, wanted in sets:
        results, how = run(given)
        try:
            assert_similar(results, wanted, case.test.rtol, case.test.atol)
        except AssertionError as error:
            if case.draws and _kinds(results) == _kinds(wanted):
                status = DRAWN
                continue
            return Outcome(WRONG, _difference(results, wanted) or _short(str(error)))
        if how != PASSED:
            status = how
    return Outcome(status)


Run = Callable[[Sequence[object]], tuple[Sequence[object], str]]
"""From inputs to outputs, and the status of a case with the right ones."""


def _static(model: ModelProto) -> Run:
    prepared = PenstockBackend.prepare(model)

    def run(given: Sequence[object]) -> tuple[Sequence[object], str]:
        results = prepared.run(given)
        is_folded = bool(given) and not prepared.compiled_for(prepared.by_name(given)).inputs
        return results, FOLDED if is_folded else PASSED

    return run


def _constant(model: ModelProto) -> Run:
    prepared = PenstockBackend.prepare(model)

    def run(given: Sequence[object]) -> tuple[Sequence[object], str]:
        results, is_folded = run_constant(model, prepared.by_name(given))
        return results, FOLDED if is_folded else PASSED

    return run


def _dynamic(model: ModelProto) -> Run:
    prepared = PenstockBackend.prepare(model)
    compiled = DynamicRuns(model)

    def run(given: Sequence[object]) -> tuple[Sequence[object], str]:
        results, fixed = compiled.run(prepared.by_name(given))
        return results, PASSED if not fixed else FIXED if len(fixed) < len(given) else FOLDED

    return run


RUNS: Mapping[str, Callable[[ModelProto], Run]] = {STATIC: _static, CONSTANT: _constant, DYNAMIC: _dynamic}
"""Mode -> how a model is made ready to run in it."""


def assert_similar(results: Sequence[object], wanted: Sequence[object], rtol: float, atol: float) -> None:
    """The suite's comparison; tensor by tensor in sequences, where its own cannot compare numbers."""
    assert len(results) == len(wanted), f"{len(results)} outputs, {len(wanted)} expected"
    for y, w in zip(results, wanted, strict=True):
        kinds = [list if isinstance(x, list) else None if x is None else np.ndarray for x in (y, w)]
        assert kinds[0] == kinds[1], f"an output is a {type(y).__name__}, not a {type(w).__name__}"
        if isinstance(y, list):
            Runner.assert_similar_outputs(cast(list[object], w), cast(list[object], y), rtol, atol)
        elif y is not None:
            Runner.assert_similar_outputs([w], [y], rtol, atol)


def _kinds(values: Sequence[object]) -> list[tuple[str, tuple[int, ...]] | None]:
    """The types and shapes of tensors."""
    arrays = map(_as_array, values)
    return [None if array is None else (array.dtype.name, array.shape) for array in arrays]


def _difference(results: Sequence[object], wanted: Sequence[object]) -> str:
    """By how much reals of the right types and shapes differ; empty where something else is wrong."""
    told: list[str] = []
    for y, w in zip(map(_as_array, results), map(_as_array, wanted), strict=False):
        if y is None or w is None or y.dtype.kind != "f" or (y.dtype, y.shape) != (w.dtype, w.shape):
            return ""
        apart, unit = np.abs(wide(y) - wide(w)), np.spacing(np.abs(w)).astype(np.float64)
        if apart.size and np.isfinite(apart).all():
            units, most = float(np.max(apart / unit)), float(np.max(apart))
            told.append(f"{y.dtype}, at most {units:.0f} units in the last place or {most:.0e} apart")
    return "; ".join(told)


def _as_array(value: object) -> Array | None:
    return np.asarray(cast(Array, value)) if isinstance(value, np.ndarray) else None


def _short(text: str) -> str:
    """One line without addresses, which differ from run to run, and without arrays."""
    text = re.sub(r"(Mismatch at ind|First \d+ mism|Max abs|ACTUAL: ).*", "", text, flags=re.DOTALL)
    line = re.sub(r"0x[0-9a-f]+", "0x..", " ".join(text.split()))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
