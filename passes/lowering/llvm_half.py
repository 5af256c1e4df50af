"""Arithmetic on `f16` and `bf16` for `lower-loops-to-llvm`: widen to `f32`, compute there, round back once.

Both formats travel as `i16`.  `bf16` is the top half of an `f32`, so it is converted by integer work that
rounds to nearest even: LLVM's own conversion is a library call on most targets and flushes subnormals on the
others.  `f16` is converted by the instruction of the target (F16C on x86-64).  An operation computed in `f32`
and rounded is right for add, subtract, multiply, divide and square root; fma may be off in the last place.
"""

from xdsl.dialects import llvm
from xdsl.dialects.builtin import BFloat16Type, f16, f32, f64, i16, i32
from xdsl.ir import Attribute, SSAValue

from penstock.passes.lowering.llvm_emitter import STRICT, Emitter
from penstock.passes.lowering.llvm_snippets import binary, compare_floats, compare_integers, select
from penstock.passes.lowering.llvm_types import HALF_TYPES, element_of, with_element

_QUIET_BIT = 0x40
_JUST_BELOW_HALF = 0x7FFF


def is_half(source: Attribute) -> bool:
    """Whether values of this type of the source travel as `i16`."""
    return isinstance(element_of(source), HALF_TYPES)


def widen(e: Emitter, value: SSAValue, source: Attribute) -> SSAValue:
    """The `f32` that equals `value`, whose type at the loops level is `source`."""
    if isinstance(element_of(source), BFloat16Type):
        return _widen_bf16(e, value, source)
    half = e.emit(llvm.BitcastOp, (value,), with_element(source, f16))
    return e.emit(llvm.FPExtOp, (half,), with_element(source, f32))


def narrow(e: Emitter, value: SSAValue, target: Attribute) -> SSAValue:
    """`value`, of type `f32`, rounded to the half type `target` of the loops level."""
    if isinstance(element_of(target), BFloat16Type):
        return _narrow_bf16(e, value, target)
    half = e.emit(llvm.FPTruncOp, (value,), with_element(target, f16))
    return e.emit(llvm.BitcastOp, (half,), with_element(target, i16))


def narrow_double(e: Emitter, value: SSAValue, target: Attribute) -> SSAValue:
    """`value`, of type `f64`, rounded once to the half type `target`: by way of `f32` rounded to odd."""
    return narrow(e, _round_to_odd(e, value, target), target)


def _widen_bf16(e: Emitter, value: SSAValue, source: Attribute) -> SSAValue:
    bits = with_element(source, i32)
    wide = e.emit(llvm.ZExtOp, (value,), bits)
    shifted = e.emit(llvm.ShlOp, (wide, e.integer(16, bits)), bits)
    return e.emit(llvm.BitcastOp, (shifted,), with_element(source, f32))


def _narrow_bf16(e: Emitter, value: SSAValue, target: Attribute) -> SSAValue:
    """Add just under half a unit, and one more when the kept part is odd; NaNs stay NaNs and become quiet."""
    wide = with_element(target, i32)
    bits = e.emit(llvm.BitcastOp, (value,), wide)
    kept = binary(e, llvm.LShrOp, bits, e.integer(16, wide))
    odd = binary(e, llvm.AndOp, kept, e.integer(1, wide))
    bias = binary(e, llvm.AddOp, odd, e.integer(_JUST_BELOW_HALF, wide))
    rounded = binary(e, llvm.LShrOp, binary(e, llvm.AddOp, bits, bias), e.integer(16, wide))
    quiet = binary(e, llvm.OrOp, kept, e.integer(_QUIET_BIT, wide))
    chosen = select(e, compare_floats(e, "uno", value, value), quiet, rounded)
    return e.emit(llvm.TruncOp, (chosen,), with_element(target, i16))


def _round_to_odd(e: Emitter, value: SSAValue, target: Attribute) -> SSAValue:
    """Round `f64` to `f32` so that an inexact result has an odd last bit: no later rounding is then misled.

    Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums: proved algorithms using rounding to
    odd", IEEE Transactions on Computers 57(4), 2008.
    """
    single, wide, double = (with_element(target, element) for element in (f32, i32, f64))
    nearest = e.emit(llvm.FPTruncOp, (value,), single)
    back = e.emit(llvm.FPExtOp, (nearest,), double)
    bits = e.emit(llvm.BitcastOp, (nearest,), wide)
    magnitudes = [e.emit(llvm.FAbsOp, (number,), double, STRICT) for number in (value, back)]
    step = select(e, compare_floats(e, "ogt", *magnitudes), e.integer(1, wide), e.integer(-1, wide))
    is_even = compare_integers(e, "eq", binary(e, llvm.AndOp, bits, e.integer(1, wide)), e.integer(0, wide))
    wrong = binary(e, llvm.AndOp, compare_floats(e, "one", value, back), is_even)
    odd = select(e, wrong, binary(e, llvm.AddOp, bits, step), bits)
    return e.emit(llvm.BitcastOp, (odd,), single)
