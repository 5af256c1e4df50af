"""The ONNX importer: a model file becomes a module of the `graph` dialect, or one clear error."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from os import PathLike

from onnx import ModelProto
from xdsl.dialects.builtin import ModuleOp

from penstock.errors import PenstockError
from penstock.onnx_import.family import Importer
from penstock.onnx_import.graph_import import GraphImport
from penstock.onnx_import.inputs import Lengths
from penstock.onnx_import.model_file import ModelFile, read_model
from penstock.onnx_import.signature import Shapes, Signature, Sizes
from penstock.onnx_import.table import table_with

__all__ = ["import_model"]


def import_model(
    source: str | PathLike[str] | bytes | ModelProto,
    *,
    shapes: Shapes | None = None,
    dims: Sizes | None = None,
    lengths: Lengths | None = None,
    importers: Mapping[tuple[str, str], Importer] | None = None,
) -> ModuleOp:
    """Import a model as `func.func @main` over tensors.

    `shapes` replaces the shapes of inputs by name; `dims` gives numbers for symbolic sizes by name.
    `importers` adds operations of other domains.

    Sequences and optionals exist during the import only, so what they hold must be known there.  An input
    `x` that is a sequence becomes the inputs `x[0]`, `x[1]`, ...: `lengths` says how many there are, and
    `None` that an optional holds nothing.  An output that is a sequence becomes outputs named alike.
    """
    file = read_model(source)
    with naming(file):
        signature = Signature(file.model.graph, shapes or {}, dims or {}, lengths or {})
        return GraphImport(file, signature, table_with(importers or {})).run()


@contextmanager
def naming(file: ModelFile) -> Generator[None]:
    """Errors name the file."""
    try:
        yield
    except PenstockError as error:
        error.file = error.file or file.name
        raise
