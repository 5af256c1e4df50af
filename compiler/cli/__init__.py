"""The `penstock` command: reads arguments, calls the driver, prints; nothing about models is decided here.

One file per command; the driver, xDSL and rich are imported inside of them, so that `--help` answers at once.
"""

import gc
import sys
from functools import partial

import click

from penstock import __version__
from penstock.cli.bench import bench_command
from penstock.cli.check import check_command
from penstock.cli.compile import compile_command
from penstock.cli.doctor import doctor_command
from penstock.cli.inspect import inspect_command
from penstock.cli.opt import opt_command
from penstock.cli.run import run_command
from penstock.cli.targets import targets_command
from penstock.crash import guarded


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="penstock")
def cli() -> None:
    """Compile neural networks to native code, and see every step of it.

    \b
    penstock doctor model.onnx                      what stands in its way?
    penstock compile model.onnx -o model.o          object file and C header
    penstock run model.onnx --input x=picture.png   compile in memory and run
    """


COMMANDS = (
    compile_command,
    run_command,
    bench_command,
    check_command,
    inspect_command,
    opt_command,
    targets_command,
    doctor_command,
)
for command in COMMANDS:
    cli.add_command(command)


def main() -> None:
    """Be the `penstock` command."""
    try:
        sys.exit(guarded(partial(cli.main, standalone_mode=False)))
    finally:
        # Else the exit visits every object, for a quarter of a second, before the system takes all back.
        gc.freeze()
