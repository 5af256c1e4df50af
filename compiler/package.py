"""A compiled model as data: what it takes and gives, its code, its weights, its memory plan."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penstock.backends.llvm.image import Image
from penstock.backends.targets import Target
from penstock.dialects.memory_plan import Plan

ENTRY = "main"


@dataclass(frozen=True)
class TensorInfo:
    """An input or output: its name, NumPy dtype name and shape."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of the whole tensor."""
        return int(np.prod(self.shape, dtype=np.int64)) * numpy_dtype(self.dtype).itemsize


@dataclass(frozen=True)
class KernelInfo:
    """A kernel: its symbol, the model nodes it serves, how often it is called, its bytes of code."""

    name: str
    nodes: tuple[str, ...]
    calls: int
    size: int


@dataclass(frozen=True)
class Package:
    """All of a compiled model as data: what an artefact holds."""

    name: str
    target: Target
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    image: Image
    weights: NDArray[np.uint8]
    memory: Plan
    kernels: tuple[KernelInfo, ...]
    numerics: tuple[str, ...]
    """What passes did beyond exact rewriting, as `pass: numerics`."""
    threads: int = 1
    """The threads that the code is made for; with more than one, `main` takes what runs its parts."""


def numpy_dtype(name: str) -> np.dtype[np.generic]:
    """The dtype of a name in an artefact; `bfloat16` comes from ml_dtypes."""
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)
