"""`penstock run`: one call of a model, on files or random numbers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Unpack

import click

from penstock.cli.opening import open_model
from penstock.cli.options import EXISTING, WRITABLE, Build, build_options, dump_option, pairs, threads_option
from penstock.cli.values import NamedFile


@click.command("run")
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
def run_command(
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
    from penstock.cli.arrays import read_inputs, write_outputs
    from penstock.cli.tables import outputs_table, show
    from penstock.random_inputs import random_inputs

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
