"""How long `penstock doctor` takes on each model: from the start of Python to the last line.

    python -m benchmarks.doctor ../shared/models --zoo ../shared/zoo --made build/models
    python -m benchmarks.doctor model.onnx --most 2

A folder stands for all models below it, a zoo for its graphs, which get random weights in the folder
`--made`.  The least of some repetitions is shown, the slowest model first, with the seconds of the processor,
which other work on the machine disturbs less.  The exit code is 1 when one takes longer than `--most` allows.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.compile_time import NO_BYTECODE
from benchmarks.models import GRAPH, Places, SourceError
from penstock.diagnosis import EXIT_CODES

COMMAND = "from penstock.cli import main; main()"
VERDICTS = {code: verdict for verdict, code in EXIT_CODES.items()}


@dataclass(frozen=True)
class Visit:
    """What the doctor took for a model, and what it said."""

    name: str
    wall: float
    processor: float
    verdict: str


def visit(name: str, path: Path, repetitions: int, bytecode: Path) -> Visit:
    """Run the doctor on a model some times."""
    environment = {key: value for key, value in os.environ.items() if key != NO_BYTECODE}
    environment["PYTHONPYCACHEPREFIX"] = str(bytecode)
    command = [sys.executable, "-c", COMMAND, "doctor", str(path), "--json"]
    walls, processors, code = list[float](), list[float](), 0
    for _ in range(repetitions):
        start, before = time.perf_counter(), _processor()
        code = subprocess.run(command, env=environment, capture_output=True).returncode
        walls.append(time.perf_counter() - start)
        processors.append(_processor() - before)
    return Visit(name, min(walls), min(processors), VERDICTS.get(code, f"exit code {code}"))


def _processor() -> float:
    """Seconds that processes started here and ended took of a processor."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def models_of(given: Sequence[Path], zoo: Path | None, made: Path) -> Iterator[tuple[str, Path]]:
    """Every model by a name: files, what is below folders, and the graphs of a zoo."""
    for path in given:
        below = sorted(path.glob("**/*.onnx")) if path.is_dir() else [path]
        yield from ((each.relative_to(path.parent).with_suffix("").as_posix(), each) for each in below)
    places = Places(made, zoo, sys.executable)
    for graph in sorted(zoo.glob(f"*{GRAPH}")) if zoo is not None else ():
        name = graph.name.removesuffix(GRAPH)
        yield name, places.find(name)


def table_of(visits: Sequence[Visit], most: float) -> Table:
    """The visits as a table, the longest first."""
    table = Table("model", "wall s", "processor s", "verdict", f"within {most:g} s")
    for each in sorted(visits, key=lambda v: -v.wall):
        fits = "yes" if each.wall <= most else "no"
        table.add_row(each.name, f"{each.wall:.2f}", f"{each.processor:.2f}", each.verdict, fits)
    return table


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.doctor",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL", help="a file, or a folder of models")
    parser.add_argument("--zoo", type=Path, help="a folder of graphs without weights")
    parser.add_argument("--made", type=Path, default=Path("build/models"), help="where weights are put in")
    parser.add_argument("--repetitions", type=int, default=3, help="of each; minima are shown (default: 3)")
    parser.add_argument("--most", type=float, default=2.0, help="seconds allowed (default: 2)")
    given = parser.parse_args()
    try:
        models = list(models_of(given.models, given.zoo, given.made))
    except SourceError as error:
        sys.exit(str(error))
    with tempfile.TemporaryDirectory() as folder:
        if models:
            # The first visit of all writes the bytecode.
            visit(*models[0], 1, Path(folder))
        visits = [visit(name, path, given.repetitions, Path(folder)) for name, path in models]
    Console(width=120).print(table_of(visits, given.most))
    sys.exit(any(each.wall > given.most for each in visits))


if __name__ == "__main__":
    main()
