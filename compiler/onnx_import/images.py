"""Importer of ImageDecoder, an operation of the host."""

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import SSAValue

from penstock.host.images import CHANNELS, RGB
from penstock.onnx_import.axes import require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node


def import_image_decoder(node: Node, build: Builder) -> list[SSAValue]:
    """ImageDecoder: the picture decides how many rows and columns there are."""
    order = node.string("pixel_format", RGB)
    require(
        node, order in CHANNELS, f"the pixel format is {order!r}, it must be one of {', '.join(CHANNELS)}"
    )
    options = {"pixel_format": StringAttr(order)}
    return build.host("ImageDecoder", [node.input(0)], options, sizes=["rows", "columns"])


IMAGES: Family = {"ImageDecoder": import_image_decoder}
