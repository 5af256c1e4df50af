"""Values on the command line: `name=1x3x224x224`, `name=4`, `name=file`, and the arrays in these files."""

import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from penstock.dialects.size_text import parse_size
from penstock.errors import CallError, PenstockError
from penstock.host.arrays import is_strings
from penstock.package import numpy_dtype
from penstock.random_inputs import Port

Array = NDArray[np.generic]

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")


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


def read_inputs(files: Mapping[str, Path], ports: Sequence[Port]) -> dict[str, Array]:
    """Read the array of every input that a model has; each must be given and no other."""
    names = {port.name for port in ports}
    if set(files) != names:
        wrong = ", ".join(sorted(names ^ set(files)))
        raise CallError(
            f"the model's inputs are {', '.join(sorted(names))}; missing or not among them: {wrong}"
        )
    return {port.name: read_array(files[port.name], port) for port in ports}


def read_array(path: Path, port: Port) -> Array:
    """Read an array from a `.npy` file or a picture."""
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return read_image(path, port)
    try:
        # Pickled objects in the file would be code.
        return np.load(path, allow_pickle=False)
    except ValueError as error:
        raise CallError("not a NumPy array", file=str(path), remedy="Save it with numpy.save.") from error


def read_image(path: Path, port: Port) -> Array:
    """Read a picture as numbers from 0 to 1, scaled to the height, width and channels of the input.

    Where height or width are open, the picture keeps its own.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise PenstockError(
            "reading pictures needs Pillow", remedy="pip install 'penstock[images]'"
        ) from error
    channels, high, wide, channels_last = image_layout(port)
    try:
        with Image.open(path) as file:
            width, height = (
                size if isinstance(size, int) else own
                for size, own in zip((wide, high), file.size, strict=True)
            )
            picture = file.convert("L" if channels == 1 else "RGB").resize((width, height))
    except (UnidentifiedImageError, OSError) as error:
        raise CallError("not a picture that can be read", file=str(path)) from error
    pixels = np.asarray(picture, np.float32).reshape(1, height, width, channels) / np.float32(255)
    pixels = pixels if channels_last else np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    return pixels.astype(numpy_dtype(port.dtype))


def image_layout(port: Port) -> tuple[int, int | str, int | str, bool]:
    """Find channels, height and width in an input's shape, and whether the channels are last."""
    match tuple(port.shape):
        case (1 | str(), 1 | 3 as channels, height, width):
            return channels, height, width, False
        case (1 | str(), height, width, 1 | 3 as channels):
            return channels, height, width, True
        case shape:
            raise CallError(f"input '{port.name}' of shape {list(shape)} does not hold one picture")


def write_outputs(path: Path, outputs: Mapping[str, Array]) -> None:
    """Write arrays to a `.npz` file under their names."""
    # Objects would be pickles.
    plain = {name: x.astype(np.str_) if is_strings(x) else x for name, x in outputs.items()}
    np.savez(path, allow_pickle=False, **plain)
