"""Importers of random operations: every run draws the same numbers, which follow from the seed of the node.

The numbers are constants of the compiled model, or computed from their positions where their count is open;
so a loop draws them again in every step.  A node without a seed has one of its own, made of its name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto
from xdsl.dialects.builtin import i64
from xdsl.ir import SSAValue

from penstock.dialects.element_types import element_type, numpy_dtype
from penstock.dialects.graph.base import Dim, element_of, integer, shape_of
from penstock.dialects.graph.comparison import NotOp, OrOp
from penstock.dialects.graph.ordering import CumSumOp
from penstock.dialects.graph.transcendental import ExpOp
from penstock.onnx_import import open_drawing, philox
from penstock.onnx_import.axes import require, static_size
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node
from penstock.onnx_import.tensors import numpy_dtype_of
from penstock.onnx_import.terms import Term


@dataclass(frozen=True)
class Draw:
    """A distribution: its numbers now, and as operations of a run."""

    now: Callable[[int, open_drawing.Key], NDArray[np.float64]]
    later: open_drawing.Draw


UNIFORM = Draw(philox.uniform, open_drawing.uniform)
NORMAL = Draw(philox.normal, open_drawing.normal)


def _key(node: Node) -> tuple[int, int]:
    """The seed as two words: the bits of the attribute, or else the name of the node and its length."""
    if not node.has("seed"):
        return crc32(node.name.encode()), len(node.name) or 1
    if node.op_type == "Dropout":
        seed = node.int("seed") % 2**64
        return seed % 2**32, seed >> 32
    return int(np.float32(node.float("seed")).view(np.uint32)), 0


def _drawn(
    node: Node,
    build: Builder,
    draw: Draw,
    shape: Sequence[Dim],
    dtype: np.dtype[np.generic],
    shift: float = 0.0,
    scale: float = 1.0,
) -> Term:
    """Numbers of a distribution, scaled and shifted."""
    known = [size for size in shape if isinstance(size, int)]
    if len(known) == len(shape):
        # Each number takes a step for every round.
        build.bounded(prod(known) * philox.ROUNDS)
        numbers = draw.now(prod(known), _key(node)).reshape(known)
        return Term(build, build.constant((shift + scale * numbers).astype(dtype)))
    return (open_drawing.shaped(draw.later, build, shape, _key(node)) * scale + shift).cast(
        element_type(dtype)
    )


def _shape(node: Node) -> Sequence[int]:
    shape = node.ints("shape")
    require(node, min(shape, default=0) >= 0, f"the shape {list(shape)} has a negative size")
    return shape


def _shape_like(node: Node) -> Sequence[Dim]:
    return shape_of(node.input(0))


def _dtype(node: Node) -> np.dtype[np.generic]:
    if node.has("dtype"):
        return numpy_dtype_of(node.int("dtype"))
    return numpy_dtype(element_of(node.input(0))) if node.inputs else np.dtype(np.float32)


def _uniform(node: Node, build: Builder, shape: Sequence[Dim]) -> SSAValue:
    low, high = node.float("low", 0.0), node.float("high", 1.0)
    return _drawn(node, build, UNIFORM, shape, _dtype(node), low, high - low).value


def _normal(node: Node, build: Builder, shape: Sequence[Dim]) -> SSAValue:
    mean, scale = node.float("mean", 0.0), node.float("scale", 1.0)
    return _drawn(node, build, NORMAL, shape, _dtype(node), mean, scale).value


def import_random_uniform(node: Node, build: Builder) -> SSAValue:
    """RandomUniform: numbers between two bounds, all alike likely."""
    return _uniform(node, build, _shape(node))


def import_random_uniform_like(node: Node, build: Builder) -> SSAValue:
    """RandomUniformLike: the shape, and the type unless it is given, are those of the operand."""
    return _uniform(node, build, _shape_like(node))


def import_random_normal(node: Node, build: Builder) -> SSAValue:
    """RandomNormal: normally distributed numbers."""
    return _normal(node, build, _shape(node))


def import_random_normal_like(node: Node, build: Builder) -> SSAValue:
    """RandomNormalLike: the shape, and the type unless it is given, are those of the operand."""
    return _normal(node, build, _shape_like(node))


def import_bernoulli(node: Node, build: Builder) -> SSAValue:
    """Bernoulli: 1 with the probability that an element is.

    The function in the standard has it the other way round: it compares a random number as the greater one.
    """
    likely = Term(build, node.input(0))
    numbers = _drawn(node, build, UNIFORM, _shape_like(node), np.dtype(np.float32))
    return (numbers.cast(likely.element) < likely).cast(element_type(_dtype(node))).value


def import_multinomial(node: Node, build: Builder) -> SSAValue:
    """Multinomial: classes by the logarithms of their probabilities, found in the running sum of these."""
    require(node, len(_shape_like(node)) == 2, f"logarithms of the shape {list(_shape_like(node))}")
    batch, classes = _shape_like(node)[0], static_size(node, node.input(0), 1)
    samples = node.int("sample_size", 1)
    require(node, classes > 0 and samples >= 0, f"{samples} samples of {classes} classes")
    logs = Term(build, node.input(0)).precise()
    likely = (logs - logs.greatest(1).reshape(batch, 1)).apply(ExpOp)
    below = logs.like(build.op(CumSumOp, [likely.value], {"axis": integer(1)}))
    total, edges = below.slice(1, classes - 1, classes), below.slice(1, 0, classes - 1)
    drawn = _drawn(node, build, UNIFORM, (batch, samples), numpy_dtype(logs.element)) * total
    passed = edges.reshape(batch, 1, classes - 1) <= drawn.reshape(batch, samples, 1)
    element = element_type(numpy_dtype_of(node.int("dtype", TensorProto.INT32)))
    return passed.cast(i64).sum(2).cast(element).value


def drop_out(node: Node, build: Builder, training: SSAValue | None) -> list[SSAValue]:
    """Dropout while training, as far as it is: what is dropped is 0, and the rest is made larger for it."""
    x = Term(build, node.input(0))
    ratio = node.optional(1)
    given = x.like(build.scalar(0.5, like=x.value)) if ratio is None else x.like(ratio).cast(x.element)
    numbers = _drawn(node, build, UNIFORM, x.shape, np.dtype(np.float32)).cast(x.element)
    keeps, kept = given <= numbers, x / (1 - given)
    if training is None:
        return [keeps.where(kept, 0).value, keeps.value]
    is_on = x.like(training)
    mask = x.like(build.op(OrOp, [keeps.value, build.op(NotOp, [training])]))
    return [is_on.where(keeps.where(kept, 0), x).value, mask.value]


DRAWING: Family = {
    "Bernoulli": import_bernoulli,
    "Multinomial": import_multinomial,
    "RandomNormal": import_random_normal,
    "RandomNormalLike": import_random_normal_like,
    "RandomUniform": import_random_uniform,
    "RandomUniformLike": import_random_uniform_like,
}
