"""From a scheduled module to one image: each kernel is compiled by itself, in parallel, through the cache."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter, thread_time
from typing import cast

import numpy as np
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr, ModuleOp

from penstock import cache
from penstock.backends.llvm import Image, compile_module, link
from penstock.backends.targets import Target
from penstock.dialects.resources import ResourceAttr
from penstock.model import aligned_bytes
from penstock.pipeline import Phase
from penstock.watching import Watcher

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Job:
    """A function whose object is there, or under way with the seconds that LLVM takes for it."""

    name: str
    key: str
    object: bytes | Future[tuple[bytes, float]]


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
    parts = list(function_modules(module))
    jobs: list[_Job] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for done, part in enumerate(parts):
            jobs.append(_start(ctx, part, target, later, pool, heard))
            if progress is not None:
                progress(done, len(parts))
        objects = [_finish(job, heard) for job in jobs]
    if progress is not None:
        progress(len(parts), len(parts))
    return link(objects)


def weights_block(main: func.FuncOp) -> NDArray[np.uint8]:
    """The block of weights that `place-constants` laid out."""
    placed = main.attributes["nest.weights"]
    assert isinstance(placed, ArrayAttr)
    parts: list[tuple[int, NDArray[np.uint8]]] = []
    for each in cast(ArrayAttr[DictionaryAttr], placed):
        value, offset = each.data["value"], each.data["offset"]
        assert isinstance(value, ResourceAttr) and isinstance(offset, IntegerAttr)
        parts.append((offset.value.data, np.ascontiguousarray(value.array).reshape(-1).view(np.uint8)))
    block = aligned_bytes(max((at + len(data) for at, data in parts), default=0))
    block[:] = 0
    for at, data in parts:
        block[at : at + len(data)] = data
    return block


def function_modules(module: ModuleOp) -> Iterator[ModuleOp]:
    """One module per function, with declarations of what it calls; everything in a fixed order."""
    functions = [op for op in module.ops if isinstance(op, func.FuncOp) and op.body.blocks]
    kinds = {f.sym_name.data: f for f in functions}
    for function in functions:
        calls = [op.callee.string_value() for op in function.walk() if isinstance(op, func.CallOp)]
        declared = [_declaration(kinds[name]) for name in dict.fromkeys(calls)]
        part = ModuleOp([function.clone(), *declared])
        part.attributes.update(module.attributes)
        yield part


def _declaration(function: func.FuncOp) -> func.FuncOp:
    return func.FuncOp.external(
        function.sym_name.data, list(function.function_type.inputs), list(function.function_type.outputs)
    )


def _start(
    ctx: Context,
    part: ModuleOp,
    target: Target,
    later: Sequence[Phase],
    pool: ThreadPoolExecutor,
    watcher: Watcher,
) -> _Job:
    """The object from the cache, or under way: LLVM runs beside the lowering of the next kernel."""
    name = next(op.sym_name.data for op in part.ops if isinstance(op, func.FuncOp))
    passes = [str(each) for phase in later for each in phase.passes]
    key = cache.key_of([str(part), repr(target), *passes]) if _are_ours(later) else ""
    found = cache.find(key) if key else None
    if found is not None:
        return _Job(name, key, found)
    _lower(ctx, part, later, watcher)
    return _Job(name, key, pool.submit(_compile, part, target))


def _lower(ctx: Context, part: ModuleOp, later: Sequence[Phase], watcher: Watcher) -> None:
    watcher.started(part)
    for phase in later:
        for each in phase.passes:
            start = perf_counter()
            each.apply(ctx, part)
            watcher.passed(phase.name, each, part, perf_counter() - start)


def _compile(part: ModuleOp, target: Target) -> tuple[bytes, float]:
    """The object, and the processor time it took: the clock would count the wait for LLVM's lock."""
    start = thread_time()
    return compile_module(part, target).object, thread_time() - start


def _finish(job: _Job, watcher: Watcher) -> bytes:
    if isinstance(job.object, bytes):
        watcher.compiled(job.name, None)
        return job.object
    data, seconds = job.object.result()
    watcher.compiled(job.name, seconds)
    if job.key:
        cache.store(job.key, data)
    return data


def _are_ours(later: Sequence[Phase]) -> bool:
    """Whether the key of the cache knows the code of the passes: that of a plugin may change unseen."""
    passes = [each for phase in later for each in phase.passes]
    return all(type(each).__module__.startswith("penstock.") for each in passes)
