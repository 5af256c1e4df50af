"""The options that several commands share, declared once: what a model is compiled for, plugins, threads."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict, TypeVar

import click

from penstock.cli.values import Named, NamedBounds, NamedLimit, NamedShape, NamedSize, PlacedPass
from penstock.limits import NAMES, limited

F = TypeVar("F", bound=Callable[..., None])

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
WRITABLE = click.Path(dir_okay=False, path_type=Path)


class Build(TypedDict):
    """What a model is compiled for; the driver takes these by name."""

    shapes: Mapping[str, tuple[int | str, ...]]
    dims: Mapping[str, int]
    bounds: Mapping[str, tuple[int, int | None]]
    hints: Mapping[str, int]
    target: str
    plugins: tuple[Path, ...]
    passes: Mapping[str, Sequence[str]]


def pairs(flag: str, name: str, kind: Named, text: str) -> Callable[[F], F]:
    """Declare an option that may be repeated and arrives as a dict."""

    def collect(ctx: click.Context, param: click.Parameter, value: tuple[tuple[str, object], ...]) -> object:
        return dict(value)

    return click.option(flag, name, type=kind, metavar=kind.name, multiple=True, callback=collect, help=text)


def build_options(command: F) -> F:
    """Declare the options that say what a model is compiled for."""
    text = "Machine to compile for; `penstock targets` lists them."
    target = click.option("--target", default="host", show_default=True, help=text)
    return size_options(target(plugin_options(command)))


def size_options(command: F) -> F:
    """Declare the options that say something of the sizes of inputs."""
    command = pairs(
        "--hint",
        "hints",
        NamedSize(),
        "Size of a symbolic dim to be fast at; it stays open. May be repeated.",
    )(command)
    command = pairs(
        "--bounds",
        "bounds",
        NamedBounds(),
        "Least and greatest size of a symbolic dim, as in --bounds batch=1:64; may be repeated.",
    )(command)
    command = pairs(
        "--dim", "dims", NamedSize(), "Size of a symbolic dim, as in --dim batch=1; may be repeated."
    )(command)
    return pairs(
        "--shape",
        "shapes",
        NamedShape(),
        "Shape of an input, as in --shape input=1x3x224x224, or with names for open sizes,"
        " --shape input=batch,3,h,w; may be repeated.",
    )(command)


def load_option(command: F) -> F:
    """Declare the option that adds plugins to the compiler."""
    text = "Python file whose passes, dialects and importers are added; may be repeated."
    return click.option("--load", "plugins", type=EXISTING, metavar="FILE", multiple=True, help=text)(command)


def limit_option(command: F) -> F:
    """Declare the option that lets a trusted model ask for more; it holds until the command ends."""
    kind = NamedLimit()
    text = f"Let the compiler spend more on the model: {' or '.join(NAMES)}; may be repeated."
    return click.option(
        "--limit", type=kind, metavar=kind.name, multiple=True, expose_value=False, callback=_limit, help=text
    )(command)


def _limit(ctx: click.Context, param: click.Parameter, value: tuple[tuple[str, int], ...]) -> None:
    unknown = [name for name, _ in value if name not in NAMES]
    if unknown:
        raise click.BadParameter(f"no limit is called '{unknown[0]}'; there are {', '.join(NAMES)}")
    ctx.with_resource(limited(**dict(value)))


def plugin_options(command: F) -> F:
    """Declare the options that add plugins and passes to the compiler."""
    text = (
        "Run a pass at the end of a phase, as in --pass graph:my-pass, or leave one out, as in"
        " --pass nest:-winograd; may be repeated."
    )
    kind = PlacedPass()
    added = click.option(
        "--pass", "passes", type=kind, metavar=kind.name, multiple=True, callback=by_phase, help=text
    )
    return load_option(added(command))


def dump_option(command: F) -> F:
    """Declare the option that keeps what each pass left."""
    text = "Folder for what each pass left, one file each, and each kernel down to assembly."
    kind = click.Path(file_okay=False, path_type=Path)
    return click.option("--dump-dir", type=kind, metavar="DIR", help=text)(command)


def threads_option(command: F) -> F:
    """Declare the option that says how many threads a call runs on."""
    text = "Threads that one call of the model runs on."
    kind = click.IntRange(min=1)
    return click.option("--threads", type=kind, default=1, show_default=True, help=text)(command)


def tuning_options(command: F) -> F:
    """Declare the options that measure schedules, and name the file that keeps them."""
    text = "Measure schedules of each kernel for about so long, and use the fastest."
    kind = click.FloatRange(min=0, min_open=True)
    tune = click.option("--tune", "seconds", type=kind, metavar="SECONDS", help=text)
    text = "Schedules to use, or with --tune, to go on from and write; else MODEL.tuning.json by the output."
    kept = click.Path(dir_okay=False, path_type=Path)
    return tune(click.option("--tuning", type=kept, metavar="FILE", help=text)(command))


def by_phase(
    ctx: click.Context, param: click.Parameter, value: tuple[tuple[str, str], ...]
) -> dict[str, list[str]]:
    """Group passes by the phase at whose end they run."""
    grouped: dict[str, list[str]] = {}
    for phase, wanted in value:
        grouped.setdefault(phase, []).append(wanted)
    return grouped
