"""Upstream `memref` with the op that MLIR has and xDSL 0.74 lacks; registered in place of xDSL's `memref`."""

from typing import Self

from xdsl.dialects import memref
from xdsl.dialects.builtin import BoolAttr, IndexType, IntegerAttr, MemRefType, i32
from xdsl.ir import Dialect
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, prop_def, var_operand_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.narrowing import is_buffer

FARTHEST = 3
"""The greatest locality: data that is used again soon."""


@irdl_op_definition
class PrefetchOp(IRDLOperation):
    """Bring an element near, without reading it; it need not be inside of the buffer.

    `memref.prefetch %w[%i], read, locality<2>, data : memref<64xf32>`
    """

    # It neither reads nor writes, yet is there for its effect: no trait says so to those who erase dead code.
    name = "memref.prefetch"
    memref = operand_def(MemRefType)
    indices = var_operand_def(IndexType())
    is_write = prop_def(BoolAttr, prop_name="isWrite")
    locality = prop_def(IntegerAttr[i32], prop_name="localityHint")
    is_data_cache = prop_def(BoolAttr, prop_name="isDataCache")

    def verify_(self) -> None:
        assert is_buffer(self.memref.type), "declared as a memref"
        rank = len(self.memref.type.get_shape())
        if len(self.indices) != rank:
            raise VerifyException(f"memref.prefetch: {len(self.indices)} indices of a buffer of rank {rank}")
        if not 0 <= self.locality.value.data <= FARTHEST:
            raise VerifyException(f"memref.prefetch: locality {self.locality.value.data} is not 0 to 3")

    def print(self, printer: Printer) -> None:
        """Print as MLIR does."""
        printer.print_string(" ")
        printer.print_operand(self.memref)
        with printer.in_square_brackets():
            printer.print_list(self.indices, printer.print_operand)
        printer.print_string(", write" if self.is_write.value.data else ", read")
        printer.print_string(f", locality<{self.locality.value.data}>")
        printer.print_string(", data" if self.is_data_cache.value.data else ", instr")
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.memref.type)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        """Parse what MLIR prints."""
        buffer = parser.parse_unresolved_operand()
        indices = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_unresolved_operand)
        parser.parse_punctuation(",")
        is_write = parser.parse_identifier("read or write") == "write"
        parser.parse_punctuation(",")
        parser.parse_keyword("locality")
        with parser.in_angle_brackets():
            locality = parser.parse_integer()
        parser.parse_punctuation(",")
        is_data = parser.parse_identifier("data or instr") == "data"
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        kind = parser.parse_type()
        operands = [parser.resolve_operand(buffer, kind)]
        places = [parser.resolve_operand(index, IndexType()) for index in indices]
        properties = {
            "isWrite": BoolAttr.from_bool(is_write),
            "localityHint": IntegerAttr(locality, i32),
            "isDataCache": BoolAttr.from_bool(is_data),
        }
        return cls.build(operands=[operands[0], places], properties=properties, attributes=attributes)


MEMREF = Dialect("memref", [*memref.MemRef.operations, PrefetchOp], list(memref.MemRef.attributes))
