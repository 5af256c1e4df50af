"""The schedules that measuring found, by kernel: in a file beside a model, and in the cache of kernels.

A choice in a file holds for any version of the compiler, so that the same file gives the same code.  One in
the cache is forgotten when the compiler changes: it may then schedule better by itself.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import TypeAlias, cast

from penstock import cache
from penstock.backends.targets import Target, cpu_model
from penstock.errors import PenstockError

VERSION = 1


@dataclass(frozen=True)
class Tuned:
    """What measuring said of one kernel."""

    kernel: str
    """What it was called in the model that it was measured in."""
    choice: str
    """The name of one of its options (`penstock.passes.schedule_options`)."""
    tried: int
    """How many options, as the model ranks them, were measured beside the first."""
    default_cycles: float
    """What the model expects of its first option, and of the choice."""
    chosen_cycles: float
    default_ns: float
    """Nanoseconds of a call with the first option, and with the choice."""
    chosen_ns: float

    @property
    def gain(self) -> float:
        """What part of its time the choice saves."""
        return 1 - self.chosen_ns / self.default_ns


@dataclass(frozen=True)
class Tuning:
    """Choices for one target, by the digest of the kernel, and the CPU that they were measured on."""

    target: str
    cpu: str
    kernels: Mapping[str, Tuned] = field(default_factory=dict[str, Tuned])

    @property
    def choices(self) -> dict[str, str]:
        """Digest -> name of the option, as `choose-schedules` takes it."""
        return {digest: each.choice for digest, each in self.kernels.items()}


TuningSource: TypeAlias = str | PathLike[str] | Tuning | None
"""Schedules that were measured, the file that holds them, or none."""


def choices_of(source: TuningSource, target: Target) -> dict[str, str] | None:
    """The choices to compile with for a target; `None` leaves all to the model."""
    if source is None:
        return None
    return (source if isinstance(source, Tuning) else read_tuning(Path(source), target)).choices


def described(target: Target) -> str:
    """A target with its CPU: `host` is another one elsewhere."""
    return f"{target.name} {target.cpu}"


def empty_tuning(target: Target) -> Tuning:
    """Nothing measured yet, on this machine."""
    return Tuning(described(target), cpu_model())


def write_tuning(tuning: Tuning, path: Path) -> None:
    """Write a file to read and to keep: the same choices are the same bytes."""
    kernels = {digest: asdict(tuning.kernels[digest]) for digest in sorted(tuning.kernels)}
    content = {"version": VERSION, "target": tuning.target, "cpu": tuning.cpu, "kernels": kernels}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_tuning(path: Path, target: Target) -> Tuning:
    """Read a tuning file; `PenstockError` says why it cannot be used for a target."""
    try:
        tuning = _tuning(cast(object, json.loads(path.read_text(encoding="utf-8"))))
    except OSError as error:
        raise PenstockError(f"cannot be read: {error.strerror}", file=str(path)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise PenstockError(
            "not a tuning file of this version", file=str(path), remedy="Delete it and tune again."
        ) from error
    if tuning.target != described(target):
        raise PenstockError(
            f"the tuning is for the target '{tuning.target}', not for '{described(target)}'",
            file=str(path),
            remedy="Tune for this target into another file.",
        )
    return tuning


def _tuning(content: object) -> Tuning:
    """The content of a file; any of `ValueError`, `KeyError`, `TypeError` when it is something else."""
    if not isinstance(content, dict):
        raise TypeError("no object")
    entries = cast(dict[str, object], content)
    if entries["version"] != VERSION:
        raise ValueError("another version")
    kernels = entries["kernels"]
    if not isinstance(kernels, dict):
        raise TypeError("no kernels")
    found = {digest: _tuned(entry) for digest, entry in cast(dict[str, object], kernels).items()}
    return Tuning(str(entries["target"]), str(entries["cpu"]), found)


def _tuned(entry: object) -> Tuned:
    values = cast(Mapping[str, str | float], entry)
    times = [float(values[name]) for name in ("default_cycles", "chosen_cycles", "default_ns", "chosen_ns")]
    if not all(time > 0 for time in times):
        raise ValueError("no time")
    return Tuned(str(values["kernel"]), str(values["choice"]), int(values["tried"]), *times)


def remember(digest: str, tuned: Tuned, target: Target) -> None:
    """Keep a choice in the cache of kernels."""
    cache.store(_key(digest, target), json.dumps(asdict(tuned)).encode())


def recalled(digest: str, target: Target) -> Tuned | None:
    """The choice that was measured for a kernel on this machine, in whichever model."""
    data = cache.find(_key(digest, target))
    return None if data is None else _tuned(cast(object, json.loads(data)))


def _key(digest: str, target: Target) -> str:
    return cache.key_of(["tuned schedule", digest, cpu_model(), repr(target)])
