"""`penstock opt`: the driver of xDSL over the registry, so that any sequence of passes runs from a shell."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import IO
from zipfile import BadZipFile

import numpy as np
from xdsl.utils.exceptions import ArgSpecParseError, DiagnosticException, ParseError
from xdsl.xdsl_opt_main import xDSLOptMain

from penstock.crash import guarded
from penstock.dialects.resources import Resource, recall
from penstock.errors import ModelError
from penstock.registry import everything


class PenstockOpt(xDSLOptMain):
    """The driver with the dialects and passes of xDSL, of Penstock and of plugins."""

    def __init__(self, arguments: Sequence[str]) -> None:
        # The passes of a plugin are choices of other options: it is loaded before these are parsed.
        self.universe = everything(plugin_files(arguments))
        super().__init__("Run passes over a module in MLIR syntax and print it.", arguments)

    def register_all_arguments(self, arg_parser: ArgumentParser) -> None:
        """Add our option to those of xDSL."""
        super().register_all_arguments(arg_parser)
        add_plugin_option(arg_parser)

    def register_all_dialects(self) -> None:
        """Offer every dialect that the registry knows; each is imported when a module first uses it."""
        for name, loader in self.universe.all_dialects.items():
            self.ctx.register_dialect(name, loader)

    def register_all_passes(self) -> None:
        """Offer every pass that the registry knows; each is imported when a pipeline first names it."""
        for name, loader in self.universe.all_passes.items():
            self.register_pass(name, loader)

    def setup_pipeline(self) -> None:
        """Build the pipeline; a pass or an option that does not exist is the caller's mistake."""
        try:
            super().setup_pipeline()
        except ValueError as error:
            raise ModelError(str(error), remedy="`penstock opt --help` lists the passes.") from error

    def prepare_input(self) -> tuple[list[tuple[IO[bytes], int]], str]:
        """Open the input; xDSL takes its syntax from the file's suffix."""
        self.resources = resources_beside(self.get_input_name())
        try:
            return super().prepare_input()
        except ValueError as error:
            raise ModelError(
                str(error), file=self.get_input_name(), remedy="Add `--frontend mlir`."
            ) from error

    def register_all_targets(self) -> None:
        """Offer every output format that the registry knows."""
        self.available_targets.update(self.universe.all_targets)


def resources_beside(name: str) -> list[Resource]:
    """The weights of a module, from the `.npz` of its name; known as long as the list is kept."""
    path = Path(name).with_suffix(".npz")
    if not path.is_file():
        return []
    try:
        with np.load(path, allow_pickle=False) as data:
            return recall(dict(data.items()))
    except (ValueError, EOFError, BadZipFile) as error:
        raise ModelError("not the weights of a module", file=str(path)) from error


def add_plugin_option(parser: ArgumentParser) -> None:
    """Declare the option that names plugin files."""
    parser.add_argument(
        "--load",
        action="append",
        default=[],
        metavar="FILE",
        help="Python file whose dialects and passes are added; may be repeated",
    )


def plugin_files(arguments: Sequence[str]) -> list[str]:
    """Read the plugin files from the arguments and leave all else for later."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    add_plugin_option(parser)
    known, _ = parser.parse_known_args(arguments)
    return known.load


def run(arguments: Sequence[str]) -> None:
    """Run the driver on command-line arguments; a fault in the text or the pipeline is a `ModelError`."""
    try:
        PenstockOpt(arguments).run()
    except (DiagnosticException, ParseError, ArgSpecParseError) as error:
        raise ModelError(str(error).strip()) from error


def main() -> None:
    """Be the `penstock-opt` command."""
    sys.exit(guarded(partial(run, sys.argv[1:])))


if __name__ == "__main__":
    main()
