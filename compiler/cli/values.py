"""Values on the command line: `name=1x3x224x224`, `name=4`, `name=file`."""

import re
from itertools import accumulate
from pathlib import Path

import click


class Named(click.ParamType[tuple[str, object]]):
    """`NAME=VALUE`, where a subclass says what the value may be."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, object]:
        """Split at the last `=`, since the names in models may hold one."""
        name, separator, text = str(value).rpartition("=")
        parsed = self.parse(text) if separator and name else None
        if parsed is None:
            self.fail(f"'{value}' is not {self.name}", param, ctx)
        return name, parsed

    def parse(self, text: str) -> object | None:
        """Return the value, or None where the text is not one."""
        raise NotImplementedError


class NamedShape(Named):
    """An input and its shape, with `scalar` for no dims at all."""

    name = "NAME=2x3x4"

    def parse(self, text: str) -> tuple[int | str, ...] | None:
        """Read numbers separated by `x`, or numbers, names and formulas of names separated by `,`."""
        if text == "scalar":
            return ()
        if re.fullmatch(r"\d+(x\d+)*", text):
            return tuple(map(int, text.split("x")))
        dims = tuple(_dim(part.strip()) for part in _at_commas(text))
        return tuple(dim for dim in dims if dim is not None) if None not in dims else None


def _at_commas(text: str) -> list[str]:
    """The parts of a list between commas, those in parentheses left alone."""
    depth = accumulate({"(": 1, ")": -1}.get(character, 0) for character in text)
    marked = [";" if c == "," and d == 0 else c for c, d in zip(text, depth, strict=True)]
    return "".join(marked).split(";")


def _dim(text: str) -> int | str | None:
    """A number, or a formula in its canonical form; `None` where the text is neither."""
    from penstock.dialects.size_text import parse_size

    try:
        size = parse_size(text)
    except ValueError:
        return None
    return size if isinstance(size, int) else str(size)


class NamedSize(Named):
    """A symbolic dim and its size."""

    name = "NAME=SIZE"

    def parse(self, text: str) -> int | None:
        """Read a positive size."""
        return int(text) if re.fullmatch(r"0*[1-9]\d*", text) else None


class NamedBounds(Named):
    """A symbolic dim with its least and its greatest size, either of which may be left out."""

    name = "NAME=MIN:MAX"

    def parse(self, text: str) -> tuple[int, int | None] | None:
        """Read two sizes around a `:`."""
        found = re.fullmatch(r"(\d*):(\d*)", text)
        return None if found is None else (int(found[1] or 0), int(found[2]) if found[2] else None)


class NamedLimit(Named):
    """A limit of the compiler and how much it allows."""

    name = "NAME=N"

    def parse(self, text: str) -> int | None:
        """Read a number that is not negative."""
        return int(text) if re.fullmatch(r"\d{1,18}", text) else None


class PlacedPass(click.ParamType[tuple[str, str]]):
    """A phase and a pass that runs at its end."""

    name = "PHASE:PASS"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split at the first `:`; what follows may hold options of the pass."""
        phase, separator, wanted = str(value).partition(":")
        if not (phase and separator and wanted):
            self.fail(f"'{value}' is not {self.name}", param, ctx)
        return phase, wanted


class NamedFile(Named):
    """An input and the file that holds its array."""

    name = "NAME=FILE"

    def parse(self, text: str) -> Path | None:
        """Read the path of a file that exists."""
        return Path(text) if Path(text).is_file() else None
