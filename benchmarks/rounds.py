"""The comparison on one model: a process per engine, all loaded, then round after round each has its turn.

Only one of them works at a time.  A machine that slows down slows all of them down alike.
"""

import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.models import Subject
from benchmarks.results import OURS, EngineResult, ModelResult

Array = NDArray[np.generic]
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Plan:
    """How to measure: threads of every engine, rounds, seconds of one turn."""

    threads: int
    rounds: int
    seconds: float


@dataclass
class Worker:
    """A running engine and what is known of it so far."""

    process: "subprocess.Popen[str]"
    complaints: IO[bytes]
    result: EngineResult

    def ask(self, line: str) -> None:
        """Send a line, unless the engine failed before."""
        if self.result.failure:
            return
        assert self.process.stdin is not None, "the worker's input is a pipe"
        try:
            self.process.stdin.write(f"{line}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            # The process has ended: `hear` says how.
            pass
        self.hear()

    def hear(self) -> None:
        """Take what the worker answers into the result."""
        assert self.process.stdout is not None, "the worker's output is a pipe"
        line = self.process.stdout.readline()
        answer: Mapping[str, Any] = json.loads(line) if line else {"failure": self._end()}
        for name, value in answer.items():
            if name == "nanoseconds":
                self.result.nanoseconds.extend(value)
            else:
                setattr(self.result, name, value)

    def _end(self) -> str:
        """Why a process that no longer answers ended."""
        code = self.process.wait()
        self.complaints.seek(0)
        last = self.complaints.read().decode(errors="replace").strip().splitlines()[-1:]
        return " ".join([f"the process ended with code {code}", *last])


@contextmanager
def working(engine: str, folder: Path) -> Generator[Worker]:
    """An engine in a process of its own, loaded; the process is gone at the end."""
    # Without its cache, Penstock compiles all of a model.
    environment = {**os.environ, "PENSTOCK_CACHE": ""}
    command = [sys.executable, "-m", "benchmarks.worker", engine, str(folder)]
    with TemporaryFile() as complaints:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        worker = Worker(process, complaints, EngineResult(engine))
        try:
            worker.hear()
            yield worker
        finally:
            process.kill()
            process.communicate()


def compare(subject: Subject, engines: Sequence[str], plan: Plan) -> ModelResult:
    """Measure all engines on one model, in turn."""
    with TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
        folder = Path(name)
        write_job(subject, plan, folder)
        workers = [stack.enter_context(working(engine, folder)) for engine in engines]
        for _ in range(plan.rounds):
            for worker in workers:
                worker.ask(str(plan.seconds))
        for worker in workers:
            worker.ask("end")
        results = [worker.result for worker in workers]
        compare_outputs(results, folder)
    return ModelResult(subject.name, results)


def write_job(subject: Subject, plan: Plan, folder: Path) -> None:
    """Leave in a folder what the workers read."""
    told = {
        "model": str(subject.path.resolve()),
        "inputs": list(subject.inputs),
        "dims": dict(subject.dims),
        "threads": plan.threads,
    }
    (folder / "job.json").write_text(json.dumps(told), encoding="utf-8")
    np.savez(folder / "inputs.npz", *subject.inputs.values(), allow_pickle=False)


def compare_outputs(results: Sequence[EngineResult], folder: Path) -> None:
    """Say how far the outputs of each engine are from those of the first that is not ours."""
    ran = sorted((r for r in results if not r.failure), key=lambda r: r.engine == OURS)
    outputs = {result.engine: _outputs(folder / f"{result.engine}.npz") for result in ran}
    for result in ran:
        result.error = difference(outputs[result.engine], outputs[ran[0].engine])


def _outputs(path: Path) -> list[Array]:
    with np.load(path, allow_pickle=False) as arrays:
        return [arrays[f"arr_{i}"] for i in range(len(arrays.files))]


def difference(got: Sequence[Array], expected: Sequence[Array]) -> float:
    """The largest difference over the largest magnitude of the same output; infinite where shapes differ."""
    if len(got) != len(expected) or any(g.size != e.size for g, e in zip(got, expected, strict=True)):
        return float("inf")
    return max((_relative(g, e) for g, e in zip(got, expected, strict=True)), default=0.0)


def _relative(got: Array, expected: Array) -> float:
    wide = [np.asarray(array, np.float64).reshape(-1) for array in (got, expected)]
    is_same = (wide[0] == wide[1]) | (np.isnan(wide[0]) & np.isnan(wide[1]))
    gap = np.abs(wide[0][~is_same] - wide[1][~is_same]).max(initial=0.0)
    scale = np.abs(wide[1])[np.isfinite(wide[1])].max(initial=0.0)
    return float("inf") if np.isnan(gap) else float(gap / max(scale, np.finfo(np.float32).tiny))
