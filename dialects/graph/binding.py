"""Sizes that values decide: `graph.bind` makes integers of a run the sizes that later types speak of.

    graph.bind %n {symbols = ["rows"]} : tensor<1xi64>
    %y = graph.section %x {...} : tensor<9x4xf32> -> tensor<?x4xf32, #graph.dims<["rows", ""]>>

What speaks of such a symbol can only be run when the value is there.  So a model with bindings runs in
stages: one ends where a later one needs a symbol from it.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerType, StringAttr, TensorType
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.irdl import IRDLOperation, ParsePropInAttrDict, irdl_op_definition, operand_def, prop_def
from xdsl.rewriter import Rewriter
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.graph.base import (
    AnyTensor,
    Array,
    Dim,
    GraphOp,
    element_count,
    element_of,
    is_static,
    rank_of,
    shape_of,
    tensor,
)
from penstock.dialects.graph.movement import dims_attr, dims_of, is_shape
from penstock.dialects.narrowing import strings
from penstock.dialects.size_text import parse_size
from penstock.dialects.sizes import number, symbols_of


@irdl_op_definition
class BindOp(IRDLOperation):
    """The elements of a list of integers become sizes, which must not be negative:

    `graph.bind %n {symbols = ["rows", ""]} : tensor<2xi64>`; an element with an empty name is left out.
    """

    name = "graph.bind"
    value = operand_def(AnyTensor)
    symbols = prop_def(ArrayAttr[StringAttr])
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$value attr-dict `:` type($value)"

    @staticmethod
    def of(value: SSAValue, names: Sequence[str]) -> "BindOp":
        """The binding of the elements of a value."""
        symbols = ArrayAttr([StringAttr(name) for name in names])
        return BindOp.build(operands=[value], properties={"symbols": symbols})

    def verify_(self) -> None:
        if rank_of(self.value) > 1 or not is_static(self.value):
            raise VerifyException(f"graph.bind: {self.value.type} is no list of known length")
        if not isinstance(element_of(self.value), IntegerType):
            raise VerifyException(f"graph.bind: {self.value.type} holds no integers")
        if len(self.symbols) != element_count(self.value):
            raise VerifyException(f"graph.bind: {len(self.symbols)} names for {self.value.type}")

    def read(self, value: Array) -> dict[str, int]:
        """The sizes that the elements of a value are."""
        pairs = zip(self.names, value.astype(np.int64).reshape(-1).tolist(), strict=True)
        return {name: size for name, size in pairs if name}

    @property
    def names(self) -> tuple[str, ...]:
        """The symbols, one for each element; empty where the element is no size."""
        return strings(self.symbols)


def at_sizes(op: GraphOp, sizes: Mapping[str, int]) -> GraphOp:
    """An operation with numbers for the formulas in its properties, as far as their symbols are known.

    One with regions gets them inside, and in the types of its results.
    """
    if all(isinstance(d, int) for d in op.formulas()):
        return op
    copy = op.clone()
    for each in (each for each in copy.walk() if isinstance(each, GraphOp)):
        settle_properties(each, sizes)
    for result in copy.results if copy.regions else ():
        settle_type(result, sizes)
    return copy


def settle_properties(op: GraphOp, sizes: Mapping[str, int]) -> None:
    """Put numbers in for formulas in the properties of an operation, as far as their symbols are known."""
    if not all(isinstance(d, int) for d in op.formulas()):
        op.properties = {name: _in_numbers(value, sizes) for name, value in op.properties.items()}


def settle_type(value: SSAValue, sizes: Mapping[str, int]) -> None:
    """Put numbers in for the sizes of a value, as far as their symbols are known."""
    if not isinstance(value.type, TensorType) or is_static(value):
        return
    shape = tuple(dim_at(d, sizes) for d in shape_of(value))
    if shape != shape_of(value):
        Rewriter.replace_value_with_new_type(value, tensor(shape, element_of(value)))


def _in_numbers(attribute: Attribute, sizes: Mapping[str, int]) -> Attribute:
    if isinstance(attribute, DictionaryAttr):
        return DictionaryAttr({name: _in_numbers(each, sizes) for name, each in attribute.data.items()})
    if is_shape(attribute):
        return dims_attr([dim_at(d, sizes) for d in dims_of(attribute)])
    return attribute


def dim_at(dim: Dim, sizes: Mapping[str, int]) -> Dim:
    """A size in numbers, if all of its symbols are known."""
    if dim == "?" or isinstance(dim, int) or not sizes.keys() >= set(symbols_of(parse_size(dim))):
        return dim
    return number(parse_size(dim), sizes)


def names_bound(op: Operation) -> Sequence[str]:
    """The symbols whose sizes a run of an operation decides."""
    if isinstance(op, BindOp):
        return [name for name in op.names if name]
    return op.binds() if isinstance(op, GraphOp) else ()


def is_needed(op: Operation) -> bool:
    """Whether something reads a result of an operation, or speaks of a size that it decides."""
    if any(result.first_use is not None for result in op.results):
        return True
    names, block = set(names_bound(op)), op.parent_block()
    if not names or block is None:
        return False
    return any(names.intersection(symbols_in(each)) for each in block.ops if each is not op)


def symbols_in(op: Operation) -> list[str]:
    """The symbols that the types and properties of an operation, and of those inside of it, speak of."""
    found = [name for each in op.walk() for name in _own_symbols(each)]
    return list(dict.fromkeys(found))


def symbols_in_block(block: Block) -> list[str]:
    """The symbols that the operations of a block speak of, in their order."""
    return list(dict.fromkeys(name for op in block.ops for name in symbols_in(op)))


def _own_symbols(op: Operation) -> Iterator[str]:
    arguments = (a for region in op.regions for block in region.blocks for a in block.args)
    for value in (*op.results, *arguments):
        yield from _of_dims(shape_of(value))
    if isinstance(op, GraphOp):
        yield from _of_dims(op.formulas())


def _of_dims(dims: Sequence[int | str]) -> Sequence[str]:
    return symbols_of(*(parse_size(d) for d in dims if isinstance(d, str) and d != "?"))


OPS: tuple[type[Operation], ...] = (BindOp,)
