"""From a model as a caller has it to a module of the graph level, its open sizes refused or described."""

import re
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, cast

from xdsl.dialects.builtin import ModuleOp

from penstock.compilation import Dims, Model, Options, Shapes
from penstock.dialects.graph.base import shape_of
from penstock.errors import ShapeError
from penstock.extensions import Extended, extended
from penstock.onnx_import import import_model
from penstock.packing import entry, names_of
from penstock.registry import Importers
from penstock.stages import bound_symbols, why_stages
from penstock.symbols import describe_symbols
from penstock.tuning_file import choices_of

if TYPE_CHECKING:
    from penstock.onnx_import.inputs import Lengths


def known_to(options: Options) -> Extended:
    """The compiler with all that the options add to it."""
    choices = choices_of(options.tuning, options.machine)
    return extended(options.plugins, options.passes, options.threads, choices)


def read(
    model: Model,
    shapes: Shapes | None = None,
    dims: Dims | None = None,
    importers: Importers | None = None,
    lengths: "Lengths | None" = None,
) -> ModuleOp:
    """Import a model whose sizes are all known; `ShapeError` lists the open ones."""
    module = import_model(model, shapes=shapes, dims=dims, lengths=lengths, importers=importers)
    open_sizes = {str(d): n for n, shape in shapes_of_inputs(module) for d in shape if isinstance(d, str)}
    if open_sizes:
        told = ", ".join(f"'{d}' of input '{n}'" for d, n in open_sizes.items())
        flags = " ".join(f"--dim {d}=1" if d != "?" else f"--shape {n}=..." for d, n in open_sizes.items())
        raise ShapeError(
            f"the model leaves sizes open: {told}", file=file_of(model), remedy=f"Give them, as in {flags}."
        )
    return module


def read_open(model: Model, options: Options, known: Extended) -> ModuleOp:
    """Import a model whose sizes may be symbols, with the bounds and hints that the options have for them."""
    module = import_model(
        model, shapes=options.shapes, dims=options.dims, lengths=options.lengths, importers=known.importers
    )
    bounds, hints = options.bounds or {}, options.hints or {}
    describe_symbols(module, shapes_of_inputs(module), bound_symbols(module), bounds, hints)
    return module


def read_whole(model: Model, options: Options, known: Extended) -> ModuleOp:
    """The same for a model that goes through all passes as a whole; `ShapeError` if it runs in stages."""
    module = read_open(model, options, known)
    reason = why_stages(module)
    if reason is not None:
        raise ShapeError(
            f"{reason}: it is run in stages, each compiled by itself",
            remedy="Make the inputs that decide it constant, or only compile it.",
        )
    return module


def shapes_of_inputs(module: ModuleOp) -> list[tuple[str, tuple[int | str, ...]]]:
    """The inputs of a module by name, with their shapes."""
    main = entry(module)
    names = [t.data for t in names_of(main.arg_attrs)]
    return [(name, shape_of(a)) for name, a in zip(names, main.body.block.args, strict=True)]


def file_of(model: object) -> str | None:
    """The file that a model is read from."""
    return str(cast(object, model)) if isinstance(model, str | PathLike) else None


def name_of(model: object) -> str:
    """What a model is called in the code: its file without folder and suffix, as an identifier."""
    stem = Path(file_of(model) or "model").stem
    return re.sub(r"\W", "_", stem) or "model"
