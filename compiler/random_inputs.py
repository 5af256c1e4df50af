"""Random inputs of a model, for runs whose time is asked for and not their result."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from penstock.errors import CallError
from penstock.package import STRINGS, numpy_dtype

Array = NDArray[np.generic]
WORDS = ("0", "1", "0.5", "12")
"""Of these are strings: they can be read as numbers too."""


class Port(Protocol):
    """An input or output of a compiled model: what a caller must know of it."""

    @property
    def name(self) -> str: ...

    @property
    def shape(self) -> Sequence[int | str]: ...

    @property
    def dtype(self) -> str: ...


def random_inputs(ports: Sequence[Port], seed: int) -> dict[str, Array]:
    """Make arrays for every input of a model, the same ones for the same seed."""
    generator = np.random.default_rng(seed)
    return {port.name: random_array(generator, port) for port in ports}


def fixed_shape(port: Port) -> tuple[int, ...]:
    """The shape of an input that has but one."""
    sizes = tuple(size for size in port.shape if isinstance(size, int))
    if len(sizes) != len(port.shape):
        raise CallError(f"the sizes of '{port.name}' are open: {list(port.shape)}", remedy="Pass an array.")
    return sizes


def random_array(generator: np.random.Generator, port: Port) -> Array:
    """Draw normal numbers, or for integers 0 and 1, which any table has a row for."""
    shape = fixed_shape(port)
    if port.dtype == STRINGS:
        return generator.choice(np.array(WORDS, np.object_), shape)
    if numpy_dtype(port.dtype).kind in "iub":
        return generator.integers(0, 2, shape).astype(numpy_dtype(port.dtype))
    return generator.standard_normal(shape).astype(numpy_dtype(port.dtype))
