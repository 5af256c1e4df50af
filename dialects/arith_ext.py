"""Upstream `arith` with the vector forms that MLIR has and xDSL 0.74 lacks; registered in place of xDSL's.

xDSL types the result of a comparison, and the condition of a select, as one `i1` even when the operands are
vectors, and casts only scalar indices.  The ops here keep MLIR's names, syntax and constructors.
"""

from abc import ABC
from collections.abc import Sequence
from typing import ClassVar, Self

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, IntegerAttr, IntegerType, VectorType, i1, i64
from xdsl.ir import Attribute, Dialect, Operation, SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    VarConstraint,
    base,
    irdl_op_definition,
    irdl_to_attr_constraint,
    operand_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

_MASK = irdl_to_attr_constraint(IntegerType(1)) | VectorType.constr(IntegerType(1))
_INTEGERS = base(IntegerType) | base(IndexType)
_INTEGER_LIKE = _INTEGERS | VectorType.constr(_INTEGERS)


def mask_type(operand_type: Attribute) -> Attribute:
    """The type of the answer when values of `operand_type` are compared: `i1`, or a vector of them."""
    if not isinstance(operand_type, VectorType):
        return i1
    return VectorType(i1, operand_type.shape, operand_type.scalable_dims)


class ComparisonOp(IRDLOperation, ABC):
    """The common part of `arith.cmpi` and `arith.cmpf`: a predicate, two operands of one type, a mask."""

    PREDICATES: ClassVar[Sequence[str]]
    T: ClassVar = VarConstraint("T", AnyAttr())

    predicate = prop_def(IntegerAttr)
    lhs = operand_def(T)
    rhs = operand_def(T)
    result = result_def(_MASK)

    traits = traits_def(Pure())

    def __init__(self, lhs: SSAValue | Operation, rhs: SSAValue | Operation, predicate: int | str):
        if isinstance(predicate, str):
            predicate = self.PREDICATES.index(predicate)
        super().__init__(
            operands=[lhs, rhs],
            result_types=[mask_type(SSAValue.get(lhs).type)],
            properties={"predicate": IntegerAttr(predicate, i64)},
        )

    def verify_(self) -> None:
        expected = mask_type(self.lhs.type)
        if self.result.type != expected:
            raise VerifyException(f"{self.name}: result is {self.result.type}, operands ask for {expected}")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        """Parse `slt, %a, %b : type`."""
        predicate = parser.parse_identifier()
        if predicate not in cls.PREDICATES:
            parser.raise_error(f"unknown predicate '{predicate}' of {cls.name}")
        parser.parse_punctuation(",")
        lhs = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        rhs = parser.parse_unresolved_operand()
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        operand_type = parser.parse_type()
        first, second = parser.resolve_operands([lhs, rhs], 2 * [operand_type], parser.pos)
        op = cls(first, second, predicate)
        op.attributes.update(attributes)
        return op

    def print(self, printer: Printer) -> None:
        """Print `slt, %a, %b : type`."""
        printer.print_string(f" {self.PREDICATES[self.predicate.value.data]}, ")
        printer.print_operand(self.lhs)
        printer.print_string(", ")
        printer.print_operand(self.rhs)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.lhs.type)


@irdl_op_definition
class CmpiOp(ComparisonOp):
    """Compare integers, element by element on vectors.

    `%m = arith.cmpi slt, %a, %b : vector<16xi32>`
    """

    name = "arith.cmpi"
    PREDICATES: ClassVar[Sequence[str]] = tuple(arith.CMPI_COMPARISON_OPERATIONS)


@irdl_op_definition
class CmpfOp(ComparisonOp):
    """Compare floating-point numbers, element by element on vectors.

    `%m = arith.cmpf olt, %a, %b : vector<16xf32>`
    """

    name = "arith.cmpf"
    PREDICATES: ClassVar[Sequence[str]] = tuple(arith.CMPF_COMPARISON_OPERATIONS)


@irdl_op_definition
class SelectOp(IRDLOperation):
    """Choose between two values by a condition, or between their elements by a mask.

    `%r = arith.select %m, %a, %b : vector<16xi1>, vector<16xf32>`
    """

    name = "arith.select"
    T: ClassVar = VarConstraint("T", AnyAttr())

    cond = operand_def(_MASK)
    lhs = operand_def(T)
    rhs = operand_def(T)
    result = result_def(T)

    traits = traits_def(Pure())

    def __init__(self, cond: SSAValue | Operation, lhs: SSAValue | Operation, rhs: SSAValue | Operation):
        super().__init__(operands=[cond, lhs, rhs], result_types=[SSAValue.get(lhs).type])

    def verify_(self) -> None:
        if self.cond.type not in (i1, mask_type(self.lhs.type)):
            raise VerifyException(f"arith.select: condition {self.cond.type} does not fit {self.lhs.type}")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        """Parse `%c, %a, %b : type`, with the mask's type first when it is a vector."""
        operands = parser.parse_comma_separated_list(
            parser.Delimiter.NONE, parser.parse_unresolved_operand, " as operands of arith.select"
        )
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        types = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        condition = types[0] if len(types) == 2 else i1
        cond, lhs, rhs = parser.resolve_operands(operands, [condition, types[-1], types[-1]], parser.pos)
        op = cls(cond, lhs, rhs)
        op.attributes.update(attributes)
        return op

    def print(self, printer: Printer) -> None:
        """Print `%c, %a, %b : type`, with the mask's type first when it is a vector."""
        printer.print_string(" ")
        printer.print_list(self.operands, printer.print_operand)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        types = [self.result.type] if self.cond.type == i1 else [self.cond.type, self.result.type]
        printer.print_list(types, printer.print_attribute)


@irdl_op_definition
class IndexCastOp(IRDLOperation):
    """Convert between `index` and an integer type, sign-extending or truncating.

    `%i = arith.index_cast %x : vector<16xi32> to vector<16xindex>`
    """

    name = "arith.index_cast"
    input = operand_def(_INTEGER_LIKE)
    result = result_def(_INTEGER_LIKE)

    traits = traits_def(Pure())
    assembly_format = "$input attr-dict `:` type($input) `to` type($result)"

    def __init__(self, source: SSAValue | Operation, target_type: Attribute):
        super().__init__(operands=[source], result_types=[target_type])


@irdl_op_definition
class IndexCastUIOp(IRDLOperation):
    """Convert between `index` and an integer type, zero-extending or truncating.

    `%i = arith.index_castui %x : i8 to index`
    """

    name = "arith.index_castui"
    input = operand_def(_INTEGER_LIKE)
    result = result_def(_INTEGER_LIKE)

    traits = traits_def(Pure())
    assembly_format = "$input attr-dict `:` type($input) `to` type($result)"

    def __init__(self, source: SSAValue | Operation, target_type: Attribute):
        super().__init__(operands=[source], result_types=[target_type])


_OURS: list[type[Operation]] = [CmpiOp, CmpfOp, SelectOp, IndexCastOp, IndexCastUIOp]
_OUR_NAMES = {op.name for op in _OURS}

ARITH = Dialect(
    "arith",
    [*(op for op in arith.Arith.operations if op.name not in _OUR_NAMES), *_OURS],
    list(arith.Arith.attributes),
    [arith.ArithConstantMaterializationInterface()],
)
