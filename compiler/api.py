"""The public functions that compile: they look for the whole model in the cache, then import the compiler."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from penstock import model_cache
from penstock.backends.targets import Target, identity
from penstock.collector import collector_off
from penstock.files import write_package
from penstock.model import CompiledModel
from penstock.package import Package
from penstock.staged_model import runnable

if TYPE_CHECKING:
    from onnx import ModelProto

    from penstock.extensions import Passes
    from penstock.registry import Plugin
    from penstock.tuning_file import TuningSource
    from penstock.watching import Watcher

Shapes = Mapping[str, Sequence[int | str]]
Dims = Mapping[str, int]
Bounds = Mapping[str, tuple[int, int | None]]
Hints = Mapping[str, int]
Progress = Callable[[int, int], None]
ARTEFACT = ".penstock"
TEXT_SUFFIXES = {".s": "asm", ".ll": "ll", ".mlir": "llvm"}
"""The level whose text a file of a suffix holds."""


@dataclass(frozen=True)
class Written:
    """The files that `write` wrote, and the model as data."""

    files: tuple[Path, ...]
    package: Package


def _build(
    model: "str | PathLike[str] | bytes | ModelProto",
    shapes: Shapes | None,
    dims: Dims | None,
    target: str | Target,
    plugins: "Sequence[Plugin]",
    passes: "Passes | None",
    threads: int,
    tuning: "TuningSource",
    progress: Progress | None,
    watcher: "Watcher | None",
    dump_dir: "str | PathLike[str] | None",
    bounds: Bounds | None,
    hints: Hints | None,
) -> tuple[Package, str | None]:
    """The package from the cache, or a new one, and its key there.

    Whoever adds to the compiler or watches it gets a new one.
    """
    changed = bool(plugins or passes or tuning is not None)
    plain = not changed and dump_dir is None and (watcher is None or not watcher.needs_passes)
    sizes = {name: tuple(shape) for name, shape in (shapes or {}).items()}, dict(dims or {})
    ranges = (dict(bounds or {}), dict(hints or {})) if bounds or hints else ()
    key = model_cache.key_of(model, (sizes, identity(target), threads, *ranges)) if plain else None
    found = None if key is None else model_cache.find(key)
    if found is not None:
        return found, key
    with collector_off():
        from penstock.driver import build

    made = build(
        model,
        shapes=shapes,
        dims=dims,
        target=target,
        plugins=plugins,
        passes=passes,
        threads=threads,
        tuning=tuning,
        progress=progress,
        watcher=watcher,
        dump_dir=dump_dir,
        bounds=bounds,
        hints=hints,
    )
    if key is not None:
        model_cache.store(key, made)
    return made, key


def compile(
    model: "str | PathLike[str] | bytes | ModelProto",
    *,
    shapes: Shapes | None = None,
    dims: Dims | None = None,
    target: str | Target = "host",
    plugins: "Sequence[Plugin]" = (),
    passes: "Passes | None" = None,
    threads: int = 1,
    tuning: "TuningSource" = None,
    progress: Progress | None = None,
    watcher: "Watcher | None" = None,
    dump_dir: "str | PathLike[str] | None" = None,
    bounds: Bounds | None = None,
    hints: Hints | None = None,
) -> CompiledModel:
    """Compile an ONNX model (path, bytes or ModelProto) and load it.

    `shapes` gives whole shapes of inputs by name, `dims` numbers for symbolic sizes by name.  Sizes without a
    number are decided by each call, within `bounds` (least and greatest, `None` for any); the code is made to
    be fast at the `hints` and is right at all of them.
    `plugins` are Python files or modules that add to the compiler; `passes` run at the end of the phase that
    they are given for, as in `{"graph": [MyPass()]}`.  With several `threads`, each kernel that is worth it
    runs in as many parts; results are the same.  `tuning` is the file of `penstock compile --tune`, or the
    `tuning` that `penstock.tune` found: the same one gives the same code.  `progress` hears how many kernels
    are done, of how many, and `watcher` of every pass; `dump_dir` takes what each pass left.
    Raises `PenstockError`: the model cannot be read, lists its nodes that cannot be compiled, or a
    size is wrong.
    """
    package, _ = _build(
        model,
        shapes,
        dims,
        target,
        plugins,
        passes,
        threads,
        tuning,
        progress,
        watcher,
        dump_dir,
        bounds,
        hints,
    )
    return runnable(package)


def write(
    model: "str | PathLike[str] | bytes | ModelProto",
    path: "str | PathLike[str]",
    *,
    shapes: Shapes | None = None,
    dims: Dims | None = None,
    target: str | Target = "host",
    plugins: "Sequence[Plugin]" = (),
    passes: "Passes | None" = None,
    threads: int = 1,
    tuning: "TuningSource" = None,
    progress: Progress | None = None,
    watcher: "Watcher | None" = None,
    dump_dir: "str | PathLike[str] | None" = None,
    bounds: Bounds | None = None,
    hints: Hints | None = None,
) -> Written:
    """Compile a model into a file whose suffix says what it holds; the code is not loaded.

    `.s`, `.ll` and `.mlir` are the text of the code; the weights are in all others only.
    """
    path = Path(path)
    package, key = _build(
        model,
        shapes,
        dims,
        target,
        plugins,
        passes,
        threads,
        tuning,
        progress,
        watcher,
        dump_dir,
        bounds,
        hints,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    if key is not None and path.suffix == ARTEFACT and model_cache.copied(key, path):
        return Written((path,), package)
    if path.suffix not in TEXT_SUFFIXES:
        return Written(tuple(write_package(package, path)), package)
    from penstock.driver import inspected

    seen = inspected(
        model,
        shapes=shapes,
        dims=dims,
        target=target,
        plugins=plugins,
        passes=passes,
        threads=threads,
        tuning=tuning,
    )
    path.write_text(seen.text(TEXT_SUFFIXES[path.suffix]).rstrip() + "\n", encoding="utf-8")
    return Written((path,), package)
