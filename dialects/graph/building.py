"""Building graph operations: what importers and passes insert one by one, and common compositions of it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from xdsl.ir import Attribute, SSAValue

from penstock.dialects.element_types import numpy_dtype
from penstock.dialects.graph.base import (
    Array,
    Dim,
    GraphOp,
    element_of,
    integer,
    integers,
    rank_of,
    shape_of,
    tensor,
)
from penstock.dialects.graph.movement import (
    END,
    BroadcastToOp,
    ConcatOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    dims_attr,
)
from penstock.dialects.graph.sections import RangeOp

Operands: TypeAlias = Sequence[SSAValue | Sequence[SSAValue] | None]
Properties: TypeAlias = Mapping[str, Attribute | None]


class GraphBuilder(ABC):
    """Inserts graph operations somewhere, with the provenance that they have there."""

    @abstractmethod
    def op(self, kind: type[GraphOp], operands: Operands, properties: Properties | None = None) -> SSAValue:
        """Insert an operation of one result."""

    @abstractmethod
    def constant(self, array: Array, name: str = "") -> SSAValue:
        """Insert a constant; `name` is what its resource is called, by default after what it is for."""

    def scalar(self, value: float | int | bool, like: SSAValue | Attribute) -> SSAValue:
        """A constant of rank 0 with the element type of `like`."""
        return self.constant(np.asarray(value).astype(numpy_dtype(element_of(like))))

    def size(self, size: Dim, element: Attribute) -> SSAValue:
        """A size as a tensor of rank 0."""
        if isinstance(size, int):
            return self.scalar(size, tensor([], element))
        return self.reshape(self.op(RangeOp, [], {"bounds": dims_attr([size, 1, 1]), "element": element}), [])

    def positions(self, count: Dim, element: Attribute) -> SSAValue:
        """0, 1, 2, ... up to a size that may be known only at run time."""
        if isinstance(count, int):
            return self.constant(np.arange(count).astype(numpy_dtype(element)))
        return self.op(RangeOp, [], {"bounds": dims_attr([0, count, 1]), "element": element})

    def reshape(self, x: SSAValue, shape: Sequence[Dim]) -> SSAValue:
        """The elements of `x` in their order under another shape; `x` itself when it is the same."""
        if tuple(shape) == shape_of(x) and "?" not in shape:
            return x
        return self.op(ReshapeOp, [x], {"shape": dims_attr(shape)})

    def transpose(self, x: SSAValue, permutation: Sequence[int]) -> SSAValue:
        """`x` with its axes permuted as NumPy's `transpose` does; `x` itself for the identity."""
        if list(permutation) == list(range(rank_of(x))):
            return x
        return self.op(TransposeOp, [x], {"permutation": integers(permutation)})

    def broadcast_to(self, x: SSAValue, shape: Sequence[Dim]) -> SSAValue:
        """`x` repeated along its dims of size 1 (and new leading ones) up to `shape`."""
        if tuple(shape) == shape_of(x) and "?" not in shape:
            return x
        return self.op(BroadcastToOp, [x], {"shape": dims_attr(shape)})

    def slice(self, x: SSAValue, axis: int, start: int, end: int, step: int = 1) -> SSAValue:
        """A range of `x` along one axis, bounds as in Python; `x` itself when all of it is taken."""
        size = shape_of(x)[axis]
        if isinstance(size, int) and start == 0 and end >= size and step == 1:
            return x
        whole = [(0, END, 1)] * rank_of(x)
        return self.slices(x, [*whole[:axis], (start, end, step), *whole[axis + 1 :]])

    def slices(self, x: SSAValue, bounds: Sequence[tuple[int, int, int]]) -> SSAValue:
        """A range (start, end, step) of every dim of `x`; `x` itself when all of it is taken."""
        if all(bound == (0, END, 1) for bound in bounds):
            return x
        names = ("starts", "ends", "steps")
        return self.op(SliceOp, [x], {name: integers([b[i] for b in bounds]) for i, name in enumerate(names)})

    def concat(self, parts: Sequence[SSAValue], axis: int) -> SSAValue:
        """Values behind one another along an axis; a single one is itself."""
        return parts[0] if len(parts) == 1 else self.op(ConcatOp, [parts], {"axis": integer(axis)})
