"""Puts numbers in for the symbols of a function of the graph level, whose operations can then be run."""

from collections.abc import Iterable, Mapping

from xdsl.dialects.builtin import TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Block, Operation
from xdsl.rewriter import Rewriter
from xdsl.utils.hints import isa

from penstock.dialects.graph.base import Dim, dim_of, element_of, is_static, shape_of, size_of, tensor
from penstock.dialects.graph.movement import ShapeAttr, dims_attr, dims_of
from penstock.dialects.sizes import evaluate, symbol
from penstock.errors import CallError

Sizes = Mapping[str, int]


def symbol_values(declared: Iterable[Attribute], shapes: Iterable[tuple[int, ...]]) -> dict[str, int]:
    """What the symbols in some tensor types are, given the shapes of arrays of these types."""
    found: dict[str, int] = {}
    for kind, shape in zip(declared, shapes, strict=True):
        for name, size in zip(shape_of(kind), shape, strict=True):
            if isinstance(name, str) and name != "?" and size_of(name) == symbol(name):
                if found.setdefault(name, size) != size:
                    raise CallError(
                        f"'{name}' is {found[name]} and {size}", remedy="Pass inputs whose sizes agree."
                    )
    return found


def at_sizes(function: FuncOp, sizes: Sizes) -> FuncOp:
    """A function with numbers for its symbols: a copy, if there are any; nameless sizes stay."""
    if not sizes:
        return function
    copy = function.clone()
    for block in (block for op in copy.walk() for region in op.regions for block in region.blocks):
        _specialize_block(block, sizes)
    return copy


def _specialize_block(block: Block, sizes: Sizes) -> None:
    for value in (*block.args, *(result for op in block.ops for result in op.results)):
        if isinstance(value.type, TensorType) and not is_static(value):
            known = tensor([_dim(d, sizes) for d in shape_of(value)], element_of(value))
            Rewriter.replace_value_with_new_type(value, known)
    for op in block.ops:
        _specialize_properties(op, sizes)


def _specialize_properties(op: Operation, sizes: Sizes) -> None:
    for name, value in op.properties.items():
        if isa(value, ShapeAttr):
            op.properties[name] = dims_attr([_dim(d, sizes) for d in dims_of(value)])


def _dim(dim: Dim, sizes: Sizes) -> Dim:
    return dim if isinstance(dim, int) or dim == "?" else dim_of(evaluate(size_of(dim), sizes))
