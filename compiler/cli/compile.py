"""`penstock compile`: from a model to a file."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from penstock.cli.blas import one_blas_thread
from penstock.cli.options import (
    EXISTING,
    WRITABLE,
    Build,
    build_options,
    dump_option,
    threads_option,
    tuning_options,
)
from penstock.crash import FAILED

if TYPE_CHECKING:
    from penstock.api import Written
    from penstock.cli.progress import Compilation

SUFFIXES = (".penstock", ".o", ".so", ".a", ".s", ".ll", ".mlir")


@click.command("compile")
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
    if is_checked:
        one_blas_thread()
    from penstock.api import write
    from penstock.cli.progress import followed
    from penstock.cli.summary import summary

    if output.suffix not in SUFFIXES:
        raise click.UsageError(f"'{output.name}': the suffix says what to write, one of {' '.join(SUFFIXES)}")
    if seconds is not None:
        from penstock.cli.tuning import tuned

        tuning = tuning or output.parent / f"{model.stem}.tuning.json"
        tuned(model, seconds, tuning, build)
    if is_checked:
        from penstock.cli.checks import check_steps

        if not check_steps(model, 0, build, tuning):
            sys.exit(FAILED)
    make = partial(write, model, output, threads=threads, tuning=tuning, dump_dir=dump_dir, **build)
    written = timed(make) if is_timed else followed(make)
    click.echo(summary(written.package))
    for path in written.files:
        click.echo(f"{path}  {path.stat().st_size:,} bytes")


def timed(make: "Compilation[Written]") -> "Written":
    """Compile with a table of the time of each pass."""
    from penstock.cli.pass_times import code_summary, statistics_table
    from penstock.cli.progress import followed
    from penstock.cli.tables import show
    from penstock.pass_statistics import PassStatistics

    counted = PassStatistics()
    written = followed(make, [counted])
    show(statistics_table(counted))
    click.echo(code_summary(counted))
    return written
