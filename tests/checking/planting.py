"""Plants a mistake in a pass: its modules are imported once more, a piece of the source of one changed."""

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import NoReturn, cast

from onnx import ModelProto
from xdsl.passes import ModulePass

from penstock.backends.targets import host
from penstock.checking.check import Options, check_module
from penstock.checking.kernels import MAX_STEPS
from penstock.checking.report import CheckStep
from penstock.dialects.nest.machine import Machine
from penstock.onnx_import import import_model
from penstock.pipeline import Phase
from penstock.registry import context

PASSES = "penstock.passes"


@dataclass(frozen=True)
class Mistake:
    """A piece of the source of a module of the passes, and what stands there by mistake."""

    module: str
    right: str
    wrong: str


class WrongSource(SourceFileLoader):
    """Loads a module with a mistake in it, and leaves no trace of it on disk."""

    mistake: Mistake

    def path_stats(self, path: str) -> NoReturn:
        """Say nothing of the file, so that no bytecode is read or written."""
        raise OSError(path)

    def get_data(self, path: str) -> bytes:
        """The changed source."""
        source = super().get_data(path).decode()
        assert self.mistake.right in source, f"{path} has no `{self.mistake.right}` any more"
        return source.replace(self.mistake.right, self.mistake.wrong).encode()


class WrongFinder(MetaPathFinder):
    """Finds the module with the mistake, and no other."""

    def __init__(self, mistake: Mistake):
        self.mistake = mistake
        path = import_module(mistake.module).__file__
        assert path is not None, "a pass has a file"
        self.path = path

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module, to be loaded with its mistake."""
        if fullname != self.mistake.module:
            return None
        loader = WrongSource(fullname, self.path)
        loader.mistake = self.mistake
        return spec_from_file_location(fullname, self.path, loader=loader)


@contextmanager
def fresh_passes(mistake: Mistake) -> Generator[None]:
    """Let the passes be imported once more, with a mistake, as long as the block runs."""
    sound = {name: module for name, module in sys.modules.items() if name.startswith(PASSES)}
    finder = WrongFinder(mistake)
    for name in sound:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.startswith(PASSES)]:
            del sys.modules[name]
        sys.modules.update(sound)
        sys.modules["penstock"].__dict__["passes"] = sound[PASSES]


def with_mistake(sound: ModulePass, mistake: Mistake) -> ModulePass:
    """The same pass, with a mistake in the module it is in or in one that it uses."""
    with fresh_passes(mistake):
        kind = vars(import_module(type(sound).__module__))[type(sound).__name__]
    return cast(ModulePass, kind(**vars(sound)))


def replaced(pipeline: Sequence[Phase], name: str, mistake: Mistake) -> list[Phase]:
    """A pipeline in which every pass of a name makes a mistake."""
    names = [each.name for phase in pipeline for each in phase.passes]
    assert name in names, f"the pipeline has no pass '{name}'"
    return [
        replace(phase, passes=tuple(with_mistake(p, mistake) if p.name == name else p for p in phase.passes))
        for phase in pipeline
    ]


def checked(
    model: ModelProto, pipeline: Sequence[Phase], folder: Path, max_steps: int = MAX_STEPS
) -> list[CheckStep]:
    """The steps of a check of a model on this machine."""
    module = import_model(model)
    # A machine that is the same everywhere, so that schedules are: what they make of a model is tested here.
    Machine().attach(module)
    given = Options("small", folder=folder, max_steps=max_steps)
    return list(check_module(context(), module, pipeline, host(), given))
