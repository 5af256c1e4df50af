"""The arrays inside a model, inline or in external files of its folder, read without copying."""

import math
import os
import stat
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from penstock.dialects.element_types import has_element_type
from penstock.dialects.graph.base import Array
from penstock.errors import ModelError
from penstock.onnx_import.unsupported import Unsupported

EXPORT_AGAIN = "Export the model again."


def numpy_dtype_of(data_type: int) -> np.dtype[np.generic]:
    """The NumPy dtype of an ONNX element type; `Unsupported` for text, complex and narrow types."""
    if data_type not in TensorProto.DataType.values():
        raise ModelError(f"element type {data_type} does not exist", remedy=EXPORT_AGAIN)
    name = TensorProto.DataType.Name(data_type)
    if data_type == TensorProto.UNDEFINED:
        raise ModelError("a tensor has no element type", remedy=EXPORT_AGAIN)
    dtype = helper.tensor_dtype_to_np_dtype(data_type)
    if data_type == TensorProto.STRING or not has_element_type(dtype):
        raise Unsupported(f"element type {name} is not supported", "Use a float, integer or boolean type.")
    return dtype


class TensorReader:
    """Turns tensors of one model into arrays; `folder` is where its external data may lie."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = None if folder is None else Path(os.path.realpath(folder))

    def read(self, tensor: TensorProto, what: str) -> Array:
        """The value of a tensor, called `what` in messages; read-only, sharing memory where it can."""
        dtype = numpy_dtype_of(tensor.data_type)
        shape = tuple(tensor.dims)
        if min(shape, default=0) < 0:
            raise ModelError(f"{what} has a negative size: {list(shape)}", remedy=EXPORT_AGAIN)
        if tensor.data_location == TensorProto.EXTERNAL:
            return self._external(tensor, dtype, shape, what)
        if tensor.HasField("raw_data"):
            return _from_bytes(tensor.raw_data, dtype, shape, what)
        return _from_fields(tensor, dtype, shape, what)

    def _external(
        self, tensor: TensorProto, dtype: np.dtype[np.generic], shape: tuple[int, ...], what: str
    ) -> Array:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        path = self._resolve(entries.get("location", ""), what)
        size = math.prod(shape) * dtype.itemsize
        offset = _byte_count(entries.get("offset", "0"), what)
        length = _byte_count(entries.get("length", str(size)), what)
        if length != size:
            raise ModelError(f"{what} is {size} bytes, its entry says {length}", remedy=EXPORT_AGAIN)
        present = path.stat().st_size
        if offset + size > present:
            raise ModelError(
                f"{what} is at bytes {offset} to {offset + size} of {path.name}, which has {present}",
                remedy="Copy the file again, it is cut short.",
            )
        return np.zeros(shape, dtype) if size == 0 else np.memmap(path, dtype, "r", offset, shape)

    def _resolve(self, location: str, what: str) -> Path:
        """The file at a relative location inside the model's folder, reached through no link."""
        if self._folder is None:
            raise ModelError(
                f"{what} is in an external file", remedy="Give the path of the model, not its bytes."
            )
        path = self._folder / location
        # A path that names no parent and meets no link cannot leave the folder.
        if not location or "\0" in location or Path(location).is_absolute() or ".." in Path(location).parts:
            raise ModelError(
                f"{what} is in {location!r}, outside the model's folder",
                remedy="External data must lie beside the model, under a relative path.",
            )
        if Path(os.path.realpath(path)) != path:
            raise ModelError(
                f"{what} is in {location!r}, behind a link", remedy="Replace the link by the file."
            )
        _check_regular(path, f"{what} is in {location!r}, which")
        return path


def _check_regular(path: Path, what: str) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelError(
            f"{what} cannot be read: {reason}", remedy="Put the file beside the model."
        ) from None
    if not stat.S_ISREG(mode):
        raise ModelError(f"{what} is not a file", remedy="Put the file beside the model.")


def _byte_count(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ModelError(f"{what} has an external offset or length of {text[:40]!r}", remedy=EXPORT_AGAIN)
    return int(text)


def _from_bytes(data: bytes, dtype: np.dtype[np.generic], shape: tuple[int, ...], what: str) -> Array:
    size = math.prod(shape) * dtype.itemsize
    if len(data) != size:
        raise ModelError(
            f"{what} has {len(data)} bytes, its shape {list(shape)} needs {size}", remedy=EXPORT_AGAIN
        )
    if dtype == np.bool_:
        return np.frombuffer(data, np.uint8).reshape(shape) != 0
    return np.frombuffer(data, dtype).reshape(shape)


def _from_fields(
    tensor: TensorProto, dtype: np.dtype[np.generic], shape: tuple[int, ...], what: str
) -> Array:
    stored = len(getattr(tensor, helper.tensor_dtype_to_field(tensor.data_type)))
    if stored != math.prod(shape):
        raise ModelError(
            f"{what} has {stored} elements, its shape {list(shape)} needs {math.prod(shape)}",
            remedy=EXPORT_AGAIN,
        )
    try:
        return np.asarray(numpy_helper.to_array(tensor), dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise ModelError(f"{what} cannot be read: {error}", remedy=EXPORT_AGAIN) from error
