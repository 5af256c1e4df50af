"""The arrays inside a model, inline or in external files of its folder, read without copying."""

import math
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from penstock.dialects.element_types import bit_size, element_type, has_element_type
from penstock.dialects.graph.base import Array
from penstock.errors import ModelError
from penstock.host.arrays import strings_of
from penstock.onnx_import.unsupported import Unsupported

Bytes = NDArray[np.uint8]
EXPORT_AGAIN = "Export the model again."


@cache
def numpy_dtype_of(data_type: int) -> np.dtype[np.generic]:
    """The NumPy dtype of an ONNX element type, objects for strings; `Unsupported` for complex numbers."""
    if data_type not in TensorProto.DataType.values():
        raise ModelError(f"element type {data_type} does not exist", remedy=EXPORT_AGAIN)
    name = TensorProto.DataType.Name(data_type)
    if data_type == TensorProto.UNDEFINED:
        raise ModelError("a tensor has no element type", remedy=EXPORT_AGAIN)
    dtype = helper.tensor_dtype_to_np_dtype(data_type)
    if not has_element_type(dtype):
        raise Unsupported(f"element type {name} is not supported", "Use a float, integer or boolean type.")
    return dtype


def packed_bytes(shape: Sequence[int], dtype: np.dtype[np.generic]) -> int:
    """The bytes of a tensor in a file, where elements of fewer than 8 bits share them.

    >>> packed_bytes([3], np.dtype("uint16"))
    6
    """
    return -(-math.prod(shape) * bit_size(element_type(dtype)) // 8)


def unpacked(data: NDArray[np.uint8], dtype: np.dtype[np.generic], shape: Sequence[int]) -> Array:
    """An element in each byte, from a stream of elements of fewer bits whose first bit is the lowest."""
    count, width = math.prod(shape), bit_size(element_type(dtype))
    bits = np.unpackbits(data, bitorder="little", count=count * width).reshape(count, width)
    return np.packbits(bits, axis=1, bitorder="little").reshape(shape).view(dtype)


@dataclass(frozen=True)
class Initializer:
    """A weight of a graph, and its bytes if they were left out of the tensor."""

    tensor: TensorProto
    raw: Bytes | None = None


class TensorReader:
    """Turns tensors of one model into arrays; `folder` is where its external data may lie."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = None if folder is None else Path(os.path.realpath(folder))

    def read(self, tensor: TensorProto, what: str, raw: Bytes | None = None) -> Array:
        """The value of a tensor, called `what` in messages; read-only, sharing memory where it can.

        `raw` is the data of a tensor whose own was left out.
        """
        dtype = numpy_dtype_of(tensor.data_type)
        shape = tuple(tensor.dims)
        if min(shape, default=0) < 0:
            raise ModelError(f"{what} has a negative size: {list(shape)}", remedy=EXPORT_AGAIN)
        if tensor.data_type == TensorProto.STRING:
            return _strings(tensor, shape, what)
        if tensor.data_location == TensorProto.EXTERNAL:
            return self._external(tensor, dtype, shape, what)
        if tensor.HasField("raw_data"):
            return _from_bytes(tensor.raw_data if raw is None else raw, dtype, shape, what)
        return _from_fields(tensor, dtype, shape, what)

    def _external(
        self, tensor: TensorProto, dtype: np.dtype[np.generic], shape: tuple[int, ...], what: str
    ) -> Array:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        path = self._resolve(entries.get("location", ""), what)
        size = packed_bytes(shape, dtype)
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
        if size == 0:
            return np.zeros(shape, dtype)
        if size < math.prod(shape):
            return unpacked(np.memmap(path, np.uint8, "r", offset, (size,)), dtype, shape)
        return np.memmap(path, dtype, "r", offset, shape)

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


def _strings(tensor: TensorProto, shape: tuple[int, ...], what: str) -> Array:
    """The strings of a tensor, which are nowhere but in a field of their own."""
    if len(tensor.string_data) != math.prod(shape):
        raise ModelError(
            f"{what} has {len(tensor.string_data)} strings, its shape {list(shape)} needs {math.prod(shape)}",
            remedy=EXPORT_AGAIN,
        )
    try:
        return strings_of([data.decode() for data in tensor.string_data], shape)
    except UnicodeDecodeError:
        raise ModelError(f"{what} has a string that is not UTF-8", remedy=EXPORT_AGAIN) from None


def _from_bytes(data: bytes | Bytes, dtype: np.dtype[np.generic], shape: tuple[int, ...], what: str) -> Array:
    size = packed_bytes(shape, dtype)
    if len(data) != size:
        raise ModelError(
            f"{what} has {len(data)} bytes, its shape {list(shape)} needs {size}", remedy=EXPORT_AGAIN
        )
    if dtype == np.bool_:
        return np.frombuffer(data, np.uint8).reshape(shape) != 0
    if size < math.prod(shape):
        return unpacked(np.frombuffer(data, np.uint8), dtype, shape)
    return np.frombuffer(data, dtype).reshape(shape)


def _from_fields(
    tensor: TensorProto, dtype: np.dtype[np.generic], shape: tuple[int, ...], what: str
) -> Array:
    stored = len(getattr(tensor, helper.tensor_dtype_to_field(tensor.data_type)))
    needed = min(math.prod(shape), packed_bytes(shape, dtype))
    if stored != needed:
        raise ModelError(
            f"{what} has {stored} elements, its shape {list(shape)} needs {needed}", remedy=EXPORT_AGAIN
        )
    try:
        return np.asarray(numpy_helper.to_array(tensor), dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise ModelError(f"{what} cannot be read: {error}", remedy=EXPORT_AGAIN) from error
