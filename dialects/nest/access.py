"""Linear index maps: which element of a buffer a loop nest touches at each point of its iteration space.

An `Access` is a matrix of integers and a vector of sizes: element = rows @ point + offsets.  Tiling,
interchange and peeling are linear substitutions of the point, so every scheduling pass is one `substitute`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

from xdsl.ir import Data
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

from penstock.dialects.size_text import parse_size
from penstock.dialects.sizes import Extent, Size, is_at_least

Row = tuple[int, ...]
Offsets = tuple[Extent, ...]


@dataclass(frozen=True)
class Substitution:
    """Old loop indices as linear functions of new ones: old = rows @ new + offsets."""

    rows: tuple[Row, ...]
    offsets: Offsets
    width: int
    """The number of new indices (rows cannot tell when there are none)."""

    def shifted(self, row: Row, offset: Extent) -> Extent:
        """The offset of a row when it speaks of the new indices."""
        for coefficient, shift in zip(row, self.offsets, strict=True):
            offset = offset + coefficient * shift
        return offset

    @staticmethod
    def identity(count: int) -> "Substitution":
        """Every index stands for itself."""
        rows = tuple(tuple(int(i == j) for j in range(count)) for i in range(count))
        return Substitution(rows, (0,) * count, count)


@dataclass(frozen=True)
class Access:
    """One linear expression per dimension of a buffer, over the loop indices of a nest."""

    rows: tuple[Row, ...]
    offsets: Offsets

    @staticmethod
    def of(count: int, *expressions: "int | dict[int, int] | tuple[dict[int, int], Extent]") -> "Access":
        """An access over `count` loop indices, an expression per buffer dimension:

        the number of a loop, a dict loop -> coefficient, or such a dict with a constant.

        >>> Access.of(3, 0, ({1: 2, 2: 1}, -1)).text(["n", "oh", "kh"])
        'n, 2*oh + kh - 1'
        """
        rows: list[Row] = []
        offsets: list[Extent] = []
        for expression in expressions:
            terms, constant = expression if isinstance(expression, tuple) else (expression, 0)
            coefficients = {terms: 1} if isinstance(terms, int) else terms
            rows.append(tuple(coefficients.get(i, 0) for i in range(count)))
            offsets.append(constant)
        return Access(tuple(rows), tuple(offsets))

    def substitute(self, s: Substitution) -> "Access":
        """The same elements in terms of new loop indices."""
        rows = tuple(
            tuple(sum(c * s.rows[i][j] for i, c in enumerate(row) if c) for j in range(s.width))
            for row in self.rows
        )
        offsets = tuple(map(s.shifted, self.rows, self.offsets))
        return Access(rows, offsets)

    def bounds(self, extents: Sequence[Extent]) -> list[tuple[Extent, Extent]]:
        """Least and greatest value of each expression over loops from 0 to the extents (exclusive)."""
        return [row_bounds(row, offset, extents) for row, offset in zip(self.rows, self.offsets, strict=True)]

    def uses(self, loop: int) -> bool:
        """Whether the element depends on a loop index."""
        return any(row[loop] for row in self.rows)

    @property
    def shifts(self) -> Row:
        """The offsets where all are known at compile time."""
        found = tuple(o for o in self.offsets if isinstance(o, int))
        assert len(found) == len(self.offsets), f"offsets {self.offsets} are needed as numbers"
        return found

    @overload
    def stride(self, loop: int, shape: Sequence[int]) -> int: ...
    @overload
    def stride(self, loop: int, shape: Sequence[Extent]) -> Extent: ...
    def stride(self, loop: int, shape: Sequence[Extent]) -> Extent:
        """How many elements of a row-major buffer one step of a loop index moves."""
        moved: Extent = 0
        for row, step in zip(self.rows, row_major(shape), strict=True):
            moved = moved + row[loop] * step
        return moved

    def start(self, shape: Sequence[Extent]) -> Extent:
        """The place in a row-major buffer of the element where all loop indices are 0."""
        place: Extent = 0
        for offset, step in zip(self.offsets, row_major(shape), strict=True):
            place = place + offset * step
        return place

    def text(self, names: Sequence[str]) -> str:
        """The expressions in the names of the loops: `n, 2*oh + kh - 1`."""
        return ", ".join(_row_text(row, o, names) for row, o in zip(self.rows, self.offsets, strict=True))


@overload
def row_bounds(row: Row, offset: int, extents: Sequence[int]) -> tuple[int, int]: ...
@overload
def row_bounds(row: Row, offset: Extent, extents: Sequence[Extent]) -> tuple[Extent, Extent]: ...
def row_bounds(row: Row, offset: Extent, extents: Sequence[Extent]) -> tuple[Extent, Extent]:
    """Least and greatest value of one linear expression over a box of loop indices.

    A loop whose extent is no number is taken to run once at least.
    """
    low = high = offset
    for coefficient, extent in zip(row, extents, strict=True):
        span = coefficient * (extent - 1)
        if coefficient and (span > 0 if isinstance(span, int) else coefficient > 0):
            high = high + span
        elif coefficient:
            low = low + span
    return low, high


@overload
def row_major(shape: Sequence[int]) -> Sequence[int]: ...
@overload
def row_major(shape: Sequence[Extent]) -> Sequence[Extent]: ...
def row_major(shape: Sequence[Extent]) -> Sequence[Extent]:
    """Strides, in elements, of a contiguous buffer."""
    strides: list[Extent] = []
    step: Extent = 1
    for size in reversed(shape):
        strides.append(step)
        step = step * size
    return strides[::-1]


def is_inside(access: Access, sizes: Sequence[Extent], extents: Sequence[Extent]) -> bool:
    """Whether all elements are proven to be inside of a buffer of these sizes."""
    bounds = zip(access.bounds(extents), sizes, strict=True)
    return all(is_at_least(low, 0) and is_at_least(size - 1 - high, 0) for (low, high), size in bounds)


def _row_text(row: Row, offset: Extent, names: Sequence[str]) -> str:
    terms = [
        (c, name if abs(c) == 1 else f"{abs(c)}*{name}") for c, name in zip(row, names, strict=True) if c
    ]
    if isinstance(offset, Size):
        terms.append((1, f"{{{offset}}}"))
    elif offset or not terms:
        terms.append((offset, str(abs(offset))))
    text = "".join(f" {'-' if c < 0 else '+'} {term}" for c, term in terms)
    return text[3:] if text.startswith(" + ") else f"-{text[3:]}"


_TERM = re.compile(r"([+-]?)\s*(?:(\d+)\s*\*\s*)?([A-Za-z_][\w.]*|\d+|\{[^}]*\})\s*")
_COMMA = re.compile(r",(?![^{]*\})")


def parse_rows(text: str, names: Sequence[str]) -> Access:
    """The inverse of `Access.text`."""
    return access_of_rows(parse_row(part.strip(), names) for part in _COMMA.split(text) if part.strip())


def parse_row(text: str, names: Sequence[str]) -> tuple[Row, Extent]:
    """One expression of a list; `ValueError` names what is not understood.

    A size that is no number stands in braces: `n + {h//2}`.

    >>> parse_row("2*oh + kh - 1", ["n", "oh", "kh"])
    ((0, 2, 1), -1)
    """
    row, at = [0] * len(names), 0
    offset: Extent = 0
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None:
            raise ValueError(f"cannot read the index expression {text!r} at {text[at:]!r}")
        sign, factor, name = match.groups()
        value = (-1 if sign == "-" else 1) * int(factor or 1)
        if name.isdigit():
            offset += value * int(name)
        elif name[0] == "{":
            offset += value * parse_size(name[1:-1])
        elif name in names:
            row[names.index(name)] += value
        else:
            raise ValueError(f"unknown loop {name!r} in {text!r}, loops are {list(names)}")
        at = match.end()
    return tuple(row), offset


def access_of_rows(rows: Iterable[tuple[Row, Extent]]) -> Access:
    """An access from parsed expressions."""
    pairs = tuple(rows)
    return Access(tuple(row for row, _ in pairs), tuple(offset for _, offset in pairs))


@irdl_attr_definition
class AccessAttr(Data[Access]):
    """An `Access` as an attribute; operations print it in the names of their loops."""

    name = "nest.access"

    def print_parameter(self, printer: Printer) -> None:
        width = len(self.data.rows[0]) if self.data.rows else 0
        names = [f"i{k}" for k in range(width)]
        with printer.in_angle_brackets():
            printer.print_string(f'{width}, "{self.data.text(names)}"')

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Access:
        with parser.in_angle_brackets():
            width = parser.parse_integer()
            parser.parse_punctuation(",")
            text = parser.parse_str_literal()
        names = [f"i{k}" for k in range(width)]
        return parse_rows(text, names)
