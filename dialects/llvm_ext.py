"""Upstream `llvm` with the ops that MLIR has and xDSL 0.74 lacks; registered in place of xDSL's `llvm`.

Names and syntax are MLIR's.  Comparison, select and masked store replace xDSL's, which know no vector masks,
or only floating-point elements.
"""

from typing import ClassVar, Self

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerAttr, IntegerType, VectorType, i1, i32, i64
from xdsl.ir import Dialect, Operation, SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    ParsePropInAttrDict,
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
from xdsl.traits import NoMemoryEffect, Pure
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.arith_ext import mask_type
from penstock.dialects.llvm_atomics import ATOMICS
from penstock.dialects.llvm_intrinsics import INTRINSICS

_MASK = irdl_to_attr_constraint(IntegerType(1)) | VectorType.constr(IntegerType(1))
_MASK_VECTOR = VectorType.constr(IntegerType(1))


@irdl_op_definition
class FPToSIOp(llvm.GenericCastOp):
    """Convert to a signed integer, towards zero: `llvm.fptosi %x : f32 to i32`."""

    name = "llvm.fptosi"


@irdl_op_definition
class FPToUIOp(llvm.GenericCastOp):
    """Convert to an unsigned integer, towards zero: `llvm.fptoui %x : f32 to i32`."""

    name = "llvm.fptoui"


@irdl_op_definition
class UIToFPOp(llvm.GenericCastOp):
    """Convert from an unsigned integer: `llvm.uitofp %x : i32 to f32`."""

    name = "llvm.uitofp"


@irdl_op_definition
class PoisonOp(IRDLOperation):
    """A value no one may look at: `llvm.mlir.poison : vector<16xf32>`."""

    name = "llvm.mlir.poison"
    res = result_def()

    traits = traits_def(NoMemoryEffect())
    assembly_format = "attr-dict `:` type($res)"


@irdl_op_definition
class ExtractElementOp(IRDLOperation):
    """One element of a vector: `llvm.extractelement %v[%i : i64] : vector<4xf32>`."""

    name = "llvm.extractelement"
    T: ClassVar = VarConstraint("T", AnyAttr())

    vector = operand_def(VectorType.constr(T))
    position = operand_def(IntegerType)
    res = result_def(T)

    traits = traits_def(NoMemoryEffect())
    assembly_format = "$vector `[` $position `:` type($position) `]` attr-dict `:` type($vector)"


@irdl_op_definition
class FCmpOp(IRDLOperation):
    """Compare floating-point numbers: `llvm.fcmp "olt" %a, %b : vector<16xf32>`."""

    name = "llvm.fcmp"
    T: ClassVar = VarConstraint("T", AnyAttr())

    lhs = operand_def(T)
    rhs = operand_def(T)
    res = result_def(_MASK)
    predicate = prop_def(IntegerAttr[i64])
    fastmathFlags = prop_def(llvm.FastMathAttr, default_value=llvm.FastMathAttr(None))

    traits = traits_def(Pure())

    def __init__(self, lhs: SSAValue | Operation, rhs: SSAValue | Operation, predicate: str):
        number = llvm.FCmpPredicateFlag(predicate).to_int()
        super().__init__(
            operands=[lhs, rhs],
            result_types=[mask_type(SSAValue.get(lhs).type)],
            properties={"predicate": IntegerAttr(number, i64)},
        )

    def verify_(self) -> None:
        if self.res.type != mask_type(self.lhs.type):
            raise VerifyException(f"llvm.fcmp: result {self.res.type} does not fit {self.lhs.type}")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        """Parse `"olt" %a, %b : type`."""
        predicate = parser.parse_str_literal()
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
        """Print `"olt" %a, %b : type`."""
        predicate = llvm.FCmpPredicateFlag.from_int(self.predicate.value.data)
        printer.print_string(f' "{predicate}" ')
        printer.print_list(self.operands, printer.print_operand)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.lhs.type)


@irdl_op_definition
class SelectOp(IRDLOperation):
    """Choose by a condition or a mask: `llvm.select %m, %a, %b : vector<16xi1>, vector<16xf32>`."""

    name = "llvm.select"
    T: ClassVar = VarConstraint("T", AnyAttr())

    cond = operand_def(_MASK)
    lhs = operand_def(T)
    rhs = operand_def(T)
    res = result_def(T)
    fastmathFlags = prop_def(llvm.FastMathAttr, default_value=llvm.FastMathAttr(None))

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$cond `,` $lhs `,` $rhs attr-dict `:` type($cond) `,` type($res)"

    def verify_(self) -> None:
        if self.cond.type not in (i1, mask_type(self.lhs.type)):
            raise VerifyException(f"llvm.select: condition {self.cond.type} does not fit {self.lhs.type}")


@irdl_op_definition
class MaskedLoadOp(IRDLOperation):
    """Load the elements whose mask bit is set, take the others from `pass_thru`.

    `llvm.intr.masked.load %p, %m, %v {alignment = 4 : i32} : (!llvm.ptr, vector<4xi1>, vector<4xf32>) -> ...`
    """

    name = "llvm.intr.masked.load"
    T: ClassVar = VarConstraint("T", VectorType.constr(AnyAttr()))

    data = operand_def(llvm.LLVMPointerType)
    mask = operand_def(_MASK_VECTOR)
    pass_thru = operand_def(T)
    res = result_def(T)
    alignment = prop_def(IntegerAttr[i32])

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"


@irdl_op_definition
class MaskedStoreOp(IRDLOperation):
    """Store the elements whose mask bit is set.

    `llvm.intr.masked.store %v, %p, %m {alignment = 4 : i32} : vector<16xf32>, vector<16xi1> into !llvm.ptr`
    """

    name = "llvm.intr.masked.store"

    value = operand_def(VectorType)
    data = operand_def(llvm.LLVMPointerType)
    mask = operand_def(_MASK_VECTOR)
    alignment = prop_def(IntegerAttr[i32])

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = (
        "$value `,` $data `,` $mask attr-dict `:` type($value) `,` type($mask) `into` type($data)"
    )


@irdl_op_definition
class PrefetchOp(IRDLOperation):
    """Bring what a pointer points to near, without reading it; printed in generic form."""

    name = "llvm.intr.prefetch"

    addr = operand_def(llvm.LLVMPointerType)
    rw = prop_def(IntegerAttr[i32])
    hint = prop_def(IntegerAttr[i32])
    cache = prop_def(IntegerAttr[i32])


_OURS: list[type[Operation]] = [
    ExtractElementOp,
    FCmpOp,
    FPToSIOp,
    FPToUIOp,
    MaskedLoadOp,
    MaskedStoreOp,
    PoisonOp,
    PrefetchOp,
    SelectOp,
    UIToFPOp,
    *ATOMICS,
    *INTRINSICS,
]
_OUR_NAMES = {op.name for op in _OURS}

LLVM = Dialect(
    "llvm",
    [*(op for op in llvm.LLVM.operations if op.name not in _OUR_NAMES), *_OURS],
    list(llvm.LLVM.attributes),
)
