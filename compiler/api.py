"""The public functions that compile: they look for the whole model in the cache, then import the compiler.

What is found is written without NumPy, which takes longer to import than all else that is needed.
"""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from penstock import model_cache
from penstock.backends.targets import identity
from penstock.collector import collector_off
from penstock.compilation import Code, Keywords, Model, Options
from penstock.package import Package

if TYPE_CHECKING:
    from penstock.model import CompiledModel

ARTEFACT = ".penstock"
TEXT_SUFFIXES = {".s": "asm", ".ll": "ll", ".mlir": "llvm"}
"""The level whose text a file of a suffix holds."""


@dataclass(frozen=True)
class Written:
    """The files that `write` wrote, and the model as data."""

    files: tuple[Path, ...]
    package: Package


def _build(model: Model, keywords: Keywords) -> tuple[Package, str | None]:
    """The package from the cache, or a new one, and its key there.

    Whoever adds to the compiler or watches it gets a new one.
    """
    options = Options(**keywords)
    key = model_cache.key_of(model, _decisions(options)) if options.is_plain else None
    found = None if key is None else model_cache.find(key)
    if found is not None:
        return found, key
    if options.watcher is not None:
        options.watcher.reading()
    with collector_off():
        from penstock.driver import build

    made = build(model, **keywords)
    if key is not None:
        model_cache.store(key, made)
    return made, key


def _decisions(options: Options) -> tuple[object, ...]:
    """What decides what becomes of a model, in one form for all ways to say it."""
    sizes = {name: tuple(shape) for name, shape in (options.shapes or {}).items()}, dict(options.dims or {})
    ranges = dict(options.bounds or {}), dict(options.hints or {})
    lengths = dict(options.lengths or {})
    return sizes, identity(options.target), options.threads, *(ranges if any(ranges) else ()), lengths


def compile(model: Model, **keywords: Unpack[Keywords]) -> "CompiledModel":
    """Compile an ONNX model (path, bytes or ModelProto) and load it.

    `shapes` gives whole shapes of inputs by name, `dims` numbers for symbolic sizes by name.  Sizes without a
    number are decided by each call, within `bounds` (least and greatest, `None` for any); the code is made to
    be fast at the `hints` and is right at all of them.  `lengths` says how many tensors an input holds that
    is a sequence, and `None` of an optional that holds nothing.  `target` is the machine.
    `plugins` are Python files or modules that add to the compiler; `passes` run at the end of the phase that
    they are given for, as in `{"graph": [MyPass()]}`.  With several `threads`, each kernel that is worth it
    runs in as many parts; results are the same.  `tuning` is the file of `penstock compile --tune`, or the
    `tuning` that `penstock.tune` found: the same one gives the same code.  `progress` hears how many kernels
    are done, of how many, and `watcher` of every pass; `dump_dir` takes what each pass left.
    Raises `PenstockError`: the model cannot be read, lists its nodes that cannot be compiled, or a
    size is wrong.
    """
    from penstock.staged_model import runnable

    return runnable(_build(model, keywords)[0])


def write(model: Model, path: "str | PathLike[str]", **keywords: Unpack[Keywords]) -> Written:
    """Compile a model into a file whose suffix says what it holds; the code is not loaded.

    `.s`, `.ll` and `.mlir` are the text of the code; the weights are in all others only.
    """
    path = Path(path)
    package, key = _build(model, keywords)
    path.parent.mkdir(parents=True, exist_ok=True)
    if key is not None and path.suffix == ARTEFACT and model_cache.copied(key, path):
        return Written((path,), package)
    if path.suffix not in TEXT_SUFFIXES:
        from penstock.files import write_package

        return Written(tuple(write_package(package, path)), package)
    path.write_text(_text(model, TEXT_SUFFIXES[path.suffix], keywords), encoding="utf-8")
    return Written((path,), package)


def _text(model: Model, level: str, keywords: Code) -> str:
    """The code of a model as text."""
    from penstock.driver import inspected

    return inspected(model, **keywords).text(level).rstrip() + "\n"
