"""Sizes known only at run time in the nest dialect: as an attribute, in the type of a buffer, as a value.

    %n = nest.size <"batch*3"> : index
    memref<?x3xf32, #nest.sizes<["batch", ""]>>

The functions say which of their arguments are symbols: `{nest.symbol = "batch"}`.
"""

from collections.abc import Mapping, Sequence
from typing import Self

from xdsl.dialects import func
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    IndexType,
    IntAttr,
    MemRefLayoutAttr,
    MemRefType,
    NoneAttr,
    StringAttr,
    i8,
)
from xdsl.ir import Attribute, Data, ParametrizedAttribute, SSAValue
from xdsl.ir.affine import AffineMap
from xdsl.irdl import (
    IRDLOperation,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import PassFailedException, VerifyException

from penstock.dialects.narrowing import is_buffer
from penstock.dialects.size_text import parse_size
from penstock.dialects.sizes import Extent, Size

SYMBOL = "nest.symbol"
"""What an argument of a function is called that holds the value of a symbol."""
INDEX = IndexType()


@irdl_attr_definition
class SizeAttr(Data[Size]):
    """A size that is no number: `#nest.size<"h//2">`."""

    name = "nest.extent"

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(str(self.data))

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Size:
        with parser.in_angle_brackets():
            size = parse_size(parser.parse_str_literal())
        if isinstance(size, int):
            parser.raise_error(f"{size} is a number")
        return size


def extent_attr(size: Extent) -> "IntAttr | SizeAttr":
    """A number or a size as an attribute."""
    return IntAttr(size) if isinstance(size, int) else SizeAttr(size)


@irdl_attr_definition
class SizesAttr(MemRefLayoutAttr, ParametrizedAttribute):
    """The sizes of a row-major buffer, in the place of its layout: empty where the type says a number."""

    name = "nest.sizes"
    texts: ArrayAttr[StringAttr]

    def get_affine_map(self) -> AffineMap:
        """Row-major: the indices as they are."""
        return AffineMap.identity(len(self.texts.data))


def buffer_of(sizes: Sequence[Extent], element: Attribute) -> MemRefType[Attribute]:
    """The type of a row-major buffer."""
    shape = [s if isinstance(s, int) else DYNAMIC_INDEX for s in sizes]
    if DYNAMIC_INDEX not in shape:
        return MemRefType(element, shape)
    texts = [StringAttr("" if isinstance(s, int) else str(s)) for s in sizes]
    return MemRefType(element, shape, SizesAttr(ArrayAttr(texts)))


def sizes_of(buffer: SSAValue | Attribute) -> tuple[Extent, ...]:
    """The sizes of a buffer, or of its type."""
    kind = buffer.type if isinstance(buffer, SSAValue) else buffer
    if not is_buffer(kind):
        raise VerifyException(f"expected a memref, got {kind}")
    shape = kind.get_shape()
    if not isinstance(kind.layout, SizesAttr):
        if DYNAMIC_INDEX in shape:
            raise VerifyException(f"{kind} does not say its sizes")
        return shape
    texts = kind.layout.texts.data
    return tuple(parse_size(t.data) if s == DYNAMIC_INDEX else s for s, t in zip(shape, texts, strict=True))


def is_static(sizes: Sequence[Extent]) -> bool:
    """Whether all sizes are numbers."""
    return all(isinstance(s, int) for s in sizes)


class OpenSizeError(PassFailedException):
    """A size that is known only at run time where a number is needed."""


def numbers(sizes: Sequence[Extent]) -> list[int]:
    """Sizes that are numbers; who needs them cannot go on with others."""
    found = [s for s in sizes if isinstance(s, int)]
    if len(found) != len(sizes):
        raise OpenSizeError(f"the sizes {[str(s) for s in sizes]} are needed as numbers here")
    return found


@irdl_op_definition
class SizeOp(IRDLOperation):
    """The value of a size: `%0 = nest.size <"h//2"> : index`."""

    name = "nest.size"
    size = prop_def(SizeAttr)
    value = result_def(IndexType())
    traits = traits_def(Pure())
    assembly_format = "$size attr-dict `:` type($value)"

    def __init__(self, size: Size):
        super().__init__(properties={"size": SizeAttr(size)}, result_types=[INDEX])


@irdl_op_definition
class ViewOp(IRDLOperation):
    """Bytes of an arena as a buffer that says its sizes: `%b = nest.view %arena[%at] : ... to ...`."""

    name = "nest.view"
    source = operand_def(MemRefType)
    byte_shift = operand_def(IndexType())
    result = result_def(MemRefType)
    traits = traits_def(Pure())
    assembly_format = "$source `[` $byte_shift `]` attr-dict `:` type($source) `to` type($result)"

    @classmethod
    def of(cls, source: SSAValue, byte_shift: SSAValue, kind: MemRefType[Attribute]) -> Self:
        """The view of an arena of bytes."""
        return cls.build(operands=[source, byte_shift], result_types=[kind])

    def verify_(self) -> None:
        if not is_buffer(self.source.type) or self.source.type.get_element_type() != i8:
            raise VerifyException(f"nest.view of {self.source.type}, which is no memory of bytes")
        sizes_of(self.result)


@irdl_op_definition
class RowOp(IRDLOperation):
    """One slice across the first axis of a buffer, where it lies: `%r = nest.row %x[%i] : ... to ...`."""

    name = "nest.row"
    source = operand_def(MemRefType)
    index = operand_def(IndexType())
    result = result_def(MemRefType)
    traits = traits_def(Pure())
    assembly_format = "$source `[` $index `]` attr-dict `:` type($source) `to` type($result)"

    @classmethod
    def of(cls, source: SSAValue, index: SSAValue) -> Self:
        """A slice of a buffer that says its sizes."""
        assert is_buffer(source.type), "only buffers have slices"
        kind = buffer_of(sizes_of(source)[1:], source.type.get_element_type())
        return cls.build(operands=[source, index], result_types=[kind])

    def verify_(self) -> None:
        whole, part = sizes_of(self.source), sizes_of(self.result)
        if not whole or whole[1:] != part:
            raise VerifyException(f"nest.row: {self.result.type} is no slice of {self.source.type}")


def symbols(function: func.FuncOp) -> Mapping[str, SSAValue]:
    """The arguments of a function that hold the values of symbols, by name."""
    marks = () if function.arg_attrs is None else function.arg_attrs.data
    named = [m.data.get(SYMBOL, NoneAttr()) for m in marks]
    # A function that got its last arguments from passes may have marks for them only.
    pairs = zip(named, function.body.block.args, strict=False)
    return {name.data: argument for name, argument in pairs if isinstance(name, StringAttr)}
