"""How importers read axes: counted from either end in the model, from the front in the graph."""

from collections.abc import Sequence

from xdsl.ir import SSAValue

from penstock.dialects.graph.base import rank_of, shape_of
from penstock.errors import ShapeError
from penstock.onnx_import.node import Node
from penstock.onnx_import.unsupported import Unsupported


def require(node: Node, holds: bool, otherwise: str) -> None:
    """`ShapeError` that says what is wrong unless a rule about shapes and attributes holds."""
    if not holds:
        remedy = "Correct the shapes or attributes and export the model again."
        raise ShapeError(otherwise, node=node.name, remedy=remedy)


def front_axis(node: Node, axis: int, rank: int) -> int:
    """An axis counted from the front; `ShapeError` when the tensor has no such axis."""
    if -rank <= axis < rank:
        return axis % rank
    raise ShapeError(
        f"{node.op_type} has axis {axis}, its tensor has {rank} dims",
        node=node.name,
        remedy="Correct the axis and export the model again.",
    )


def front_axes(node: Node, axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Axes counted from the front, in rising order, each once."""
    return tuple(sorted({front_axis(node, axis, rank) for axis in axes}))


def axis_attribute(node: Node, x: SSAValue, default: int | None = None) -> int:
    """The attribute `axis` of a node that works along an axis of `x`."""
    return front_axis(node, node.int("axis", default), rank_of(x))


def axis_input(node: Node, index: int, x: SSAValue) -> int:
    """An axis of `x` that the node gets as an input."""
    axes = node.integers(index, "the axis")
    return front_axis(node, axes[0] if len(axes) == 1 else rank_of(x), rank_of(x))


def static_sizes(node: Node, x: SSAValue, rank: int) -> list[int]:
    """All sizes of `x`, which must have this rank."""
    require(node, rank_of(x) == rank, f"{node.op_type} takes a rank of {rank}, not {list(shape_of(x))}")
    return [static_size(node, x, axis) for axis in range(rank)]


def known_number(node: Node, index: int, what: str) -> int | float:
    """The value of an input that is one known number."""
    value = node.required_constant(index, what)
    require(node, value.size == 1, f"{what} of {node.op_type} have the shape {list(value.shape)}")
    return value.reshape(-1).tolist()[0]


def static_size(node: Node, x: SSAValue, axis: int) -> int:
    """The size of `x` along an axis, which must be a number."""
    size = shape_of(x)[axis]
    if isinstance(size, int):
        return size
    raise Unsupported(
        f"{node.op_type} needs the size of axis {axis}, which is {size!r} until run time",
        "Give fixed shapes (shapes=..., dims=...).",
    )
