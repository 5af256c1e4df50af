"""What a user does with a model, done with a mutant: it is imported, and at times compiled and run."""

import faulthandler
import os
import resource
import signal
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from traceback import extract_tb

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

import penstock
from penstock.dialects.graph.base import shape_of
from penstock.errors import PenstockError
from penstock.onnx_import import import_model
from penstock.onnx_import.known_values import static_bytes
from penstock.package import STRINGS, TensorInfo, numpy_dtype
from penstock.packing import entry
from tools.fuzz.mutants import Mutant, mutant
from tools.fuzz.seeds import Seed
from tools.fuzz.watching import Watch
from tools.fuzz.yard import Yard

MOST_BYTES = 1 << 20
MOST_OPERATIONS = 60
SIZE = 2
"""What symbolic sizes become."""
IMPORTING, COMPILING, RUNNING = "import", "compile", "run"


@dataclass(frozen=True)
class Verdict:
    """How far a mutant came and how that ended; a finding tells what must not happen."""

    stage: str
    ended: str
    finding: str = ""


@dataclass(frozen=True)
class Limits:
    """What a mutant may take: processor seconds of an import and of the rest, and bytes of memory."""

    seconds: float = 10.0
    build_seconds: float = 60.0
    memory: int = 8 << 30


@dataclass(frozen=True)
class Trial:
    """Tries mutants by number; one in `every` of those that are accepted and small is compiled and run."""

    seeds: Sequence[Seed]
    start: int
    every: int
    scratch: Path
    limits: Limits = Limits()

    def __call__(self, number: int) -> Verdict:
        """The verdict on one mutant."""
        return self.judge(mutant(self.seeds, self.start, number))

    def judge(self, tried: Mutant) -> Verdict:
        """Do all of it under the eyes of the watch."""
        yard, watch = _place(self.scratch, self.limits.memory)
        yard.model.write_bytes(tried.data)
        watch.begin()
        try:
            verdict = self._tried(yard.model, tried.number)
        finally:
            seen = watch.end()
            signal.setitimer(signal.ITIMER_PROF, 0)
        strangers = [f"left {name} in the folder" for name in yard.strangers()]
        if seen or strangers:
            return Verdict(verdict.stage, "trespass", "; ".join([*seen, *strangers]))
        return verdict

    def _tried(self, path: Path, number: int) -> Verdict:
        stage = IMPORTING
        try:
            # The processor's time: a machine that is busy elsewhere is no finding.
            signal.setitimer(signal.ITIMER_PROF, self.limits.seconds)
            module = import_model(path)
            if number % self.every or not is_small(module):
                return Verdict(stage, "accepted")
            signal.setitimer(signal.ITIMER_PROF, self.limits.build_seconds)
            stage = COMPILING
            model = penstock.compile(path, dims=_sizes(module))
            stage = RUNNING
            model(_wild_inputs(model.inputs, number))
            return Verdict(stage, "ran")
        except PenstockError as error:
            return Verdict(stage, type(error).__name__, _unclear(error))
        except Exception as error:
            return Verdict(stage, "foreign exception", told(error))


@cache
def _place(scratch: Path, memory: int) -> tuple[Yard, Watch]:
    """The folder and the watch of this process, made when first needed."""
    root = scratch / f"{os.getpid()}"
    yard = Yard(root)
    cache_folder = scratch / "cache"
    cache_folder.mkdir(parents=True, exist_ok=True)
    os.environ["PENSTOCK_CACHE"] = tempfile.tempdir = str(cache_folder)
    warnings.simplefilter("ignore")
    faulthandler.disable()
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    watch = Watch(readable=(root,), writable=(cache_folder,))
    watch.install()
    return yard, watch


def is_small(module: ModuleOp) -> bool:
    """Whether compiling and running a module takes no time to speak of."""
    block = entry(module).body.block
    operations = list(block.ops)
    values = [*block.args, *(value for op in operations for value in op.results)]
    return len(operations) <= MOST_OPERATIONS and sum(map(static_bytes, values)) <= MOST_BYTES


def _sizes(module: ModuleOp) -> dict[str, int]:
    """A number for every size that the model leaves open."""
    dims = {d for argument in entry(module).args for d in shape_of(argument)}
    return {d: SIZE for d in dims if isinstance(d, str) and d != "?"}


def _wild_inputs(inputs: Sequence[TensorInfo], number: int) -> dict[str, NDArray[np.generic]]:
    """Arrays of any bytes every other time, else of small numbers."""
    generator = np.random.default_rng(number)
    made: dict[str, NDArray[np.generic]] = {}
    for each in inputs:
        dtype = numpy_dtype(each.dtype)
        if each.dtype == STRINGS:
            made[each.name] = _wild_strings(generator, each.shape)
        elif dtype == np.bool_ or generator.integers(0, 2):
            made[each.name] = generator.integers(0, 2, each.shape).astype(dtype)
        else:
            made[each.name] = np.frombuffer(generator.bytes(each.nbytes), dtype).reshape(each.shape)
    return made


def _wild_strings(generator: np.random.Generator, shape: tuple[int | str, ...]) -> NDArray[np.object_]:
    """Strings of any characters, halves of pairs among them, or of digits."""
    strings = np.empty(shape, np.object_)
    for place in np.ndindex(strings.shape):
        most = 0x110000 if generator.integers(0, 2) else ord(":")
        strings[place] = "".join(map(chr, generator.integers(ord("+"), most, generator.integers(0, 9))))
    return strings


def _unclear(error: PenstockError) -> str:
    """What a refusal fails to say."""
    text = str(error)
    if error.file is None and error.remedy is None and not hasattr(error, "problems"):
        return f"a refusal without file and remedy: {text}"
    return "" if text.strip() else "a refusal without words"


def told(error: BaseException) -> str:
    """An exception and where it comes from, in one line."""
    frames = extract_tb(error.__traceback__)
    ours = [f for f in frames if "site-packages" not in f.filename][-1:]
    where = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in (*ours, frames[-1])]
    return f"{type(error).__name__} at {' > '.join(dict.fromkeys(where))}: {error}"[:400]
