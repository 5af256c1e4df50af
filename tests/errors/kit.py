"""What the corpus of bad models is made of: cases, and short ways to write small models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from onnx import (
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    helper,
    numpy_helper,
)

from penstock.errors import PenstockError

F32 = TensorProto.FLOAT
I64 = TensorProto.INT64
Attribute = int | float | str | bytes | Sequence[int] | GraphProto


@dataclass(frozen=True)
class Case:
    """A bad model: how to make it in a folder, the error expected, words it must contain."""

    name: str
    make: Callable[[Path], Path]
    error: type[PenstockError]
    words: Sequence[str]
    shapes: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    dims: dict[str, int] = field(default_factory=dict[str, int])


class Corpus:
    """Collects the functions that make bad models."""

    def __init__(self) -> None:
        self.cases: list[Case] = []

    def model(
        self,
        error: type[PenstockError],
        *words: str,
        shapes: dict[str, list[int]] | None = None,
        dims: dict[str, int] | None = None,
    ) -> Callable[[Callable[[], ModelProto | bytes]], None]:
        """Register a function that makes the content of a bad file."""

        def register(make: Callable[[], ModelProto | bytes]) -> None:
            def write(folder: Path) -> Path:
                return written(folder, make())

            self.cases.append(Case(make.__name__, write, error, words, shapes or {}, dims or {}))

        return register

    def folder(self, error: type[PenstockError], *words: str) -> Callable[[Callable[[Path], Path]], None]:
        """Register a function that lays out a folder and returns the path to import."""

        def register(make: Callable[[Path], Path]) -> None:
            self.cases.append(Case(make.__name__, make, error, words))

        return register


def info(name: str, shape: Sequence[int | str | None] | None = (2, 3), element: int = F32) -> ValueInfoProto:
    """A declared tensor."""
    return helper.make_tensor_value_info(name, element, shape)


def graph(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto] | None = None,
    outputs: Sequence[ValueInfoProto] | None = None,
    initializers: Sequence[TensorProto] = (),
) -> GraphProto:
    """A graph from `x` to `y` unless told otherwise; the shape of `y` is left open."""
    ends = ([info("x")] if inputs is None else inputs, [info("y", None)] if outputs is None else outputs)
    return helper.make_graph(nodes, "g", *ends, initializer=initializers)


def model(
    g: GraphProto, opset: int = 13, domain: str = "", functions: Sequence[FunctionProto] = ()
) -> ModelProto:
    """A model of a graph."""
    imports = [helper.make_opsetid("", opset)]
    if domain:
        imports.append(helper.make_opsetid(domain, 1))
    return helper.make_model(g, opset_imports=imports, functions=functions)


def weight(name: str, shape: Sequence[int], dtype: type[np.generic] = np.float32) -> TensorProto:
    """An initializer of ones."""
    return numpy_helper.from_array(np.ones(shape, dtype), name)


def integers(name: str, values: Sequence[int]) -> TensorProto:
    """An initializer that is a list of integers."""
    return numpy_helper.from_array(np.array(values, np.int64), name)


def written(folder: Path, content: ModelProto | bytes) -> Path:
    """The model in a file."""
    path = folder / "bad.onnx"
    path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    return path


def node(
    op_type: str,
    inputs: Sequence[str],
    outputs: Sequence[str] = ("y",),
    domain: str = "",
    name: str = "n",
    **attributes: Attribute,
) -> NodeProto:
    """A node called `n`."""
    made = helper.make_node(op_type, inputs, outputs, name=name, domain=domain)
    made.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
    return made


def relu() -> NodeProto:
    """A node `r` from `x` to `y`."""
    return node("Relu", ["x"], name="r")
