"""From a scheduled module to one image: each kernel is lowered and compiled by itself, in parallel, through the cache."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr, ModuleOp
from xdsl.passes import ModulePass

from penstock import cache
from penstock.backends.llvm import Image, compile_module, link
from penstock.backends.targets import Target
from penstock.dialects.resources import ResourceAttr
from penstock.model import aligned_bytes

Lowering = Sequence[ModulePass]
Progress = Callable[[int, int], None]


def build_image(
    ctx: Context, module: ModuleOp, target: Target, passes: Lowering, progress: Progress | None = None
) -> Image:
    """Compile every function of a nest-level module and link them; `progress` hears functions done and in all."""
    parts = list(function_modules(module))
    jobs: list[tuple[str, bytes | Future[bytes]]] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for done, part in enumerate(parts):
            jobs.append(_start(ctx, part, target, passes, pool))
            if progress is not None:
                progress(done, len(parts))
        objects = [_finish(key, job) for key, job in jobs]
    if progress is not None:
        progress(len(parts), len(parts))
    return link(objects)


def weights_block(main: func.FuncOp) -> NDArray[np.uint8]:
    """The block of weights that `place-constants` laid out."""
    placed = main.attributes["nest.weights"]
    assert isinstance(placed, ArrayAttr)
    parts: list[tuple[int, NDArray[np.uint8]]] = []
    for each in placed.data:
        assert isinstance(each, DictionaryAttr)
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
    ctx: Context, part: ModuleOp, target: Target, passes: Lowering, pool: ThreadPoolExecutor
) -> tuple[str, bytes | Future[bytes]]:
    """The object from the cache, or the compilation under way: LLVM runs beside the lowering of the next kernel."""
    key = cache.key_of([str(part), repr(target), *(str(p) for p in passes)]) if _are_ours(passes) else ""
    found = cache.find(key) if key else None
    if found is not None:
        return key, found
    for each in passes:
        each.apply(ctx, part)
    return key, pool.submit(lambda: compile_module(part, target).object)


def _finish(key: str, job: bytes | Future[bytes]) -> bytes:
    if isinstance(job, bytes):
        return job
    data = job.result()
    if key:
        cache.store(key, data)
    return data


def _are_ours(passes: Lowering) -> bool:
    """Whether the key of the cache knows the code of the passes: that of a plugin may change unseen."""
    return all(type(each).__module__.startswith("penstock.") for each in passes)
