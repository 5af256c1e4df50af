"""Machine code that runs wherever it is loaded: `linker` makes it, `native` loads it, `emit` ships it."""

from collections.abc import Mapping
from dataclasses import dataclass

from penstock.errors import PenstockError


class LinkError(PenstockError):
    """Objects that do not make a closed image, or an image that does not make an object."""


@dataclass(frozen=True)
class Symbol:
    """Where a function starts in an image and how many bytes it takes."""

    offset: int
    size: int


@dataclass(frozen=True)
class Image:
    """Code and its constants, without relocations, for any address that is a multiple of `alignment`."""

    code: bytes
    symbols: Mapping[str, Symbol]
    alignment: int = 64
