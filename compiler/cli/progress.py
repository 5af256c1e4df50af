"""What a person sees on a terminal while a model is compiled: the pass that runs, then the kernels done."""

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

from penstock.watching import Watcher, Watchers

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID
    from xdsl.dialects.builtin import ModuleOp
    from xdsl.passes import ModulePass

T = TypeVar("T", covariant=True)


class Compilation(Protocol[T]):
    """A compilation that tells how far it is."""

    def __call__(self, *, progress: Callable[[int, int], None] | None, watcher: Watcher | None) -> T: ...


class Bar(Watcher):
    """A line that names the pass on the whole module, then fills up kernel by kernel.

    It is there from the first that there is to tell: of a model that was compiled before there is nothing.
    """

    needs_passes = False

    def __init__(self, shown: ExitStack) -> None:
        self._stack = shown

    @cached_property
    def _shown(self) -> "Progress":
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description:40}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        # A thread that refreshes it would keep the compiler from forking.
        shown = Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False)
        return self._stack.enter_context(shown)

    @cached_property
    def _task(self) -> "TaskID":
        return self._shown.add_task("", total=None)

    def reading(self) -> None:
        """Say so."""
        self._show(description="reading the model")

    def passed(self, phase: str, each: "ModulePass", module: "ModuleOp", seconds: float) -> None:
        """Name the pass; those on single kernels come too fast to be read."""
        self._show(description=f"{phase}: {each.name}")

    def kernels(self, done: int, total: int) -> None:
        """Fill up."""
        self._show(description="kernels", completed=done, total=total)

    def told(self, what: str, done: int, total: int) -> None:
        """Say what goes on, in which step of how many."""
        self._show(description=what, completed=done, total=total)

    def _show(self, description: str, completed: int | None = None, total: int | None = None) -> None:
        self._shown.update(self._task, description=description, completed=completed, total=total)
        self._shown.refresh()


def followed(compilation: Compilation[T], watchers: Sequence[Watcher] = ()) -> T:
    """Run a compilation, with a bar when standard error is a terminal."""
    with progress_bar() as bar:
        heard = Watchers([*watchers, *([bar] if bar is not None else [])])
        return compilation(progress=None if bar is None else bar.kernels, watcher=heard)


@contextmanager
def progress_bar() -> Generator[Bar | None]:
    """A bar that is gone when all is done, or `None` where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    with ExitStack() as shown:
        yield Bar(shown)
