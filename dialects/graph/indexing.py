"""Operations of the `graph` dialect that pick or place elements by computed positions."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import I64, IntegerAttr, StringAttr, i32, i64
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.graph.base import (
    AnyTensor,
    Array,
    Dim,
    GraphOp,
    Tensor,
    element_of,
    normalize_axis,
    rank_of,
    shape_of,
    tensor,
    tensor_of,
)

Positions: TypeAlias = tuple[NDArray[np.int64], ...]
"""One array of positions per dim, as NumPy indexes with them."""

REDUCTIONS = ("none", "add", "mul", "max", "min")
"""What happens where an element is placed: it replaces the old one, or joins it."""


@irdl_op_definition
class ShapeOp(GraphOp):
    """The sizes of a tensor as integers: `%s = graph.shape %x : tensor<?x3xf32> -> tensor<2xi64>`."""

    name = "graph.shape"
    x = operand_def(AnyTensor)
    y = result_def(AnyTensor)
    assembly_format = "$x attr-dict `:` type($x) `->` type($y)"

    def infer(self) -> Sequence[Tensor]:
        return [tensor([rank_of(self.x)], i64)]

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        return [np.array(operands[0].shape, np.int64)]


class Indexing(GraphOp, ABC):
    """An op that goes to positions of `x`; negative ones count from the end."""

    x = operand_def(AnyTensor)
    indices = operand_def(AnyTensor)

    @abstractmethod
    def extents(self) -> list[Dim]:
        """The sizes that positions must lie in: one, or one for each element of a tuple."""


class Gathering(Indexing, ABC):
    """An op that reads elements of `x` at positions."""

    x = operand_def(AnyTensor)
    indices = operand_def(AnyTensor)
    y = result_def(AnyTensor)
    assembly_format = "$x `,` $indices attr-dict `:` type($x) `,` type($indices) `->` type($y)"


@irdl_op_definition
class GatherOp(Gathering):
    """Whole slices along an axis:

    `%y = graph.gather %x, %i {axis = 0 : i64} : tensor<9x4xf32>, tensor<2x3xi64> -> tensor<2x3x4xf32>`.
    """

    name = "graph.gather"
    axis = prop_def(IntegerAttr[I64])

    def infer(self) -> Sequence[Tensor]:
        _verify_indices(self, self.indices)
        x = shape_of(self.x)
        axis = normalize_axis(self.axis.value.data, len(x))
        return [tensor([*x[:axis], *shape_of(self.indices), *x[axis + 1 :]], element_of(self.x))]

    def extents(self) -> list[Dim]:
        return _size_along(self.x, self.axis)

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        x, indices = operands
        return [np.take(x, indices.astype(np.int64), self.axis.value.data)]


@irdl_op_definition
class GatherElementsOp(Gathering):
    """Single elements: `y[i, j] = x[indices[i, j], j]` for axis 0; the result has the shape of `indices`:

    `%y = graph.gather_elements %x, %i {axis = 0 : i64} : tensor<9x4xf32>, tensor<2x4xi64> -> ...`.
    """

    name = "graph.gather_elements"
    axis = prop_def(IntegerAttr[I64])

    def infer(self) -> Sequence[Tensor]:
        _verify_indices(self, self.indices)
        _verify_within(self, self.x, self.indices, normalize_axis(self.axis.value.data, rank_of(self.x)))
        return [tensor(shape_of(self.indices), element_of(self.x))]

    def extents(self) -> list[Dim]:
        return _size_along(self.x, self.axis)

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        x, indices = operands
        return [x[_element_positions(indices, normalize_axis(self.axis.value.data, x.ndim))]]


@irdl_op_definition
class GatherNDOp(Gathering):
    """Slices by tuples of positions, the last dim of `indices`, behind `batch_dims` dims that both share:

    `%y = graph.gather_nd %x, %i {batch_dims = 0 : i64} : tensor<9x4x5xf32>, tensor<3x2xi64> -> ...`.
    """

    name = "graph.gather_nd"
    batch_dims = prop_def(IntegerAttr[I64], default_value=IntegerAttr(0, i64))

    def infer(self) -> Sequence[Tensor]:
        _verify_indices(self, self.indices)
        x, indices, batch = shape_of(self.x), shape_of(self.indices), self.batch_dims.value.data
        depth = _tuple_length(self, indices)
        if not 0 <= batch < len(indices) or batch + depth > len(x):
            raise VerifyException(f"{self.name}: {depth} positions after {batch} batch dims of {list(x)}")
        if any(
            isinstance(a, int) and isinstance(b, int) and a != b
            for a, b in zip(x[:batch], indices, strict=False)
        ):
            raise VerifyException(f"{self.name}: batch dims of {list(x)} and {list(indices)} differ")
        return [tensor([*indices[:-1], *x[batch + depth :]], element_of(self.x))]

    def extents(self) -> list[Dim]:
        batch = self.batch_dims.value.data
        return [*shape_of(self.x)[batch : batch + _tuple_length(self, shape_of(self.indices))]]

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        x, indices = operands
        batch = self.batch_dims.value.data
        tuples = np.moveaxis(indices.astype(np.int64), -1, 0)
        # The batch positions line up with the first dims of the index tuples.
        positions: Positions = (*_grid(indices.shape[:batch], indices.ndim - 1), *tuples)
        return [x[positions]]


class Scattering(Indexing, ABC):
    """An op that copies `x` and places `updates` in it, in order: of equal positions the last one wins."""

    x = operand_def(AnyTensor)
    indices = operand_def(AnyTensor)
    updates = operand_def(AnyTensor)
    reduction = prop_def(StringAttr, default_value=StringAttr("none"))
    y = result_def(AnyTensor)
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def verify_scatter(self) -> None:
        """Positions are integers, updates have the type of `x`, the reduction is known."""
        _verify_indices(self, self.indices)
        if self.reduction.data not in REDUCTIONS:
            raise VerifyException(f"{self.name}: reduction {self.reduction.data!r} is none of {REDUCTIONS}")
        if element_of(self.x) != element_of(self.updates):
            raise VerifyException(
                f"{self.name}: {element_of(self.updates)} is placed in {element_of(self.x)}"
            )

    def place(self, x: Array, positions: Positions, updates: Array) -> Array:
        """A copy of `x` with the updates in it."""
        y = x.copy()
        match self.reduction.data:
            case "none":
                y[positions] = updates
            case "add":
                # A boolean sum is a disjunction, as NumPy's `add` has it.
                np.add.at(y, positions, updates)
            case "mul":
                np.multiply.at(y, positions, updates)
            case "max":
                np.maximum.at(y, positions, updates)
            case _:
                np.minimum.at(y, positions, updates)
        return y


@irdl_op_definition
class ScatterElementsOp(Scattering):
    """Single elements: `y[indices[i, j], j] = updates[i, j]` for axis 0:

    `%y = graph.scatter_elements %x, %i, %u {axis = 0 : i64, reduction = "add"} : ... -> ...`.
    """

    name = "graph.scatter_elements"
    axis = prop_def(IntegerAttr[I64])

    def infer(self) -> Sequence[Tensor]:
        self.verify_scatter()
        _verify_within(self, self.x, self.indices, normalize_axis(self.axis.value.data, rank_of(self.x)))
        if not _agree(shape_of(self.indices), shape_of(self.updates)):
            raise VerifyException(f"{self.name}: {self.updates.type} is placed at {self.indices.type}")
        return [tensor_of(self.x)]

    def extents(self) -> list[Dim]:
        return _size_along(self.x, self.axis)

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        x, indices, updates = operands
        axis = normalize_axis(self.axis.value.data, x.ndim)
        return [self.place(x, _element_positions(indices, axis), updates)]


@irdl_op_definition
class ScatterNDOp(Scattering):
    """Slices at tuples of positions, the last dim of `indices`: `%y = graph.scatter_nd %x, %i, %u : ...`."""

    name = "graph.scatter_nd"

    def infer(self) -> Sequence[Tensor]:
        self.verify_scatter()
        x, indices, depth = shape_of(self.x), shape_of(self.indices), self.depth
        if not 0 <= depth <= len(x) or not _agree([*indices[:-1], *x[depth:]], shape_of(self.updates)):
            raise VerifyException(f"{self.name}: {self.updates.type} at {self.indices.type} of {self.x.type}")
        return [tensor_of(self.x)]

    def extents(self) -> list[Dim]:
        return [*shape_of(self.x)[: self.depth]]

    @property
    def depth(self) -> int:
        """The length of a tuple of positions, which follows from the ranks too."""
        indices = shape_of(self.indices)
        if not indices or isinstance(indices[-1], int):
            return _tuple_length(self, indices)
        return len(indices) - 1 + rank_of(self.x) - rank_of(self.updates)

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        x, indices, updates = operands
        return [self.place(x, tuple(np.moveaxis(indices.astype(np.int64), -1, 0)), updates)]


def _size_along(x: SSAValue, axis: IntegerAttr[I64]) -> list[Dim]:
    return [shape_of(x)[normalize_axis(axis.value.data, rank_of(x))]]


def _grid(shape: Sequence[int], rank: int) -> Positions:
    """For each of the first dims of a tensor of `rank`, its positions along that dim."""
    lines = [np.arange(size, dtype=np.int64) for size in shape]
    return tuple(line.reshape(-1, *[1] * (rank - 1 - axis)) for axis, line in enumerate(lines))


def _element_positions(indices: Array, axis: int) -> Positions:
    """The position of each element that `indices` names along `axis`, one array per dim."""
    positions = list(_grid(indices.shape, indices.ndim))
    positions[axis] = indices.astype(np.int64)
    return tuple(positions)


def _verify_indices(op: GraphOp, indices: SSAValue) -> None:
    if element_of(indices) not in (i32, i64):
        raise VerifyException(f"{op.name}: indices are {element_of(indices)}, they must be i32 or i64")


def _verify_within(op: GraphOp, x: SSAValue, indices: SSAValue, axis: int) -> None:
    a, b = shape_of(x), shape_of(indices)
    pairs = enumerate(zip(a, b, strict=False))
    larger = [i for i, (d, e) in pairs if isinstance(d, int) and isinstance(e, int) and e > d]
    if len(a) != len(b) or set(larger) - {axis}:
        raise VerifyException(f"{op.name}: indices {list(b)} do not lie within {list(a)}")


def _tuple_length(op: GraphOp, indices: Sequence[Dim]) -> int:
    if not indices or not isinstance(indices[-1], int):
        raise VerifyException(f"{op.name}: the last dim of the indices must be a number, got {list(indices)}")
    return indices[-1]


def _agree(a: Sequence[Dim], b: Sequence[Dim]) -> bool:
    numbers = [(x, y) for x, y in zip(a, b, strict=False) if isinstance(x, int) and isinstance(y, int)]
    return len(a) == len(b) and all(x == y for x, y in numbers)


OPS: tuple[type[Operation], ...] = (
    ShapeOp,
    GatherOp,
    GatherElementsOp,
    GatherNDOp,
    ScatterElementsOp,
    ScatterNDOp,
)
