"""One model of a sweep: compiled, run, and compared with ONNX Runtime."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto

import penstock
from penstock.backends.reference import run_graph
from penstock.dialects.graph.base import Array, wide
from penstock.errors import PenstockError, UnsupportedError
from penstock.onnx_import import import_model
from penstock.onnx_values import Given, arrays_of, lengths_of
from tools.agreement.onnxruntime_values import Values, outputs_of, values_of
from tools.agreement.steps import Steps, compared, cut, quantised_tensors
from tools.agreement.subjects import Subject, inputs_of, random_outputs, shapes_of

AGREES = "agrees"
RIGHT = "right by definition"
IN_STEPS = "agrees step by step"
DIFFERS = "differs"
DECLINED = "declined"
FAILED = "failed"
GOOD = (AGREES, RIGHT, IN_STEPS)
TOLERANCES = {"float16": 1e-2, "float32": 1e-4, "float64": 1e-6}
"""Difference of reals up to which they agree, as part of the largest magnitude."""
FAR = 1e-2
"""A difference that is wrong whatever another engine gives."""
LONGEST = 200


@dataclass(frozen=True)
class Verdict:
    """What came of a model."""

    status: str
    compiling: float | None = None
    """Seconds of all CPUs that compiling took; what the cache holds takes none."""
    running: float | None = None
    difference: float | None = None
    """The largest difference by the largest magnitude, over all outputs."""
    told: str = ""


def judge(subject: Subject) -> Verdict:
    """Compile a model, run it, and compare it; a refusal or a failure is a verdict too."""
    return guarded(lambda: _judged(subject))


def guarded(judged: Callable[[], Verdict]) -> Verdict:
    """The verdict, or what came instead of it."""
    try:
        return judged()
    except UnsupportedError as error:
        reasons = dict.fromkeys(f"{p.op}: {p.reason}" for p in error.problems)
        return Verdict(DECLINED, told=f"{len(error.problems)} nodes: {_short('; '.join(reasons))}")
    except PenstockError as error:
        return Verdict(DECLINED, told=_short(str(error)))
    except Exception as error:
        return Verdict(FAILED, told=_short(f"{type(error).__name__}: {error}"))


def _judged(subject: Subject) -> Verdict:
    path = subject.path()
    model = onnx.load(path)
    inputs = inputs_of(model, subject.told)
    start = cpu_seconds()
    compiled = penstock.compile(path, shapes=shapes_of(inputs), lengths=lengths_of(model, inputs))
    compiling = cpu_seconds() - start
    start = time.perf_counter()
    ours = compiled(arrays_of(inputs))
    running = time.perf_counter() - start
    return replace(compared_with(path, model, inputs, ours), compiling=compiling, running=running)


def compared_with(path: Path, model: ModelProto, inputs: Given, ours: Values) -> Verdict:
    """What a model gave beside what ONNX Runtime makes of the same inputs."""
    ignored = random_outputs(model)
    try:
        theirs = outputs_of(path, inputs)
    except Exception as error:
        return Verdict(FAILED, told=_short(f"ONNX Runtime does not run it: {error}"))
    pairs = {name: (ours[name], array) for name, array in theirs.items() if name not in ignored}
    moved = {name: rows for name, pair in pairs.items() if (rows := moved_rows(*pair))}
    told = [
        f"{name}: {reason}"
        for name, pair in pairs.items()
        if name not in moved and (reason := disagreement(*pair))
    ]
    largest = max((difference(*pair) for pair in pairs.values()), default=0.0)
    made = Verdict(AGREES, difference=largest)
    if not told:
        left_out = [f"random: {', '.join(sorted(ignored))}"] if ignored else []
        orders = [f"{rows} rows of '{name}' in another order" for name, rows in moved.items()]
        return replace(made, told="; ".join([*left_out, *orders]))
    if not quantised_tensors(model):
        errors = errors_by_definition(model, inputs, *_columns(pairs))
        return replace(made, status=RIGHT if errors.ours_is_right else DIFFERS, told=str(errors))
    steps = by_steps(model, inputs)
    return replace(made, status=IN_STEPS if steps.largest <= 1 else DIFFERS, told=str(steps))


def cpu_seconds() -> float:
    """What this process and those that it waited for have used; others on the machine do not count."""
    return sum(os.times()[:4])


def _columns(pairs: Mapping[str, tuple[Array, Array]]) -> tuple[dict[str, Array], dict[str, Array]]:
    return {name: ours for name, (ours, _) in pairs.items()}, {
        name: theirs for name, (_, theirs) in pairs.items()
    }


@dataclass(frozen=True)
class Errors:
    """How far two results are from what the definitions give, each operation computed in double precision."""

    output: str
    """The output in which ours is farthest."""
    ours: float
    theirs: float
    ours_is_right: bool
    """Whether ours agrees with the definition, or is at least as near to it as ONNX Runtime's."""

    def __str__(self) -> str:
        return f"'{self.output}' is {self.ours:.1e} from the definition, ONNX Runtime's {self.theirs:.1e}"


