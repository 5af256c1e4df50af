"""The process of one engine: loads a model, then measures when it is told to, so that engines take turns.

    python -m benchmarks.worker ENGINE FOLDER

FOLDER holds what `benchmarks.rounds` wrote: `job.json` and `inputs.npz`.  Each line on standard input is the
seconds of a turn, or `end`; each answer is a line of JSON.  The outputs go to `FOLDER/ENGINE.npz`.
"""

import json
import os
import sys
from pathlib import Path
from time import perf_counter, perf_counter_ns
from typing import TextIO

import numpy as np

from benchmarks.engines import Engine, Job, OnnxRuntime, OpenVino, Penstock
from benchmarks.ncnn_engine import Ncnn

ENGINES: dict[str, type[Engine]] = {each.name: each for each in (Penstock, OnnxRuntime, OpenVino, Ncnn)}
WARM_UP = 3
AT_LEAST = 2


def read_job(folder: Path) -> Job:
    """The job in a folder."""
    told = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    with np.load(folder / "inputs.npz", allow_pickle=False) as arrays:
        inputs = {name: arrays[f"arr_{i}"] for i, name in enumerate(told["inputs"])}
    return Job(Path(told["model"]), inputs, told["dims"], told["threads"])


def turn(engine: Engine, seconds: float) -> list[int]:
    """Nanoseconds of each call of one turn, after one that brings the model back into the caches."""
    engine.run()
    times: list[int] = []
    end = perf_counter() + seconds
    while perf_counter() < end or len(times) < AT_LEAST:
        start = perf_counter_ns()
        engine.run()
        times.append(perf_counter_ns() - start)
    return times


def peak_bytes() -> int:
    """The peak memory of this process; `ru_maxrss` would count that of the process that started it too."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


def serve(engine: Engine, job: Job, folder: Path, answers: TextIO) -> None:
    """Load, warm up, leave the outputs, and measure whenever a line says so."""
    start = perf_counter()
    engine.load(job)
    loaded = perf_counter() - start
    for _ in range(WARM_UP):
        engine.run()
    np.savez(folder / f"{engine.name}.npz", *engine.outputs(), allow_pickle=False)
    facts = {"version": engine.version(), "instructions": engine.instructions(), **engine.facts()}
    print(json.dumps({**facts, "load_seconds": loaded}), file=answers, flush=True)
    for line in sys.stdin:
        if line.strip() == "end":
            break
        print(json.dumps({"nanoseconds": turn(engine, float(line))}), file=answers, flush=True)
    print(json.dumps({"peak_bytes": peak_bytes()}), file=answers, flush=True)


def main() -> None:
    """Be the process of the engine that the command line names."""
    # What engines print must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    name, folder = sys.argv[1], Path(sys.argv[2])
    try:
        serve(ENGINES[name](), read_job(folder), folder, answers)
    except Exception as error:
        # Whatever an engine raises is its result: the others go on.
        print(json.dumps({"failure": f"{type(error).__name__}: {error}"}), file=answers, flush=True)


if __name__ == "__main__":
    main()
