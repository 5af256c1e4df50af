"""`penstock bench`: how long a model takes, and where the time goes."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Unpack

import click

from penstock.cli.opening import open_model
from penstock.cli.options import EXISTING, WRITABLE, Build, build_options, threads_option


@click.command("bench")
@click.argument("model", type=EXISTING, required=False)
@click.option("--seconds", default=2.0, show_default=True, help="Time to spend on measuring.")
@click.option("--seed", default=0, show_default=True, help="Seed of the random inputs.")
@click.option("--profile", "is_profiled", is_flag=True, help="Show where the time goes, kernel by kernel.")
@click.option("--calls", "shows_calls", is_flag=True, help="Profile with a line for each call of a kernel.")
@click.option(
    "--trace",
    "trace_file",
    type=WRITABLE,
    metavar="FILE",
    help="Profile and write a timeline (.json) for ui.perfetto.dev or chrome://tracing.",
)
@click.option("--machine", "is_machine", is_flag=True, help="Measure this machine instead of a model.")
@threads_option
@build_options
def bench_command(
    model: Path | None,
    seconds: float,
    seed: int,
    is_profiled: bool,
    shows_calls: bool,
    trace_file: Path | None,
    is_machine: bool,
    threads: int,
    **build: Unpack[Build],
) -> None:
    """Measure how long MODEL (.onnx or .penstock) takes per call.

    A profile says for each kernel what part of the time it takes, and how near it is to what one core can do:
    multiply-adds and bandwidths are measured first. docs/performance.md explains the columns.

    \b
    penstock bench resnet50.onnx --seconds 10
    penstock bench resnet50.onnx --profile
    penstock bench resnet50.penstock --calls --trace resnet50.json
    penstock bench --machine
    """
    if is_machine == (model is not None):
        raise click.UsageError("name a model, or measure the machine with --machine")
    if model is None:
        from penstock.cli.profile import show_machine

        show_machine(seconds)
        return
    from penstock.random_inputs import random_inputs

    compiled = open_model(model, build, threads=threads)
    arrays = random_inputs(compiled.usual_inputs, seed)
    if is_profiled or shows_calls or trace_file is not None:
        from penstock.cli.profile import show_profile

        show_profile(compiled, arrays, seconds, shows_calls, trace_file)
    else:
        show_times(model.name, partial(compiled, arrays), seconds)


def show_times(name: str, call: Callable[[], object], seconds: float) -> None:
    """Measure a call and show the spread of its times."""
    from penstock.cli.tables import show, timing_table
    from penstock.timing import measure

    show(timing_table(name, measure(call, budget=seconds)))
