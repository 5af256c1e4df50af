"""Texts and tensors of them as attributes."""

from collections.abc import Sequence
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import I64, ArrayAttr, BytesAttr, IntegerAttr, StringAttr, i64
from xdsl.ir import ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.utils.exceptions import VerifyException

TextAttr: TypeAlias = StringAttr | BytesAttr


def text_attr(text: str) -> TextAttr:
    """A text as an attribute that is printed and parsed back.

    xDSL 0.74 parses what it prints of characters beyond ASCII as bytes.
    """
    return StringAttr(text) if text.isascii() else BytesAttr(text.encode())


def text_of(attribute: TextAttr) -> str:
    """The inverse of `text_attr`."""
    return attribute.data if isinstance(attribute, StringAttr) else attribute.data.decode()


@irdl_attr_definition
class StringsAttr(ParametrizedAttribute):
    """A tensor of strings in row-major order: `#graph.strings<[2 : i64], ["a", "b"]>`."""

    name = "graph.strings"
    shape: ArrayAttr[IntegerAttr[I64]]
    items: ArrayAttr[TextAttr]

    @staticmethod
    def of(array: NDArray[np.generic]) -> "StringsAttr":
        """The attribute for an array of `str`."""
        items = cast(list[str], array.reshape(-1).tolist())
        shape = ArrayAttr([IntegerAttr(size, i64) for size in array.shape])
        return StringsAttr(shape, ArrayAttr(map(text_attr, items)))

    @property
    def sizes(self) -> Sequence[int]:
        """The shape as numbers."""
        return [size.value.data for size in self.shape]

    @property
    def array(self) -> NDArray[np.object_]:
        """The strings as an array."""
        array = np.empty(len(self.items), np.object_)
        array[:] = [text_of(item) for item in self.items]
        return array.reshape(tuple(self.sizes))

    def verify(self) -> None:
        if min(self.sizes, default=0) < 0 or np.prod(self.sizes, dtype=np.int64) != len(self.items):
            raise VerifyException(f"{len(self.items)} strings for the shape {list(self.sizes)}")
