"""Operations of the `graph` dialect that move elements and compute none."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeGuard, cast

import numpy as np
from xdsl.dialects.builtin import I64, ArrayAttr, DenseArrayBase, FloatAttr, IntegerAttr, StringAttr, i64
from xdsl.ir import Attribute, Operation
from xdsl.irdl import (
    irdl_op_definition,
    irdl_to_attr_constraint,
    operand_def,
    prop_def,
    result_def,
    var_operand_def,
)
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.graph.base import (
    AnyTensor,
    Array,
    Dim,
    GraphOp,
    Tensor,
    computed_dim,
    derived_dim,
    element_of,
    integer,
    integers,
    normalize_axis,
    number,
    rank_of,
    shape_of,
    sum_of,
    tensor,
)
from penstock.dialects.sizes import added

ShapeAttr = ArrayAttr[IntegerAttr[I64] | StringAttr]


def dims_attr(shape: Sequence[Dim]) -> ShapeAttr:
    """A shape as an attribute: `[2 : i64, "batch"]`."""
    return _dims(tuple(shape))


@lru_cache(4096)
def _dims(shape: tuple[Dim, ...]) -> ShapeAttr:
    return ArrayAttr([integer(d) if isinstance(d, int) else StringAttr(d) for d in shape])


def is_shape(attribute: Attribute) -> TypeGuard[ShapeAttr]:
    """Whether an attribute is a list of numbers and formulas; much faster than xDSL's `isa`."""
    if not isinstance(attribute, ArrayAttr):
        return False
    return all(isinstance(each, IntegerAttr | StringAttr) for each in cast(ArrayAttr[Attribute], attribute))


def dims_of(attribute: ShapeAttr) -> tuple[Dim, ...]:
    """The inverse of `dims_attr`."""
    return tuple(d.data if isinstance(d, StringAttr) else d.value.data for d in attribute)


COUNTS = DenseArrayBase.constr(i64) | irdl_to_attr_constraint(ShapeAttr)
"""The constraint of counts, which are formulas where they follow from sizes that a call decides."""


def counts_attr(counts: Sequence[Dim]) -> DenseArrayBase | ShapeAttr:
    """Counts as an attribute: `array<i64: 1, 1>`, or `[1, "h//2"]`."""
    found = [c for c in counts if isinstance(c, int)]
    return integers(found) if len(found) == len(counts) else dims_attr(counts)


def counts_of(attribute: Attribute) -> tuple[Dim, ...]:
    """The inverse of `counts_attr`."""
    if isinstance(attribute, DenseArrayBase):
        return tuple(map(int, attribute.get_values()))
    return dims_of(cast(ShapeAttr, attribute))


def are_counts(attribute: Attribute) -> bool:
    """Whether an attribute is a list of counts."""
    return isinstance(attribute, DenseArrayBase | ArrayAttr)


def in_numbers(counts: Sequence[Dim]) -> tuple[int, ...]:
    """Counts that must be numbers where an operation is evaluated."""
    found = tuple(c for c in counts if isinstance(c, int))
    if len(found) != len(counts):
        raise VerifyException(f"the counts {list(counts)} are known only at run time")
    return found


def bind(shape: Sequence[Dim], names: Sequence[Dim], sizes: Sequence[int]) -> list[int]:
    """`shape` in numbers, given that `names` stand for `sizes`; a single unknown size becomes -1."""
    known = dict(zip(names, sizes, strict=True))
    bound = [d if isinstance(d, int) else known.get(d, -1) for d in shape]
    if bound.count(-1) > 1:
        raise VerifyException(
            f"the sizes {[d for d in shape if isinstance(d, str)]} are known only at run time"
        )
    return bound


@irdl_op_definition
class TransposeOp(GraphOp):
    """Dims in another order: `%y = graph.transpose %x {permutation = array<i64: 1, 0>} : ... -> ...`.

    Dim `i` of the result is dim `permutation[i]` of the operand.
    """

    name = "graph.transpose"
    x = operand_def(AnyTensor)
    permutation = prop_def(DenseArrayBase.constr(i64))
    y = result_def(AnyTensor)
    assembly_format = "$x attr-dict `:` type($x) `->` type($y)"

    def infer(self) -> Sequence[Tensor]:
        permutation = self.permutation.get_values()
        if sorted(permutation) != list(range(rank_of(self.x))):
            raise VerifyException(
                f"{self.name}: {list(permutation)} is no permutation of {rank_of(self.x)} dims"
            )
        shape = shape_of(self.x)
        return [tensor([shape[i] for i in permutation], element_of(self.x))]

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        return [np.transpose(operands[0], self.permutation.get_values())]


