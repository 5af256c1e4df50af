"""Floating-point arithmetic and conversions of `arith`, `math` and `vector.fma`, for `lower-loops-to-llvm`.

Every op means what IEEE 754 and MLIR say, NaNs and signed zeros included; no fast-math flag is ever set.
"""

from collections.abc import Mapping

from xdsl.dialects import arith, llvm
from xdsl.dialects.builtin import Float16Type, Float64Type, f32, f64
from xdsl.ir import Attribute, Operation, SSAValue

from penstock.dialects import llvm_ext, llvm_intrinsics
from penstock.dialects.narrowing import integer_value, integer_width
from penstock.passes.lowering.llvm_emitter import NO_PROPERTIES, STRICT, Emitter
from penstock.passes.lowering.llvm_half import is_half, narrow, narrow_double, widen
from penstock.passes.lowering.llvm_snippets import binary, compare_floats, select
from penstock.passes.lowering.llvm_types import element_of, with_element

_HALF_SIGN = -0x8000
_HALF_MAGNITUDE = 0x7FFF
_EXACT_IN_SINGLE = 24

_SAME_TYPE: Mapping[str, tuple[type[Operation], Mapping[str, Attribute]]] = {
    "arith.addf": (llvm.FAddOp, STRICT),
    "arith.subf": (llvm.FSubOp, STRICT),
    "arith.mulf": (llvm.FMulOp, STRICT),
    "arith.divf": (llvm.FDivOp, STRICT),
    "arith.negf": (llvm.FNegOp, STRICT),
    "arith.maximumf": (llvm_intrinsics.MaximumOp, NO_PROPERTIES),
    "arith.minimumf": (llvm_intrinsics.MinimumOp, NO_PROPERTIES),
    "arith.maxnumf": (llvm.VectorFMaxOp, STRICT),
    "arith.minnumf": (llvm.VectorFMinOp, STRICT),
    "math.absf": (llvm.FAbsOp, STRICT),
    "math.ceil": (llvm.FCeilOp, STRICT),
    "math.copysign": (llvm.FCopySignOp, STRICT),
    "math.floor": (llvm.FFloorOp, STRICT),
    "math.fma": (llvm.FMAOp, STRICT),
    "math.roundeven": (llvm_intrinsics.RoundEvenOp, NO_PROPERTIES),
    "math.sqrt": (llvm.FSqrtOp, STRICT),
    "math.trunc": (llvm_intrinsics.FTruncOp, NO_PROPERTIES),
    "vector.fma": (llvm.FMAOp, STRICT),
}
_FROM_INTEGER: Mapping[str, type[Operation]] = {
    "arith.sitofp": llvm.SIToFPOp,
    "arith.uitofp": llvm_ext.UIToFPOp,
}
_TO_INTEGER: Mapping[str, type[Operation]] = {
    "arith.fptosi": llvm_ext.FPToSIOp,
    "arith.fptoui": llvm_ext.FPToUIOp,
}


def _single(e: Emitter, source: SSAValue) -> SSAValue:
    """The value of the source, as `f32` when it is a half type."""
    value = e.value(source)
    return widen(e, value, source.type) if is_half(source.type) else value


def _same_type(e: Emitter, op: Operation) -> None:
    op_class, properties = _SAME_TYPE[op.name]
    result = op.results[0]
    operands = [_single(e, operand) for operand in op.operands]
    computed = e.emit(op_class, operands, operands[0].type, properties)
    e.bind(result, narrow(e, computed, result.type) if is_half(result.type) else computed)


def _sign_operation(e: Emitter, op: Operation) -> None:
    """Negation and absolute value touch the sign bit alone: no rounding, and a NaN keeps its payload."""
    if not is_half(op.results[0].type):
        _same_type(e, op)
        return
    value = e.value(op.operands[0])
    op_class, bits = (llvm.XOrOp, _HALF_SIGN) if op.name == "arith.negf" else (llvm.AndOp, _HALF_MAGNITUDE)
    e.bind(op.results[0], binary(e, op_class, value, e.integer(bits, value.type)))


def _number_choice(e: Emitter, op: Operation) -> None:
    """The lesser or greater number; halves are compared: LLVM makes a library call of the intrinsic."""
    result = op.results[0]
    if not is_half(result.type):
        _same_type(e, op)
        return
    lhs, rhs = (_single(e, operand) for operand in op.operands)
    wins = compare_floats(e, "olt" if op.name == "arith.minnumf" else "ogt", lhs, rhs)
    takes_lhs = binary(e, llvm.OrOp, wins, compare_floats(e, "uno", rhs, rhs))
    e.bind(result, narrow(e, select(e, takes_lhs, lhs, rhs), result.type))


def _compare(e: Emitter, op: Operation) -> None:
    name = arith.CMPF_COMPARISON_OPERATIONS[integer_value(op.properties["predicate"])]
    lhs, rhs = (_single(e, operand) for operand in op.operands)
    e.bind(op.results[0], compare_floats(e, name, lhs, rhs))


def _extend(e: Emitter, op: Operation) -> None:
    result = op.results[0]
    value, target = _single(e, op.operands[0]), e.type_of(result)
    e.bind(result, value if value.type == target else e.emit(llvm.FPExtOp, (value,), target))


def _truncate(e: Emitter, op: Operation) -> None:
    source, result = op.operands[0], op.results[0]
    value = e.value(source)
    if not is_half(result.type):
        e.bind(result, e.emit(llvm.FPTruncOp, (value,), e.type_of(result)))
        return
    convert = narrow_double if isinstance(element_of(source.type), Float64Type) else narrow
    e.bind(result, convert(e, value, result.type))


def _from_integer(e: Emitter, op: Operation) -> None:
    op_class = _FROM_INTEGER[op.name]
    value, result = e.value(op.operands[0]), op.results[0]
    if not is_half(result.type):
        e.bind(result, e.emit(op_class, (value,), e.type_of(result)))
        return
    # Integers that f32 rounds overflow f16 anyway; bf16 reaches further and needs the exact f64.
    is_exact = integer_width(value.type) <= _EXACT_IN_SINGLE or isinstance(
        element_of(result.type), Float16Type
    )
    wide = with_element(value.type, f32 if is_exact else f64)
    convert = narrow if is_exact else narrow_double
    e.bind(result, convert(e, e.emit(op_class, (value,), wide), result.type))


def _to_integer(e: Emitter, op: Operation) -> None:
    result = op.results[0]
    e.bind(result, e.emit(_TO_INTEGER[op.name], (_single(e, op.operands[0]),), e.type_of(result)))


FLOAT_EMITTERS = {
    **dict.fromkeys(_SAME_TYPE, _same_type),
    **dict.fromkeys(_FROM_INTEGER, _from_integer),
    **dict.fromkeys(_TO_INTEGER, _to_integer),
    "arith.cmpf": _compare,
    "arith.maxnumf": _number_choice,
    "arith.minnumf": _number_choice,
    "arith.extf": _extend,
    "arith.negf": _sign_operation,
    "arith.truncf": _truncate,
    "math.absf": _sign_operation,
}
