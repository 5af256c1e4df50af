"""Arithmetic on `f16` and `bf16` for `lower-loops-to-llvm`: widen to `f32`, compute there, round back once.

Both formats travel as `i16`.  `bf16` is the top half of an `f32`, so it is converted by integer work that
rounds to nearest even: LLVM's own conversion is a library call on most targets and flushes subnormals on the
others.  `f16` is converted by the instruction of the machine (F16C on x86-64), or by integer work as well.
An operation computed in `f32` and rounded is right for add, subtract, multiply, divide and square root; fma
may be off in the last place.
"""

from xdsl.dialects import llvm
from xdsl.dialects.builtin import BFloat16Type, f16, f32, f64, i16, i32
from xdsl.ir import Attribute, SSAValue

from penstock.passes.lowering.llvm_emitter import STRICT, Emitter
from penstock.passes.lowering.llvm_snippets import binary, compare_floats, compare_integers, select
from penstock.passes.lowering.llvm_types import HALF_TYPES, element_of, with_element

_QUIET_BIT = 0x40
_JUST_BELOW_HALF = 0x7FFF
_SIGN, _INFINITY, _NAN = 0x8000, 0x7C00, 0x7E00
"""Bits of an `f16`."""
_SINGLE_INFINITY, _SINGLE_HALF = 0x7F800000, 0x3F000000
_ABOVE_ALL, _SMALLEST_NORMAL, _REBIAS = 0x47800000, 0x38800000, 0x77800000
"""Bits of the `f32` numbers 2^16, 2^-14 and 2^112: by the last the exponents of the formats differ."""
_BIAS = 0xFFF - (112 << 23)
"""Takes 112 from the exponent and adds just under half a unit of an `f16`."""


def is_half(source: Attribute) -> bool:
    """Whether values of this type of the source travel as `i16`."""
    return isinstance(element_of(source), HALF_TYPES)


def widen(e: Emitter, value: SSAValue, source: Attribute) -> SSAValue:
    """The `f32` that equals `value`, whose type at the loops level is `source`."""
    if isinstance(element_of(source), BFloat16Type):
        return _widen_bf16(e, value, source)
    if not e.machine.has_f16_conversion:
        return _widen_f16(e, value, source)
    half = e.emit(llvm.BitcastOp, (value,), with_element(source, f16))
    return e.emit(llvm.FPExtOp, (half,), with_element(source, f32))


def narrow(e: Emitter, value: SSAValue, target: Attribute) -> SSAValue:
    """`value`, of type `f32`, rounded to the half type `target` of the loops level."""
    if isinstance(element_of(target), BFloat16Type):
        return _narrow_bf16(e, value, target)
    if not e.machine.has_f16_conversion:
        return _narrow_f16(e, value, target)
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


def _widen_f16(e: Emitter, value: SSAValue, source: Attribute) -> SSAValue:
    """The bits where `f32` has them, the exponent put right by a product: exact, of subnormals too."""
    single, bits = with_element(source, f32), with_element(source, i32)
    wide = e.emit(llvm.ZExtOp, (value,), bits)
    sign = binary(e, llvm.ShlOp, binary(e, llvm.AndOp, wide, e.integer(_SIGN, bits)), e.integer(16, bits))
    magnitude = binary(e, llvm.AndOp, wide, e.integer(_SIGN - 1, bits))
    placed = binary(e, llvm.ShlOp, magnitude, e.integer(13, bits))
    factors = [e.emit(llvm.BitcastOp, (each,), single) for each in (placed, e.integer(_REBIAS, bits))]
    scaled = e.emit(llvm.BitcastOp, (e.emit(llvm.FMulOp, factors, single, STRICT),), bits)
    special = binary(e, llvm.OrOp, placed, e.integer(_SINGLE_INFINITY, bits))
    is_special = compare_integers(e, "uge", magnitude, e.integer(_INFINITY, bits))
    chosen = select(e, is_special, special, scaled)
    return e.emit(llvm.BitcastOp, (binary(e, llvm.OrOp, chosen, sign),), single)


def _narrow_f16(e: Emitter, value: SSAValue, target: Attribute) -> SSAValue:
    """Normal results as those of `bf16`; subnormal ones are rounded by a sum whose unit is theirs."""
    single, wide = with_element(target, f32), with_element(target, i32)
    bits = e.emit(llvm.BitcastOp, (value,), wide)
    sign = binary(e, llvm.AndOp, binary(e, llvm.LShrOp, bits, e.integer(16, wide)), e.integer(_SIGN, wide))
    magnitude = binary(e, llvm.AndOp, bits, e.integer(0x7FFFFFFF, wide))
    place = e.integer(13, wide)
    odd = binary(e, llvm.AndOp, binary(e, llvm.LShrOp, magnitude, place), e.integer(1, wide))
    biased = binary(e, llvm.AddOp, magnitude, binary(e, llvm.AddOp, odd, e.integer(_BIAS, wide)))
    normal = binary(e, llvm.LShrOp, biased, place)
    terms = [e.emit(llvm.BitcastOp, (each,), single) for each in (magnitude, e.integer(_SINGLE_HALF, wide))]
    total = e.emit(llvm.BitcastOp, (e.emit(llvm.FAddOp, terms, single, STRICT),), wide)
    small = binary(e, llvm.SubOp, total, e.integer(_SINGLE_HALF, wide))
    is_small = compare_integers(e, "ult", magnitude, e.integer(_SMALLEST_NORMAL, wide))
    is_nan = compare_integers(e, "ugt", magnitude, e.integer(_SINGLE_INFINITY, wide))
    large = select(e, is_nan, e.integer(_NAN, wide), e.integer(_INFINITY, wide))
    is_large = compare_integers(e, "uge", magnitude, e.integer(_ABOVE_ALL, wide))
    chosen = select(e, is_large, large, select(e, is_small, small, normal))
    return e.emit(llvm.TruncOp, (binary(e, llvm.OrOp, chosen, sign),), with_element(target, i16))


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
