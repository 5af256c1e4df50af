"""The arithmetic ops of the loops level: text, types, numbers they are defined for and what they mean."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tests.backends.codegen_kit import DTYPES, Array

Reference = Callable[..., Array]
Unary = Callable[[Array], Array]
Binary = Callable[[Array, Array], Array]
Predicate = Callable[[Array, Array], NDArray[np.bool_]]
Prepare = Callable[[list[Array]], list[Array]]

HALVES, FLOATS, INTEGERS = ("f16", "bf16"), ("f32", "f64"), ("i8", "i16", "i32", "i64")
REALS = (*HALVES, *FLOATS)


def as_they_are(arrays: list[Array]) -> list[Array]:
    """The op is defined for all numbers."""
    return arrays


@dataclass(frozen=True)
class Case:
    """One op on one set of types: its text, what it computes, and the numbers that it is defined for."""

    op: str
    text: str
    sources: tuple[str, ...]
    result: str
    reference: Reference
    prepare: Prepare = as_they_are
    tag: str = ""
    zeros_are_equal: bool = False

    @property
    def name(self) -> str:
        """What the test is called: the op, its predicate if it has one, and its types."""
        predicate = self.text.split(",")[0].split()[-1] if ".cmp" in self.op else ""
        return "_".join(
            filter(None, [self.op.replace(".", "_"), predicate, *self.sources, self.result, self.tag])
        )


def nearest(exact: Fraction, dtype: np.dtype[np.generic], guess: np.generic) -> np.generic:
    """The number of a type that is nearest to an exact one, ties to even; `guess` is a step off at most."""
    if not np.isfinite(float(guess)):
        return guess
    bits = np.dtype(f"u{dtype.itemsize}")
    with np.errstate(all="ignore"):
        near = [guess, *(np.nextafter(guess, dtype.type(end)) for end in (np.inf, -np.inf))]
    finite = [n for n in near if np.isfinite(float(n))]
    return min(finite, key=lambda n: (abs(Fraction(float(n)) - exact), int(np.asarray(n).view(bits)) & 1))


def convert(result: str) -> Reference:
    """Conversion to another floating-point type, rounded once."""

    def apply(a: Array) -> Array:
        with np.errstate(all="ignore"):
            rough = a.astype(DTYPES[result])
        for i, value in enumerate(a):
            number = int(value) if a.dtype.kind in "iub" else float(value)
            if np.isfinite(number) and number:
                rough[i] = nearest(Fraction(number), DTYPES[result], rough[i])
        return rough

    return apply


def fma(a: Array, b: Array, c: Array) -> Array:
    """Multiply and add with one rounding."""
    with np.errstate(all="ignore"):
        rough = (a.astype(np.float64) * b.astype(np.float64) + c.astype(np.float64)).astype(a.dtype)
    for i, (x, y, z) in enumerate(zip(a, b, c, strict=True)):
        if np.isfinite([float(x), float(y), float(z)]).all() and rough[i]:
            exact = Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))
            rough[i] = nearest(exact, a.dtype, rough[i])
    return rough


def maximum(a: Array, b: Array) -> Array:
    """The larger one, NaN if there is one, +0 above -0."""
    return np.where(a == b, np.where(np.signbit(a), b, a), np.maximum(a, b))


def minimum(a: Array, b: Array) -> Array:
    """The smaller one, NaN if there is one, -0 below +0."""
    return np.where(a == b, np.where(np.signbit(a), a, b), np.minimum(a, b))


def in_single(reference: Reference) -> Reference:
    """What `f16` and `bf16` mean: computed in `f32`, rounded once."""

    def apply(*arrays: Array) -> Array:
        return reference(*(a.astype(np.float32) for a in arrays)).astype(arrays[0].dtype)

    return apply


def unsigned(reference: Reference) -> Reference:
    """The same bits read as unsigned numbers."""

    def apply(*arrays: Array) -> Array:
        return reference(*(a.view(f"u{a.dtype.itemsize}") for a in arrays))

    return apply


def nonzero_divisors(arrays: list[Array]) -> list[Array]:
    """Division is defined unless the divisor is zero or the quotient overflows."""
    a, b = arrays
    b = np.where(b == 0, np.array(3, b.dtype), b)
    overflows = (a == np.iinfo(str(a.dtype)).min) & (b == -1)
    return [a, np.where(overflows, np.array(7, b.dtype), b)]


def small_shifts(arrays: list[Array]) -> list[Array]:
    """A shift is defined for fewer bits than there are."""
    a, b = arrays
    return [a, np.bitwise_and(b, np.array(8 * a.dtype.itemsize - 1, a.dtype))]


def bits_of(function: Callable[[int, int], int]) -> Reference:
    """A function of the bits and the width."""

    def apply(a: Array) -> Array:
        width = 8 * a.dtype.itemsize
        return np.array([function(int(x) % 2**width, width) for x in a]).astype(a.dtype)

    return apply


def within(kind: str, *, is_signed: bool) -> Prepare:
    """Conversion to an integer is defined where the whole part fits."""
    width = 8 * DTYPES[kind].itemsize
    low, high = (-(2.0 ** (width - 1)), 2.0 ** (width - 1)) if is_signed else (0.0, 2.0**width)

    def apply(arrays: list[Array]) -> list[Array]:
        (a,) = arrays
        wide = a.astype(np.float64)
        return [np.where((wide > low) & (wide < high), a, np.array(17.75, a.dtype))]

    return apply


def toward_zero(kind: str, *, is_signed: bool) -> Unary:
    """The whole part, as the bits of an integer."""
    width = DTYPES[kind].itemsize

    def apply(a: Array) -> Array:
        return a.astype(np.float64).astype(f"{'i' if is_signed else 'u'}{width}").view(f"i{width}")

    return apply


def retyped(kind: str) -> Unary:
    """The same numbers in another type, cut where they do not fit."""

    def apply(a: Array) -> Array:
        return a.astype(DTYPES[kind])

    return apply


def viewed(kind: str) -> Unary:
    """The same bits in another type."""

    def apply(a: Array) -> Array:
        return a.view(DTYPES[kind])

    return apply


def chosen(condition: Array, then: Array, otherwise: Array) -> Array:
    """The first where the condition holds, the second elsewhere."""
    return np.where(condition, then, otherwise)


def same_type(op: str, arity: int, reference: Reference, kinds: Sequence[str], **options: bool) -> list[Case]:
    """An op whose operands and result have one type."""
    text = f"%r = {op} {', '.join(f'%{i}' for i in range(arity))} : R"
    meanings = {kind: in_single(reference) if kind in HALVES else reference for kind in kinds}
    zeros = options.get("zeros", False)
    return [Case(op, text, (k,) * arity, k, m, zeros_are_equal=zeros) for k, m in meanings.items()]


def integer(op: str, reference: Reference, prepare: Prepare = as_they_are) -> list[Case]:
    """A binary integer op."""
    return [Case(op, f"%r = {op} %0, %1 : R", (kind, kind), kind, reference, prepare) for kind in INTEGERS]


def cast(op: str, source: str, result: str, reference: Reference, prepare: Prepare = as_they_are) -> Case:
    """A conversion."""
    return Case(op, f"%r = {op} %0 : T0 to R", (source,), result, reference, prepare)


def by_integers(function: Callable[[int, int], int], *, is_signed: bool = True) -> Reference:
    """A function of two exact integers, wrapped to their type."""

    def apply(a: Array, b: Array) -> Array:
        bits = 8 * a.dtype.itemsize
        span, half = 2**bits, 2 ** (bits - 1) if is_signed else 0
        read = [
            ((int(x) + half) % span - half, (int(y) + half) % span - half) for x, y in zip(a, b, strict=True)
        ]
        wrapped = [(function(x, y) + span // 2) % span - span // 2 for x, y in read]
        return np.array(wrapped, a.dtype)

    return apply


def towards_zero(a: int, b: int) -> int:
    """The quotient of `divsi`."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def comparisons() -> list[Case]:
    """Every predicate."""
    ordered: dict[str, Predicate] = {
        "eq": np.equal,
        "gt": np.greater,
        "ge": np.greater_equal,
        "lt": np.less,
        "le": np.less_equal,
        "ne": np.not_equal,
    }
    cases: list[Case] = []
    for kind in REALS:
        for name, compare in ordered.items():
            for prefix in "ou":
                cases.append(_float_comparison(prefix + name, kind, _with_nan(compare, prefix == "u")))
        cases.append(_float_comparison("uno", kind, either_nan))
        cases.append(_float_comparison("ord", kind, neither_nan))
    for kind in INTEGERS:
        for name, compare in ordered.items():
            if name in ("eq", "ne"):
                cases.append(_integer_comparison(name, kind, compare))
                continue
            cases += [_integer_comparison(f"s{name}", kind, compare)]
            cases += [_integer_comparison(f"u{name}", kind, unsigned(compare))]
    return cases


def either_nan(a: Array, b: Array) -> NDArray[np.bool_]:
    """Whether the numbers cannot be ordered."""
    return np.isnan(a) | np.isnan(b)


def neither_nan(a: Array, b: Array) -> NDArray[np.bool_]:
    """Whether the numbers can be ordered."""
    return ~either_nan(a, b)


def _with_nan(compare: Predicate, answer: bool) -> Binary:
    def apply(a: Array, b: Array) -> Array:
        return np.where(either_nan(a, b), answer, compare(a, b))

    return apply


def _float_comparison(predicate: str, kind: str, reference: Reference) -> Case:
    return Case("arith.cmpf", f"%r = arith.cmpf {predicate}, %0, %1 : T0", (kind, kind), "i1", reference)


def _integer_comparison(predicate: str, kind: str, reference: Reference) -> Case:
    return Case("arith.cmpi", f"%r = arith.cmpi {predicate}, %0, %1 : T0", (kind, kind), "i1", reference)
