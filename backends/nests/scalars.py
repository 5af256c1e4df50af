"""What the scalar ops of a nest's body mean to the nest interpreter: one NumPy expression over arrays each.

A value is an array with one dim per loop, of size 1 where it does not vary.  Integers are held signed, `i1`
as bool, an index in 64 bits.  Functions without a machine instruction are evaluated in float64 and rounded
once.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import FloatAttr, IndexType, IntegerAttr
from xdsl.ir import Attribute, Operation
from xdsl.utils.hints import isa

from penstock.backends.loops import runtime
from penstock.dialects import arith_ext
from penstock.dialects.element_types import numpy_dtype

Array = NDArray[np.generic]
Function = Callable[..., Array]
Meaning = Callable[[Operation, Sequence[Array]], Array]

_BYTE, _WIDE = np.dtype(np.int8), np.dtype(np.float64)


def dtype_of(element: Attribute) -> np.dtype[np.generic]:
    """The NumPy type of a scalar value; an index has 64 bits."""
    return np.dtype(np.int64) if isinstance(element, IndexType) else numpy_dtype(element)


def number(value: Attribute) -> Array:
    """A numeric attribute as an array without dims."""
    if isa(value, FloatAttr):
        return np.asarray(value.value.data).astype(dtype_of(value.type))
    if isa(value, IntegerAttr):
        return held(np.asarray(value.value.data), dtype_of(value.type))
    raise NotImplementedError(f"the nest interpreter has no constant of this form: {value}")


def signed(x: Array) -> Array:
    """An integer array read as signed: a set `i1` is -1."""
    return np.negative(x.view(_BYTE)) if x.dtype == np.bool_ else x


def unsigned(x: Array) -> Array:
    """An integer array read as unsigned."""
    return x.view(np.dtype(f"u{x.dtype.itemsize}"))


def held(x: Array, dtype: np.dtype[np.generic]) -> Array:
    """An integer array of any type modulo the width of `dtype`."""
    return np.not_equal(np.bitwise_and(x, 1), 0) if dtype == np.bool_ else x.astype(dtype, copy=False)


def _result_dtype(op: Operation) -> np.dtype[np.generic]:
    return dtype_of(op.results[0].type)


def _integer(function: Function, read: Function, op: Operation, values: Sequence[Array]) -> Array:
    return held(np.asarray(function(*map(read, values))), _result_dtype(op))


def _float(function: Function, op: Operation, values: Sequence[Array]) -> Array:
    return np.asarray(function(*values))


def _widened(function: Function, op: Operation, values: Sequence[Array]) -> Array:
    return np.asarray(function(*(v.astype(_WIDE) for v in values))).astype(_result_dtype(op))


def _nonzero(b: Array) -> Array:
    if not np.all(b):
        raise ZeroDivisionError("an integer is divided by zero in the body of a nest")
    return b


def _divide(a: Array, b: Array) -> Array:
    quotient, inexact = np.floor_divide(a, _nonzero(b)), np.not_equal(np.remainder(a, b), 0)
    # NumPy rounds down; a negative quotient that is not exact is one too low.
    return np.where(inexact & (np.less(a, 0) ^ np.less(b, 0)), np.add(quotient, 1), quotient)


def _divide_down(a: Array, b: Array) -> Array:
    return np.floor_divide(a, _nonzero(b))


def _divide_up(a: Array, b: Array) -> Array:
    return np.add(np.floor_divide(a, _nonzero(b)), np.not_equal(np.remainder(a, b), 0))


def _remainder(a: Array, b: Array) -> Array:
    return np.fmod(a, _nonzero(b))


def _power(a: Array, b: Array) -> Array:
    lanes = np.broadcast(a, b)
    flat = (np.broadcast_to(v, lanes.shape).astype(np.int64).ravel() for v in (a, b))
    return runtime.each(runtime.integer_power, *flat).reshape(lanes.shape)


def _leading_zeros(op: Operation, values: Sequence[Array]) -> Array:
    (x,) = values
    zeros = np.subtract(x.dtype.itemsize * 8, np.bitwise_count(_smear(unsigned(x))))
    return np.logical_not(x) if x.dtype == np.bool_ else held(zeros, x.dtype)


def _smear(x: Array) -> Array:
    for shift in (1, 2, 4, 8, 16, 32):
        x = np.bitwise_or(x, np.right_shift(x, np.array(shift, x.dtype)))
    return x


def _trailing_zeros(op: Operation, values: Sequence[Array]) -> Array:
    (x,) = values
    bits = unsigned(x)
    # The zeros below the lowest set bit are the ones of ~x & (x - 1).
    zeros = np.bitwise_count(np.bitwise_and(np.invert(bits), np.subtract(bits, np.array(1, bits.dtype))))
    return np.logical_not(x) if x.dtype == np.bool_ else held(zeros, x.dtype)


def _reciprocal_root(x: Array) -> Array:
    return np.divide(1.0, np.sqrt(x))


def _fma(op: Operation, values: Sequence[Array]) -> Array:
    dtype = _result_dtype(op)
    a, b, c = (v.astype(np.float64, copy=False) for v in values)
    if dtype == np.float64:
        return np.asarray(runtime.fma_exact(a, b, c, np.float64))
    # The product of two narrower numbers is exact in double precision, the sum nearly always.
    return np.add(np.multiply(a, b), c).astype(dtype)


def _compare_integers(op: Operation, values: Sequence[Array]) -> Array:
    function, read = _INTEGER_PREDICATES[_predicate(op)]
    return np.asarray(function(*map(read, values)))


def _compare_floats(op: Operation, values: Sequence[Array]) -> Array:
    predicate = _predicate(op)
    if predicate < len(_ORDERED):
        return np.asarray(_ORDERED[predicate](*values))
    opposite = _OPPOSITES[predicate - len(_ORDERED)]
    return np.logical_not(_ORDERED[opposite](*values))


def _predicate(op: Operation) -> int:
    predicate = op.properties["predicate"]
    assert isinstance(predicate, IntegerAttr), "a comparison has a number as its predicate"
    return predicate.value.data


def _both_ordered(a: Array, b: Array) -> Array:
    return np.equal(a, a) & np.equal(b, b)


def _ordered_unequal(a: Array, b: Array) -> Array:
    return np.less(a, b) | np.greater(a, b)


def _never(a: Array, b: Array) -> Array:
    return np.zeros(np.broadcast(a, b).shape, np.bool_)


def _resize(read: Function, op: Operation, values: Sequence[Array]) -> Array:
    return held(read(values[0]), _result_dtype(op))


def _convert(read: Function, op: Operation, values: Sequence[Array]) -> Array:
    return read(values[0]).astype(_result_dtype(op))


def _to_integer(is_signed: bool, op: Operation, values: Sequence[Array]) -> Array:
    dtype = _result_dtype(op)
    bits = 1 if dtype == np.bool_ else dtype.itemsize * 8
    return held(runtime.to_integers(values[0].astype(_WIDE), bits, is_signed), dtype)


def _bitcast(op: Operation, values: Sequence[Array]) -> Array:
    return values[0].view(_result_dtype(op))


def _float_power(op: Operation, values: Sequence[Array]) -> Array:
    return np.power(*(v.astype(_WIDE) for v in values)).astype(_result_dtype(op))


def _as_is(x: Array) -> Array:
    return x


_SIGNED: Mapping[str, Function] = {
    arith.AddiOp.name: np.add,
    arith.SubiOp.name: np.subtract,
    arith.MuliOp.name: np.multiply,
    arith.DivSIOp.name: _divide,
    arith.RemSIOp.name: _remainder,
    arith.FloorDivSIOp.name: _divide_down,
    arith.CeilDivSIOp.name: _divide_up,
    arith.MinSIOp.name: np.minimum,
    arith.MaxSIOp.name: np.maximum,
    arith.ShRSIOp.name: np.right_shift,
    arith.AndIOp.name: np.bitwise_and,
    arith.OrIOp.name: np.bitwise_or,
    arith.XOrIOp.name: np.bitwise_xor,
    math.AbsIOp.name: np.abs,
    math.IPowIOp.name: _power,
}
_UNSIGNED: Mapping[str, Function] = {
    arith.DivUIOp.name: _divide_down,
    arith.CeilDivUIOp.name: _divide_up,
    arith.RemUIOp.name: _remainder,
    arith.MinUIOp.name: np.minimum,
    arith.MaxUIOp.name: np.maximum,
    arith.ShLIOp.name: np.left_shift,
    arith.ShRUIOp.name: np.right_shift,
    math.CtPopOp.name: np.bitwise_count,
}
_FLOATS: Mapping[str, Function] = {
    arith.AddfOp.name: np.add,
    arith.SubfOp.name: np.subtract,
    arith.MulfOp.name: np.multiply,
    arith.DivfOp.name: np.divide,
    arith.NegfOp.name: np.negative,
    # The sign of zero and NaN as IEEE 754-2019: `maximumf` propagates NaN, `maxnumf` drops it.
    arith.MaximumfOp.name: runtime.vector_maximum,
    arith.MinimumfOp.name: runtime.vector_minimum,
    arith.MaxnumfOp.name: np.fmax,
    arith.MinnumfOp.name: np.fmin,
    math.AbsFOp.name: np.abs,
    math.CopySignOp.name: np.copysign,
    math.FloorOp.name: np.floor,
    math.CeilOp.name: np.ceil,
    math.TruncOp.name: np.trunc,
    math.RoundEvenOp.name: np.rint,
    math.RoundOp.name: runtime.round_half_away,
    math.SqrtOp.name: np.sqrt,
}
_FUNCTIONS: Mapping[str, Function] = {
    math.AcosOp.name: np.arccos,
    math.AcoshOp.name: np.arccosh,
    math.AsinOp.name: np.arcsin,
    math.AsinhOp.name: np.arcsinh,
    math.AtanOp.name: np.arctan,
    math.Atan2Op.name: np.arctan2,
    math.AtanhOp.name: np.arctanh,
    math.CbrtOp.name: np.cbrt,
    math.CosOp.name: np.cos,
    math.CoshOp.name: np.cosh,
    math.ErfOp.name: runtime.erf,
    math.ExpOp.name: np.exp,
    math.Exp2Op.name: np.exp2,
    math.ExpM1Op.name: np.expm1,
    math.LogOp.name: np.log,
    math.Log10Op.name: np.log10,
    math.Log1pOp.name: np.log1p,
    math.Log2Op.name: np.log2,
    math.PowFOp.name: np.power,
    math.RsqrtOp.name: _reciprocal_root,
    math.SinOp.name: np.sin,
    math.SinhOp.name: np.sinh,
    math.TanOp.name: np.tan,
    math.TanhOp.name: np.tanh,
}
_INTEGER_PREDICATES: Sequence[tuple[Function, Function]] = (
    (np.equal, signed),
    (np.not_equal, signed),
    *((f, signed) for f in (np.less, np.less_equal, np.greater, np.greater_equal)),
    *((f, unsigned) for f in (np.less, np.less_equal, np.greater, np.greater_equal)),
)
_ORDERED: Sequence[Function] = (
    *(_never, np.equal, np.greater, np.greater_equal, np.less, np.less_equal),
    *(_ordered_unequal, _both_ordered),
)
# Indexed by arith's numbering: ueq is "not one", ugt is "not ole", and so on to uno and true.
_OPPOSITES = (6, 5, 4, 3, 2, 1, 7, 0)

MEANINGS: Mapping[str, Meaning] = {
    **{name: partial(_integer, f, signed) for name, f in _SIGNED.items()},
    **{name: partial(_integer, f, unsigned) for name, f in _UNSIGNED.items()},
    **{name: partial(_float, f) for name, f in _FLOATS.items()},
    **{name: partial(_widened, f) for name, f in _FUNCTIONS.items()},
    math.CountLeadingZerosOp.name: _leading_zeros,
    math.CountTrailingZerosOp.name: _trailing_zeros,
    math.FmaOp.name: _fma,
    math.FPowIOp.name: _float_power,
    arith.CmpiOp.name: _compare_integers,
    arith.CmpfOp.name: _compare_floats,
    arith.SelectOp.name: partial(_float, np.where),
    arith.ExtSIOp.name: partial(_resize, signed),
    arith.ExtUIOp.name: partial(_resize, unsigned),
    arith.TruncIOp.name: partial(_resize, signed),
    arith.IndexCastOp.name: partial(_resize, signed),
    arith_ext.IndexCastUIOp.name: partial(_resize, unsigned),
    arith.SIToFPOp.name: partial(_convert, signed),
    arith.UIToFPOp.name: partial(_convert, unsigned),
    arith.ExtFOp.name: partial(_convert, _as_is),
    arith.TruncFOp.name: partial(_convert, _as_is),
    arith.FPToSIOp.name: partial(_to_integer, True),
    arith.FPToUIOp.name: partial(_to_integer, False),
    arith.BitcastOp.name: _bitcast,
}
