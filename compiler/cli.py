"""The `penstock` command: reads arguments, calls the driver, prints; nothing about models is decided here."""

import gc
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from penstock import __version__
from penstock.cli_options import (
    EXISTING,
    Build,
    build_options,
    dump_option,
    limit_option,
    load_option,
    pairs,
    size_options,
    threads_option,
    tuning_options,
)
from penstock.cli_values import NamedFile, read_inputs, write_outputs
from penstock.crash import FAILED, guarded
from penstock.random_inputs import random_inputs

if TYPE_CHECKING:
    from penstock.api import Written
    from penstock.cli_progress import Compilation
    from penstock.model import CompiledModel

ARTEFACT = ".penstock"
SUFFIXES = (ARTEFACT, ".o", ".so", ".a", ".s", ".ll", ".mlir")
WRITABLE = click.Path(dir_okay=False, path_type=Path)

# The driver, xDSL and rich are imported inside the commands, so that `--help` answers at once.


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="penstock")
def cli() -> None:
    """Compile neural networks to native code, and see every step of it.

    \b
    penstock doctor model.onnx                      what stands in its way?
    penstock compile model.onnx -o model.o          object file and C header
    penstock run model.onnx --input x=picture.png   compile in memory and run
    """


@cli.command("compile")
@click.argument("model", type=EXISTING)
@click.option("-o", "--output", type=WRITABLE, required=True, help="File to write; its suffix says what.")
@click.option("--check", "is_checked", is_flag=True, help="Check every pass first, as `penstock check` does.")
@click.option("--timing", "is_timed", is_flag=True, help="Show the time of each pass and what it changed.")
@tuning_options
@dump_option
@threads_option
@build_options
def compile_command(
    model: Path,
    output: Path,
    is_checked: bool,
    is_timed: bool,
    seconds: float | None,
    tuning: Path | None,
    threads: int,
    dump_dir: Path | None,
    **build: Unpack[Build],
) -> None:
    """Compile MODEL ahead of time.

    \b
    .penstock   all in one file, for `penstock run` and penstock.load()
    .o          object file, with a C header beside it
    .so .a      library, with a C header; needs a linker
    .s .ll      assembly, LLVM IR: the code as text, without the weights
    .mlir       the same in the llvm dialect

    \b
    penstock compile resnet50.onnx -o resnet50.o --target x86-64-v3
    penstock compile bert.onnx -o bert.penstock --dim batch=1 --dim sequence=128
    penstock compile model.onnx -o model.penstock --timing --dump-dir passes/
    penstock compile model.onnx -o model.penstock --tune 30
    """
    from penstock.api import write
    from penstock.cli_progress import followed
    from penstock.cli_reports import summary

    if output.suffix not in SUFFIXES:
        raise click.UsageError(f"'{output.name}': the suffix says what to write, one of {' '.join(SUFFIXES)}")
    if seconds is not None:
        from penstock.cli_tuning import tuned

        tuning = tuning or output.parent / f"{model.stem}.tuning.json"
        tuned(model, seconds, tuning, build)
    if is_checked and not check_steps(model, 0, build, tuning):
        sys.exit(FAILED)
    make = partial(write, model, output, threads=threads, tuning=tuning, dump_dir=dump_dir, **build)
    written = timed(make) if is_timed else followed(make)
    click.echo(summary(written.package))
    for path in written.files:
        click.echo(f"{path}  {path.stat().st_size:,} bytes")


@cli.command()
@click.argument("model", type=EXISTING)
@pairs(
    "--input", "inputs", NamedFile(), "Array (.npy) or picture (.png, .jpg) for an input; may be repeated."
)
@click.option(
    "--random", "seed", type=int, metavar="SEED", help="Fill the inputs with random numbers instead."
)
@click.option("-o", "--output", type=WRITABLE, help="Write the outputs to this .npz file.")
@click.option("--top", default=3, show_default=True, help="Number of largest values to show per output.")
@dump_option
@threads_option
@build_options
def run(
    model: Path,
    inputs: Mapping[str, Path],
    seed: int | None,
    output: Path | None,
    top: int,
    threads: int,
    dump_dir: Path | None,
    **build: Unpack[Build],
) -> None:
    """Run MODEL (.onnx or .penstock) once and show its outputs.

    A picture is scaled to the input's height and width and read as numbers from 0 to 1.

    \b
    penstock run digits.onnx --input image=seven.png
    penstock run model.penstock --input x=x.npy -o outputs.npz
    penstock run model.onnx --random 0
    """
    from penstock.cli_tables import outputs_table, show

    if seed is not None and inputs:
        raise click.UsageError("--random fills all inputs: give it or --input, not both")
    compiled = open_model(model, build, dump_dir, threads)
    arrays = (
        read_inputs(inputs, compiled.inputs) if seed is None else random_inputs(compiled.usual_inputs, seed)
    )
    outputs = compiled(arrays)
    if output is not None:
        write_outputs(output, outputs)
    show(outputs_table(outputs, top))


