"""Intrinsics of the `llvm` dialect that MLIR has and xDSL 0.74 lacks; `llvm_ext` registers them.

The intrinsic `llvm.intr.<name>` is LLVM's `llvm.<name>`, overloaded on the type of its last operand.
"""

from abc import ABC
from typing import ClassVar

from xdsl.dialects.builtin import BoolAttr, VectorType
from xdsl.ir import Operation
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    VarConstraint,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure

_CALL_FORMAT = "`(` operands `)` attr-dict `:` functional-type(operands, results)"


class UnaryIntrinsicOp(IRDLOperation, ABC):
    """An intrinsic from a value to one of the same type: `llvm.intr.ctpop(%x) : (i32) -> i32`."""

    T: ClassVar = VarConstraint("T", AnyAttr())
    arg = operand_def(T)
    res = result_def(T)

    traits = traits_def(Pure())
    assembly_format = _CALL_FORMAT


class BinaryIntrinsicOp(IRDLOperation, ABC):
    """An intrinsic of two values of one type: `llvm.intr.smax(%a, %b) : (i32, i32) -> i32`."""

    T: ClassVar = VarConstraint("T", AnyAttr())
    lhs = operand_def(T)
    rhs = operand_def(T)
    res = result_def(T)

    traits = traits_def(Pure())
    assembly_format = _CALL_FORMAT


class FlaggedIntrinsicOp(IRDLOperation, ABC):
    """An integer intrinsic with a flag that makes one argument value poison; printed in generic form."""

    T: ClassVar = VarConstraint("T", AnyAttr())
    arg = operand_def(T)
    res = result_def(T)

    traits = traits_def(Pure())


class ReductionIntrinsicOp(IRDLOperation, ABC):
    """Combine the elements of a vector: `llvm.intr.vector.reduce.add(%v) : (vector<4xi32>) -> i32`."""

    T: ClassVar = VarConstraint("T", AnyAttr())
    vector = operand_def(VectorType.constr(T))
    res = result_def(T)

    traits = traits_def(Pure())
    assembly_format = _CALL_FORMAT


@irdl_op_definition
class RoundEvenOp(UnaryIntrinsicOp):
    """Round to an integral value, halves to even."""

    name = "llvm.intr.roundeven"


@irdl_op_definition
class FTruncOp(UnaryIntrinsicOp):
    """Round to an integral value towards zero."""

    name = "llvm.intr.trunc"


@irdl_op_definition
class CtPopOp(UnaryIntrinsicOp):
    """Count the bits that are set."""

    name = "llvm.intr.ctpop"


@irdl_op_definition
class CountLeadingZerosOp(FlaggedIntrinsicOp):
    """Count the zero bits from the top."""

    name = "llvm.intr.ctlz"
    is_zero_poison = prop_def(BoolAttr)


@irdl_op_definition
class CountTrailingZerosOp(FlaggedIntrinsicOp):
    """Count the zero bits from the bottom."""

    name = "llvm.intr.cttz"
    is_zero_poison = prop_def(BoolAttr)


@irdl_op_definition
class AbsOp(FlaggedIntrinsicOp):
    """The absolute value of a signed integer."""

    name = "llvm.intr.abs"
    is_int_min_poison = prop_def(BoolAttr)


@irdl_op_definition
class MaximumOp(BinaryIntrinsicOp):
    """The larger number; NaN if either is NaN; +0 above -0."""

    name = "llvm.intr.maximum"


@irdl_op_definition
class MinimumOp(BinaryIntrinsicOp):
    """The smaller number; NaN if either is NaN; -0 below +0."""

    name = "llvm.intr.minimum"


@irdl_op_definition
class SMaxOp(BinaryIntrinsicOp):
    """The larger signed integer."""

    name = "llvm.intr.smax"


@irdl_op_definition
class SMinOp(BinaryIntrinsicOp):
    """The smaller signed integer."""

    name = "llvm.intr.smin"


@irdl_op_definition
class UMaxOp(BinaryIntrinsicOp):
    """The larger unsigned integer."""

    name = "llvm.intr.umax"


@irdl_op_definition
class UMinOp(BinaryIntrinsicOp):
    """The smaller unsigned integer."""

    name = "llvm.intr.umin"


@irdl_op_definition
class ReduceAddOp(ReductionIntrinsicOp):
    """The sum of the integers."""

    name = "llvm.intr.vector.reduce.add"


@irdl_op_definition
class ReduceMulOp(ReductionIntrinsicOp):
    """The product of the integers."""

    name = "llvm.intr.vector.reduce.mul"


@irdl_op_definition
class ReduceAndOp(ReductionIntrinsicOp):
    """The conjunction of the bits."""

    name = "llvm.intr.vector.reduce.and"


@irdl_op_definition
class ReduceOrOp(ReductionIntrinsicOp):
    """The disjunction of the bits."""

    name = "llvm.intr.vector.reduce.or"


@irdl_op_definition
class ReduceXOrOp(ReductionIntrinsicOp):
    """The exclusive disjunction of the bits."""

    name = "llvm.intr.vector.reduce.xor"


@irdl_op_definition
class ReduceSMaxOp(ReductionIntrinsicOp):
    """The largest signed integer."""

    name = "llvm.intr.vector.reduce.smax"


@irdl_op_definition
class ReduceSMinOp(ReductionIntrinsicOp):
    """The smallest signed integer."""

    name = "llvm.intr.vector.reduce.smin"


@irdl_op_definition
class ReduceUMaxOp(ReductionIntrinsicOp):
    """The largest unsigned integer."""

    name = "llvm.intr.vector.reduce.umax"


@irdl_op_definition
class ReduceUMinOp(ReductionIntrinsicOp):
    """The smallest unsigned integer."""

    name = "llvm.intr.vector.reduce.umin"


@irdl_op_definition
class ReduceFMaxOp(ReductionIntrinsicOp):
    """The largest number, NaNs ignored."""

    name = "llvm.intr.vector.reduce.fmax"


@irdl_op_definition
class ReduceFMinOp(ReductionIntrinsicOp):
    """The smallest number, NaNs ignored."""

    name = "llvm.intr.vector.reduce.fmin"


@irdl_op_definition
class ReduceFMaximumOp(ReductionIntrinsicOp):
    """The largest number, NaN if there is one."""

    name = "llvm.intr.vector.reduce.fmaximum"


@irdl_op_definition
class ReduceFMinimumOp(ReductionIntrinsicOp):
    """The smallest number, NaN if there is one."""

    name = "llvm.intr.vector.reduce.fminimum"


INTRINSICS: tuple[type[Operation], ...] = (
    AbsOp,
    CountLeadingZerosOp,
    CountTrailingZerosOp,
    CtPopOp,
    FTruncOp,
    MaximumOp,
    MinimumOp,
    ReduceAddOp,
    ReduceAndOp,
    ReduceFMaxOp,
    ReduceFMaximumOp,
    ReduceFMinOp,
    ReduceFMinimumOp,
    ReduceMulOp,
    ReduceOrOp,
    ReduceSMaxOp,
    ReduceSMinOp,
    ReduceUMaxOp,
    ReduceUMinOp,
    ReduceXOrOp,
    RoundEvenOp,
    SMaxOp,
    SMinOp,
    UMaxOp,
    UMinOp,
)
