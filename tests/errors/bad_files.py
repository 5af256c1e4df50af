"""Files that are no models, and weights in files that cannot be used."""

import os
from pathlib import Path

from onnx import StringStringEntryProto, TensorProto

from penstock.errors import ModelError
from tests.errors.kit import F32, Corpus, graph, model, node, relu, weight, written

CORPUS = Corpus()


@CORPUS.model(ModelError, "empty")
def zero_bytes() -> bytes:
    return b""


@CORPUS.model(ModelError, "not an ONNX model")
def text_file() -> bytes:
    return b"This is not the model you are looking for.\n" * 20


@CORPUS.model(ModelError, "not an ONNX model", "cut short")
def truncated_file() -> bytes:
    whole = model(graph([relu()], initializers=[weight("w", (64, 64))])).SerializeToString()
    return whole[: len(whole) // 2]


@CORPUS.model(ModelError, "PNG")
def picture() -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(64)


@CORPUS.model(ModelError, "zip")
def zip_archive() -> bytes:
    return b"PK\x03\x04" + bytes(64)


@CORPUS.model(ModelError, "pickle", "never loaded")
def pickle_file() -> bytes:
    return b"\x80\x04\x95" + bytes(64)


@CORPUS.model(ModelError, "HDF5")
def keras_file() -> bytes:
    return b"\x89HDF\r\n\x1a\n" + bytes(64)


@CORPUS.model(ModelError, "no graph")
def other_protobuf() -> bytes:
    return StringStringEntryProto(key="a", value="b").SerializeToString()


@CORPUS.folder(ModelError, "directory")
def directory(folder: Path) -> Path:
    (folder / "bad.onnx").mkdir()
    return folder / "bad.onnx"


@CORPUS.folder(ModelError, "not a regular file")
def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "bad.onnx")
    return folder / "bad.onnx"


@CORPUS.folder(ModelError, "No such file")
def missing_file(folder: Path) -> Path:
    return folder / "bad.onnx"


@CORPUS.folder(ModelError, "cannot be read")
def name_too_long(folder: Path) -> Path:
    return folder / ("x" * 5000)


def external(folder: Path, location: str, size: int = 12, **entries: str) -> Path:
    """A model whose weight is in a file."""
    tensor = TensorProto(name="w", data_type=F32, dims=[size // 4], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=value)
    return written(folder, model(graph([node("Add", ["x", "w"])], initializers=[tensor])))


@CORPUS.folder(ModelError, "'w'", "No such file")
def external_file_missing(folder: Path) -> Path:
    return external(folder, "weights.bin")


@CORPUS.folder(ModelError, "outside the model's folder", "'w'")
def external_path_leaves_folder(folder: Path) -> Path:
    inner = folder / "inner"
    inner.mkdir()
    (folder / "weights.bin").write_bytes(bytes(12))
    return external(inner, "../weights.bin")


@CORPUS.folder(ModelError, "outside the model's folder")
def external_path_absolute(folder: Path) -> Path:
    (folder / "weights.bin").write_bytes(bytes(12))
    return external(folder, str(folder / "weights.bin"))


@CORPUS.folder(ModelError, "link")
def external_file_is_link(folder: Path) -> Path:
    inner = folder / "inner"
    inner.mkdir()
    (folder / "secret").write_bytes(bytes(12))
    (inner / "weights.bin").symlink_to(folder / "secret")
    return external(inner, "weights.bin")


@CORPUS.folder(ModelError, "link")
def external_folder_is_link(folder: Path) -> Path:
    inner, outer = folder / "inner", folder / "outer"
    inner.mkdir()
    outer.mkdir()
    (outer / "weights.bin").write_bytes(bytes(12))
    (inner / "data").symlink_to(outer)
    return external(inner, "data/weights.bin")


@CORPUS.folder(ModelError, "not a file")
def external_file_is_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "weights.bin")
    return external(folder, "weights.bin")


@CORPUS.folder(ModelError, "cut short", "'w'")
def external_file_too_short(folder: Path) -> Path:
    (folder / "weights.bin").write_bytes(bytes(8))
    return external(folder, "weights.bin")


@CORPUS.folder(ModelError, "cut short")
def external_offset_beyond_end(folder: Path) -> Path:
    (folder / "weights.bin").write_bytes(bytes(16))
    return external(folder, "weights.bin", offset="8")


@CORPUS.folder(ModelError, "offset", "'-4'")
def external_offset_negative(folder: Path) -> Path:
    (folder / "weights.bin").write_bytes(bytes(16))
    return external(folder, "weights.bin", offset="-4")


@CORPUS.folder(ModelError, "12 bytes", "says 8")
def external_length_contradicts(folder: Path) -> Path:
    (folder / "weights.bin").write_bytes(bytes(16))
    return external(folder, "weights.bin", length="8")


@CORPUS.folder(ModelError, "outside the model's folder")
def external_location_empty(folder: Path) -> Path:
    return external(folder, "")
