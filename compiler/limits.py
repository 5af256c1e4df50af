"""What a model may ask of the compiler before it is refused: small files can describe work without end.

The limits count work and do not measure time, so that a model is accepted on every machine or on none.
Any layer may ask for them; the caller changes them for a while by `limited`.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace

from penstock.errors import LimitError


@dataclass(frozen=True)
class Limits:
    """How much there may be beyond what the file itself holds."""

    operations: int = 10_000
    """Operations that loops, functions and sequences are written out as, beside 20 for a node of the file."""
    steps: int = 1 << 28
    """Numbers gone through to compute constants while compiling."""
    iterations: int = 1 << 24
    """Iterations of one loop, as far as they are known while importing."""
    characters: int = 1 << 26
    """Characters of the strings that one host operation makes; a string counts as 8 more."""
    pixels: int = 1 << 26
    """Pixels of a picture that is decoded."""


USUAL = Limits()
OPERATIONS_PER_NODE = 20

_current: ContextVar[Limits] = ContextVar("penstock_limits", default=USUAL)


def limits() -> Limits:
    """The limits that hold now."""
    return _current.get()


@contextmanager
def limited(
    *,
    operations: int | None = None,
    steps: int | None = None,
    iterations: int | None = None,
    characters: int | None = None,
    pixels: int | None = None,
) -> Generator[None]:
    """Other limits for what is compiled or run inside: `with penstock.limited(operations=10**6): ...`."""
    given = {
        "operations": operations,
        "steps": steps,
        "iterations": iterations,
        "characters": characters,
        "pixels": pixels,
    }
    token = _current.set(replace(limits(), **{name: n for name, n in given.items() if n is not None}))
    try:
        yield
    finally:
        _current.reset(token)


NAMES = tuple(field.name for field in fields(Limits))


def how_to_raise(name: str) -> str:
    """The remedy for a model that needs more."""
    return f"If the model is trusted, raise the limit: --limit {name}=N, or penstock.limited({name}=N)."


def check_iterations(count: int) -> None:
    """`LimitError` when a loop runs too often."""
    if count > limits().iterations:
        raise LimitError(
            f"a loop of {count} iterations; the limit is {limits().iterations}",
            remedy=how_to_raise("iterations"),
        )


@dataclass
class Budget:
    """What one compilation has spent of its limits."""

    operations: int
    steps: int

    @staticmethod
    def of(nodes: int) -> "Budget":
        """The budget of a model whose file has so many nodes."""
        return Budget(limits().operations + OPERATIONS_PER_NODE * nodes, limits().steps)

    def take_operations(self, count: int) -> None:
        """Note that operations are made; `LimitError` when they become too many."""
        self.operations -= count
        if self.operations < 0:
            fault = f"written out, it becomes over {limits().operations} operations more than its file has"
            raise LimitError(fault, remedy=how_to_raise("operations"))

    def take_steps(self, count: int) -> None:
        """Note that a constant is computed; `LimitError` when that takes too long."""
        self.steps -= count
        if self.steps < 0:
            fault = f"its constants take over {limits().steps} steps to compute"
            raise LimitError(fault, remedy=how_to_raise("steps"))
