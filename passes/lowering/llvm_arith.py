"""Integer and index arithmetic of `arith` and `math`, for `lower-loops-to-llvm`."""

from collections.abc import Callable, Mapping

from xdsl.dialects import arith, llvm
from xdsl.dialects.builtin import BoolAttr, IndexType, IntegerAttr, IntegerType, MemRefType, i32
from xdsl.ir import Attribute, Operation, SSAValue

from penstock.dialects import llvm_intrinsics
from penstock.dialects.narrowing import integer_value, integer_width, is_vector
from penstock.passes.lowering.affine_index import AffineIndex
from penstock.passes.lowering.llvm_constants import convert_constant
from penstock.passes.lowering.llvm_emitter import NO_PROPERTIES, Emitter
from penstock.passes.lowering.llvm_snippets import binary, compare_integers, select, splat
from penstock.passes.lowering.llvm_types import element_of, with_element

_INTEGER_BINARY: Mapping[str, type[Operation]] = {
    "arith.addi": llvm.AddOp,
    "arith.subi": llvm.SubOp,
    "arith.muli": llvm.MulOp,
    "arith.divui": llvm.UDivOp,
    "arith.divsi": llvm.SDivOp,
    "arith.remui": llvm.URemOp,
    "arith.remsi": llvm.SRemOp,
    "arith.andi": llvm.AndOp,
    "arith.ori": llvm.OrOp,
    "arith.xori": llvm.XOrOp,
    "arith.shli": llvm.ShlOp,
    "arith.shrui": llvm.LShrOp,
    "arith.shrsi": llvm.AShrOp,
    "arith.minsi": llvm_intrinsics.SMinOp,
    "arith.maxsi": llvm_intrinsics.SMaxOp,
    "arith.minui": llvm_intrinsics.UMinOp,
    "arith.maxui": llvm_intrinsics.UMaxOp,
}
_FLAGGED_UNARY: Mapping[str, tuple[type[Operation], str]] = {
    "math.absi": (llvm_intrinsics.AbsOp, "is_int_min_poison"),
    "math.ctlz": (llvm_intrinsics.CountLeadingZerosOp, "is_zero_poison"),
    "math.cttz": (llvm_intrinsics.CountTrailingZerosOp, "is_zero_poison"),
}


def resize(e: Emitter, value: SSAValue, target: Attribute, extension: type[Operation]) -> SSAValue:
    """`value` extended or cut to the width of the llvm type `target`."""
    before, after = integer_width(value.type), integer_width(target)
    if before == after:
        return value
    return e.emit(extension if before < after else llvm.TruncOp, (value,), target)


def _constant(e: Emitter, op: Operation) -> None:
    value: Attribute = op.properties["value"]
    result = op.results[0]
    if isinstance(result.type, IndexType):
        e.bind_index(result, AffineIndex(integer_value(value)))
    else:
        e.bind(result, e.constant(convert_constant(value), e.type_of(result)))


def _integer_binary(e: Emitter, op: Operation) -> None:
    result = op.results[0]
    if isinstance(result.type, IndexType):
        folded = _fold_index(e, op)
        if folded is not None:
            e.bind_index(result, folded)
            return
    lhs, rhs = map(e.value, op.operands)
    e.bind(result, e.emit(_INTEGER_BINARY[op.name], (lhs, rhs), lhs.type, _overflow_flags(op)))


def _overflow_flags(op: Operation) -> Mapping[str, Attribute]:
    flags = op.properties.get("overflowFlags")
    if not isinstance(flags, arith.IntegerOverflowAttr) or not flags.data:
        return NO_PROPERTIES
    number = sum({"nsw": 1, "nuw": 2}[flag.value] for flag in flags.data)
    return {"overflowFlags": IntegerAttr(number, i32)}


def _fold_index(e: Emitter, op: Operation) -> AffineIndex | None:
    """The result of an index operation when it is a sum of multiples; None when it has to be computed."""
    if op.name not in ("arith.addi", "arith.subi", "arith.muli", "arith.shli"):
        return None
    lhs, rhs = map(e.index, op.operands)
    match op.name:
        case "arith.addi":
            return lhs + rhs
        case "arith.subi":
            return lhs - rhs
        case "arith.muli":
            return _fold_product(lhs, rhs)
        case _:
            return lhs * (1 << rhs.const) if rhs.constant is not None and 0 <= rhs.const < 64 else None


def _fold_product(lhs: AffineIndex, rhs: AffineIndex) -> AffineIndex | None:
    if rhs.constant is not None:
        return lhs * rhs.constant
    return None if lhs.constant is None else rhs * lhs.constant


def _compare(e: Emitter, op: Operation) -> None:
    name = arith.CMPI_COMPARISON_OPERATIONS[integer_value(op.properties["predicate"])]
    lhs, rhs = map(e.value, op.operands)
    e.bind(op.results[0], compare_integers(e, name, lhs, rhs))


def _select(e: Emitter, op: Operation) -> None:
    e.bind(op.results[0], select(e, *map(e.value, op.operands)))


