"""One model of a sweep at many sizes: compiled once with the sizes that it leaves open, run at several."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import onnx
from onnx import ModelProto

import penstock
from penstock.call_sizes import bound_sizes
from penstock.dialects.settling import other_sizes
from penstock.model import CompiledModel
from penstock.onnx_values import arrays_of
from penstock.package import Package
from tools.agreement.judge import AGREES, DIFFERS, Verdict, compared_with, cpu_seconds, guarded
from tools.agreement.subjects import Entry, Subject, inputs_of, shapes_of

Sizes = Mapping[str, int]


def has_open_sizes(path: Path) -> bool:
    """Whether an input of a model has a size that is no number."""
    graph = onnx.load(path, load_external_data=False).graph
    weights = {each.name for each in graph.initializer}
    given = (each.type.tensor_type.shape for each in graph.input if each.name not in weights)
    return any(not dim.dim_value > 0 for shape in given for dim in shape.dim)


def judge_at_sizes(subject: Subject) -> Verdict:
    """Compile a model once and compare it at two sets of sizes; a refusal or a failure is a verdict too."""
    return guarded(lambda: _judged(subject))


def _judged(subject: Subject) -> Verdict:
    path = subject.path()
    model = onnx.load(path)
    start = cpu_seconds()
    compiled = penstock.compile(path)
    compiling = cpu_seconds() - start
    worst = Verdict(AGREES, compiling, told="all sizes follow from the model")
    for sizes in two_sizes(compiled.package, model, subject.told):
        worst = _worse(worst, _at(sizes, subject, model, compiled))
    return replace(worst, compiling=compiling)


def two_sizes(package: Package, model: ModelProto, told: Mapping[str, Entry]) -> list[Sizes]:
    """The sizes that a model is fed at, and others."""
    shapes = shapes_of(inputs_of(model, told))
    first = bound_sizes(package.inputs, [shapes[tensor.name] for tensor in package.inputs])
    bounds = {each.name: (each.least, each.most) for each in package.symbols}
    return [first, other_sizes(package.requirements, bounds, first)]


def _at(sizes: Sizes, subject: Subject, model: ModelProto, compiled: CompiledModel) -> Verdict:
    shapes = {tensor.name: list(tensor.at(sizes)) for tensor in compiled.inputs}
    names = list(subject.told) or list(shapes)
    told = {name: {**subject.told.get(name, {}), "shape": shapes[name]} for name in names if name in shapes}
    inputs = inputs_of(model, told)
    start = time.perf_counter()
    ours = compiled(arrays_of(inputs))
    running = time.perf_counter() - start
    verdict = compared_with(subject.path(), model, inputs, ours)
    at = ", ".join(f"{name} = {size}" for name, size in sizes.items())
    return replace(verdict, running=running, told=f"{at}; {verdict.told}" if verdict.told else at)


def _worse(a: Verdict, b: Verdict) -> Verdict:
    """The verdict that tells more: the one that does not agree, or the larger difference."""
    rank = {DIFFERS: 2}
    key = (rank.get(a.status, a.status != AGREES), a.difference or -1.0)
    return a if key > (rank.get(b.status, b.status != AGREES), b.difference or 0.0) else b
