"""Importers of the operations that pick or place elements by position, and of those that count positions."""

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import StringAttr, i1, i64
from xdsl.ir import SSAValue

from penstock.dialects.element_types import element_type, is_float, numpy_dtype
from penstock.dialects.graph.base import (
    Dim,
    dim_of,
    element_of,
    integer,
    product_of,
    rank_of,
    shape_of,
    size_of,
)
from penstock.dialects.graph.comparison import EqualOp, LessEqualOp, LessOp, SelectOp
from penstock.dialects.graph.elementwise import AddOp, CastOp, CeilOp, SubOp
from penstock.dialects.graph.indexing import (
    GatherElementsOp,
    GatherNDOp,
    GatherOp,
    ScatterElementsOp,
    ScatterNDOp,
    ShapeOp,
)
from penstock.dialects.graph.movement import dims_attr
from penstock.dialects.graph.sections import RangeOp
from penstock.dialects.sizes import maximum
from penstock.errors import ShapeError
from penstock.onnx_import.axes import axis_attribute, front_axis, known_number, require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node, Unsupported
from penstock.onnx_import.regions import scalar
from penstock.onnx_import.run_time_sizes import coordinates, positions_of, range_term
from penstock.onnx_import.run_time_slices import counted
from penstock.onnx_import.tensors import numpy_dtype_of
from penstock.onnx_import.terms import Term, stack


def import_gather(node: Node, build: Builder) -> SSAValue:
    """Gather: whole slices along an axis."""
    x = node.input(0)
    return build.indexing(GatherOp, [x, node.input(1)], {"axis": integer(axis_attribute(node, x, 0))})


def import_gather_elements(node: Node, build: Builder) -> SSAValue:
    """GatherElements: single elements along an axis."""
    x = node.input(0)
    return build.indexing(GatherElementsOp, [x, node.input(1)], {"axis": integer(axis_attribute(node, x, 0))})


def import_gather_nd(node: Node, build: Builder) -> SSAValue:
    """GatherND: slices by tuples of positions."""
    properties = {"batch_dims": integer(node.int("batch_dims", 0))}
    return build.indexing(GatherNDOp, [node.input(0), node.input(1)], properties)


def import_scatter_elements(node: Node, build: Builder) -> SSAValue:
    """ScatterElements, and Scatter as it was called up to opset 10."""
    x = node.input(0)
    properties = {"axis": integer(axis_attribute(node, x, 0)), "reduction": _reduction(node)}
    return build.indexing(ScatterElementsOp, [x, node.input(1), node.input(2)], properties)


def import_scatter_nd(node: Node, build: Builder) -> SSAValue:
    """ScatterND: slices at tuples of positions."""
    operands = [node.input(i) for i in range(3)]
    return build.indexing(ScatterNDOp, operands, {"reduction": _reduction(node)})


def _reduction(node: Node) -> StringAttr:
    return StringAttr(node.string("reduction", "none"))


def import_shape(node: Node, build: Builder) -> SSAValue:
    """Shape: a constant, unless a size is symbolic."""
    x = node.input(0)
    shape = shape_of(x)
    start, end, _ = slice(node.int("start", 0), node.int("end", len(shape))).indices(len(shape))
    sizes = shape[start : max(start, end)]
    if all(isinstance(d, int) for d in sizes):
        return build.constant(np.array(sizes, np.int64))
    return build.slice(build.op(ShapeOp, [x]), 0, start, end)


def import_size(node: Node, build: Builder) -> SSAValue:
    """Size: the number of elements."""
    return build.size(product_of(shape_of(node.input(0))), i64)


def import_one_hot(node: Node, build: Builder) -> SSAValue:
    """OneHot: `on` where the position along a new axis equals the index, else `off`."""
    indices, values = node.input(0), node.input(2)
    if node.constant(1) is None:
        return _computed_one_hot(node, build)
    depth = int(known_number(node, 1, "the depths"))
    if depth < 1:
        raise ShapeError(f"a depth of {depth}", node=node.name, remedy="It must be positive.")
    axis = front_axis(node, node.int("axis", -1), rank_of(indices) + 1)
    if is_float(element_of(indices)):
        indices = build.op(CastOp, [indices], {"to": element_of(build.constant(np.array(0)))})
    found = build.op(
        EqualOp,
        [
            build.unsqueeze(_from_front(build, indices, depth), [axis]),
            _positions(build, indices, axis, depth),
        ],
    )
    off, on = (build.reshape(build.cut(values, [(i, i + 1, 1)]), []) for i in range(2))
    return build.op(SelectOp, [found, on, off])


