"""`penstock check`: every pass held to its word."""

import sys
from pathlib import Path
from typing import Unpack

import click

from penstock.cli.blas import one_blas_thread
from penstock.cli.options import EXISTING, Build, build_options
from penstock.crash import FAILED


@click.command("check")
@click.argument("model", type=EXISTING)
@click.option("--seed", default=0, show_default=True, help="Seed of the random inputs.")
@build_options
def check_command(model: Path, seed: int, **build: Unpack[Build]) -> None:
    """Run MODEL before and after every pass and name the first that changes the meaning.

    Each pass states its numerics; a difference beyond what it states fails the check (exit code 1).
    The module is then reduced to the part that shows it and written to MODEL.PASS.mlir.

    \b
    penstock check model.onnx --dim batch=2
    """
    one_blas_thread()
    from penstock.cli.checks import check_steps

    sys.exit(0 if check_steps(model, seed, build) else FAILED)
