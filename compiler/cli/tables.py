"""The tables that the commands print: wide on a terminal, plain text in a pipe."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from penstock.backends.targets import Target, missing_features, target, target_names
from penstock.cli.snapshots import Snapshot
from penstock.errors import Problem
from penstock.timing import Timing

Array = NDArray[np.generic]
PIPE_WIDTH = 200


class CheckStep(Protocol):
    """The outcome of checking one pass."""

    @property
    def name(self) -> str: ...

    @property
    def numerics(self) -> str: ...

    @property
    def error(self) -> float: ...

    @property
    def bound(self) -> float: ...

    @property
    def passed(self) -> bool: ...


def show(table: Table) -> None:
    """Print a table on standard output."""
    # A pipe has no width: 80 columns would break lines that the next program reads.
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    Console(highlight=False, width=width).print(table)


def table_of(header: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> Table:
    """Lay out rows of text under a header, the columns of numbers to the right."""
    table = Table(box=SIMPLE_HEAD)
    for name in header:
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def problems_table(problems: Iterable[Problem]) -> Table:
    """What stands in a model's way, a line for each node."""
    header = [field.name for field in fields(Problem)]
    return table_of(header, [astuple(problem) for problem in problems])


def outputs_table(outputs: Mapping[str, Array], top: int) -> Table:
    """The outputs of a run with their largest values."""
    header = ("output", "shape", "type", f"{top} largest, as index: value")
    rows = [
        (name, shape_text(array), str(array.dtype), largest(array, top)) for name, array in outputs.items()
    ]
    return table_of(header, rows)


def shape_text(array: Array) -> str:
    """A shape as it is written on the command line."""
    return "x".join(map(str, array.shape)) or "scalar"


def largest(array: Array, count: int) -> str:
    """The largest values of an array and where they are, dims of size one left out."""
    numbers = np.atleast_1d(array.squeeze()).astype(np.float64)
    best = np.argsort(-numbers, axis=None, kind="stable")[:count]
    places = np.stack(np.unravel_index(best, numbers.shape), axis=1)
    values = numbers.ravel()[best]
    texts = [f"{','.join(map(str, place))}: {value:.6g}" for place, value in zip(places, values, strict=True)]
    return "   ".join(texts)


def timing_table(name: str, timing: Timing) -> Table:
    """The spread of the measured times, in milliseconds."""
    parts = {"fastest": 0.0, "median": 0.5, "90 %": 0.9, "99 %": 0.99, "slowest": 1.0}
    times = [f"{timing.quantile(part) * 1e3:.3f} ms" for part in parts.values()]
    row = [name, str(len(timing.seconds)), *times]
    return table_of(["model", "calls", *parts], [row], numbers=["calls", *parts])


def checks_table(steps: Iterable[CheckStep]) -> Table:
    """What each pass states of its numerics against what was measured."""
    header = ("pass", "numerics", "largest error", "allowed", "verdict")
    rows = [
        (
            step.name,
            step.numerics,
            f"{step.error:.3g}",
            f"{step.bound:.3g}",
            "ok" if step.passed else "CHANGED",
        )
        for step in steps
    ]
    return table_of(header, rows, numbers=header[2:4])


def snapshots_table(snapshots: Iterable[Snapshot]) -> Table:
    """The passes in the order in which they ran, with the size of what they left."""
    header = ("level", "pass", "numerics", "time", "lines after")
    rows = [
        (
            each.level,
            each.pass_name,
            each.numerics,
            f"{each.seconds * 1e3:.1f} ms",
            str(each.text.count("\n")),
        )
        for each in snapshots
    ]
    return table_of(header, rows, numbers=header[3:])


def targets_table() -> Table:
    """The machines that can be compiled for, and what this one lacks to run their code."""
    rows = [target_row(target(name)) for name in target_names()]
    header = ("target", "CPU", "vector bits", "vector registers", "FMA", "dot products", "on this machine")
    return table_of(header, rows, numbers=header[2:4])


def target_row(described: Target) -> tuple[str, ...]:
    """One target as the table shows it."""
    missing = missing_features(described)
    return (
        described.name,
        described.cpu,
        str(described.vector_bits),
        str(described.vector_registers),
        "yes" if described.fma else "no",
        " ".join(described.dot_products) or "none",
        f"lacks {' '.join(missing)}" if missing else "runs",
    )
