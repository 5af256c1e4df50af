"""Runs `graph` operations by their meaning: blocks of them, and one on constants that may be wrong."""

from collections import Counter
from collections.abc import Callable, Sequence

from xdsl.ir import Block, SSAValue
from xdsl.traits import IsTerminator
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.graph.base import Array, GraphOp, shape_of
from penstock.dialects.graph.binding import BindOp, at_sizes
from penstock.errors import ShapeError

Evaluate = Callable[[GraphOp, Sequence[Array]], Sequence[Array]]
"""Gives the results of an operation on operands."""


def by_definition(op: GraphOp, operands: Sequence[Array]) -> Sequence[Array]:
    """The results of an operation on operands, computed."""
    return op.evaluate(*operands)


def evaluate_block(
    block: Block, values: dict[SSAValue, Array], evaluate: Evaluate = by_definition
) -> list[Array]:
    """What a block ends with, from the values of what it reads; arrays are dropped after their last use."""
    uses = Counter(operand for op in block.ops for operand in op.operands)
    sizes = {
        d: n
        for a in block.args
        for d, n in zip(shape_of(a), values[a].shape, strict=True)
        if isinstance(d, str)
    }
    for op in block.ops:
        if op.has_trait(IsTerminator):
            return [values[operand] for operand in op.operands]
        if isinstance(op, BindOp):
            sizes.update(op.read(values[op.value]))
            continue
        assert isinstance(op, GraphOp), f"{op.name} has no meaning at the graph level"
        results = evaluate(at_sizes(op, sizes), [values[operand] for operand in op.operands])
        values.update(zip(op.results, results, strict=True))
        sizes.update(_decided(op, results))
        uses.subtract(op.operands)
        for value in {*op.operands, *op.results}:
            if uses[value] == 0:
                del values[value]
    raise LookupError("the block does not return")


def _decided(op: GraphOp, results: Sequence[Array]) -> dict[str, int]:
    """The sizes that a run of an operation decides, from what it gave."""
    if not op.binds():
        return {}
    shapes = ((shape_of(value), array.shape) for value, array in zip(op.results, results, strict=True))
    dims = (pair for shape, sizes in shapes for pair in zip(shape, sizes, strict=True))
    return {dim: size for dim, size in dims if isinstance(dim, str) and dim in op.binds()}


def evaluate_now(op: GraphOp, operands: Sequence[Array]) -> Sequence[Array]:
    """The results of an operation on constants; `ShapeError` where they make none."""
    try:
        return op.evaluate(*operands)
    except (ArithmeticError, LookupError, TypeError, ValueError, VerifyException) as error:
        remedy = "Check the constants the node reads."
        raise ShapeError(f"a constant cannot be computed: {op.name}: {error}", remedy=remedy) from error
