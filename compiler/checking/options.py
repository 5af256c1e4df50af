"""How a check is made."""

from dataclasses import dataclass
from pathlib import Path

from penstock.checking.kernels import MAX_STEPS
from penstock.checking.whole import Progress


def _silent(what: str) -> None:
    """The progress of a check that nobody watches."""


@dataclass(frozen=True)
class Options:
    """How a check is made."""

    model: str = "model"
    seed: int = 0
    folder: Path = Path()
    """Where the reduced module of a failure is written."""
    max_steps: int = MAX_STEPS
    progress: Progress = _silent
