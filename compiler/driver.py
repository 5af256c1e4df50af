"""The compiler from end to end: import, run the pipeline, build the code, package it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr
from xdsl.ir import Attribute
from xdsl.passes import ModulePass

from penstock.backends.llvm import Image
from penstock.backends.targets import Target
from penstock.backends.targets import target as target_named
from penstock.build import Progress, build_image, weights_block
from penstock.collector import collector_paused
from penstock.dialects.element_types import numpy_dtype
from penstock.dialects.graph.base import element_of, shape_of, static_shape_of
from penstock.dialects.memory_certificate import MEMORY_PLAN, read_certificate
from penstock.dialects.nest.machine import Machine
from penstock.errors import Problem, ShapeError, UnsupportedError
from penstock.extensions import Extended, Passes, extended
from penstock.model import CompiledModel, load
from penstock.onnx_import import import_model
from penstock.package import ENTRY, KernelInfo, Package, TensorInfo
from penstock.pipeline import Phase
from penstock.registry import Importers, Plugin

if TYPE_CHECKING:
    from onnx import ModelProto

    from penstock.checking.report import CheckStep

__all__ = ["CompiledModel", "Snapshot", "check", "compile", "diagnose", "load", "trace"]

Shapes = Mapping[str, Sequence[int | str]]
Dims = Mapping[str, int]
Observer = Callable[[Phase, ModulePass, ModuleOp, float], None]
"""Hears of every pass after it ran: its phase, the pass, the module, the seconds it took."""

WHOLE_MODULE = ("import", "graph", "nest", "schedule")
"""Phases that see the whole module; the later ones run kernel by kernel."""


@dataclass(frozen=True)
class Snapshot:
    """The module as one pass left it."""

    level: str
    pass_name: str
    numerics: str
    seconds: float
    text: str


def compile(
    model: "str | PathLike[str] | bytes | ModelProto",
    *,
    shapes: Shapes | None = None,
    dims: Dims | None = None,
    target: str | Target = "host",
    plugins: Sequence[Plugin] = (),
    passes: Passes | None = None,
    progress: Progress | None = None,
) -> CompiledModel:
    """Compile an ONNX model (path, bytes or ModelProto) and load it.

    `shapes` gives whole shapes of inputs by name, `dims` numbers for symbolic sizes by name; every size must be known.
    `plugins` are Python files or modules that add to the compiler; `passes` run at the end of the phase that
    they are given for, as in `{"graph": [MyPass()]}`.
    `progress` hears how many kernels are done, of how many.  Raises `PenstockError`: the model cannot be read, lists
    its nodes that cannot be compiled, or leaves sizes open.
    """
    package = build(
        model, shapes=shapes, dims=dims, target=target, plugins=plugins, passes=passes, progress=progress
    )
    return CompiledModel(package)


def build(
    model: "str | PathLike[str] | bytes | ModelProto",
    *,
    shapes: Shapes | None = None,
    dims: Dims | None = None,
    target: str | Target = "host",
    plugins: Sequence[Plugin] = (),
    passes: Passes | None = None,
    progress: Progress | None = None,
    observer: Observer | None = None,
) -> Package:
    """Compile for any target, without loading the code: as `compile`, with an `observer` of every pass."""
    machine = target_named(target) if isinstance(target, str) else target
    known = extended(plugins, passes)
    with collector_paused():
        module = read(model, shapes, dims, known.importers)
        return build_module(module, _name(model), machine, known, progress=progress, observer=observer)


def build_module(
    module: ModuleOp,
    name: str,
    machine: Target,
    known: Extended,
    *,
    progress: Progress | None = None,
    observer: Observer | None = None,
) -> Package:
    """Compile a module of the graph level, which is left as scheduled nests."""
    ends = signature(module)
    prepare(module, machine)
    ctx = known.context()
    run_phases(ctx, module, [p for p in known.phases if p.name in WHOLE_MODULE], observer)
    later = [each for phase in known.phases if phase.name not in WHOLE_MODULE for each in phase.passes]
    image = build_image(ctx, module, machine, later, progress)
    return _package(name, machine, ends, module, image, numerics(known.phases))


def read(
    model: "str | PathLike[str] | bytes | ModelProto",
    shapes: Shapes | None = None,
    dims: Dims | None = None,
    importers: "Importers | None" = None,
) -> ModuleOp:
    """Import a model whose sizes are all known; `ShapeError` lists the open ones."""
    module = import_model(model, shapes=shapes, dims=dims, importers=importers)
    arguments = entry(module).body.block.args
    names = [t.data for t in _names(entry(module).arg_attrs)]
    open_sizes = {
        str(d): n for n, a in zip(names, arguments, strict=True) for d in shape_of(a) if isinstance(d, str)
    }
    if open_sizes:
        told = ", ".join(f"'{d}' of input '{n}'" for d, n in open_sizes.items())
        flags = " ".join(f"--dim {d}=1" if d != "?" else f"--shape {n}=..." for d, n in open_sizes.items())
        raise ShapeError(
            f"the model leaves sizes open: {told}", file=_file(model), remedy=f"Give them, as in {flags}."
        )
    return module


def prepare(module: ModuleOp, target: Target) -> None:
    """Tell the passes about the machine."""
    machine = Machine(target.vector_bits // 8, target.vector_registers, l1=target.l1d, l2=target.l2)
    machine.attach(module)


def entry(module: ModuleOp) -> func.FuncOp:
    """The function that is the model."""
    return next(op for op in module.ops if isinstance(op, func.FuncOp) and op.sym_name.data == ENTRY)


def run_phases(
    ctx: Context, module: ModuleOp, todo: Sequence[Phase], observer: Observer | None = None
) -> None:
    """Run phases in order; the module is verified at the end of each."""
    for phase in todo:
        for each in phase.passes:
            start = perf_counter()
            each.apply(ctx, module)
            if observer is not None:
                observer(phase, each, module, perf_counter() - start)
        module.verify()


def signature(module: ModuleOp) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
    """What a graph-level module takes and gives."""
    function = entry(module)
    kinds = function.function_type
    return _infos(function.arg_attrs, kinds.inputs.data), _infos(function.res_attrs, kinds.outputs.data)


def _infos(
    attributes: ArrayAttr[DictionaryAttr] | None, kinds: Sequence[Attribute]
) -> tuple[TensorInfo, ...]:
    return tuple(
        TensorInfo(name.data, numpy_dtype(element_of(kind)).name, static_shape_of(kind))
        for name, kind in zip(_names(attributes), kinds, strict=True)
    )


def _names(attributes: ArrayAttr[DictionaryAttr] | None) -> list[StringAttr]:
    found = [entry.data["graph.name"] for entry in attributes.data] if attributes is not None else []
    return [name for name in found if isinstance(name, StringAttr)]


def _file(model: object) -> str | None:
    return str(model) if isinstance(model, str | PathLike) else None


def _name(model: object) -> str:
    stem = Path(_file(model) or "model").stem
    return re.sub(r"\W", "_", stem) or "model"


def _package(
    name: str,
    target: Target,
    ends: tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]],
    module: ModuleOp,
    image: Image,
    stated: tuple[str, ...],
) -> Package:
    main = entry(module)
    plan = read_certificate(main.attributes[MEMORY_PLAN]).plan
    kernels = _kernels(module, image)
    return Package(name, target, *ends, image, weights_block(main), plan, kernels, stated)


def _kernels(module: ModuleOp, image: Image) -> tuple[KernelInfo, ...]:
    served: dict[str, list[str]] = {}
    calls = [op for op in entry(module).walk() if isinstance(op, func.CallOp)]
    for call in calls:
        nodes = call.attributes.get("nodes")
        names = (
            [n.data for n in nodes.data if isinstance(n, StringAttr)] if isinstance(nodes, ArrayAttr) else []
        )
        served.setdefault(call.callee.string_value(), []).extend(names)
    counts = {name: sum(c.callee.string_value() == name for c in calls) for name in served}
    return tuple(KernelInfo(n, tuple(nodes), counts[n], image.symbols[n].size) for n, nodes in served.items())


def numerics(pipeline: Sequence[Phase]) -> tuple[str, ...]:
    """What the passes of a pipeline do beyond exact rewriting."""
    stated = [(p.name, numerics_of(p)) for phase in pipeline for p in phase.passes]
    return tuple(dict.fromkeys(f"{name}: {how}" for name, how in stated if how != "exact"))


def numerics_of(each: ModulePass) -> str:
    """What a pass states of its numerics; one that states nothing must be exact."""
    return str(getattr(each, "numerics", "exact"))


def trace(
    model: "str | PathLike[str]",
    *,
    shapes: Shapes | None = None,
    dims: Dims | None = None,
    target: str = "host",
    plugins: Sequence[Plugin] = (),
    passes: Passes | None = None,
) -> Iterator[Snapshot]:
    """The module before any pass and after every pass, as text."""
    known = extended(plugins, passes)
    module = read(model, shapes, dims, known.importers)
    prepare(module, target_named(target))
    ctx = known.context()
    yield Snapshot("graph", "import", "exact", 0.0, str(module))
    for phase in known.phases:
        for each in phase.passes:
            start = perf_counter()
            each.apply(ctx, module)
            yield Snapshot(phase.level, each.name, numerics_of(each), perf_counter() - start, str(module))


def diagnose(
    model: "str | PathLike[str]",
    *,
    shapes: Shapes | None = None,
    dims: Dims | None = None,
    target: str = "host",
    plugins: Sequence[Plugin] = (),
    passes: Passes | None = None,
) -> list[Problem]:
    """All that stands in a model's way, without compiling it."""
    try:
        read(model, shapes, dims, extended(plugins, passes).importers)
    except UnsupportedError as error:
        return list(error.problems)
    return []


def check(
    model: "str | PathLike[str] | bytes | ModelProto",
    *,
    seed: int = 0,
    shapes: Shapes | None = None,
    dims: Dims | None = None,
    target: str | Target = "host",
    plugins: Sequence[Plugin] = (),
    passes: Passes | None = None,
    folder: Path = Path(),
    progress: Callable[[str], None] | None = None,
) -> "Iterator[CheckStep]":
    """Compile a model and execute it before and after every pass, down to the machine code.

    A step for every pass, and for every pass on every kernel.  The first that changes the meaning is followed
    by a `MiscompilationError`; the module, reduced to what shows it, is written to `folder`.
    """
    # Compiling needs none of the executors.
    from penstock.checking.check import Options, check_module

    known = extended(plugins, passes)
    machine = target_named(target) if isinstance(target, str) else target
    module = read(model, shapes, dims, known.importers)
    prepare(module, machine)
    options = Options(_name(model), seed, folder)
    options = options if progress is None else replace(options, progress=progress)
    return check_module(known.context(), module, known.phases, machine, options)
