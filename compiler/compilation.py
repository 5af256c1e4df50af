"""What a model is compiled for: the keywords of `penstock.compile` and of all that compile beside it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, TypeAlias, TypedDict, Union

from penstock.backends.targets import Target
from penstock.backends.targets import target as target_named

if TYPE_CHECKING:
    from onnx import ModelProto

    from penstock.extensions import Passes
    from penstock.registry import Plugin
    from penstock.tuning_file import TuningSource
    from penstock.watching import Watcher

Model: TypeAlias = Union[str, "PathLike[str]", bytes, "ModelProto"]
"""A model of ONNX: its file, its bytes, or what `onnx` made of them."""
Shapes = Mapping[str, Sequence[int | str]]
Dims = Mapping[str, int]
Bounds = Mapping[str, tuple[int, int | None]]
Hints = Mapping[str, int]
Lengths = Mapping[str, int | None]
Progress = Callable[[int, int], None]


class Kind(TypedDict, total=False):
    """What decides which code a model becomes, one schedule or another."""

    shapes: Shapes | None
    dims: Dims | None
    bounds: Bounds | None
    hints: Hints | None
    lengths: Lengths | None
    target: str | Target
    plugins: "Sequence[Plugin]"
    passes: "Passes | None"


class Code(Kind, total=False):
    """What decides all of the code."""

    threads: int
    tuning: "TuningSource"


class Keywords(Code, total=False):
    """The same, and who hears of the compilation."""

    progress: Progress | None
    watcher: "Watcher | None"
    dump_dir: "str | PathLike[str] | None"


@dataclass(frozen=True)
class Options:
    """The keywords, with what holds where one is not given; `penstock.compile` tells what each means."""

    shapes: Shapes | None = None
    dims: Dims | None = None
    bounds: Bounds | None = None
    hints: Hints | None = None
    lengths: Lengths | None = None
    target: str | Target = "host"
    plugins: "Sequence[Plugin]" = ()
    passes: "Passes | None" = None
    threads: int = 1
    tuning: "TuningSource" = None
    progress: Progress | None = None
    watcher: "Watcher | None" = None
    dump_dir: "str | PathLike[str] | None" = None

    @property
    def machine(self) -> Target:
        """The machine that is compiled for."""
        return target_named(self.target) if isinstance(self.target, str) else self.target

    @property
    def is_plain(self) -> bool:
        """Whether the compiler is as it comes and nobody watches it: its result can be kept."""
        changed = self.plugins or self.passes or self.tuning is not None
        watched = self.watcher is not None and self.watcher.needs_passes
        return not changed and self.dump_dir is None and not watched
