"""The importer of determinants."""

import functools

import numpy as np
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import element_of, flag, integers, rank_of, shape_of
from penstock.dialects.graph.reduction import ArgMaxOp
from penstock.onnx_import.arithmetic import cast_to
from penstock.onnx_import.axes import require, static_size
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node, Unsupported
from penstock.onnx_import.terms import Term

MAX_ROWS = 64
"""A larger matrix is declined: each of its columns is written out."""


def import_det(node: Node, build: Builder) -> SSAValue:
    """Det: Gaussian elimination, the largest element of each column as its pivot."""
    x = node.input(0)
    require(node, rank_of(x) >= 2, f"the determinant of a rank of {rank_of(x)}")
    rows, columns = (static_size(node, x, rank_of(x) - i) for i in (2, 1))
    require(node, rows == columns, f"the determinant of {rows} rows and {columns} columns")
    if rows > MAX_ROWS:
        raise Unsupported(f"the determinant of {rows} rows", f"The limit is {MAX_ROWS} rows.")
    if rows == 0:
        return build.broadcast_to(build.scalar(1, like=x), shape_of(x)[:-2])
    rest, pivots = Term(build, x).precise(), list[Term]()
    for _ in range(rows - 1):
        pivot, rest = _eliminated(rest)
        pivots.append(pivot)
    last = rest.reshape(*shape_of(x)[:-2])
    return cast_to(build, functools.reduce(lambda a, b: a * b, pivots, last).value, element_of(x))


def _eliminated(a: Term) -> tuple[Term, Term]:
    """The pivot of the first column, negated when rows are swapped, and what remains without it."""
    rows, columns, size = len(a.shape) - 2, len(a.shape) - 1, a.shape[-1]
    assert isinstance(size, int), "only matrices of a known size are written out"
    largest = _row_of_largest(a.at(columns, 0))
    numbers = a.like(a.build.constant(np.arange(size)))
    is_pivot = largest.equals(numbers).reshape(*a.shape[:-1], 1)
    row = is_pivot.where(a, 0).sum(rows)
    # The first row takes the place of the pivot's; where they are one, it is not among the others.
    others = is_pivot.slice(rows, 1, size).where(a.slice(rows, 0, 1), a.slice(rows, 1, size))
    pivot = row.slice(rows, 0, 1)
    # A column of zeros makes the determinant 0 whatever it is divided by.
    divisor = pivot.equals(0).where(pivot.table(np.array(1)), pivot)
    ratio = others.slice(columns, 0, 1) / divisor.reshape(*a.shape[:-2], 1, 1)
    tail = row.slice(rows, 1, size).reshape(*a.shape[:-2], 1, size - 1)
    signed = largest.equals(0).where(pivot, 0 - pivot)
    return signed.reshape(*a.shape[:-2]), others.slice(columns, 1, size) - ratio * tail


def _row_of_largest(column: Term) -> Term:
    """The position of the largest absolute value along the last axis, which is kept."""
    properties = {"axes": integers([len(column.shape) - 1]), "keepdims": flag(True)}
    return column.like(column.build.op(ArgMaxOp, [column.absolute().value], properties))


DETERMINANT: Family = {"Det": import_det}
