"""Imports a model to look at it: goes on where compiling would stop, and assumes numbers for open sizes."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike

from onnx import AttributeProto, ModelProto, NodeProto, ValueInfoProto
from xdsl.dialects.builtin import ModuleOp, TensorType

from penstock.dialects.graph.base import Tensor, shape_of, tensor_of
from penstock.errors import PenstockError, Problem
from penstock.onnx_import.family import Importer
from penstock.onnx_import.graph_import import GraphImport
from penstock.onnx_import.model_file import ModelFile, read_model
from penstock.onnx_import.signature import Shapes, Signature, Sizes
from penstock.onnx_import.table import table_with
from penstock.onnx_import.unsupported import Unsupported
from penstock.onnx_import.usual_sizes import settle_module

IMAGE, LENGTH, ONE = 224, 128, 1
"""The sizes assumed for the height or width of a picture, for the length of a sequence, and for all else."""
IMAGE_RANK = 4


@dataclass(frozen=True)
class OpenSize:
    """A size that a model leaves open: its name, where its inputs have it, and the number assumed for it."""

    name: str
    places: tuple[str, ...]
    assumed: int


@dataclass(frozen=True)
class Examination:
    """A model looked at: all that is wrong with it, and as much of its module as there can be."""

    problems: tuple[Problem, ...]
    open_sizes: tuple[OpenSize, ...]
    operators: Mapping[str, int]
    """How many nodes each operator has, those of subgraphs and functions included."""
    opsets: Mapping[str, int]
    module: ModuleOp | None
    """`None` where the inputs alone make no sense."""
    open_problems: tuple[Problem, ...] = ()
    """What is wrong only while sizes are open."""


def examine(
    source: str | PathLike[str] | bytes | ModelProto,
    *,
    shapes: Shapes | None = None,
    dims: Sizes | None = None,
    hints: Sizes | None = None,
    importers: Mapping[tuple[str, str], Importer] | None = None,
) -> Examination:
    """Look at a model; a `PenstockError` is raised only by a file that is no model.

    What is assumed for open sizes are the `hints`, or usual numbers.
    """
    file = read_model(source)
    facts = (_operators(file.model), file.opsets)
    try:
        signature = Signature(file.model.graph, shapes or {}, dims or {}, {})
        usual = [replace(s, assumed=(hints or {}).get(s.name, s.assumed)) for s in _open_sizes(signature)]
        attempt = partial(_attempt, file, shapes or {}, dims or {}, table_with(importers or {}))
        open_module, open_problems = _left_open(attempt, usual)
        if open_module is not None:
            return Examination((), tuple(usual), *facts, open_module)
        sizes, module, problems = _first_sound(attempt, usual)
    except PenstockError as error:
        return Examination((_problem(error),), (), *facts, None)
    return Examination(tuple(problems), tuple(sizes), *facts, module, tuple(open_problems))


Attempt = tuple[ModuleOp, list[Problem], bool]
Attempting = Callable[[Sizes], Attempt]


def _attempt(
    file: ModelFile,
    shapes: Shapes,
    dims: Sizes,
    importers: Mapping[tuple[str, str], Importer],
    assumed: Sizes,
) -> Attempt:
    signature = Signature(file.model.graph, shapes, {**dims, **assumed}, {})
    return GraphImport(file, signature, importers).examine()


def _left_open(attempt: Attempting, usual: list[OpenSize]) -> tuple[ModuleOp | None, list[Problem]]:
    """The model as it is at usual sizes, if it compiles without numbers for them, or what is then wrong."""
    if not usual:
        return None, []
    try:
        module, problems, contradicts = attempt({})
    except PenstockError as error:
        return None, [_problem(error)]
    if problems or contradicts:
        return None, problems
    settle_module(module, {size.name: size.assumed for size in usual})
    # Numbers tell more where a size has no name, or where no call has the usual ones.
    return (module, []) if all(map(_is_sound, _types(module))) else (None, [])


def _types(module: ModuleOp) -> Iterator[Tensor]:
    values = (result for op in module.walk() for result in op.results)
    yield from (tensor_of(value) for value in values if isinstance(value.type, TensorType))


def _is_sound(kind: Tensor) -> bool:
    """Whether all sizes can be, those that values of the run decide among them."""
    return all(size >= 0 if isinstance(size, int) else size != "?" for size in shape_of(kind))


def _first_sound(
    attempt: Attempting, usual: list[OpenSize]
) -> tuple[list[OpenSize], ModuleOp, list[Problem]]:
    """The model at usual sizes or, if they contradict it, at others or without numbers: what fits first."""
    module, problems, contradicts = attempt({size.name: size.assumed for size in usual})
    if not contradicts or not usual:
        return usual, module, problems
    longer = [replace(size, assumed=max(size.assumed, LENGTH)) for size in usual]
    # What has no number counts as one.
    unknown = [replace(size, assumed=1) for size in usual]
    for sizes, assumed in ((longer, {size.name: size.assumed for size in longer}), (unknown, {})):
        other_module, other_problems, contradicts = attempt(assumed)
        if not contradicts:
            return sizes, other_module, other_problems
    return usual, module, problems


def _problem(error: PenstockError) -> Problem:
    """What is wrong with the graph as a whole, or stops the import where it is."""
    return Problem(error.node or "", "", "", "", error.message, error.remedy or "")


def _operators(model: ModelProto) -> dict[str, int]:
    counted = Counter(map(_operator, _nodes(model)))
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _operator(node: NodeProto) -> str:
    return f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type


def _nodes(model: ModelProto) -> Iterator[NodeProto]:
    waiting = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                waiting.extend(attribute.g.node)


def _open_sizes(signature: Signature) -> Iterator[OpenSize]:
    places: dict[str, list[str]] = {}
    assumed: dict[str, int] = {}
    for value in signature.tensors:
        for axis, name in _symbols(signature, value):
            places.setdefault(name, []).append(f"{value.name} dim {axis}")
            rank = len(value.type.tensor_type.shape.dim)
            assumed.setdefault(name, _assumed(name, axis, rank))
    for name, where in places.items():
        yield OpenSize(name, tuple(where), assumed[name])


def _symbols(signature: Signature, value: ValueInfoProto) -> Iterator[tuple[int, str]]:
    try:
        shape = shape_of(signature.type_of(value))
    except Unsupported:
        # The import declines the input and says why.
        return
    for axis, size in enumerate(shape):
        if isinstance(size, str):
            yield axis, size


def _assumed(name: str, axis: int, rank: int) -> int:
    """A usual size, by what the model calls it or, where that tells nothing, by where it stands."""
    words = name.lower()
    if "batch" in words:
        return ONE
    if "height" in words or "width" in words:
        return IMAGE
    if "seq" in words or "len" in words:
        return LENGTH
    if axis == 0:
        return ONE
    return IMAGE if rank >= IMAGE_RANK else LENGTH if axis == rank - 1 else ONE
