"""What `penstock compile --tune` does and tells: measure, keep the file, show what was gained."""

from pathlib import Path

import click
from rich.table import Table

from penstock.backends.targets import target
from penstock.cli.options import Build
from penstock.cli.progress import progress_bar
from penstock.cli.tables import show, table_of
from penstock.tuning import Outcome, tune
from penstock.tuning_file import Tuned, read_tuning, write_tuning

MICRO = 1e-3
"""Microseconds in a nanosecond."""


def tuned(model: Path, seconds: float, path: Path, build: Build) -> None:
    """Tune a model, on from what a file holds if it is there, and write the file."""
    start = read_tuning(path, target(build["target"])) if path.exists() else None
    with progress_bar() as bar:
        outcome = tune(model, seconds, start=start, progress=None if bar is None else bar.told, **build)
    write_tuning(outcome.tuning, path)
    show(tuning_table(outcome))
    click.echo(f"{gain_text(outcome)}\n{path}  {path.stat().st_size:,} bytes")


def tuning_table(outcome: Outcome) -> Table:
    """A line for each kernel that takes time: its choice and the gain; times are of all its calls."""
    header = ("kernel", "calls", "tried", "schedule", "us before", "us after", "gain")
    rows = [_row(tuned, outcome.calls[digest]) for digest, tuned in outcome.kernels.items()]
    return table_of(header, rows, numbers=[name for name in header if name not in ("kernel", "schedule")])


def _row(tuned: Tuned, calls: int) -> tuple[str, ...]:
    times = [f"{calls * time * MICRO:,.1f}" for time in (tuned.default_ns, tuned.chosen_ns)]
    gain = f"{tuned.gain:.1%}" if tuned.gain else ""
    return (tuned.kernel, str(calls), str(tuned.tried), tuned.choice, *times, gain)


def gain_text(outcome: Outcome) -> str:
    """What all kernels took and take now, in a line."""
    before, after = outcome.default_ns * MICRO, outcome.chosen_ns * MICRO
    changed = sum(1 for tuned in outcome.kernels.values() if tuned.gain)
    return (
        f"{changed} of {len(outcome.kernels)} kernels measured have another schedule: "
        f"all kernels {before:,.1f} us before, {after:,.1f} us after, {1 - after / before:.1%} less"
    )
