"""Named resources: the weights of a model as NumPy buffers that never become text.

Every level refers to a weight by an attribute that prints as its name and the digest of its bytes.  Inside
one process a printed module parses back to the same data; elsewhere the data comes from the `.npz` beside the
dump.
"""

import hashlib
from collections.abc import Iterable, Mapping
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Data
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

from penstock.dialects.spool import spooled

Array = NDArray[np.generic]
SAMPLE = 64
"""Elements that are looked at before all are."""


class Resource:
    """A read-only array with a name; two resources are equal when dtype, shape and bytes are.

    One of which only the text was parsed equals others of this kind with its digest.
    """

    def __init__(self, name: str, array: Array | None, digest: str | None = None):
        self.name = name
        self._array = array
        self._digest = digest

    @property
    def array(self) -> Array:
        """The data; a `LookupError` that names the resource when only its text was parsed."""
        if self._array is None:
            raise LookupError(f"the data of resource {self.name!r} is not loaded: only its text was parsed")
        return self._array

    @property
    def digest(self) -> str:
        """Sixteen hex digits over dtype, shape and bytes."""
        if self._digest is None:
            self._digest = _digest(self.array)
        return self._digest

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Resource):
            return self is other
        if self._array is None or other._array is None:
            return self._array is other._array and self.digest == other.digest
        return self._sample == other._sample and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest if self._array is None else self._sample)

    @property
    def _sample(self) -> tuple[str, tuple[int, ...], bytes]:
        """What most arrays differ in: to tell weights apart, they need not all be read."""
        return self.array.dtype.name, self.array.shape, self.array.flat[:SAMPLE].tobytes()


def _digest(array: Array) -> str:
    data = np.ascontiguousarray(array)
    h = hashlib.blake2b(f"{data.dtype.str}{data.dtype.name}{data.shape}".encode(), digest_size=8)
    h.update(data.reshape(-1).view(np.uint8).data)
    return h.hexdigest()


_known: WeakValueDictionary[str, Resource] = WeakValueDictionary()


@irdl_attr_definition
class ResourceAttr(Data[Resource]):
    """A weight by name and digest: `#graph.resource<"conv1.weight", "8f3a0c1d22e4b577">`."""

    name = "graph.resource"

    @staticmethod
    def of(name: str, array: Array) -> "ResourceAttr":
        """The attribute for `array`, which the caller must not write to any more.

        Nothing is copied, but a large array goes into a file where a compilation has a spool.
        """
        return ResourceAttr(Resource(name, spooled(array)))

    @property
    def array(self) -> Array:
        """The data of the resource."""
        return self.data.array

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(self.data.name)
            printer.print_string(", ")
            printer.print_string_literal(self.data.digest)
        _known[self.data.digest] = self.data

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Resource:
        with parser.in_angle_brackets():
            name = parser.parse_str_literal()
            parser.parse_punctuation(",")
            digest = parser.parse_str_literal()
        known = _known.get(digest)
        return Resource(name, None if known is None else known.array, digest)


def remember(resources: Iterable[ResourceAttr]) -> dict[str, Array]:
    """Digest to array, for writing the data beside a printed module with `numpy.savez`."""
    return {r.data.digest: r.array for r in resources}


def recall(data: Mapping[str, Array]) -> list[Resource]:
    """Make saved data known to the parser while the returned list is kept alive.

    >>> attr = ResourceAttr.of("w", np.arange(3.0))
    >>> kept = recall(remember([attr]))
    >>> kept[0] == attr.data
    True
    """
    kept = [Resource(digest, np.asarray(array), digest) for digest, array in data.items()]
    _known.update({r.digest: r for r in kept})
    return kept