def _computed_one_hot(node: Node, build: Builder) -> SSAValue:
    """The same at a depth that the run finds."""
    indices = Term(build, node.input(0)).positions()
    depth = Term(build, scalar(build, node.input(1))).positions()
    (size,) = build.sizes(depth.value)
    rank = len(indices.shape)
    axis = front_axis(node, node.int("axis", -1), rank + 1)
    at = (
        (indices < 0).where(indices + depth, indices).reshape(*indices.shape[:axis], 1, *indices.shape[axis:])
    )
    places = range_term(build, size).reshape(size, *[1] * (rank - axis))
    off, on = (Term(build, node.input(2)).at(0, i) for i in range(2))
    return at.equals(places).where(on, off).value


def _positions(build: Builder, indices: SSAValue, axis: int, depth: int) -> SSAValue:
    """0, 1, ... along the new axis."""
    numbers = np.arange(build.bounded(depth)).astype(numpy_dtype(element_of(indices)))
    return build.constant(numbers.reshape(-1, *[1] * (rank_of(indices) - axis)))


def _from_front(build: Builder, indices: SSAValue, size: int) -> SSAValue:
    """Indices with `size` added to the negative ones."""
    negative = build.op(LessOp, [indices, build.scalar(0, like=indices)])
    return build.op(
        SelectOp, [negative, build.op(AddOp, [indices, build.scalar(size, like=indices)]), indices]
    )


def import_range(node: Node, build: Builder) -> SSAValue:
    """Range: a constant list of numbers, or integers up to a size known only at run time."""
    sizes = [node.dims(i) for i in range(3)]
    if any(size is not None and len(size) == 1 and isinstance(size[0], str) for size in sizes):
        return _symbolic_range(node, build, [size[0] if size else "?" for size in sizes])
    if any(node.constant(i) is None for i in range(3)):
        return _computed_range(node, build)
    bounds = [node.required_constant(i, "the bounds") for i in range(3)]
    require(node, all(b.size == 1 for b in bounds), f"bounds of the shapes {[list(b.shape) for b in bounds]}")
    first, limit, step = (bound.reshape(-1)[0] for bound in bounds)
    if step == 0 or not np.isfinite([first, limit, step]).all():
        raise ShapeError(
            "the step is zero or a bound is not finite", node=node.name, remedy="Correct the bounds."
        )
    count = max(int(np.ceil((float(limit) - float(first)) / float(step))), 0)
    # The definition is first + i * step in the type of the bounds.
    return build.constant(
        (first + np.arange(build.bounded(count)).astype(step.dtype) * step).astype(first.dtype)
    )


def _computed_range(node: Node, build: Builder) -> SSAValue:
    """first + i * step, as many as a run finds that there are."""
    first, limit, step = (Term(build, scalar(build, node.input(i))) for i in range(3))
    if is_float(first.element):
        count = ((limit - first) / step).apply(CeilOp).positions().maximum(0)
    else:
        count = counted(first.positions(), limit.positions(), step.positions())
    (size,) = build.sizes(count.value)
    return (first + range_term(build, size).cast(first.element) * step).value


