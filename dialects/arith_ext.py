"""Upstream `arith` with the vector forms that MLIR has and xDSL 0.74 lacks; registered in place of xDSL's.

xDSL types the result of a comparison, and the condition of a select, as one `i1` even when the operands are
vectors, and converts only scalars.  The ops here keep MLIR's names, syntax and constructors.
"""

from abc import ABC
from collections.abc import Sequence
from typing import ClassVar, Self

from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    IndexType,
    IntegerAttr,
    IntegerType,
    VectorType,
    i1,
    i64,
)
from xdsl.ir import Attribute, Dialect, Operation, SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    VarConstraint,
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

from penstock.dialects.narrowing import integer_width, is_vector

_MASK = irdl_to_attr_constraint(IntegerType(1)) | VectorType.constr(IntegerType(1))
_Kinds = tuple[type[Attribute], ...]
_FLOATS = (BFloat16Type, Float16Type, Float32Type, Float64Type)


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


class CastOp(IRDLOperation, ABC):
    """The common part of the conversions between integers, `index` and floating point, element by element."""

    input = operand_def(AnyAttr())
    result = result_def(AnyAttr())

    traits = traits_def(Pure())
    assembly_format = "$input attr-dict `:` type($input) `to` type($result)"

    TAKES: ClassVar[_Kinds]
    GIVES: ClassVar[_Kinds]

    def __init__(self, source: SSAValue | Operation, target_type: Attribute):
        super().__init__(operands=[source], result_types=[target_type])

    def verify_(self) -> None:
        source, target = self.input.type, self.result.type
        if not isinstance(_element(source), self.TAKES) or not isinstance(_element(target), self.GIVES):
            raise VerifyException(f"{self.name}: cannot convert {source} to {target}")
        if mask_type(source) != mask_type(target):
            raise VerifyException(f"{self.name}: {source} and {target} differ in shape")
        self.verify_widths(_element(source), _element(target))

    def verify_widths(self, source: Attribute, target: Attribute) -> None:
        """Any widths will do, unless the op says more."""


def _element(value_type: Attribute) -> Attribute:
    return value_type.element_type if is_vector(value_type) else value_type


class ResizeOp(CastOp, ABC):
    """A conversion to a longer integer."""

    TAKES: ClassVar[_Kinds] = (IntegerType,)
    GIVES: ClassVar[_Kinds] = (IntegerType,)

    def verify_widths(self, source: Attribute, target: Attribute) -> None:
        """The result has more bits."""
        if integer_width(source) >= integer_width(target):
            raise VerifyException(f"{self.name}: {target} is not longer than {source}")


@irdl_op_definition
class ExtSIOp(ResizeOp):
    """Lengthen a signed integer: `%r = arith.extsi %x : vector<16xi8> to vector<16xi32>`."""

    name = "arith.extsi"


@irdl_op_definition
class ExtUIOp(ResizeOp):
    """Lengthen an unsigned integer: `%r = arith.extui %x : vector<16xi8> to vector<16xi32>`."""

    name = "arith.extui"


@irdl_op_definition
class TruncIOp(CastOp):
    """Keep the low bits of an integer: `%r = arith.trunci %x : vector<16xi32> to vector<16xi8>`."""

    name = "arith.trunci"
    TAKES: ClassVar[_Kinds] = (IntegerType,)
    GIVES: ClassVar[_Kinds] = (IntegerType,)

    def verify_widths(self, source: Attribute, target: Attribute) -> None:
        """The result has fewer bits."""
        if integer_width(source) <= integer_width(target):
            raise VerifyException(f"{self.name}: {target} is not shorter than {source}")


@irdl_op_definition
class SIToFPOp(CastOp):
    """Convert a signed integer to floating point: `%r = arith.sitofp %x : vector<4xi32> to vector<4xf32>`."""

    name = "arith.sitofp"
    TAKES: ClassVar[_Kinds] = (IntegerType,)
    GIVES: ClassVar[_Kinds] = _FLOATS


@irdl_op_definition
class UIToFPOp(CastOp):
    """Convert an unsigned integer to floating point: `%r = arith.uitofp %x : i8 to f32`."""

    name = "arith.uitofp"
    TAKES: ClassVar[_Kinds] = (IntegerType,)
    GIVES: ClassVar[_Kinds] = _FLOATS


@irdl_op_definition
class FPToSIOp(CastOp):
    """Convert to a signed integer, towards zero: `%r = arith.fptosi %x : vector<4xf32> to vector<4xi32>`."""

    name = "arith.fptosi"
    TAKES: ClassVar[_Kinds] = _FLOATS
    GIVES: ClassVar[_Kinds] = (IntegerType,)


@irdl_op_definition
class FPToUIOp(CastOp):
    """Convert to an unsigned integer, towards zero: `%r = arith.fptoui %x : f32 to i8`."""

    name = "arith.fptoui"
    TAKES: ClassVar[_Kinds] = _FLOATS
    GIVES: ClassVar[_Kinds] = (IntegerType,)


@irdl_op_definition
class IndexCastOp(CastOp):
    """Convert between `index` and a signed integer: `%i = arith.index_cast %x : i32 to index`."""

    name = "arith.index_cast"
    TAKES: ClassVar[_Kinds] = (IntegerType, IndexType)
    GIVES: ClassVar[_Kinds] = (IntegerType, IndexType)


@irdl_op_definition
class IndexCastUIOp(CastOp):
    """Convert between `index` and an unsigned integer: `%i = arith.index_castui %x : i8 to index`."""

    name = "arith.index_castui"
    TAKES: ClassVar[_Kinds] = (IntegerType, IndexType)
    GIVES: ClassVar[_Kinds] = (IntegerType, IndexType)


_CASTS = [ExtSIOp, ExtUIOp, TruncIOp, SIToFPOp, UIToFPOp, FPToSIOp, FPToUIOp, IndexCastOp, IndexCastUIOp]
_OURS: list[type[Operation]] = [CmpiOp, CmpfOp, SelectOp, *_CASTS]
_OUR_NAMES = {op.name for op in _OURS}

ARITH = Dialect(
    "arith",
    [*(op for op in arith.Arith.operations if op.name not in _OUR_NAMES), *_OURS],
    list(arith.Arith.attributes),
    [arith.ArithConstantMaterializationInterface()],
)
