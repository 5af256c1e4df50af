"""What single passes are worth: each model compiled whole, and once more for each pass that is left out.

    python -m benchmarks.without build/models/resnet18.onnx
    python -m benchmarks.without a.onnx b.onnx --pass nest:winograd --pass schedule:prefetch-panels

All builds of a model run in turn, call by call, on the same input.  A figure is the median of the ratios of
neighbouring calls, without the pass to with it: above 1, the pass makes the model faster.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

import penstock
from benchmarks.models import Subject, subject

PASSES = (
    *("graph:fold-batch-norm", "graph:assign-layout", "nest:fuse-consumers", "nest:winograd"),
    *("nest:contract-fma", "schedule:peel-borders", "schedule:block-reductions"),
    *("schedule:fuse-siblings", "schedule:prefetch-panels", "schedule:update-in-place"),
)
WHOLE = "all passes"


def builds(model: Subject, passes: Sequence[str]) -> Mapping[str, penstock.CompiledModel]:
    """The model with all passes, and without each of them."""
    shapes = {name: array.shape for name, array in model.inputs.items()}
    left_out = {each: {phase: [f"-{name}"]} for each in passes for phase, _, name in [each.partition(":")]}
    made = {WHOLE: penstock.compile(model.path, shapes=shapes)}
    return made | {
        name: penstock.compile(model.path, shapes=shapes, passes=p) for name, p in left_out.items()
    }


def in_turn(calls: Mapping[str, Callable[[], object]], seconds: float) -> dict[str, list[float]]:
    """Seconds of each call, one after the other until the time is up."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(times[WHOLE]) < 5:
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return times


def gains(model: Subject, passes: Sequence[str], seconds: float) -> list[str]:
    """The row of a model: its time, and the gain of each pass."""
    made = builds(model, passes)
    calls = {name: lambda build=build: build(model.inputs) for name, build in made.items()}
    times = in_turn(calls, seconds * len(calls))
    whole = times[WHOLE]
    ratios = [median(a / b for a, b in zip(times[name], whole, strict=True)) for name in passes]
    return [model.name, f"{min(whole) * 1e3:.3f}", *(f"{ratio:.2f}" for ratio in ratios)]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.without",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument(
        "--pass", dest="passes", action="append", metavar="PHASE:PASS", help="default: several"
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="time for each build (default: 3)")
    arguments = parser.parse_args()
    passes = arguments.passes or list(PASSES)
    table = Table("model", "ms", *(f"{each.partition(':')[2]}" for each in passes))
    for path in arguments.models:
        table.add_row(*gains(subject(path, {}, {}), passes, arguments.seconds))
    Console(width=30 + 16 * len(passes)).print(table)


if __name__ == "__main__":
    main()
