"""`check-positions`: positions that come with the data are compared with what they pick from.

Where one lies outside, the code reads or writes another place of the same tensor, never a place outside of
it; the result that this pass adds tells the caller so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FunctionType,
    IntegerAttr,
    ModuleOp,
    StringAttr,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from penstock.dialects.element_types import numpy_dtype
from penstock.dialects.graph.base import (
    Array,
    Dim,
    GraphOp,
    element_count,
    element_of,
    flag,
    integers,
    is_static,
    rank_of,
    shape_of,
)
from penstock.dialects.graph.comparison import LessEqualOp, LessOp, OrOp
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.graph.elementwise import CastOp, MaxOp, MulOp, SubOp
from penstock.dialects.graph.indexing import Indexing
from penstock.dialects.graph.movement import ConcatOp, dims_attr
from penstock.dialects.graph.reduction import ReduceMaxOp
from penstock.dialects.graph.sections import RangeOp
from penstock.dialects.graph.status import POSITIONS, status_attributes
from penstock.passes.graph_rewriting import Operands, Properties, nodes_of
from penstock.passes.nest_rewriting import functions


@dataclass(frozen=True)
class CheckPositionsPass(ModulePass):
    """Add a result to every function that picks or places elements by data marked as positions.

    It is 0, or the number of the first operation, from 1, with a position outside; its attribute lists them.
    Functions without such operations stay as they are, and so do operations whose sizes have no names.
    """

    name = "check-positions"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in functions(op):
            checked = list(_checked(function))
            if checked:
                _add_status(function, checked)


def _checked(function: func.FuncOp) -> Iterator[Indexing]:
    """The marked operations whose positions depend on the arguments: others are checked by the importer."""
    from_data = set[SSAValue](function.body.block.args)
    for op in function.body.block.ops:
        if any(operand in from_data for operand in op.operands):
            from_data.update(op.results)
        if isinstance(op, Indexing) and POSITIONS in op.attributes and op.indices in from_data:
            if element_count(op.indices) and "?" not in (*op.extents(), *shape_of(op.indices)):
                yield op


def _add_status(function: func.FuncOp, checked: Sequence[Indexing]) -> None:
    returned = function.body.block.last_op
    assert isinstance(returned, func.ReturnOp), "a function ends with what it returns"
    build = _Before(returned)
    # Of several that fail the first is told, so it has the greatest number while the greatest is sought.
    count = len(checked)
    (worst, *others) = [build.failure(op, count - i) for i, op in enumerate(checked)]
    for failure in others:
        worst = build.op(MaxOp, [worst, failure])
    if not all(is_static(op.indices) for op in checked):
        # The greatest of no positions is no failure.
        worst = build.op(MaxOp, [worst, build.constant(np.array(0), worst)])
    Rewriter.replace_op(returned, func.ReturnOp(*returned.operands, worst))
    kind = function.function_type
    function.function_type = FunctionType.from_lists(list(kind.inputs), [*kind.outputs, worst.type])
    old = function.res_attrs.data if function.res_attrs else (DictionaryAttr({}),) * len(kind.outputs)
    messages = [_message(op) for op in reversed(checked)]
    function.res_attrs = ArrayAttr([*old, status_attributes(messages)])


def _message(op: Indexing) -> str:
    """What is told of an operation: its nodes and the sizes that positions must lie in."""
    nodes = ", ".join(f"'{name.data}'" for name in nodes_of(op).data)
    told, along = op.attributes[POSITIONS], " x ".join(map(str, op.extents()))
    what = f"a position is outside of the {along} that there are"
    return f"node {nodes or op.name}: {told.data if isinstance(told, StringAttr) else what}"


@dataclass
class _Before:
    """Builds operations in front of another."""

    end: func.ReturnOp
    checked: Indexing | None = None

    def failure(self, op: Indexing, number: int) -> SSAValue:
        """`number` if a position of an operation lies outside, else 0."""
        self.checked = op
        # For one position along the axis they have a dim more than the position, which is reduced again.
        low, high = self._limits(op)
        below, above = self.op(LessOp, [op.indices, low]), self.op(LessEqualOp, [high, op.indices])
        outside = self.op(CastOp, [self.op(OrOp, [below, above])], {"to": i64})
        numbered = self.op(MulOp, [outside, self.constant(np.array(number), outside)])
        axes = {"axes": integers(range(rank_of(numbered))), "keepdims": flag(False)}
        return self.op(ReduceMaxOp, [numbered], axes)

    def _limits(self, op: Indexing) -> tuple[SSAValue, SSAValue]:
        """The least positions, and those behind the greatest."""
        known = [size for size in op.extents() if isinstance(size, int)]
        if len(known) == len(op.extents()):
            return self.constant(-np.array(known), op.indices), self.constant(np.array(known), op.indices)
        element = element_of(op.indices)
        parts = [self._number(size, element) for size in op.extents()]
        high = self.op(ConcatOp, [parts], {"axis": IntegerAttr(0, i64)})
        return self.op(SubOp, [self.constant(np.array(0), high), high]), high

    def _number(self, size: Dim, element: Attribute) -> SSAValue:
        """A size as a list of one number."""
        bounds: Properties = {"bounds": dims_attr([size, 1, 1]), "element": element}
        return self.op(RangeOp, [], bounds)

    def op(self, kind: type[GraphOp], operands: Operands, properties: Properties | None = None) -> SSAValue:
        """An operation of one result."""
        return self._inserted(kind.make(operands, properties)).results[0]

    def constant(self, array: Array, like: SSAValue) -> SSAValue:
        """A constant of the element type of a value."""
        made = ConstantOp.of(array.astype(numpy_dtype(element_of(like))), "extents")
        return self._inserted(made).results[0]

    def _inserted(self, op: GraphOp) -> GraphOp:
        if self.checked is not None:
            op.attributes["nodes"] = nodes_of(self.checked)
        Rewriter.insert_op(op, InsertPoint.before(self.end))
        return op