@cli.command()
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
def bench(
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
        from penstock.cli_bench import show_machine

        show_machine(seconds)
        return
    compiled = open_model(model, build, threads=threads)
    arrays = random_inputs(compiled.usual_inputs, seed)
    if is_profiled or shows_calls or trace_file is not None:
        from penstock.cli_bench import show_profile

        show_profile(compiled, arrays, seconds, shows_calls, trace_file)
    else:
        show_times(model.name, partial(compiled, arrays), seconds)


def show_times(name: str, call: Callable[[], object], seconds: float) -> None:
    """Measure a call and show the spread of its times."""
    from penstock.cli_tables import show, timing_table
    from penstock.timing import measure

    show(timing_table(name, measure(call, budget=seconds)))


@cli.command()
@click.argument("model", type=EXISTING)
@click.option("--seed", default=0, show_default=True, help="Seed of the random inputs.")
@build_options
def check(model: Path, seed: int, **build: Unpack[Build]) -> None:
    """Run MODEL before and after every pass and name the first that changes the meaning.

    Each pass states its numerics; a difference beyond what it states fails the check (exit code 1).
    The module is then reduced to the part that shows it and written to MODEL.PASS.mlir.

    \b
    penstock check model.onnx --dim batch=2
    """
    sys.exit(0 if check_steps(model, seed, build) else FAILED)


@cli.command()
@click.argument("model", type=EXISTING)
@click.option("--level", help="Print a level: graph, nest, schedule, loops, llvm, ll or asm.")
@click.option("--kernel", metavar="NAME", help="Print one kernel from the graph down to its assembly.")
@click.option("--kernels", "all_kernels", is_flag=True, help="List the kernels with their schedules.")
@click.option("--after", metavar="PASS", help="Print the module as it leaves this pass.")
@click.option("--diff", metavar="PASS", help="Print what this pass changed, as a unified diff.")
@dump_option
@build_options
def inspect(
    model: Path,
    level: str | None,
    kernel: str | None,
    all_kernels: bool,
    after: str | None,
    diff: str | None,
    dump_dir: Path | None,
    **build: Unpack[Build],
) -> None:
    """Show what happens to MODEL (.onnx), or what is in it (.penstock).

    By itself, a table of all passes; with an option, the text of a level, a pass or a kernel.

    \b
    penstock inspect model.onnx
    penstock inspect model.onnx --level nest
    penstock inspect model.onnx --diff fuse-consumers
    penstock inspect model.onnx --kernel k3_Conv_8
    penstock inspect model.penstock
    """
    if sum(choice not in (None, False) for choice in (level, kernel, all_kernels, after, diff)) > 1:
        raise click.UsageError("give one of --level, --kernel, --kernels, --after and --diff")
    if model.suffix == ARTEFACT:
        if level or kernel or all_kernels or after or diff:
            raise click.UsageError(f"{model} is compiled already: inspect the model that it was made of")
        show_artefact(model, build, dump_dir)
        return
    if dump_dir is not None:
        open_model(model, build, dump_dir)
    if level or kernel or all_kernels:
        show_levels(model, level, kernel, build)
    else:
        show_passes(model, after, diff, build)


def show_artefact(path: Path, build: Build, dump_dir: Path | None) -> None:
    """Show all that an artefact tells of itself."""
    from penstock.cli_reports import ends_table, kernels_table, memory_table, summary
    from penstock.cli_tables import show

    package = open_model(path, build, dump_dir).package
    click.echo(summary(package))
    show(ends_table(package.inputs, package.outputs))
    show(kernels_table(package.kernels, {kernel.name: kernel.loops for kernel in package.kernels}))
    for stage in package.stages:
        show(memory_table(stage.memory))


def show_levels(model: Path, level: str | None, kernel: str | None, build: Build) -> None:
    """Print a level or the way of a kernel, or without either, list the kernels."""
    from penstock.cli_reports import kernels_table
    from penstock.cli_tables import show
    from penstock.driver import build as build_package
    from penstock.driver import inspected
    from penstock.inspection import schedules

    seen = inspected(model, **build)
    if level is not None:
        click.echo(seen.text(level))
    elif kernel is not None:
        click.echo(seen.kernel(kernel))
    else:
        show(kernels_table(build_package(model, **build).kernels, schedules(seen.scheduled)))


def show_passes(model: Path, after: str | None, diff: str | None, build: Build) -> None:
    """Print what a pass left or changed, or without either, list all passes."""
    from penstock.cli_inspect import difference, text_after
    from penstock.cli_tables import show, snapshots_table
    from penstock.driver import trace

    snapshots = trace(model, **build)
    if after is not None:
        click.echo(text_after(snapshots, after))
    elif diff is not None:
        click.echo(difference(snapshots, diff))
    else:
        show(snapshots_table(snapshots))


@cli.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def opt(arguments: tuple[str, ...]) -> None:
    """Run passes over a module in MLIR syntax (`penstock opt --help` lists them).

    \b
    penstock opt module.mlir -p canonicalize,cse
    penstock opt module.mlir --load my_pass.py -p my-pass
    """
    from penstock.opt import run as run_opt

    run_opt(arguments)


@cli.command()
def targets() -> None:
    """List the machines that can be compiled for, and whether this one runs their code."""
    from penstock.cli_tables import show, targets_table

    show(targets_table())


@cli.command()
@click.argument("model", type=EXISTING)
@click.option(
    "--json", "is_json", is_flag=True, help="Print one JSON object; docs/doctor.md tells what is in it."
)
@size_options
@limit_option
@load_option
def doctor(
    model: Path,
    is_json: bool,
    shapes: Mapping[str, tuple[int, ...]],
    dims: Mapping[str, int],
    plugins: tuple[Path, ...],
) -> None:
    """List all that stands in the way of compiling MODEL, and what it will cost.

    Every node that cannot be compiled with its operator, opset, shapes and remedy; the nodes that will run in
    Python; the sizes left open; weights, multiply-adds, memory.  Nothing is compiled.

    \b
    exit code 0   nothing stands in the way
              1   something does, or the file is no model
              3   only sizes are missing: give them with --dim or --shape

    \b
    penstock doctor model.onnx && penstock compile model.onnx -o model.o
    penstock doctor bert.onnx --dim batch=1 --dim sequence=128 --json
    """
    from penstock.cli_doctor import show_diagnosis, show_json
    from penstock.diagnosis import EXIT_CODES, diagnose

    diagnosis = diagnose(model, shapes=shapes, dims=dims, plugins=plugins)
    (show_json if is_json else show_diagnosis)(diagnosis)
    sys.exit(EXIT_CODES[diagnosis.verdict])


def timed(make: "Compilation[Written]") -> "Written":
    """Compile with a table of the time of each pass."""
    from penstock.cli_progress import followed
    from penstock.cli_tables import show
    from penstock.cli_timing import code_summary, statistics_table
    from penstock.pass_statistics import PassStatistics

    counted = PassStatistics()
    written = followed(make, [counted])
    show(statistics_table(counted))
    click.echo(code_summary(counted))
    return written


def check_steps(model: Path, seed: int, build: Build, tuning: Path | None = None) -> bool:
    """Check a model and show the outcome; whether every pass kept its word."""
    from penstock.cli_check import followed
    from penstock.driver import check as check_model

    started = partial(check_model, model, seed=seed, tuning=tuning, **build)
    return followed(model, lambda progress: started(progress=progress))


def open_model(path: Path, build: Build, dump_dir: Path | None = None, threads: int = 1) -> "CompiledModel":
    """Load an artefact, or compile a model in memory."""
    if path.suffix != ARTEFACT:
        from penstock.api import compile as compile_model
        from penstock.cli_progress import followed

        return followed(partial(compile_model, path, threads=threads, dump_dir=dump_dir, **build))
    from penstock.files import load

    if (
        dump_dir is not None
        or threads != 1
        or any(build[key] for key in ("shapes", "dims", "plugins", "passes"))
        or build["target"] != "host"
    ):
        raise click.UsageError(f"{path} is compiled already: options of the compiler come too late")
    return load(path)


def main() -> None:
    """Be the `penstock` command."""
    try:
        sys.exit(guarded(partial(cli.main, standalone_mode=False)))
    finally:
        # Else the exit visits every object, for a quarter of a second, before the system takes all back.
        gc.freeze()
