"""What open sizes cost: a model compiled once beside models made for each size.

\b
python -m benchmarks.dynamic bert.onnx --dim batch=1 --sizes seq=32,77,128,200
python -m benchmarks.dynamic mobilenetv2.onnx --shape input=batch,3,224,224 --sizes batch=1,3,8

Both are called in turns on the same inputs, and must agree.  Models come from the cache the second time: what
else runs on the machine need only be quiet then.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import click
import numpy as np
from numpy.typing import NDArray

import penstock
from penstock.cli.options import pairs
from penstock.cli.tables import show, table_of
from penstock.cli.values import Named, NamedShape, NamedSize
from penstock.errors import PenstockError
from penstock.model import CompiledModel
from penstock.package import TensorInfo
from penstock.random_inputs import random_inputs

Array = NDArray[np.generic]
Shapes = Mapping[str, Sequence[int | str]]
HEADER = ("size", "calls", "open, ms", "made for it, ms", "open / made for it", "of medians", "difference")


class NamedSizes(Named):
    """A symbol and the sizes to run at."""

    name = "NAME=N,N,..."

    def parse(self, text: str) -> tuple[int, ...] | None:
        """Read numbers between commas."""
        parts = text.split(",")
        return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else None


@click.command(help=__doc__)
@click.argument("model", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--sizes", type=NamedSizes(), required=True, help="The symbol that stays open, and its sizes.")
@pairs("--shape", "shapes", NamedShape(), "Shape of an input, with names for open sizes.")
@pairs("--dim", "dims", NamedSize(), "Size of another symbol.")
@pairs("--hint", "hints", NamedSize(), "Size that the open model is made for.")
@click.option("--threads", default=1, show_default=True)
@click.option("--seconds", default=2.0, show_default=True, help="Time for each size.")
def main(
    model: Path,
    sizes: tuple[str, tuple[int, ...]],
    shapes: Shapes,
    dims: Mapping[str, int],
    hints: Mapping[str, int],
    threads: int,
    seconds: float,
) -> None:
    """The command."""
    name, wanted = sizes
    compiled = partial(penstock.compile, model, shapes=shapes, threads=threads)
    try:
        dynamic = compiled(dims=dims, hints=hints)
        statics = {size: compiled(dims={**dims, name: size}) for size in wanted}
    except PenstockError as error:
        raise click.ClickException(str(error)) from error
    rows = [row(f"{name} = {size}", dynamic, static, seconds) for size, static in statics.items()]
    show(table_of(HEADER, rows, numbers=HEADER[1:]))


def row(size: str, dynamic: CompiledModel, static: CompiledModel, seconds: float) -> list[str]:
    """Both models called in turns at one size."""
    ports = [TensorInfo(t.name, t.dtype, t.fixed) for t in static.inputs]
    arrays = random_inputs(ports, 0)
    apart = max(
        _difference(a, b) for a, b in zip(dynamic(arrays).values(), static(arrays).values(), strict=True)
    )
    ours, theirs = in_turns([partial(dynamic, arrays), partial(static, arrays)], seconds)
    return [
        size,
        str(len(ours)),
        f"{min(ours) * 1e3:.3f}",
        f"{min(theirs) * 1e3:.3f}",
        f"{min(ours) / min(theirs):.3f}",
        f"{median(ours) / median(theirs):.3f}",
        f"{apart:.1e}",
    ]


def in_turns(calls: Sequence[Callable[[], object]], seconds: float) -> list[list[float]]:
    """The seconds of each call, one after the other and again, until the time is over."""
    found: list[list[float]] = [[] for _ in calls]
    end = perf_counter() + seconds
    while perf_counter() < end or len(found[0]) < 3:
        for call, times in zip(calls, found, strict=True):
            start = perf_counter()
            call()
            times.append(perf_counter() - start)
    return found


def _difference(a: Array, b: Array) -> float:
    """The largest difference as part of the largest magnitude."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    return float(np.max(np.abs(x - y), initial=0) / (np.max(np.abs(y), initial=0) or 1))


if __name__ == "__main__":
    main()
