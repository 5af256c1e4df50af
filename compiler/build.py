"""From a scheduled module to one image: each kernel is compiled by itself, in parallel, through the cache."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import perf_counter, thread_time
from typing import cast

import numpy as np
from xdsl.context import Context
from xdsl.dialects import func, llvm
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr, ModuleOp

from penstock import cache, workers
from penstock.backends.llvm import Image, compile_module, link
from penstock.backends.targets import Target
from penstock.dialects.nest.parallel import set_threads, threads_of
from penstock.dialects.resources import ResourceAttr
from penstock.dialects.spool import release
from penstock.passes.canonical_text import CanonicalText
from penstock.pipeline import Phase
from penstock.thread_pool import pool_module
from penstock.watching import Watcher
from penstock.weights import Part, Weights

Progress = Callable[[int, int], None]
WEIGHTS = "nest.weights"
"""What `place-constants` says of the weights of a function; they are no part of its code."""


@dataclass
class _Job:
    """A function on its way to an object, which is there or under way with the seconds that LLVM takes."""

    name: str
    part: ModuleOp
    later: Sequence[Phase]
    """The phases that it has to go through."""
    key: str
    object: bytes | Future[tuple[bytes, float]] | None


def build_image(
    ctx: Context,
    module: ModuleOp,
    target: Target,
    later: Sequence[Phase],
    progress: Progress | None = None,
    watcher: Watcher | None = None,
) -> Image:
    """Compile and link every function of a nest-level module; `progress` hears how many are done."""
    heard = watcher or Watcher()
    build = _Build(ctx, target, progress or _nothing, heard)
    texts = CanonicalText()
    jobs = [_job(part, target, later, texts) for part in function_modules(module)]
    threads = pool_module(module, target)
    if threads is not None:
        # It is at the lowest level already.
        jobs.append(_job(threads, target, (), texts))
    if not heard.follows_kernels:
        build.in_processes([job for job in jobs if job.object is None])
    return link(build.in_threads(jobs))


def _nothing(done: int, total: int) -> None:
    """Nobody hears the progress."""


def _job(part: ModuleOp, target: Target, later: Sequence[Phase], texts: CanonicalText) -> _Job:
    """A function with its object from the cache, if it is there."""
    name = next(op.sym_name.data for op in part.ops if isinstance(op, func.FuncOp | llvm.FuncOp))
    passes = [str(each) for phase in later for each in phase.passes]
    key = cache.key_of([texts.of(part), repr(target), *passes]) if _are_ours(later) else ""
    return _Job(name, part, later, key, cache.find(key) if key else None)


@dataclass(frozen=True)
class _Build:
    """How functions become objects, and who hears of it."""

    ctx: Context
    target: Target
    progress: Progress
    watcher: Watcher

    def in_processes(self, jobs: Sequence[_Job]) -> None:
        """Give objects to the jobs, if processes pay off; a job whose object cannot be made keeps none."""
        if not workers.pay_off(len(jobs)):
            return
        # Large ones first: what is left at the end is small.
        jobs = sorted(jobs, key=lambda job: -sum(1 for _ in job.part.walk()))
        made = workers.in_processes(lambda number: self._compiled(jobs[number]), len(jobs))
        for done, (number, data) in enumerate(made):
            self.progress(done, len(jobs))
            jobs[number].object = data
            self._store(jobs[number], data)

    def in_threads(self, jobs: Sequence[_Job]) -> list[bytes]:
        """The objects of all jobs: LLVM runs beside the lowering of the next function."""
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for done, job in enumerate(jobs):
                if job.object is None:
                    self._lower(job)
                    job.object = pool.submit(_compile, job.part, self.target)
                self.progress(done, len(jobs))
            objects = [self._finish(job) for job in jobs]
        self.progress(len(jobs), len(jobs))
        return objects

    def _compiled(self, job: _Job) -> bytes:
        self._lower(job)
        return _compile(job.part, self.target)[0]

    def _lower(self, job: _Job) -> None:
        if job.later:
            self.watcher.started(job.part)
        for phase in job.later:
            for each in phase.passes:
                start = perf_counter()
                each.apply(self.ctx, job.part)
                self.watcher.passed(phase.name, each, job.part, perf_counter() - start)

    def _finish(self, job: _Job) -> bytes:
        if not isinstance(job.object, Future):
            assert job.object is not None, "a job without an object is under way"
            self.watcher.compiled(job.name, None)
            return job.object
        data, seconds = job.object.result()
        self.watcher.compiled(job.name, seconds)
        self._store(job, data)
        return data

    def _store(self, job: _Job, data: bytes) -> None:
        if job.key:
            cache.store(job.key, data)


def weights_of(main: func.FuncOp) -> Weights:
    """The weights where `place-constants` laid them."""
    placed = main.attributes[WEIGHTS]
    assert isinstance(placed, ArrayAttr)
    parts: list[Part] = []
    for each in cast(ArrayAttr[DictionaryAttr], placed):
        value, offset = each.data["value"], each.data["offset"]
        assert isinstance(value, ResourceAttr) and isinstance(offset, IntegerAttr)
        array = np.ascontiguousarray(value.array).reshape(-1).view(np.uint8)
        parts.append(Part(offset.value.data, array.data, partial(release, array)))
    return Weights(parts)


def function_modules(module: ModuleOp) -> Iterator[ModuleOp]:
    """One module per function, with declarations of what it calls; everything in a fixed order."""
    functions = [op for op in module.ops if isinstance(op, func.FuncOp) and op.body.blocks]
    kinds = {f.sym_name.data: f for f in functions}
    for function in functions:
        calls = [op.callee.string_value() for op in function.walk() if isinstance(op, func.CallOp)]
        declared = [_declaration(kinds[name]) for name in dict.fromkeys(calls)]
        copy = function.clone()
        copy.attributes.pop(WEIGHTS, None)
        part = ModuleOp([copy, *declared])
        part.attributes.update(module.attributes)
        yield part


def program_module(module: ModuleOp) -> ModuleOp:
    """One module of all functions that are no kernels, with declarations of the kernels that they call."""
    functions = [op for op in module.ops if isinstance(op, func.FuncOp) and op.body.blocks]
    kernels = [f for f in functions if "nest.kernel" in f.attributes]
    program = ModuleOp([*(f.clone() for f in functions if f not in kernels), *map(_declaration, kernels)])
    program.attributes.update(module.attributes)
    return program


def _declaration(function: func.FuncOp) -> func.FuncOp:
    kind = function.function_type
    declared = func.FuncOp.external(function.sym_name.data, list(kind.inputs), list(kind.outputs))
    threads = threads_of(function)
    if threads is not None:
        # It takes what runs its parts.
        set_threads(declared, threads)
    return declared


def _compile(part: ModuleOp, target: Target) -> tuple[bytes, float]:
    """The object, and the processor time it took: the clock would count the wait for LLVM's lock."""
    start = thread_time()
    return compile_module(part, target).object, thread_time() - start


def _are_ours(later: Sequence[Phase]) -> bool:
    """Whether the key of the cache knows the code of the passes: that of a plugin may change unseen."""
    passes = [each for phase in later for each in phase.passes]
    return all(type(each).__module__.startswith("penstock.") for each in passes)