def errors_by_definition(model: ModelProto, inputs: Given, ours: Values, theirs: Values) -> Errors:
    """Compare outputs with those of the executor of the graph level."""
    module = import_model(model, shapes=shapes_of(inputs), lengths=lengths_of(model, inputs))
    defined = run_graph(module, arrays_of(inputs))
    distances = {name: difference(array, defined[name]) for name, array in ours.items()}
    worst = max(distances, key=lambda name: distances[name])
    others = {name: difference(array, defined[name]) for name, array in theirs.items()}
    is_right = all(
        not disagreement(array, defined[name]) or distances[name] <= min(others[name], FAR)
        for name, array in ours.items()
    )
    return Errors(worst, distances[worst], others[worst], is_right)


def by_steps(model: ModelProto, inputs: Given) -> Steps:
    """Compare a quantised model at every tensor of integers."""
    theirs = values_of(model, quantised_tensors(model), inputs)
    apart, given = cut(model, theirs), {**inputs, **theirs}
    compiled = penstock.compile(apart, shapes=shapes_of(given), lengths=lengths_of(apart, given))
    return compared(compiled(arrays_of(given)), theirs, apart, given)


def difference(ours: Array, theirs: Array) -> float:
    """The largest difference as part of the largest magnitude."""
    if ours.shape != theirs.shape or not theirs.size:
        return 0.0 if ours.shape == theirs.shape else np.inf
    a, b = wide(ours).astype(np.float64), wide(theirs).astype(np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    largest = float(np.max(np.abs(b[np.isfinite(b)]), initial=0.0))
    with np.errstate(invalid="ignore"):
        apart = float(np.max(np.abs(a - b)[~same], initial=0.0))
    return apart / largest if largest else apart


def moved_rows(ours: Array, theirs: Array) -> int:
    """How many rows of positions stand elsewhere; 0 unless both have the same rows.

    Boxes that are found are listed by score, and scores that are alike to the last digits change places.
    """
    if (
        ours.shape != theirs.shape
        or not ours.size
        or ours.ndim < 2
        or ours.dtype.kind != "i"
        or ours.dtype.itemsize < 4
    ):
        return 0
    a, b = (array.reshape(-1, array.shape[-1]) for array in (ours, theirs))
    same = np.array_equal(*(rows[np.lexsort(rows.T)] for rows in (a, b)))
    return int((a != b).any(1).sum()) if same else 0


def disagreement(ours: Array, theirs: Array) -> str:
    """Why two outputs are not taken for the same; empty when they are."""
    if ours.dtype != theirs.dtype or ours.shape != theirs.shape:
        return f"{ours.dtype}{list(ours.shape)} for {theirs.dtype}{list(theirs.shape)}"
    if theirs.dtype.name in TOLERANCES:
        apart = difference(ours, theirs)
        return "" if apart <= TOLERANCES[theirs.dtype.name] else f"{apart:.2g} of the largest apart"
    steps = np.abs(wide(ours) - wide(theirs)).max(initial=0)
    # Bytes are quantised values, wider integers are indices and counts.
    return "" if steps <= (1 if theirs.dtype.itemsize == 1 else 0) else f"{steps} apart"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
