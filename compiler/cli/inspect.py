"""`penstock inspect`: what happens to a model on its way down, or what is in an artefact."""

from pathlib import Path
from typing import Unpack

import click

from penstock.cli.opening import ARTEFACT, open_model
from penstock.cli.options import EXISTING, Build, build_options, dump_option


@click.command("inspect")
@click.argument("model", type=EXISTING)
@click.option("--level", help="Print a level: graph, nest, schedule, loops, llvm, ll or asm.")
@click.option("--kernel", metavar="NAME", help="Print one kernel from the graph down to its assembly.")
@click.option("--kernels", "all_kernels", is_flag=True, help="List the kernels with their schedules.")
@click.option("--after", metavar="PASS", help="Print the module as it leaves this pass.")
@click.option("--diff", metavar="PASS", help="Print what this pass changed, as a unified diff.")
@dump_option
@build_options
def inspect_command(
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
    from penstock.cli.reports import ends_table, kernels_table, memory_table, symbols_table
    from penstock.cli.summary import requirements_text, summary
    from penstock.cli.tables import show

    package = open_model(path, build, dump_dir).package
    click.echo(summary(package))
    show(ends_table(package.inputs, package.outputs))
    if package.symbols:
        show(symbols_table(package.symbols))
    if package.requirements:
        click.echo(requirements_text(package.requirements))
    show(kernels_table(package.kernels, {kernel.name: kernel.loops for kernel in package.kernels}))
    for stage in package.stages:
        show(memory_table(stage.memory))


def show_levels(model: Path, level: str | None, kernel: str | None, build: Build) -> None:
    """Print a level or the way of a kernel, or without either, list the kernels."""
    from penstock.cli.reports import kernels_table
    from penstock.cli.tables import show
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
    from penstock.cli.snapshots import difference, text_after
    from penstock.cli.tables import show, snapshots_table
    from penstock.driver import trace

    snapshots = trace(model, **build)
    if after is not None:
        click.echo(text_after(snapshots, after))
    elif diff is not None:
        click.echo(difference(snapshots, diff))
    else:
        show(snapshots_table(snapshots))
