"""Penstock beside ONNX Runtime, one thread, calls in turn: `python benchmarks/run.py MODEL.onnx ...`.

Machines are noisy and shared, so the two alternate call by call on the same input, the minimum and the median
are shown, and times are those of the calling thread, which is not charged for waiting.  Sizes that a model
leaves open are 1.  Outputs are compared: the error is the largest difference relative to the output's largest
magnitude.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import penstock

Array = NDArray[np.generic]
Inputs = Mapping[str, Array]
NUMPY_OF = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64}


def session_of(path: Path) -> onnxruntime.InferenceSession:
    """ONNX Runtime with one thread and its default optimisations."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def random_inputs(session: onnxruntime.InferenceSession) -> dict[str, Array]:
    """Uniform numbers in [0, 1), zeros and ones for integers."""
    rng, inputs = np.random.default_rng(0), dict[str, Array]()
    for wanted in session.get_inputs():
        shape = [size if isinstance(size, int) and size > 0 else 1 for size in wanted.shape]
        dtype = np.dtype(NUMPY_OF[wanted.type])
        inputs[wanted.name] = (
            rng.random(shape).astype(dtype) if dtype.kind == "f" else rng.integers(0, 2, shape)
        )
    return inputs


def in_turn(calls: Mapping[str, Callable[[], object]], seconds: float) -> dict[str, list[float]]:
    """Thread times of each call, in milliseconds, one after the other until the time is up."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    end = time.monotonic() + seconds
    for name in calls:
        calls[name]()
    while time.monotonic() < end or len(next(iter(times.values()))) < 5:
        for name, call in calls.items():
            start = time.thread_time()
            call()
            times[name].append((time.thread_time() - start) * 1e3)
    return times


def row(path: Path, seconds: float) -> list[str]:
    """One model: times of both, their ratio, the error, the time of a compilation."""
    session = session_of(path)
    inputs = random_inputs(session)
    start = time.perf_counter()
    model = penstock.compile(path, shapes={name: array.shape for name, array in inputs.items()})
    compiled = time.perf_counter() - start
    expected = dict(zip([o.name for o in session.get_outputs()], session.run(None, inputs), strict=True))
    error = max(relative_error(model(inputs)[name], array) for name, array in expected.items())
    times = in_turn({"ours": lambda: model(inputs), "theirs": lambda: session.run(None, inputs)}, seconds)
    ours, theirs = times["ours"], times["theirs"]
    return [
        path.stem,
        f"{min(ours):.3f} / {median(ours):.3f}",
        f"{min(theirs):.3f} / {median(theirs):.3f}",
        f"{min(ours) / min(theirs):.2f}",
        f"{error:.1e}",
        f"{compiled:.1f} s",
    ]


def relative_error(got: Array, expected: Array) -> float:
    """The largest difference over the largest magnitude."""
    difference = np.abs(got.astype(np.float64) - expected.astype(np.float64)).max(initial=0)
    return float(difference / max(np.abs(expected).max(initial=0), 1e-30))


def main() -> None:
    """Compare the models named on the command line and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=5.0, help="time per model (default: 5)")
    arguments = parser.parse_args()
    table = Table(
        "model", "penstock ms (min / median)", "ONNX Runtime", "ratio of minima", "error", "compile"
    )
    for path in arguments.models:
        table.add_row(*row(path, arguments.seconds))
        print(path.stem, "done", file=sys.stderr)
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