@irdl_op_definition
class ReshapeOp(GraphOp):
    """The same elements in the same (row-major) order under another shape:

    `%y = graph.reshape %x {shape = [2 : i64, "batch"]} : tensor<?x2xf32, ...> -> tensor<2x?xf32, ...>`.
    """

    name = "graph.reshape"
    x = operand_def(AnyTensor)
    shape = prop_def(ShapeAttr)
    y = result_def(AnyTensor)
    assembly_format = "$x attr-dict `:` type($x) `->` type($y)"

    def infer(self) -> Sequence[Tensor]:
        old, new = shape_of(self.x), dims_of(self.shape)
        numbers = [[d for d in shape if isinstance(d, int)] for shape in (old, new)]
        if min(numbers[1], default=0) < 0:
            raise VerifyException(f"{self.name}: negative size in {list(new)}")
        static = [len(n) == len(s) for n, s in zip(numbers, (old, new), strict=True)]
        if all(static) and math.prod(numbers[0]) != math.prod(numbers[1]):
            raise VerifyException(f"{self.name}: {list(old)} has not as many elements as {list(new)}")
        return [tensor(new, element_of(self.x))]

    def formulas(self) -> Sequence[Dim]:
        return dims_of(self.shape)

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        (x,) = operands
        return [np.reshape(x, bind(dims_of(self.shape), shape_of(self.x), x.shape))]


@irdl_op_definition
class BroadcastToOp(GraphOp):
    """Dims of size 1, and new leading dims, repeated up to a shape (NumPy's `broadcast_to`):

    `%y = graph.broadcast_to %x {shape = [4 : i64, 3 : i64]} : tensor<3xf32> -> tensor<4x3xf32>`.
    """

    name = "graph.broadcast_to"
    x = operand_def(AnyTensor)
    shape = prop_def(ShapeAttr)
    y = result_def(AnyTensor)
    assembly_format = "$x attr-dict `:` type($x) `->` type($y)"

    def infer(self) -> Sequence[Tensor]:
        old, new = shape_of(self.x), dims_of(self.shape)
        if min((d for d in new if isinstance(d, int)), default=0) < 0:
            raise VerifyException(f"{self.name}: negative size in {list(new)}")
        fits = [a == b or a == 1 or isinstance(a, str) for a, b in zip(old[::-1], new[::-1], strict=False)]
        if len(old) > len(new) or not all(fits):
            raise VerifyException(f"{self.name}: {list(old)} does not broadcast to {list(new)}")
        return [tensor(new, element_of(self.x))]

    def formulas(self) -> Sequence[Dim]:
        return dims_of(self.shape)

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        (x,) = operands
        shape = bind(dims_of(self.shape), shape_of(self.x), x.shape)
        if -1 in shape:
            raise VerifyException(f"{self.name}: {list(dims_of(self.shape))} is known only at run time")
        return [np.ascontiguousarray(np.broadcast_to(x, shape)).reshape(shape)]


@irdl_op_definition
class ConcatOp(GraphOp):
    """Operands behind one another along an axis:

    `%y = graph.concat %a, %b {axis = 1 : i64} : tensor<2x3xf32>, tensor<2x1xf32> -> tensor<2x4xf32>`.
    """

    name = "graph.concat"
    inputs = var_operand_def(AnyTensor)
    axis = prop_def(IntegerAttr[I64])
    y = result_def(AnyTensor)
    assembly_format = "$inputs attr-dict `:` type($inputs) `->` type($y)"

    def infer(self) -> Sequence[Tensor]:
        if not self.inputs:
            raise VerifyException(f"{self.name}: no operands")
        shapes, elements = [shape_of(x) for x in self.inputs], {element_of(x) for x in self.inputs}
        if len(elements) > 1:
            raise VerifyException(
                f"{self.name}: operands differ in element type: {sorted(map(str, elements))}"
            )
        if len({len(s) for s in shapes}) > 1 or not shapes[0]:
            raise VerifyException(f"{self.name}: operands of ranks {[len(s) for s in shapes]}")
        axis = normalize_axis(self.axis.value.data, len(shapes[0]))
        dims = [
            sum_of(sizes) if i == axis else self._common(sizes, shapes)
            for i, sizes in enumerate(zip(*shapes, strict=True))
        ]
        return [tensor(dims, element_of(self.inputs[0]))]

    def _common(self, sizes: Sequence[Dim], shapes: Sequence[Sequence[Dim]]) -> Dim:
        numbers = {d for d in sizes if isinstance(d, int)}
        if len(numbers) > 1:
            raise VerifyException(
                f"{self.name}: {[list(s) for s in shapes]} differ in another dim than the axis"
            )
        return numbers.pop() if numbers else sizes[0]

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        return [np.concatenate(operands, self.axis.value.data)]


END = 2**63 - 1
"""The end of a slice that takes all the rest."""