def _symbolic_range(node: Node, build: Builder, bounds: Sequence[Dim]) -> SSAValue:
    first, limit, step = bounds
    if "?" in bounds or not isinstance(step, int) or step < 1:
        raise Unsupported("the bounds of Range depend on the inputs of the model", "Make them constant.")
    span = maximum(size_of(limit) - size_of(first) + (step - 1), 0)
    dims = dims_attr([first, dim_of(span // step), step])
    return build.op(RangeOp, [], {"bounds": dims, "element": element_of(node.input(0))})


def import_trilu(node: Node, build: Builder) -> SSAValue:
    """Trilu: zero below (or above) a diagonal of the last two dims."""
    x = node.input(0)
    if rank_of(x) < 2:
        raise ShapeError(
            f"needs a matrix, got {list(shape_of(x))}", node=node.name, remedy="Check the shape."
        )
    rows, columns = shape_of(x)[-2:]
    if isinstance(rows, str) or isinstance(columns, str):
        return _open_triangle(node, build, x)
    k = 0 if node.optional(1) is None else int(known_number(node, 1, "the diagonals"))
    k = max(min(k, columns + rows), -columns - rows)
    build.bounded(rows * columns)
    whole = np.ones((rows, columns), np.bool_)
    kept = np.triu(whole, k) if node.int("upper", 1) else np.tril(whole, k)
    return build.op(SelectOp, [build.constant(kept), x, build.scalar(0, like=x)])


def _open_triangle(node: Node, build: Builder, x: SSAValue) -> SSAValue:
    """The elements with `row + k <= column`, or `column <= row + k`."""
    row, column = _rows_and_columns(build, x)
    k = node.optional(1)
    diagonal = row if k is None else build.op(AddOp, [row, build.reshape(k, [])])
    kept = [diagonal, column] if node.int("upper", 1) else [column, diagonal]
    return build.op(SelectOp, [build.op(LessEqualOp, kept), x, build.scalar(0, like=x)])


def _rows_and_columns(build: Builder, x: SSAValue) -> tuple[SSAValue, SSAValue]:
    """The number of the row and of the column of each element of a matrix."""
    rows, columns = shape_of(x)[-2:]
    return build.unsqueeze(build.positions(rows, i64), [1]), build.positions(columns, i64)


def import_eye_like(node: Node, build: Builder) -> SSAValue:
    """EyeLike: ones on a diagonal, in the shape of the operand."""
    x = node.input(0)
    if rank_of(x) != 2:
        raise ShapeError(
            f"needs a matrix, got {list(shape_of(x))}", node=node.name, remedy="Check the shape."
        )
    dtype = numpy_dtype_of(node.int("dtype")) if node.has("dtype") else numpy_dtype(element_of(x))
    rows, columns = shape_of(x)
    if isinstance(rows, str) or isinstance(columns, str):
        row, column = _rows_and_columns(build, x)
        shifted = build.op(AddOp, [row, build.constant(np.array(node.int("k", 0)))])
        return build.op(CastOp, [build.op(EqualOp, [shifted, column])], {"to": element_type(dtype)})
    build.bounded(rows * columns)
    k = max(min(node.int("k", 0), columns), -rows)
    return build.constant(np.eye(rows, columns, k, np.uint8).astype(dtype))


def import_reverse_sequence(node: Node, build: Builder) -> SSAValue:
    """ReverseSequence: along time, element `t` of a sequence of length `n` is `n - 1 - t`, for `t < n`."""
    x, lengths = node.input(0), node.input(1)
    require(node, rank_of(x) >= 2, f"sequences of the shape {list(shape_of(x))}, which has no time and batch")
    time, batch = node.int("time_axis", 0), node.int("batch_axis", 1)
    if {time, batch} != {0, 1}:
        raise ShapeError(f"axes {time} and {batch}", node=node.name, remedy="They must be 0 and 1.")
    t = build.unsqueeze(build.positions(shape_of(x)[time], i64), [1 - time])
    n = build.unsqueeze(lengths, [time])
    mirrored = build.op(SubOp, [build.op(SubOp, [n, build.constant(np.array(1))]), t])
    source = build.op(SelectOp, [build.op(LessOp, [t, n]), mirrored, t])
    everywhere = build.broadcast_to(build.append_axes(source, rank_of(x) - 2), shape_of(x))
    return build.indexing(GatherElementsOp, [x, everywhere], {"axis": integer(time)})


def import_non_zero(node: Node, build: Builder) -> SSAValue:
    """NonZero: the positions in the order of memory, a row for each dim; a scalar counts as a list."""
    x = node.input(0)
    truths = x if element_of(x) == i1 else build.op(CastOp, [x], {"to": i1})
    shape = shape_of(x) or (1,)
    found = Term(build, positions_of(build, build.reshape(truths, [product_of(shape)])))
    return stack(coordinates(found, shape), 0).value


def import_compress(node: Node, build: Builder) -> SSAValue:
    """Compress: a gather of the positions where a condition holds."""
    x, condition = node.input(0), node.input(1)
    flat = x if node.has("axis") else build.reshape(x, [product_of(shape_of(x))])
    axis = axis_attribute(node, x) if node.has("axis") else 0
    return build.indexing(GatherOp, [flat, positions_of(build, condition)], {"axis": integer(axis)})


INDEXING: Family = {
    "Compress": import_compress,
    "EyeLike": import_eye_like,
    "Gather": import_gather,
    "GatherElements": import_gather_elements,
    "GatherND": import_gather_nd,
    "NonZero": import_non_zero,
    "OneHot": import_one_hot,
    "Range": import_range,
    "ReverseSequence": import_reverse_sequence,
    "Scatter": import_scatter_elements,
    "ScatterElements": import_scatter_elements,
    "ScatterND": import_scatter_nd,
    "Shape": import_shape,
    "Size": import_size,
    "Trilu": import_trilu,
}
