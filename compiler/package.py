"""A compiled model as data: what it takes and gives, its code, its weights, its memory plan."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from penstock.backends.llvm.image import Image
from penstock.backends.targets import Target
from penstock.dialects.memory_plan import GrowingPlan, Plan
from penstock.dialects.size_text import parse_size
from penstock.dialects.sizes import number, symbols_of
from penstock.errors import CallError
from penstock.weights import Bytes, Weights

if TYPE_CHECKING:
    import numpy as np

ENTRY = "main"
STATUS_BYTES = 8
STRINGS = "string"
"""The dtype of arrays of `str`, which NumPy holds as objects."""
_WITHOUT_BITS = {"bool": 1, STRINGS: 8}
_BITS = re.compile(r"[a-z]+(\d+)")


@dataclass(frozen=True)
class TensorInfo:
    """An input or output: its name, NumPy dtype name and shape."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    """Sizes that a call decides are formulas of the model's symbols."""

    @property
    def is_static(self) -> bool:
        """Whether the shape is the same in every call."""
        return not any(isinstance(size, str) for size in self.shape)

    @property
    def fixed(self) -> tuple[int, ...]:
        """The shape of a tensor that has but one."""
        return self.at({})

    @property
    def nbytes(self) -> int:
        """Bytes of the whole tensor, which must have but one shape."""
        return prod(self.fixed) * item_bytes(self.dtype)

    def known_at(self, sizes: Mapping[str, int]) -> "TensorInfo":
        """The tensor in a call where the symbols have these sizes."""
        return TensorInfo(self.name, self.dtype, self.at(sizes))

    def at(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape in a call where the symbols have these sizes."""
        unknown = [
            s for d in self.shape if isinstance(d, str) for s in symbols_of(parse_size(d)) if s not in sizes
        ]
        if unknown:
            raise CallError(
                f"'{self.name}' has the shape {list(self.shape)}", remedy=f"Say {', '.join(unknown)}."
            )
        return tuple(d if isinstance(d, int) else number(parse_size(d), sizes) for d in self.shape)


@dataclass(frozen=True)
class Symbol:
    """A size that a call decides: its bounds, both included, and what the schedule takes it to be."""

    name: str
    least: int
    most: int | None
    hint: int


@dataclass(frozen=True)
class KernelInfo:
    """A kernel: its symbol, the model nodes it serves, how often it is called, its bytes of code."""

    name: str
    nodes: tuple[str, ...]
    calls: int
    size: int
    flops: int
    """Floating-point operations of one call."""
    moved: int
    """Distinct bytes that one call reads, and those that it writes."""
    loops: str
    """Its largest loop nest in short, as `penstock.kernel_work` writes it."""


@dataclass(frozen=True)
class Place:
    """Where an operand of a call lies: bytes from the start of an argument of `main`.

    The arguments are the inputs, the outputs, the status if there is one, the arena and the weights; sizes
    that a call decides do not count.
    """

    argument: int
    offset: int


@dataclass(frozen=True)
class CallInfo:
    """A call in `main`: its operands, the model nodes it serves, the parts it is made in.

    What is called is a kernel, or a function that runs a loop or a branch.
    """

    kernel: str
    operands: tuple[Place, ...]
    nodes: tuple[str, ...]
    parts: int | None
    """With a number, the kernel takes two arguments more: which part, of how many."""
    forks: bool = False
    """Whether it runs kernels on threads: it takes two arguments more, what runs parts and its context."""
    sizes: tuple[int, ...] = ()
    """What it takes behind its operands: sizes, as the hints have them, as are the places of the operands."""


@dataclass(frozen=True)
class Package:
    """All of a compiled model as data: what an artefact holds."""

    name: str
    target: Target
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    image: Image
    constants: Weights
    memory: Plan
    kernels: tuple[KernelInfo, ...]
    numerics: tuple[str, ...]
    """What passes did beyond exact rewriting, as `pass: numerics`."""
    threads: int = 1
    """The threads that the code is made for; with more than one, `main` takes what runs its parts."""
    calls: tuple[CallInfo, ...] = ()
    """What `main` does, in order; empty when it does more than call kernels."""
    failures: tuple[str, ...] = ()
    """What may go wrong in a run: `main` writes the number of the first that did, from 1, else 0.

    Where nothing can go wrong there is no number to be written.
    """
    symbols: tuple[Symbol, ...] = ()
    """The sizes that a call decides, in the order in which `main` takes them, behind the outputs."""
    growing: GrowingPlan | None = None
    """The memory plan for all sizes; `memory` is the one at the hints."""
    requirements: tuple[str, ...] = ()
    """What must hold of the sizes of a call besides the bounds."""

    @property
    def hints(self) -> dict[str, int]:
        """The sizes that the schedule is made for."""
        return {symbol.name: symbol.hint for symbol in self.symbols}

    @property
    def stages(self) -> Iterator["Package"]:
        """Itself: a model that runs at once has one stage."""
        yield self

    @property
    def weights_bytes(self) -> int:
        """The size of the block of weights."""
        return self.constants.nbytes

    @property
    def code_bytes(self) -> int:
        """The size of the code."""
        return len(self.image.code)

    @property
    def weights(self) -> Bytes:
        """The block of weights; from now on it is in memory as a whole."""
        return self.constants.block

    @property
    def argument_sizes(self) -> tuple[int, ...]:
        """Bytes of the inputs, the outputs, perhaps a status, the arena and the weights, at the hints."""
        hints = self.hints
        ends = (tensor.known_at(hints).nbytes for tensor in (*self.inputs, *self.outputs))
        return (*ends, *([STATUS_BYTES] if self.failures else []), self.memory.arena, self.constants.nbytes)


def item_bytes(dtype: str) -> int:
    """Bytes of an element by the name of its dtype alone, since NumPy takes its time to import.

    >>> item_bytes("bfloat16"), item_bytes("float8_e5m2"), item_bytes("uint4")
    (2, 1, 1)
    """
    if dtype in _WITHOUT_BITS:
        return _WITHOUT_BITS[dtype]
    told = _BITS.match(dtype)
    if told is None:
        raise ValueError(f"no dtype '{dtype}'")
    return max(int(told[1]) // 8, 1)


def numpy_dtype(name: str) -> "np.dtype[np.generic]":
    """The dtype of a name in an artefact; those that NumPy lacks come from ml_dtypes."""
    import numpy as np

    if name == STRINGS:
        return np.dtype(np.object_)
    try:
        return np.dtype(name)
    except TypeError:
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, name))