@irdl_op_definition
class SliceOp(GraphOp):
    """A range of every dim, bounds and steps as in Python (counted from the end if negative, and clamped):

    `%y = graph.slice %x {starts = array<i64: 0>, ends = array<i64: 9>, steps = array<i64: 2>} : ... -> ...`.
    """

    name = "graph.slice"
    x = operand_def(AnyTensor)
    starts = prop_def(DenseArrayBase.constr(i64))
    ends = prop_def(DenseArrayBase.constr(i64))
    steps = prop_def(DenseArrayBase.constr(i64))
    y = result_def(AnyTensor)
    assembly_format = "$x attr-dict `:` type($x) `->` type($y)"

    def slices(self) -> list[slice]:
        """The ranges as Python slices."""
        bounds = zip(self.starts.get_values(), self.ends.get_values(), self.steps.get_values(), strict=True)
        return [slice(start, end, step) for start, end, step in bounds]

    def ranges(self) -> list[range]:
        """The positions taken along each dim of a static shape."""
        shape = [d for d in shape_of(self.x) if isinstance(d, int)]
        return [range(*s.indices(d)) for s, d in zip(self.slices(), shape, strict=True)]

    def infer(self) -> Sequence[Tensor]:
        counts = {len(p.get_values()) for p in (self.starts, self.ends, self.steps)}
        if counts != {rank_of(self.x)}:
            raise VerifyException(f"{self.name}: {sorted(counts)} bounds for {rank_of(self.x)} dims")
        if 0 in self.steps.get_values():
            raise VerifyException(f"{self.name}: a step is zero")
        sizes = [_slice_dim(d, s) for d, s in zip(shape_of(self.x), self.slices(), strict=True)]
        return [tensor(sizes, element_of(self.x))]

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        return [operands[0][tuple(self.slices())]]


def _slice_dim(size: Dim, bounds: slice) -> Dim:
    def count(extent: int) -> int:
        return len(range(*bounds.indices(extent)))

    if isinstance(size, int):
        return count(size)
    # With a symbolic size only "all but the first few" has a formula that holds for every size.
    if bounds.step != 1 or bounds.start < 0 or bounds.stop < END:
        return "?"
    return derived_dim(size, count, f"@-{bounds.start}" if bounds.start else "@")


PAD_MODES = ("constant", "reflect", "edge", "wrap")


@irdl_op_definition
class PadOp(GraphOp):
    """Elements added before (`low`) and behind (`high`) each dim; negative counts remove elements first:

    `%y = graph.pad %x {low = array<i64: 1>, high = array<i64: 0>, value = 0.0 : f64} : ... -> ...`.
    """

    name = "graph.pad"
    x = operand_def(AnyTensor)
    low = prop_def(COUNTS)
    high = prop_def(COUNTS)
    mode = prop_def(StringAttr, default_value=StringAttr("constant"))
    value = prop_def(FloatAttr, default_value=number(0.0))
    y = result_def(AnyTensor)
    assembly_format = "$x attr-dict `:` type($x) `->` type($y)"

    def infer(self) -> Sequence[Tensor]:
        low, high, shape = counts_of(self.low), counts_of(self.high), shape_of(self.x)
        if not len(low) == len(high) == len(shape):
            raise VerifyException(f"{self.name}: {len(low)} and {len(high)} paddings for {len(shape)} dims")
        if self.mode.data not in PAD_MODES:
            raise VerifyException(f"{self.name}: mode {self.mode.data!r} is none of {PAD_MODES}")
        return [
            tensor([self._padded(*dim) for dim in zip(shape, low, high, strict=True)], element_of(self.x))
        ]

    def formulas(self) -> Sequence[Dim]:
        return *counts_of(self.low), *counts_of(self.high)

    def _padded(self, size: Dim, low: Dim, high: Dim) -> Dim:
        if isinstance(size, int) and isinstance(low, int) and isinstance(high, int):
            self._verify_padding(size, low, high)
        return computed_dim(added, computed_dim(added, size, low), high)

    def _verify_padding(self, extent: int, low: int, high: int) -> None:
        kept = extent + min(low, 0) + min(high, 0)
        if kept < 0 or (kept == 0 and max(low, high) > 0 and self.mode.data != "constant"):
            raise VerifyException(f"{self.name}: nothing is left of {extent} to pad by {low} and {high}")
        if self.mode.data == "reflect" and kept <= max(low, high) and max(low, high) > 0:
            raise VerifyException(f"{self.name}: {extent} elements cannot be reflected by {low} and {high}")

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        low, high = in_numbers(counts_of(self.low)), in_numbers(counts_of(self.high))
        (x,) = operands
        x = x[
            tuple(slice(max(-lo, 0), d - max(-hi, 0)) for lo, hi, d in zip(low, high, x.shape, strict=True))
        ]
        counts = [(max(lo, 0), max(hi, 0)) for lo, hi in zip(low, high, strict=True)]
        match self.mode.data:
            case "constant":
                return [np.pad(x, counts, constant_values=np.asarray(self.value.value.data).astype(x.dtype))]
            case "reflect":
                return [np.pad(x, counts, mode="reflect")]
            case "edge":
                return [np.pad(x, counts, mode="edge")]
            case _:
                return [np.pad(x, counts, mode="wrap")]


OPS: tuple[type[Operation], ...] = (TransposeOp, ReshapeOp, BroadcastToOp, ConcatOp, SliceOp, PadOp)
