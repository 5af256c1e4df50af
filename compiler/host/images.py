"""Decoding of pictures on the host, by Pillow.

Only the formats that ONNX names are tried: others of Pillow's run programs.
"""

import struct
import zlib
from collections.abc import Sequence
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, cast

import numpy as np

from penstock.errors import HostError, LimitError
from penstock.host.arrays import Array, HostFunction, Options, text
from penstock.limits import how_to_raise, limits

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("BMP", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
RGB, BGR, GRAY = "RGB", "BGR", "Grayscale"
CHANNELS = {RGB: 3, BGR: 3, GRAY: 1}
BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    ArithmeticError,
    LookupError,
    EOFError,
    TypeError,
    struct.error,
    zlib.error,
)
"""What decoders raise for data that is no picture of theirs."""


def decode(options: Options, operands: Sequence[Array]) -> list[Array]:
    """ImageDecoder: rows, columns and channels of a picture; without rows where it cannot be decoded."""
    order = text(options, "pixel_format", RGB)
    try:
        pixels = _pixels(operands[0].tobytes(), "L" if order == GRAY else "RGB")
    except BROKEN:
        return [np.empty((0, 0, CHANNELS[order]), np.uint8)]
    return [np.ascontiguousarray(pixels[:, :, ::-1]) if order == BGR else pixels]


def _pixels(data: bytes, mode: str) -> Array:
    try:
        pillow = import_module("PIL.Image")
    except ImportError:
        remedy = "Install it: pip install 'penstock[images]'."
        raise HostError("decoding pictures needs the package Pillow", remedy=remedy) from None
    try:
        picture = cast("Image", pillow.open(BytesIO(data), formats=FORMATS))
    except pillow.DecompressionBombError as error:
        raise LimitError(str(error), remedy="Pass a smaller picture.") from None
    with picture:
        width, height = picture.size
        if width * height > limits().pixels:
            fault = f"a picture of {width} x {height} pixels exceeds the {limits().pixels} allowed"
            raise LimitError(fault, remedy=how_to_raise("pixels"))
        return np.asarray(_in_bytes(picture).convert(mode)).reshape(height, width, -1)


def _in_bytes(picture: "Image") -> "Image":
    """A picture of 16 bits a channel in 8, which Pillow would clip to white."""
    if not picture.mode.startswith("I"):
        return picture
    pillow = import_module("PIL.Image")
    return cast("Image", pillow.fromarray((np.asarray(picture) >> 8).astype(np.uint8)))


IMAGES: dict[str, HostFunction] = {"ImageDecoder": decode}
