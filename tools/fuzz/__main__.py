"""Imports models that were changed at random, compiles and runs some, and reports what must not happen.

\b
python -m tools.fuzz --count 1000              a thousand mutants of the models of ONNX's suite and others
python -m tools.fuzz --count 1000 --seed 7     other ones
python -m tools.fuzz --seed 7 --replay 123     one of them again, with its traceback

A model may be refused by an error of Penstock, or accepted.  A crash, more than ten seconds of the processor,
any other exception, and a file opened outside of the model's folder are findings: each is written to `--out`.
"""

import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn

import penstock
from penstock.onnx_import import import_model
from penstock.random_inputs import random_inputs
from tools.fuzz.mutants import mutant
from tools.fuzz.report import Tally, keep
from tools.fuzz.seeds import SHARED, seeds
from tools.fuzz.trial import Trial, Verdict
from tools.pool import Ended, run_all

WALL_SECONDS = 900.0
"""Until a worker is given up: one that sleeps takes no time of the processor, one that waits little."""


@click.command(help=__doc__)
@click.option("--count", default=1000, show_default=True, help="Mutants.")
@click.option("--seed", default=0, show_default=True, help="Another number gives other mutants.")
@click.option("--first", default=0, show_default=True, help="Number of the first mutant.")
@click.option(
    "--models", multiple=True, type=Path, help="Folders of models to mutate, besides ../shared/models."
)
@click.option(
    "--suite/--no-suite", default=True, help="Mutate the models of ONNX's suite too (10 s to load)."
)
@click.option("--jobs", default=1, show_default=True, help="Processes.")
@click.option(
    "--every", default=20, show_default=True, help="Which part of the small ones is compiled and run."
)
@click.option("--replay", type=int, help="Do this mutant again, in this process.")
@click.option("--out", default=Path("fuzz-findings"), type=Path, show_default=True, help="Where findings go.")
def main(
    count: int,
    seed: int,
    first: int,
    models: Sequence[Path],
    suite: bool,
    jobs: int,
    every: int,
    replay: int | None,
    out: Path,
) -> None:
    """The command."""
    # A long run in the background is ended by this signal, and tells what it has seen.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(stderr=True)
    chosen = seeds([SHARED, *models], suite=suite)
    with TemporaryDirectory(prefix="penstock-fuzz-") as scratch:
        trial = Trial(chosen, seed, every, Path(scratch))
        warm_up(chosen[0].data)
        if replay is not None:
            again(trial, replay)
            return
        started, tally = monotonic(), Tally()
        with suppress(KeyboardInterrupt):
            for number, verdict in verdicts(trial, range(first, first + count), jobs, console):
                tally.add(number, verdict)
                if verdict.finding:
                    command = f"python -m tools.fuzz --seed {seed} --replay {number}"
                    keep(out, mutant(chosen, seed, number), verdict, command)
    tally.show(console, monotonic() - started)
    sys.exit(1 if tally.findings else 0)


def warm_up(data: bytes) -> None:
    """Load all that compiling needs, once: the workers are forked from this process."""
    model = penstock.compile(data)
    model(random_inputs(model.inputs, 0))


def verdicts(trial: Trial, numbers: range, jobs: int, console: Console) -> Iterator[tuple[int, Verdict]]:
    """The verdicts as they come in, under a progress bar."""
    columns = (
        *Progress.get_default_columns(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[found]} findings"),
    )
    # A thread that refreshes the bar would be forked with the workers.
    with Progress(*columns, console=console, auto_refresh=False) as progress:
        bar = progress.add_task("mutants", total=len(numbers), found=0)
        found = 0
        for done, (number, result) in enumerate(run_all(trial, numbers, jobs, WALL_SECONDS), 1):
            verdict = died(result) if isinstance(result, Ended) else result
            found += bool(verdict.finding)
            if done % 100 == 0 or done == len(numbers):
                progress.update(bar, completed=done, found=found, refresh=True)
            if not console.is_terminal and done % 5000 == 0:
                console.print(f"{done} mutants, {found} findings")
            yield number, verdict


def died(end: Ended) -> Verdict:
    """The verdict on a mutant that took its process with it."""
    if end.how in (None, "SIGPROF"):
        return Verdict("any", "hang", "no end in time")
    return Verdict("any", "crash", f"the process died: {end.how}")


def again(trial: Trial, number: int) -> None:
    """One mutant without a net: what it raises is shown as it is."""
    found = mutant(trial.seeds, trial.start, number)
    path = trial.scratch / "model.onnx"
    path.write_bytes(found.data)
    click.echo(f"from {found.seed}: {found.words}")
    try:
        import_model(path)
    except Exception:
        traceback.print_exc()
    click.echo(trial.judge(found))


if __name__ == "__main__":
    main()
