"""One model of a sweep: compiled, run, and compared with ONNX Runtime."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import onnx
from onnx import ModelProto

import penstock
from penstock.dialects.graph.base import Array
from penstock.errors import PenstockError, UnsupportedError
from penstock.onnx_values import Given, arrays_of, lengths_of
from tools.agreement.comparing import difference, disagreement, moved_rows
from tools.agreement.definition import errors_by_definition
from tools.agreement.onnxruntime_values import Values, outputs_of, values_of
from tools.agreement.steps import compared, cut, quantised_tensors, with_outputs
from tools.agreement.subjects import Subject, inputs_of, random_outputs, shapes_of

AGREES = "agrees"
RIGHT = "right by definition"
IN_STEPS = "agrees step by step"
UNSTEADY = "within rounding"
DIFFERS = "differs"
DECLINED = "declined"
FAILED = "failed"
NOT_RUN = "not run"
MEANINGS = {
    AGREES: "every output is that of ONNX Runtime: reals up to 1e-4 of the largest (half precision 1e-2), "
    "bytes up to a step, other integers exactly",
    RIGHT: "outputs that differ agree with the definition in double precision, or are nearer to it",
    IN_STEPS: "quantised tensors, each computed from those that ONNX Runtime gave, are a step apart at most",
    UNSTEADY: "the definition in double precision moves by an eighth of the tolerance or more when its "
    "results are rounded, each once; ours is within eight times of that",
    DIFFERS: "none of these",
    DECLINED: "not compiled, with the reason",
    FAILED: "did not end as it should",
    NOT_RUN: "nothing is known yet",
}
"""Every verdict."""
GOOD = (AGREES, RIGHT, IN_STEPS, UNSTEADY)
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
    judged = {name: array for name, array in ours.items() if name not in ignored}
    try:
        theirs = outputs_of(path, inputs)
    except Exception as error:
        verdict = by_definition(model, inputs, judged, None)
        return replace(verdict, told=f"{verdict.told}; ONNX Runtime does not run it: {_short(str(error))}")
    pairs = {name: (array, theirs[name]) for name, array in judged.items()}
    apart, moved = told_apart(pairs)
    largest = max((difference(*pair) for name, pair in pairs.items() if name not in moved), default=0.0)
    if not apart:
        left_out = [f"random: {', '.join(sorted(ignored))}"] if ignored else []
        orders = [f"{rows} rows of '{name}' in another order" for name, rows in moved.items()]
        return Verdict(AGREES, difference=largest, told="; ".join([*left_out, *orders]))
    if quantised_tensors(model):
        return replace(by_steps(model, inputs, theirs), difference=largest)
    wrong = {name: judged[name] for name in apart}
    return replace(by_definition(model, inputs, wrong, theirs), difference=largest)


def told_apart(pairs: Mapping[str, tuple[Array, Array]]) -> tuple[list[str], dict[str, int]]:
    """The outputs that are not taken for the same, and how many rows of others are in another order."""
    moved = {name: rows for name, pair in pairs.items() if (rows := moved_rows(*pair))}
    apart = [name for name, pair in pairs.items() if name not in moved and disagreement(*pair)]
    return apart, moved


def by_definition(model: ModelProto, inputs: Given, ours: Values, theirs: Values | None) -> Verdict:
    """The verdict over outputs that are held against the definition in double precision."""
    errors = errors_by_definition(model, inputs, ours, theirs)
    worst = max(errors, key=lambda each: (not each.is_right, not each.is_unsteady, each.ours))
    status = RIGHT if worst.is_right else UNSTEADY if worst.is_unsteady else DIFFERS
    return Verdict(status, told=str(worst))


def by_steps(model: ModelProto, inputs: Given, theirs: Values) -> Verdict:
    """The verdict over a quantised model: its tensors of integers, and the outputs that are made of them."""
    integers = values_of(model, quantised_tensors(model), inputs)
    apart, given = cut(model, integers), {**inputs, **integers}
    compiled = penstock.compile(apart, shapes=shapes_of(given), lengths=lengths_of(apart, given))
    ours = compiled(arrays_of(given))
    steps = compared(ours, integers, apart, given)
    made = {name: (ours[name], array) for name, array in theirs.items() if name in ours}
    wrong, _ = told_apart({name: pair for name, pair in made.items() if name not in random_outputs(model)})
    if steps.wrong:
        return Verdict(DIFFERS, told=str(steps))
    if wrong:
        verdict = by_definition(with_outputs(apart, wrong), given, {n: ours[n] for n in wrong}, theirs)
        return replace(verdict, told=f"{steps}; {verdict.told}")
    return Verdict(IN_STEPS if steps.largest <= 1 else RIGHT, told=str(steps))


def cpu_seconds() -> float:
    """What this process and those that it waited for have used; others on the machine do not count."""
    return sum(os.times()[:4])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
