"""What a person sees on a terminal while a model is compiled: the pass that runs, then the kernels done."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from penstock.watching import Watcher, Watchers

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp
    from xdsl.passes import ModulePass

T = TypeVar("T", covariant=True)


class Compilation(Protocol[T]):
    """A compilation that tells how far it is."""

    def __call__(self, *, progress: Callable[[int, int], None] | None, watcher: Watcher | None) -> T: ...


class Bar(Watcher):
    """A line that names the pass on the whole module, then fills up kernel by kernel."""

    needs_passes = False

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._task = shown.add_task("reading the model", total=None)

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
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description:40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # A thread that refreshes it would keep the compiler from forking.
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as shown:
        yield Bar(shown)
