"""One function after the other on its way from scheduled nests to assembly, kept as text: what people read.

The build takes the same way without the text, in parallel and through the cache.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from penstock.backends.llvm import compile_module, translate
from penstock.backends.targets import Target
from penstock.build import function_modules
from penstock.listing import function_texts, module_text
from penstock.pipeline import Phase
from penstock.thread_pool import pool_module

LOCAL_LABEL = re.compile(r"\.L(?=\w)")
"""Suffix of a file -> the level whose text it holds."""


@dataclass(frozen=True)
class Descent:
    """The text of one function at each level below the schedule, in order."""

    name: str
    texts: Mapping[str, str]


def descents(ctx: Context, module: ModuleOp, target: Target, later: Sequence[Phase]) -> Iterator[Descent]:
    """Take every function of a scheduled module down through the later phases."""
    for part in function_modules(module):
        yield descend(ctx, part, target, later)


def _pool_assembly(module: ModuleOp, target: Target) -> Iterator[str]:
    """The assembly of the pool of threads, for a module that has one."""
    threads = pool_module(module, target)
    if threads is not None:
        yield compile_module(threads, target, with_assembly=True).assembly or ""


def descend(ctx: Context, part: ModuleOp, target: Target, later: Sequence[Phase]) -> Descent:
    """Take down a module whose first function is defined; it is left at the lowest level."""
    name = next(iter(function_texts(part)))
    texts = {"schedule": module_text(part)}
    for phase in later:
        for each in phase.passes:
            each.apply(ctx, part)
        texts[phase.name] = module_text(part)
    texts["ll"] = translate(part)
    texts["asm"] = compile_module(part, target, with_assembly=True).assembly or ""
    return Descent(name, texts)


def text_of_code(ctx: Context, module: ModuleOp, target: Target, later: Sequence[Phase], level: str) -> str:
    """A scheduled module, left as it is, as one text of a level below: `loops`, `llvm`, `ll` or `asm`."""
    if level == "asm":
        kernels = (part.texts["asm"] for part in descents(ctx, module, target, later))
        return _assembly(chain(kernels, _pool_assembly(module, target)))
    whole, threads = module.clone(), pool_module(module, target)
    for phase in later:
        for each in phase.passes:
            each.apply(ctx, whole)
        if phase.name == level and (level != "llvm" or threads is None):
            return module_text(whole)
    if threads is not None:
        whole.body.block.add_ops([op.clone() for op in threads.ops])
    if level == "llvm":
        return module_text(whole)
    return f'target triple = "{target.triple}"\n\n{translate(whole)}'


def _assembly(parts: Iterable[str]) -> str:
    """The assembly of all functions in one file: labels that are local to each get its number."""
    return "\n".join(LOCAL_LABEL.sub(f".L{number}_", text) for number, text in enumerate(parts))
