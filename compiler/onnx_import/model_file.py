"""From a path, bytes or a parsed model to a checked `ModelProto`; nothing is executed."""

import mmap
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from weakref import finalize

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, GraphProto, ModelProto

from penstock.errors import ModelError
from penstock.onnx_import.tensors import Bytes
from penstock.wire import split

MAX_FILE_BYTES = 2**31 - 1
"""The limit of protobuf; larger models keep their weights in external files."""

_KINDS = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"PK\x03\x04": "a zip archive (a PyTorch or Keras checkpoint?)",
    b"\x80\x02": "a Python pickle, which is never loaded",
    b"\x80\x04": "a Python pickle, which is never loaded",
    b"\x80\x05": "a Python pickle, which is never loaded",
    b"\x89HDF": "an HDF5 file (a Keras model?)",
    b"\x1f\x8b": "a gzip archive",
    b"\x7fELF": "an ELF object file",
}


@dataclass(frozen=True)
class ModelFile:
    """A parsed model, the folder its external data may lie in, and what to call it."""

    model: ModelProto
    folder: Path | None
    name: str
    apart: Mapping[int, Bytes] = field(default_factory=dict[int, Bytes])
    """The bytes of initializers that were not parsed, by their number: they lie where they were."""

    @property
    def opsets(self) -> dict[str, int]:
        """Domain to version; the default domain is the empty one."""
        return {_domain(entry.domain): entry.version for entry in self.model.opset_import}


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name


def read_model(source: str | os.PathLike[str] | bytes | ModelProto) -> ModelFile:
    """Load and check a model; `ModelError` names the file and what is wrong with it."""
    file = _load(source)
    _check(file)
    return file


def _load(source: str | os.PathLike[str] | bytes | ModelProto) -> ModelFile:
    if isinstance(source, ModelProto):
        return ModelFile(source, None, "<model>")
    if isinstance(source, bytes):
        return _taken_apart(source, None, "<bytes>")
    path = Path(source)
    return _taken_apart(_mapped(path), path.parent, str(path))


def _mapped(path: Path) -> mmap.mmap | bytes:
    """The bytes of a file, which are read when they are needed."""
    try:
        status = path.stat()
        # Asked before opening: a pipe would block, a device might never end.
        if not stat.S_ISREG(status.st_mode):
            kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise ModelError(f"is {kind}", file=str(path), remedy="Give the path of an .onnx file.")
        if status.st_size > MAX_FILE_BYTES:
            remedy = "Save the weights as external data (onnx.save with save_as_external_data=True)."
            raise ModelError(f"has {status.st_size} bytes, the limit is 2 GiB", file=str(path), remedy=remedy)
        with open(path, "rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if status.st_size else b""
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ModelError(f"cannot be read: {reason}", file=str(path), remedy="Check the path.") from None


def _taken_apart(data: mmap.mmap | bytes, folder: Path | None, name: str) -> ModelFile:
    """A model whose large weights stay in `data`; what cannot be taken apart is for protobuf to judge."""
    try:
        parts = split(memoryview(data))
    except ValueError:
        return ModelFile(_parse(bytes(data), name), folder, name)
    apart = {number: _part(data, place) for number, place in parts.places.items()}
    return ModelFile(_parse(parts.structure, name), folder, name, apart)


def _part(data: mmap.mmap | bytes, place: range) -> Bytes:
    """Some of the data; when nobody needs a part of a file any more, it leaves memory."""
    part = np.frombuffer(data, np.uint8, len(place), place.start)
    if isinstance(data, mmap.mmap):
        first = -(-place.start // mmap.PAGESIZE) * mmap.PAGESIZE
        finalize(part, data.madvise, mmap.MADV_DONTNEED, first, place.stop - first).atexit = False
    return part


def _parse(data: bytes, name: str) -> ModelProto:
    for start, kind in _KINDS.items():
        if data.startswith(start):
            raise ModelError(f"is {kind}, not an ONNX model", file=name, remedy="Export the model to ONNX.")
    if not data:
        raise ModelError("is empty", file=name, remedy="Download or export the model again.")
    try:
        return onnx.load_model_from_string(data)
    except DecodeError as error:
        remedy = "Download or export the model again."
        reason = (
            "nests its subgraphs too deeply"
            if "Depth" in str(error)
            else "is not an ONNX model, or is cut short"
        )
        raise ModelError(reason, file=name, remedy=remedy) from None


def _check(file: ModelFile) -> None:
    model, again = file.model, "Export the model again."
    if not model.HasField("graph") or not model.graph.output:
        raise ModelError("has no graph with outputs: it is no ONNX model", file=file.name, remedy=again)
    if not model.opset_import:
        raise ModelError("does not say which operator set it uses", file=file.name, remedy=again)
    version, newest = file.opsets.get("", newest_opset()), newest_opset()
    if version < 1:
        raise ModelError(f"uses opset {version}, which does not exist", file=file.name, remedy=again)
    if version > newest:
        remedy = f"Export it for opset {newest} or older, or install a newer onnx package."
        raise ModelError(f"uses opset {version}, newer than {newest}", file=file.name, remedy=remedy)
    # What is not UTF-8 is handed out by protobuf as bytes.
    garbled = next((name for name in _names(model.graph) if not isinstance(name, str)), None)
    if garbled is not None:
        raise ModelError(f"a name in the model is not UTF-8: {garbled!r}", file=file.name, remedy=again)


def newest_opset() -> int:
    """The newest operator set of the default domain that the installed onnx package describes."""
    return onnx.defs.onnx_opset_version()


def _names(graph: GraphProto) -> Iterator[object]:
    """Every name in a graph and its subgraphs."""
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        for attribute in node.attribute:
            yield attribute.name
            if attribute.type == AttributeProto.GRAPH:
                yield from _names(attribute.g)
    for tensor in graph.initializer:
        yield tensor.name
    for value in (*graph.input, *graph.output, *graph.value_info):
        yield value.name
