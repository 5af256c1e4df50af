"""Operations of the `graph` dialect whose bounds are sizes known only at run time: formulas of symbols."""

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import DenseArrayBase, i1, i64
from xdsl.ir import Operation, TypeAttribute
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.element_types import numpy_dtype
from penstock.dialects.graph.base import (
    AnyTensor,
    Array,
    Dim,
    GraphOp,
    Tensor,
    element_of,
    is_static,
    rank_of,
    tensor,
)
from penstock.dialects.graph.movement import ShapeAttr, dims_of


@irdl_op_definition
class SectionOp(GraphOp):
    """Elements `start + step * i` along each dim, all of which exist:

    `%y = graph.section %x {starts = ["a"], sizes = ["n"], steps = array<i64: 1>} : ... -> ...`.
    """

    name = "graph.section"
    x = operand_def(AnyTensor)
    starts = prop_def(ShapeAttr)
    sizes = prop_def(ShapeAttr)
    steps = prop_def(DenseArrayBase.constr(i64))
    y = result_def(AnyTensor)
    assembly_format = "$x attr-dict `:` type($x) `->` type($y)"

    def infer(self) -> Sequence[Tensor]:
        if {len(dims_of(self.starts)), len(dims_of(self.sizes)), len(self.steps)} != {rank_of(self.x)}:
            raise VerifyException(
                f"{self.name}: a start, a size and a step for each of {rank_of(self.x)} dims"
            )
        return [tensor(dims_of(self.sizes), element_of(self.x))]

    def formulas(self) -> Sequence[Dim]:
        return *dims_of(self.starts), *dims_of(self.sizes)

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        rows = zip(
            numbers_of(self, dims_of(self.starts)),
            numbers_of(self, dims_of(self.sizes)),
            map(int, self.steps.get_values()),
            strict=True,
        )
        return [operands[0][np.ix_(*(start + step * np.arange(size) for start, size, step in rows))]]


@irdl_op_definition
class RangeOp(GraphOp):
    """The integers `first + step * i`: `%y = graph.range {bounds = ["a", "n", 1 : i64]} : ...`.

    The bounds are the first number, how many there are, and the step.
    """

    name = "graph.range"
    bounds = prop_def(ShapeAttr)
    element = prop_def(TypeAttribute)
    y = result_def(AnyTensor)
    assembly_format = "attr-dict `:` type($y)"

    def infer(self) -> Sequence[Tensor]:
        bounds = dims_of(self.bounds)
        if len(bounds) != 3:
            raise VerifyException(f"{self.name}: {list(bounds)} is no first number, count and step")
        return [tensor([bounds[1]], self.element)]

    def formulas(self) -> Sequence[Dim]:
        return dims_of(self.bounds)

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        first, count, step = numbers_of(self, dims_of(self.bounds))
        return [(first + step * np.arange(count)).astype(numpy_dtype(element_of(self.y)))]


@irdl_op_definition
class PositionsOp(GraphOp):
    """Where a list of truths holds, in rising order: `%p = graph.positions %x {count = ["n"]} : ... -> ...`.

    There must be as many truths as the count says.
    """

    name = "graph.positions"
    x = operand_def(AnyTensor)
    count = prop_def(ShapeAttr)
    y = result_def(AnyTensor)
    assembly_format = "$x attr-dict `:` type($x) `->` type($y)"

    def infer(self) -> Sequence[Tensor]:
        if rank_of(self.x) != 1 or element_of(self.x) != i1 or len(self.count) != 1:
            raise VerifyException(f"{self.name}: one count and a list of truths, got {self.x.type}")
        return [tensor(dims_of(self.count), i64)]

    def formulas(self) -> Sequence[Dim]:
        return dims_of(self.count)

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        found = np.flatnonzero(operands[0])
        if [len(found)] != numbers_of(self, dims_of(self.count)):
            raise VerifyException(f"{self.name}: {len(found)} truths, not {self.count}")
        return [found.astype(np.int64)]


def numbers_of(op: GraphOp, dims: Sequence[Dim]) -> list[int]:
    """Sizes that must be numbers where an operation is evaluated."""
    found = [d for d in dims if isinstance(d, int)]
    if len(found) != len(dims):
        raise VerifyException(f"{op.name}: the sizes {list(dims)} are known only at run time")
    return found


def is_known(op: GraphOp) -> bool:
    """Whether an operation can be evaluated given its operands: no size in it is a symbol."""
    return not any(isinstance(d, str) for d in op.formulas()) and all(map(is_static, op.results))


OPS: tuple[type[Operation], ...] = (SectionOp, RangeOp, PositionsOp)
