"""Arrays in files, as the command line takes and gives them: NumPy's, and pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from penstock.errors import CallError, PenstockError
from penstock.host.arrays import is_strings
from penstock.package import numpy_dtype
from penstock.random_inputs import Port

Array = NDArray[np.generic]

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")


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
