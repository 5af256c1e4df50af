"""Importer of Unique: what is sorted is compared with its neighbour.

order = argsort(x);  starts = x[order[i]] != x[order[i - 1]];  group = cumsum(starts) - 1
"""

import numpy as np
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import flag, integer, product_of
from penstock.dialects.graph.comparison import NotOp
from penstock.dialects.graph.indexing import ScatterElementsOp
from penstock.dialects.graph.movement import dims_attr
from penstock.dialects.graph.ordering import CumSumOp, TopKOp
from penstock.dialects.graph.sections import PositionsOp
from penstock.onnx_import.axes import front_axis
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node
from penstock.onnx_import.run_time_sizes import positions_of, range_term
from penstock.onnx_import.terms import Term
from penstock.onnx_import.unsupported import Unsupported

MOST_COLUMNS = 1024
"""Rows are sorted by one column after the other."""


def import_unique(node: Node, build: Builder) -> list[SSAValue]:
    """Unique: values, their first positions, the value of each element, and how often each occurs."""
    x = Term(build, node.input(0))
    if node.has("axis"):
        axis = front_axis(node, node.int("axis"), len(x.shape))
        moved = [axis, *(i for i in range(len(x.shape)) if i != axis)]
        apart = x.transpose(*moved)
    else:
        apart = x.reshape(product_of(x.shape))
        moved = [0]
    rows = apart.reshape(apart.shape[0], product_of(apart.shape[1:]))
    order = _order(rows)
    sorted_ = rows.take(order)
    group = _running(_starts(sorted_)) - 1
    first = order.take(_found(_starts(sorted_)))
    inverse = _placed(group * 0, order, group)
    if not node.int("sorted", 1):
        first, inverse = _by_occurrence(first, inverse)
    counts = _placed(first * 0, inverse, (inverse * 0) + 1, "add")
    values = apart.take(first).transpose(*np.argsort(moved).tolist())
    return [values.value, first.value, inverse.value, counts.value]


def _order(rows: Term) -> Term:
    """The order of rows by their first column, then the second, ...: stable, so the last is sorted first."""
    count, width = rows.shape
    if not isinstance(width, int) or width > MOST_COLUMNS:
        raise Unsupported(f"rows of {width} elements are compared", "Compare shorter rows.")
    order = range_term(rows.build, count)
    for column in reversed(range(width)):
        order = order.take(_ranking(rows.at(1, column).take(order)))
    return order


def _ranking(keys: Term) -> Term:
    properties = {"k": dims_attr(keys.shape), "axis": integer(0), "largest": flag(False)}
    return keys.like(keys.build.op(TopKOp, [keys.value], properties, results=2)[1])


def _starts(rows: Term) -> Term:
    """Where a row differs from the one before; the first one does."""
    at = range_term(rows.build, rows.shape[0])
    differs = rows.equals(rows.take((at - 1).maximum(0))).apply(NotOp)
    return (differs.positions().greatest(1) > 0) | at.equals(0)


def _running(truths: Term) -> Term:
    return truths.like(truths.build.op(CumSumOp, [truths.positions().value], {"axis": integer(0)}))


def _found(truths: Term) -> Term:
    return truths.like(positions_of(truths.build, truths.value))


def _placed(x: Term, at: Term, updates: Term, how: str = "none") -> Term:
    properties = {"axis": integer(0), "reduction": StringAttr(how)}
    return x.like(x.build.op(ScatterElementsOp, [x.value, at.value, updates.value], properties))


def _by_occurrence(first: Term, inverse: Term) -> tuple[Term, Term]:
    """The groups in the order in which they occur first."""
    blank = inverse * 0
    marked = _placed(blank, first, first * 0 + 1) > 0
    number = _running(marked) - 1
    return _found_like(marked, first), number.take(first.take(inverse))


def _found_like(truths: Term, like: Term) -> Term:
    """The positions of truths of which there are as many as something has elements."""
    return truths.like(truths.build.op(PositionsOp, [truths.value], {"count": dims_attr(like.shape)}))


UNIQUE: Family = {"Unique": import_unique}
