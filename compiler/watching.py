"""Who hears of a compilation while it runs: the driver and the build tell, tables and dumps listen."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp
    from xdsl.passes import ModulePass


class Watcher:
    """Hears every step of a compilation; a subclass overrides what it wants to hear, and changes nothing."""

    follows_kernels: bool = False
    """Whether it must hear the passes on single functions: these then all run in this process."""
    needs_passes: bool = True
    """Whether the passes must run for it to hear them, even on a model that was compiled before."""

    def reading(self) -> None:
        """The model was not compiled before: it is about to be read."""

    def started(self, module: "ModuleOp") -> None:
        """A module, the whole one or that of one function, is about to be taken through passes."""

    def passed(self, phase: str, each: "ModulePass", module: "ModuleOp", seconds: float) -> None:
        """A pass of a phase has run on the module that was started last."""

    def compiled(self, name: str, seconds: float | None) -> None:
        """A function became machine code; `None` seconds mean that it was found in the cache."""


class Watchers(Watcher):
    """Several watchers that hear the same."""

    def __init__(self, several: Sequence[Watcher]) -> None:
        self._several = several
        self.follows_kernels = any(each.follows_kernels for each in several)
        self.needs_passes = any(each.needs_passes for each in several)

    def reading(self) -> None:
        for each in self._several:
            each.reading()

    def started(self, module: "ModuleOp") -> None:
        for each in self._several:
            each.started(module)

    def passed(self, phase: str, each: "ModulePass", module: "ModuleOp", seconds: float) -> None:
        for watcher in self._several:
            watcher.passed(phase, each, module, seconds)

    def compiled(self, name: str, seconds: float | None) -> None:
        for each in self._several:
            each.compiled(name, seconds)
