"""`penstock doctor`: all that stands in the way of compiling a model."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from penstock.cli.options import EXISTING, limit_option, load_option, size_options


@click.command("doctor")
@click.argument("model", type=EXISTING)
@click.option(
    "--json", "is_json", is_flag=True, help="Print one JSON object; docs/doctor.md tells what is in it."
)
@size_options
@limit_option
@load_option
def doctor_command(
    model: Path,
    is_json: bool,
    shapes: Mapping[str, tuple[int | str, ...]],
    dims: Mapping[str, int],
    bounds: Mapping[str, tuple[int, int | None]],
    hints: Mapping[str, int],
    plugins: tuple[Path, ...],
) -> None:
    """List all that stands in the way of compiling MODEL, and what it will cost.

    Every node that cannot be compiled with its operator, opset, shapes and remedy; the nodes that will run in
    Python; the sizes left open; weights, multiply-adds, memory.  Nothing is compiled.

    \b
    exit code 0   nothing stands in the way
              1   something does, or the file is no model
              3   numbers for open sizes are missing: give them with --dim or --shape

    \b
    penstock doctor model.onnx && penstock compile model.onnx -o model.o
    penstock doctor bert.onnx --dim batch=1 --dim sequence=128 --json
    """
    from penstock.diagnosis import EXIT_CODES, diagnose

    diagnosis = diagnose(model, shapes=shapes, dims=dims, bounds=bounds, hints=hints, plugins=plugins)
    if is_json:
        from penstock.cli.diagnosis_json import show_json

        show_json(diagnosis)
    else:
        from penstock.cli.diagnosis import show_diagnosis

        show_diagnosis(diagnosis)
    sys.exit(EXIT_CODES[diagnosis.verdict])
