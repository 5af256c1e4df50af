"""Errors a user can act on, one class per cause: any layer raises them, the command line prints them."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields


class PenstockError(Exception):
    """A request that cannot be met, told as file, node, cause and remedy in one line."""

    def __init__(
        self, message: str, *, node: str | None = None, file: str | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.node = node
        self.file = file
        self.remedy = remedy

    def __str__(self) -> str:
        where = [] if self.file is None else [self.file]
        if self.node is not None:
            where.append(f"node '{self.node}'")
        line = ": ".join([*where, self.message])
        return line if self.remedy is None else f"{line.rstrip('.')}. {self.remedy}"


class ModelError(PenstockError):
    """The bytes are not a model, or the model contradicts itself."""


class ShapeError(PenstockError):
    """The shapes in the model, or the ones given for it, do not fit together."""


class LimitError(PenstockError):
    """Compiling the model takes more than its limits allow (`penstock.limits`)."""


class CallError(PenstockError):
    """A compiled model was called with arrays it was not compiled for."""


class PositionError(CallError):
    """A position that came with the inputs of a run, or was computed from them, lies outside of a tensor."""


class HostError(CallError):
    """An operation that Python runs cannot be run: its operands make no sense, or a package is missing."""


class TargetError(PenstockError):
    """The target is not known, or this machine cannot run or link its code."""


class CheckError(PenstockError):
    """A pass, or the compiled code, changed the meaning of the model beyond what was stated."""


class PluginError(PenstockError):
    """A plugin cannot be loaded, or brings a name that is already taken."""


@dataclass(frozen=True)
class Problem:
    """One thing that stands in a model's way, with all that is needed to find and remove it."""

    node: str
    op: str
    opset: str
    shapes: str
    reason: str
    remedy: str


class UnsupportedError(PenstockError):
    """The model is sound and some of its nodes cannot be compiled: all of them are listed, not the first."""

    def __init__(self, problems: Sequence[Problem], *, file: str | None = None) -> None:
        count = len(problems)
        verb = "node cannot" if count == 1 else "nodes cannot"
        super().__init__(f"{count} {verb} be compiled", file=file)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join([f"{super().__str__()}:", *problem_table(self.problems)])


def problem_table(problems: Sequence[Problem]) -> list[str]:
    """Lay the problems out as aligned columns, one line each under a header."""
    header = tuple(field.name for field in fields(Problem))
    rows: list[tuple[str, ...]] = [header, *(astuple(problem) for problem in problems)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
