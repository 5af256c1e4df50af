"""The models of a sweep: where each lies, and what it is fed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
from onnx import ModelProto, TypeProto, helper

from benchmarks.models import GRAPH, Places, manifest_inputs
from penstock.dialects.graph.base import Array
from penstock.onnx_values import Given, arrays_of

FED = Path(__file__).parent / "zoo_inputs.json"
"""What graphs of the zoo are fed where any numbers will not do, as in the manifest of the models."""
Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """A model by name; one of the zoo is made from its graph when it is first needed."""

    name: str
    places: Places
    told: Mapping[str, Entry]

    def path(self) -> Path:
        """The file of the model."""
        return self.places.find(self.name)


def models_in(folder: Path, torch: str) -> list[Subject]:
    """All ONNX models below a folder, small ones first."""
    paths = sorted(folder.glob("**/*.onnx"), key=lambda path: path.stat().st_size)
    places = Places(folder, None, torch)
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in paths]
    return [Subject(name, places, manifest_inputs(path)) for name, path in zip(names, paths, strict=True)]


def graphs_in(zoo: Path, made: Path, torch: str) -> list[Subject]:
    """All graphs of a zoo, small ones first; `made` is the folder of those that have got weights."""
    told = cast(dict[str, dict[str, Entry]], json.loads(FED.read_text(encoding="utf-8")))
    paths = sorted(zoo.glob(f"*{GRAPH}"), key=lambda path: path.stat().st_size)
    names = [path.name.removesuffix(GRAPH) for path in paths]
    return [Subject(name, Places(made, zoo, torch), told.get(name, {})) for name in names]


def inputs_of(model: ModelProto, told: Mapping[str, Entry]) -> dict[str, Array | list[Array]]:
    """What every input is fed, one that is a sequence a list of arrays.

    It is what is told, else reals from 0 to 1 and integers 0 or 1, of one tensor; open sizes are 1.
    """
    weights = {each.name for each in model.graph.initializer}
    generator = np.random.default_rng(0)
    given = {each.name: each.type for each in model.graph.input if each.name not in weights}
    # The manifest's order is the order in which its numbers are drawn.
    names = sorted(given, key=list(told).index) if given.keys() <= told.keys() else list(given)
    return {name: _fed(generator, given[name], told.get(name, {})) for name in names}


def shapes_of(inputs: Given) -> dict[str, tuple[int, ...]]:
    """The shapes of what is fed, of each tensor of a sequence by itself."""
    return {name: array.shape for name, array in arrays_of(inputs).items()}


def _fed(generator: np.random.Generator, declared: TypeProto, entry: Entry) -> Array | list[Array]:
    if not declared.HasField("sequence_type"):
        return _tensor(generator, declared.tensor_type, entry)
    element = declared.sequence_type.elem_type.tensor_type
    entries = [{**entry, "shape": shape} for shape in entry.get("shapes", ())] or [entry]
    return [_tensor(generator, element, each) for each in entries]


def _tensor(generator: np.random.Generator, declared: TypeProto.Tensor, entry: Entry) -> Array:
    shape = entry.get("shape") or [max(dim.dim_value, 1) for dim in declared.shape.dim]
    return _filled(generator, helper.tensor_dtype_to_np_dtype(declared.elem_type), shape, entry)


def _filled(
    generator: np.random.Generator, dtype: np.dtype[np.generic], shape: Sequence[int], entry: Entry
) -> Array:
    if "value" in entry:
        # At other sizes than the manifest's a list starts again, or ends early.
        return np.resize(np.array(entry["value"], dtype), shape)
    if "fill" in entry:
        return np.full(shape, {"ones": 1, "zeros": 0}[entry["fill"]], dtype)
    if dtype == np.bool_:
        return np.ones(shape, dtype)
    if dtype.kind == "f":
        return generator.random(shape, np.float32).astype(dtype)
    if "below" in entry or not entry:
        return generator.integers(0, entry.get("below", 2), shape).astype(dtype)
    span = np.iinfo(dtype.name)
    return generator.integers(span.min, span.max, shape, endpoint=True).astype(dtype)


def random_outputs(model: ModelProto) -> set[str]:
    """The outputs that depend on random numbers drawn in the model."""
    tainted: set[str] = set()
    for node in model.graph.node:
        if node.op_type in RANDOM or tainted.intersection(_read(node)):
            tainted.update(node.output)
    return tainted & {output.name for output in model.graph.output}


RANDOM = (
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
)


def _read(node: onnx.NodeProto) -> Iterator[str]:
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from _read(inner)
