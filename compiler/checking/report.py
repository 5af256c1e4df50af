"""What a check tells: a step per pass, and for the one that failed an error with a reduced module."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp
from xdsl.ir import Attribute

from penstock.dialects.resources import Array, ResourceAttr, remember
from penstock.errors import CheckError


@dataclass(frozen=True)
class CheckStep:
    """The outcome of a pass on the module or on one kernel; errors are relative to the largest value."""

    name: str
    level: str
    numerics: str
    error: float
    bound: float
    passed: bool
    kernel: str | None = None


@dataclass(frozen=True)
class Reduced:
    """The smallest module found that a pass still changes, and arrays for the arguments of its function."""

    module: ModuleOp
    arrays: Sequence[Array]


class MiscompilationError(CheckError):
    """A pass changed what the model computes: which, where, which value, and how to repeat it."""

    def __init__(
        self, step: CheckStep, detail: str, *, nodes: Sequence[str] = (), reproducer: Path | None = None
    ) -> None:
        place = f" of kernel '{step.kernel}'" if step.kernel is not None else ""
        served = f", which serves {', '.join(map(repr, nodes))}" if nodes else ""
        remedy = None
        if reproducer is not None:
            remedy = f"`penstock opt {reproducer} -p {step.name}` repeats it on the part that is left."
        super().__init__(
            f"the pass '{step.name}' ({step.numerics}) changed the meaning{place} at the {step.level} level"
            f"{served}: {detail}",
            remedy=remedy,
        )
        self.step = step
        self.detail = detail
        self.nodes = tuple(nodes)
        self.reproducer = reproducer


def summary(steps: Sequence[CheckStep]) -> list[CheckStep]:
    """One step for each pass: of its steps on kernels the one with the largest error, or that failed."""
    worst: dict[tuple[object, ...], CheckStep] = {}
    for number, step in enumerate(steps):
        key = (step.name, step.level) if step.kernel is not None else (number,)
        known = worst.get(key)
        if known is None or (not step.passed, step.error) > (not known.passed, known.error):
            worst[key] = step
    return list(worst.values())


def write_reproducer(folder: Path, stem: str, reduced: Reduced) -> Path:
    """Write the module as text and, beside it, its weights by digest and the arguments by number."""
    path = folder / f"{stem}.mlir"
    path.write_text(str(reduced.module) + "\n", encoding="utf-8")
    arguments = {f"argument{i}": np.asarray(a) for i, a in enumerate(reduced.arrays)}
    np.savez(
        path.with_suffix(".npz"), allow_pickle=False, **remember(_resources(reduced.module)), **arguments
    )
    return path


def _resources(module: ModuleOp) -> Iterator[ResourceAttr]:
    for op in module.walk():
        for attribute in (*op.properties.values(), *op.attributes.values()):
            yield from _resources_in(attribute)


def _resources_in(attribute: Attribute) -> Iterator[ResourceAttr]:
    inner: Sequence[Attribute] = ()
    match attribute:
        case ResourceAttr():
            yield attribute
        case ArrayAttr():
            inner = attribute.data
        case DictionaryAttr():
            inner = tuple(_values(attribute.data))
        case _:
            pass
    for each in inner:
        yield from _resources_in(each)


def _values(entries: Mapping[str, Attribute]) -> Iterator[Attribute]:
    return iter(entries.values())
