"""A model for the commands that run one: an artefact, or what is compiled in memory."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.options import Build

if TYPE_CHECKING:
    from penstock.model import CompiledModel

ARTEFACT = ".penstock"


def open_model(path: Path, build: Build, dump_dir: Path | None = None, threads: int = 1) -> "CompiledModel":
    """Load an artefact, or compile a model in memory."""
    if path.suffix != ARTEFACT:
        from penstock.api import compile as compile_model
        from penstock.cli.progress import followed

        return followed(partial(compile_model, path, threads=threads, dump_dir=dump_dir, **build))
    from penstock.files import load

    if (
        dump_dir is not None
        or threads != 1
        or any(build[key] for key in ("shapes", "dims", "bounds", "hints", "plugins", "passes"))
        or build["target"] != "host"
    ):
        raise click.UsageError(f"{path} is compiled already: options of the compiler come too late")
    return load(path)