def _floor_div(e: Emitter, op: Operation) -> None:
    """Towards zero, less one where the remainder and the divisor have unlike signs."""
    lhs, rhs = map(e.value, op.operands)
    remainder = binary(e, llvm.SRemOp, lhs, rhs)
    signs = binary(e, llvm.XOrOp, remainder, rhs)
    _corrected_division(e, op, remainder, compare_integers(e, "slt", signs, e.integer(0, lhs.type)), -1)


def _ceil_div(e: Emitter, op: Operation) -> None:
    """Towards zero, plus one where the remainder and the divisor have like signs."""
    lhs, rhs = map(e.value, op.operands)
    remainder = binary(e, llvm.SRemOp, lhs, rhs)
    signs = binary(e, llvm.XOrOp, remainder, rhs)
    _corrected_division(e, op, remainder, compare_integers(e, "sge", signs, e.integer(0, lhs.type)), 1)


def _corrected_division(
    e: Emitter, op: Operation, remainder: SSAValue, signs_ask: SSAValue, correction: int
) -> None:
    lhs, rhs = map(e.value, op.operands)
    zero = e.integer(0, lhs.type)
    wrong = binary(e, llvm.AndOp, compare_integers(e, "ne", remainder, zero), signs_ask)
    step = select(e, wrong, e.integer(correction, lhs.type), zero)
    e.bind(op.results[0], binary(e, llvm.AddOp, binary(e, llvm.SDivOp, lhs, rhs), step))


def _ceil_div_unsigned(e: Emitter, op: Operation) -> None:
    lhs, rhs = map(e.value, op.operands)
    is_inexact = compare_integers(e, "ne", binary(e, llvm.URemOp, lhs, rhs), e.integer(0, lhs.type))
    step = e.emit(llvm.ZExtOp, (is_inexact,), lhs.type)
    e.bind(op.results[0], binary(e, llvm.AddOp, binary(e, llvm.UDivOp, lhs, rhs), step))


def _add_extended(e: Emitter, op: Operation) -> None:
    lhs, rhs = map(e.value, op.operands)
    total = binary(e, llvm.AddOp, lhs, rhs)
    e.bind(op.results[0], total)
    e.bind(op.results[1], compare_integers(e, "ult", total, lhs))


def _mul_extended(e: Emitter, op: Operation) -> None:
    extension = llvm.SExtOp if op.name == "arith.mulsi_extended" else llvm.ZExtOp
    narrow = e.type_of(op.results[0])
    width = integer_width(narrow)
    wide = with_element(narrow, IntegerType(2 * width))
    factors = [e.emit(extension, (e.value(operand),), wide) for operand in op.operands]
    product = binary(e, llvm.MulOp, *factors)
    scalar = e.integer(width, element_of(wide))
    high = binary(e, llvm.LShrOp, product, splat(e, scalar, wide) if is_vector(wide) else scalar)
    e.bind(op.results[0], e.emit(llvm.TruncOp, (product,), narrow))
    e.bind(op.results[1], e.emit(llvm.TruncOp, (high,), narrow))


def _resize_with(extension: type[Operation]) -> Callable[[Emitter, Operation], None]:
    def emit(e: Emitter, op: Operation) -> None:
        result = op.results[0]
        e.bind(result, resize(e, e.value(op.operands[0]), e.type_of(result), extension))

    return emit


def _bitcast(e: Emitter, op: Operation) -> None:
    source, result = op.operands[0], op.results[0]
    if isinstance(result.type, MemRefType):
        e.bind_buffer(result, e.value(source))
        return
    value, target = e.value(source), e.type_of(result)
    e.bind(result, value if value.type == target else e.emit(llvm.BitcastOp, (value,), target))


def _flagged_unary(e: Emitter, op: Operation) -> None:
    op_class, flag = _FLAGGED_UNARY[op.name]
    value = e.value(op.operands[0])
    e.bind(op.results[0], e.emit(op_class, (value,), value.type, {flag: BoolAttr.from_bool(False)}))


def _count_bits(e: Emitter, op: Operation) -> None:
    value = e.value(op.operands[0])
    e.bind(op.results[0], e.emit(llvm_intrinsics.CtPopOp, (value,), value.type))


ARITH_EMITTERS = {
    **dict.fromkeys(_INTEGER_BINARY, _integer_binary),
    **dict.fromkeys(_FLAGGED_UNARY, _flagged_unary),
    "arith.addui_extended": _add_extended,
    "arith.bitcast": _bitcast,
    "arith.ceildivsi": _ceil_div,
    "arith.ceildivui": _ceil_div_unsigned,
    "arith.cmpi": _compare,
    "arith.constant": _constant,
    "arith.extsi": _resize_with(llvm.SExtOp),
    "arith.extui": _resize_with(llvm.ZExtOp),
    "arith.floordivsi": _floor_div,
    "arith.index_cast": _resize_with(llvm.SExtOp),
    "arith.index_castui": _resize_with(llvm.ZExtOp),
    "arith.mulsi_extended": _mul_extended,
    "arith.mului_extended": _mul_extended,
    "arith.select": _select,
    "arith.trunci": _resize_with(llvm.ZExtOp),
    "math.ctpop": _count_bits,
    "vector.bitcast": _bitcast,
}
