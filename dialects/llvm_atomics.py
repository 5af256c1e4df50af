"""The atomic ops of the `llvm` dialect that MLIR has and xDSL 0.74 lacks; `llvm_ext` registers them.

Names, syntax and numbers of orderings and operators are MLIR's.  Atomic loads are xDSL's `llvm.load`.
"""

from collections.abc import Mapping
from typing import ClassVar, Self

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerAttr, IntegerType, i1, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    VarConstraint,
    base,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

ORDERINGS: Mapping[int, str] = llvm.ATOMIC_ORDERING_KEYWORDS
"""How memory around an atomic access may be seen elsewhere, weakest first."""
OPERATORS = ("xchg", "add", "sub", "_and", "nand", "_or", "_xor")
"""What `llvm.atomicrmw` does to a number in memory, in the order of MLIR's enumeration."""

_NUMBER_OF_ORDERING = {name: number for number, name in ORDERINGS.items()}


def ordering(name: str) -> IntegerAttr[IntegerType]:
    """The attribute of an ordering such as `acquire`."""
    return IntegerAttr(_NUMBER_OF_ORDERING[name], i64)


def ordering_name(value: IntegerAttr[IntegerType]) -> str:
    """The keyword of an ordering."""
    return ORDERINGS[value.value.data]


def _verify_ordering(op: Operation, value: IntegerAttr[IntegerType]) -> None:
    # An unordered access may be split, which no read-modify-write can be.
    if value.value.data not in ORDERINGS or value.value.data == _NUMBER_OF_ORDERING["unordered"]:
        raise VerifyException(f"{op.name}: ordering {value.value.data} is not at least monotonic")


def _parse_ordering(parser: Parser) -> IntegerAttr[IntegerType]:
    name = parser.parse_identifier()
    if name not in _NUMBER_OF_ORDERING:
        parser.raise_error(f"unknown atomic ordering '{name}'")
    return ordering(name)


@irdl_op_definition
class AtomicRMWOp(IRDLOperation):
    """Replace a number in memory in one step and give what was there before.

    `%old = llvm.atomicrmw add %p, %n acq_rel : !llvm.ptr, i32`
    """

    name = "llvm.atomicrmw"
    T: ClassVar = VarConstraint("T", base(IntegerType))

    ptr = operand_def(llvm.LLVMPointerType)
    val = operand_def(T)
    res = result_def(T)
    bin_op = prop_def(IntegerAttr[IntegerType])
    ordering = prop_def(IntegerAttr[IntegerType])

    def __init__(self, operator: str, ptr: SSAValue, val: SSAValue, order: IntegerAttr[IntegerType]):
        super().__init__(
            operands=[ptr, val],
            result_types=[val.type],
            properties={"bin_op": IntegerAttr(OPERATORS.index(operator), i64), "ordering": order},
        )

    @property
    def operator(self) -> str:
        """The keyword of the operator."""
        return OPERATORS[self.bin_op.value.data]

    def verify_(self) -> None:
        if not 0 <= self.bin_op.value.data < len(OPERATORS):
            raise VerifyException(f"llvm.atomicrmw: operator {self.bin_op.value.data} is not known")
        _verify_ordering(self, self.ordering)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        """Parse `add %p, %n acq_rel : !llvm.ptr, i32`."""
        operator = parser.parse_identifier()
        if operator not in OPERATORS:
            parser.raise_error(f"unknown atomic operator '{operator}'")
        operands = [parser.parse_unresolved_operand()]
        parser.parse_punctuation(",")
        operands.append(parser.parse_unresolved_operand())
        order = _parse_ordering(parser)
        attributes = parser.parse_optional_attr_dict()
        ptr, val = parser.resolve_operands(operands, _parse_types(parser), parser.pos)
        op = cls(operator, ptr, val, order)
        op.attributes.update(attributes)
        return op

    def print(self, printer: Printer) -> None:
        """Print `add %p, %n acq_rel : !llvm.ptr, i32`."""
        printer.print_string(f" {self.operator} ")
        printer.print_list(self.operands, printer.print_operand)
        printer.print_string(f" {ordering_name(self.ordering)}")
        _print_types(self, printer)


@irdl_op_definition
class CmpXchgOp(IRDLOperation):
    """Replace a number in memory in one step if it is the one expected; what was there, and whether.

    `%pair = llvm.cmpxchg %p, %expected, %n acquire monotonic : !llvm.ptr, i32`
    """

    name = "llvm.cmpxchg"
    T: ClassVar = VarConstraint("T", base(IntegerType))

    ptr = operand_def(llvm.LLVMPointerType)
    cmp = operand_def(T)
    val = operand_def(T)
    res = result_def(llvm.LLVMStructType)
    success_ordering = prop_def(IntegerAttr[IntegerType])
    failure_ordering = prop_def(IntegerAttr[IntegerType])

    def __init__(
        self,
        ptr: SSAValue,
        cmp: SSAValue,
        val: SSAValue,
        success: IntegerAttr[IntegerType],
        failure: IntegerAttr[IntegerType],
    ):
        super().__init__(
            operands=[ptr, cmp, val],
            result_types=[llvm.LLVMStructType.from_type_list([val.type, i1])],
            properties={"success_ordering": success, "failure_ordering": failure},
        )

    def verify_(self) -> None:
        expected = llvm.LLVMStructType.from_type_list([self.val.type, i1])
        if self.res.type != expected:
            raise VerifyException(f"llvm.cmpxchg: result {self.res.type} is not {expected}")
        _verify_ordering(self, self.success_ordering)
        _verify_ordering(self, self.failure_ordering)
        if "rel" in ordering_name(self.failure_ordering):
            raise VerifyException("llvm.cmpxchg: a failure writes nothing that it could release")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        """Parse `%p, %expected, %n acquire monotonic : !llvm.ptr, i32`."""
        operands = [parser.parse_unresolved_operand()]
        for _ in range(2):
            parser.parse_punctuation(",")
            operands.append(parser.parse_unresolved_operand())
        success, failure = _parse_ordering(parser), _parse_ordering(parser)
        attributes = parser.parse_optional_attr_dict()
        pointer, number = _parse_types(parser)
        ptr, cmp, val = parser.resolve_operands(operands, [pointer, number, number], parser.pos)
        op = cls(ptr, cmp, val, success, failure)
        op.attributes.update(attributes)
        return op

    def print(self, printer: Printer) -> None:
        """Print `%p, %expected, %n acquire monotonic : !llvm.ptr, i32`."""
        printer.print_string(" ")
        printer.print_list(self.operands, printer.print_operand)
        orders = (self.success_ordering, self.failure_ordering)
        printer.print_string(f" {' '.join(map(ordering_name, orders))}")
        _print_types(self, printer)


def _parse_types(parser: Parser) -> tuple[Attribute, Attribute]:
    """The types of the pointer and of the number, at the end of an atomic op."""
    parser.parse_punctuation(":")
    pointer = parser.parse_type()
    parser.parse_punctuation(",")
    return pointer, parser.parse_type()


def _print_types(op: Operation, printer: Printer) -> None:
    printer.print_op_attributes(op.attributes)
    printer.print_string(" : ")
    printer.print_list((op.operands[0].type, op.operands[1].type), printer.print_attribute)


ATOMICS: list[type[Operation]] = [AtomicRMWOp, CmpXchgOp]
