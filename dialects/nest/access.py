"""Linear index maps: which element of a buffer a loop nest touches at each point of its iteration space.

An `Access` is a matrix and a vector of integers: element = rows @ point + offsets.  Tiling, interchange and
peeling are linear substitutions of the point, so every scheduling pass is one `substitute`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xdsl.ir import Data
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

Row = tuple[int, ...]


@dataclass(frozen=True)
class Substitution:
    """Old loop indices as linear functions of new ones: old = rows @ new + offsets."""

    rows: tuple[Row, ...]
    offsets: Row
    width: int
    """The number of new indices (rows cannot tell when there are none)."""

    @staticmethod
    def identity(count: int) -> "Substitution":
        """Every index stands for itself."""
        rows = tuple(tuple(int(i == j) for j in range(count)) for i in range(count))
        return Substitution(rows, (0,) * count, count)


@dataclass(frozen=True)
class Access:
    """One linear expression per dimension of a buffer, over the loop indices of a nest."""

    rows: tuple[Row, ...]
    offsets: Row

    @staticmethod
    def of(count: int, *expressions: "int | dict[int, int] | tuple[dict[int, int], int]") -> "Access":
        """An access over `count` loop indices, an expression per buffer dimension:

        the number of a loop, a dict loop -> coefficient, or such a dict with a constant.

        >>> Access.of(3, 0, ({1: 2, 2: 1}, -1)).text(["n", "oh", "kh"])
        'n, 2*oh + kh - 1'
        """
        rows: list[Row] = []
        offsets: list[int] = []
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
        offsets = tuple(
            o + sum(c * s.offsets[i] for i, c in enumerate(row))
            for row, o in zip(self.rows, self.offsets, strict=True)
        )
        return Access(rows, offsets)

    def bounds(self, extents: Sequence[int]) -> list[tuple[int, int]]:
        """Least and greatest value of each expression over loops from 0 to the extents (exclusive)."""
        return [row_bounds(row, offset, extents) for row, offset in zip(self.rows, self.offsets, strict=True)]

    def uses(self, loop: int) -> bool:
        """Whether the element depends on a loop index."""
        return any(row[loop] for row in self.rows)

    def stride(self, loop: int, shape: Sequence[int]) -> int:
        """How many elements of a row-major buffer one step of a loop index moves."""
        return sum(row[loop] * step for row, step in zip(self.rows, row_major(shape), strict=True))

    def text(self, names: Sequence[str]) -> str:
        """The expressions in the names of the loops: `n, 2*oh + kh - 1`."""
        return ", ".join(_row_text(row, o, names) for row, o in zip(self.rows, self.offsets, strict=True))


def row_bounds(row: Row, offset: int, extents: Sequence[int]) -> tuple[int, int]:
    """Least and greatest value of one linear expression over a box of loop indices."""
    spans = [c * (e - 1) for c, e in zip(row, extents, strict=True)]
    return offset + sum(min(s, 0) for s in spans), offset + sum(max(s, 0) for s in spans)


def row_major(shape: Sequence[int]) -> list[int]:
    """Strides, in elements, of a contiguous buffer."""
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return strides[::-1]


def _row_text(row: Row, offset: int, names: Sequence[str]) -> str:
    terms = [
        (c, name if abs(c) == 1 else f"{abs(c)}*{name}") for c, name in zip(row, names, strict=True) if c
    ]
    if offset or not terms:
        terms.append((offset, str(abs(offset))))
    text = "".join(f" {'-' if c < 0 else '+'} {term}" for c, term in terms)
    return text[3:] if text.startswith(" + ") else f"-{text[3:]}"


_TERM = re.compile(r"([+-]?)\s*(?:(\d+)\s*\*\s*)?([A-Za-z_][\w.]*|\d+)\s*")


def parse_row(text: str, names: Sequence[str]) -> tuple[Row, int]:
    """The inverse of one expression of `Access.text`; `ValueError` names what is not understood.

    >>> parse_row("2*oh + kh - 1", ["n", "oh", "kh"])
    ((0, 2, 1), -1)
    """
    row, offset, at = [0] * len(names), 0, 0
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None:
            raise ValueError(f"cannot read the index expression {text!r} at {text[at:]!r}")
        sign, factor, name = match.groups()
        value = (-1 if sign == "-" else 1) * int(factor or 1)
        if name.isdigit():
            offset += value * int(name)
        elif name in names:
            row[names.index(name)] += value
        else:
            raise ValueError(f"unknown loop {name!r} in {text!r}, loops are {list(names)}")
        at = match.end()
    return tuple(row), offset


def access_of_rows(rows: Iterable[tuple[Row, int]]) -> Access:
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
        return access_of_rows(parse_row(part.strip(), names) for part in text.split(",") if part.strip())
