"""The elementwise ops of the `graph` dialect against Python's own numbers, and their type rules."""

import math
from collections.abc import Callable, Mapping, Sequence

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import ArrayLike
from xdsl.dialects import test
from xdsl.dialects.builtin import f16, f32, i1, i8, i32, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.element_types import element_type, unsigned
from penstock.dialects.graph import activation, comparison, elementwise, transcendental
from penstock.dialects.graph.base import Array, Elementwise, GraphOp, flag, number, tensor, wide

BYTES = np.arange(-128, 128).astype(np.int8)
REALS = np.array([-7.5, -2.5, -1.0, -0.5, -0.0, 0.0, 1e-8, 0.5, 1.0, 1.5, 2.5, 80.0], np.float32)
SPECIAL = np.array([np.nan, np.inf, -np.inf], np.float32)

REAL_FUNCTIONS: dict[type[Elementwise], Callable[[float], float]] = {
    transcendental.ExpOp: math.exp,
    transcendental.ErfOp: math.erf,
    transcendental.SinOp: math.sin,
    transcendental.CosOp: math.cos,
    transcendental.TanOp: math.tan,
    transcendental.AtanOp: math.atan,
    transcendental.SinhOp: math.sinh,
    transcendental.CoshOp: math.cosh,
    transcendental.TanhOp: math.tanh,
    transcendental.AsinhOp: math.asinh,
    activation.SigmoidOp: lambda x: 1 / (1 + math.exp(-x)),
    activation.SoftplusOp: lambda x: math.log1p(math.exp(x)),
    activation.GeluOp: lambda x: x * math.erfc(-x / math.sqrt(2)) / 2,
    elementwise.FloorOp: math.floor,
    elementwise.CeilOp: math.ceil,
    elementwise.RoundOp: round,
    elementwise.AbsOp: abs,
    elementwise.NegOp: lambda x: -x,
}
LIMITED_FUNCTIONS: dict[type[Elementwise], tuple[Callable[[float], float], Sequence[float]]] = {
    transcendental.LogOp: (math.log, [1e-30, 0.5, 1, 1e30]),
    transcendental.AsinOp: (math.asin, [-1, -0.3, 0, 1]),
    transcendental.AcosOp: (math.acos, [-1, -0.3, 0, 1]),
    transcendental.AcoshOp: (math.acosh, [1, 1.5, 1e10]),
    transcendental.AtanhOp: (math.atanh, [-0.99, 0, 0.5]),
    elementwise.SqrtOp: (math.sqrt, [0, 1e-30, 2, 1e30]),
}


def values(arrays: Sequence[Array]) -> Sequence[SSAValue]:
    """Values of the types of some arrays."""
    return test.TestOp(result_types=[tensor(a.shape, element_type(a.dtype)) for a in arrays]).results


def apply(
    kind: type[GraphOp], *arrays: Array, properties: Mapping[str, Attribute | None] | None = None
) -> Array:
    """What the op computes; its result must have the type that it infers."""
    op = kind.make(values(arrays), properties)
    op.verify()
    (y,) = op.evaluate(*arrays)
    assert op.results[0].type == tensor(y.shape, element_type(y.dtype))
    return y


def same_up_to_one_ulp(actual: Array, wanted: Array) -> None:
    """Neighbours at most: Python's own functions are not all rounded correctly."""
    assert actual.dtype == wanted.dtype == np.float32
    ulps = np.spacing(np.abs(wanted.astype(np.float32)))
    assert (np.abs(wide(actual) - wide(wanted)) <= ulps).all()


@pytest.mark.parametrize("kind", REAL_FUNCTIONS, ids=lambda k: k.name)
def test_real_function_is_rounded_once(kind: type[Elementwise]) -> None:
    wanted = np.array([REAL_FUNCTIONS[kind](float(x)) for x in REALS], np.float32)
    same_up_to_one_ulp(apply(kind, REALS), wanted)


@pytest.mark.parametrize("kind", LIMITED_FUNCTIONS, ids=lambda k: k.name)
def test_function_on_its_domain(kind: type[Elementwise]) -> None:
    function, points = LIMITED_FUNCTIONS[kind]
    x = np.array(points, np.float32)
    same_up_to_one_ulp(apply(kind, x), np.array([function(float(v)) for v in x], np.float32))


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
def test_result_has_the_type_of_the_operand(dtype: type[np.generic]) -> None:
    x = np.array([0.3, -0.7]).astype(dtype)
    assert apply(transcendental.TanhOp, x).dtype == x.dtype
    assert apply(activation.GeluOp, x, properties={"approximate": flag(True)}).dtype == x.dtype


def close(actual: Array, wanted: ArrayLike, rtol: float) -> None:
    """Equal up to a relative difference."""
    np.testing.assert_allclose(wide(actual), np.asarray(wanted, np.float64), rtol)


def byte_pairs() -> tuple[Array, Array]:
    """All pairs of signed bytes, the second not 0."""
    a, b = np.meshgrid(BYTES, BYTES[BYTES != 0])
    return a.ravel(), b.ravel()


def wrapped(numbers: Sequence[int]) -> Array:
    """Integers modulo 2^8 as signed bytes."""
    return np.array([n & 255 for n in numbers], np.uint8).view(np.int8)


def truncated_quotient(a: int, b: int) -> int:
    """`a / b` without its fraction."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def integer_power(a: int, b: int) -> int:
    """`a^b` modulo 2^8, truncated; of a negative power only those of 1 and -1 are left."""
    if b >= 0:
        return pow(a, b, 256)
    return a**-b if abs(a) == 1 else 0


BYTE_FUNCTIONS: dict[type[Elementwise], Callable[[int, int], int]] = {
    elementwise.DivOp: truncated_quotient,
    elementwise.ModOp: lambda a, b: a % b,
    elementwise.MulOp: lambda a, b: a * b,
    elementwise.SubOp: lambda a, b: a - b,
    elementwise.MaxOp: max,
    elementwise.PowOp: integer_power,
    comparison.AndOp: lambda a, b: a & b,
    comparison.OrOp: lambda a, b: a | b,
    comparison.XorOp: lambda a, b: a ^ b,
    comparison.ShiftLeftOp: lambda a, b: a << b if 0 <= b < 8 else 0,
    comparison.ShiftRightOp: lambda a, b: a >> (b if 0 <= b < 8 else 8),
}


@pytest.mark.parametrize("kind", BYTE_FUNCTIONS, ids=lambda k: k.name)
def test_every_pair_of_bytes(kind: type[Elementwise]) -> None:
    a, b = byte_pairs()
    wanted = wrapped([BYTE_FUNCTIONS[kind](x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)])
    np.testing.assert_array_equal(apply(kind, a, b), wanted)


def test_remainder_of_the_truncated_quotient() -> None:
    a, b = byte_pairs()
    pairs = zip(a.tolist(), b.tolist(), strict=True)
    wanted = wrapped([x - truncated_quotient(x, y) * y for x, y in pairs])
    np.testing.assert_array_equal(
        apply(elementwise.ModOp, a, b, properties={"truncated": flag(True)}), wanted
    )


def test_division_of_integers_by_zero_gives_zero() -> None:
    x, zero = np.array([5, -5], np.int32), np.array(0, np.int32)
    assert apply(elementwise.DivOp, x, zero).tolist() == [0, 0]
    assert apply(elementwise.ModOp, x, zero).tolist() == [0, 0]


def test_powers_of_large_integers_wrap() -> None:
    y = apply(elementwise.PowOp, np.array([3, -3], np.int64), np.array([41, 41], np.int64))
    assert [int(v) % 2**64 for v in y] == [pow(3, 41, 2**64), pow(-3, 41, 2**64)]


@pytest.mark.parametrize("kind", [elementwise.MaxOp, elementwise.MinOp])
def test_extremes_pass_nan_on(kind: type[Elementwise]) -> None:
    a = np.array([np.nan, 1.0], np.float32)
    assert np.isnan(apply(kind, a, a[::-1].copy())).all()


def test_clip_keeps_nan_and_the_upper_bound_wins() -> None:
    bounds = {"low": number(3.0), "high": number(1.0)}
    whole = apply(elementwise.ClipOp, np.array([0, 255], np.uint8), properties={"low": number(-1.0)})
    assert whole.tolist() == [0, 255]
    np.testing.assert_array_equal(apply(elementwise.ClipOp, SPECIAL, properties=bounds), [np.nan, 1, 1])
    np.testing.assert_array_equal(
        apply(elementwise.ClipOp, REALS, properties={"low": number(0.0)}), [max(x, 0) for x in REALS]
    )


@pytest.mark.parametrize(
    ("x", "to", "wanted"),
    [
        (np.array([2.9, -2.9, 300.0, -300.0, np.nan, np.inf], np.float32), i8, [2, -2, 127, -128, 0, 127]),
        (np.array([1e30, -1e30, -np.inf], np.float32), i64, [2**63 - 1, -(2**63), -(2**63)]),
        (np.array([2.0**63, 2.0**64, -1.0]), unsigned(64), [2**63, 2**64 - 1, 0]),
        (np.array([200, -200, 65537], np.int32), i8, [-56, 56, 1]),
        (np.array([-1, 255], np.int32), unsigned(8), [255, 255]),
        (np.array([0.0, -0.0, 0.1, np.nan], np.float32), i1, [False, False, True, True]),
        (np.array([True, False]), f32, [1.0, 0.0]),
        (np.array([2049, 2051, 70000], np.int32), f16, [2048, 2052, np.inf]),
    ],
)
def test_cast(x: Array, to: Attribute, wanted: Sequence[float]) -> None:
    assert apply(elementwise.CastOp, x, properties={"to": to}).tolist() == wanted


def test_bitcast() -> None:
    one = np.array([1.0], np.float32)
    assert apply(elementwise.BitcastOp, one, properties={"to": i32}).tolist() == [0x3F800000]
    assert apply(elementwise.BitcastOp, np.array([0, 7], np.uint8), properties={"to": i1}).tolist() == [
        False,
        True,
    ]


def test_piecewise_activations() -> None:
    x = np.array([-2.0, -0.5, 0.0, 3.0], np.float64)
    elu = apply(activation.EluOp, x, properties={"alpha": number(0.5)})
    close(elu, [0.5 * (math.exp(-2) - 1), 0.5 * (math.exp(-0.5) - 1), 0, 3], rtol=1e-15)
    leaky = apply(activation.LeakyReluOp, x, properties={"alpha": number(0.1)})
    close(leaky, [-0.2, -0.05, 0, 3], rtol=1e-15)
    hard = apply(activation.HardSigmoidOp, x, properties={"alpha": number(0.5), "beta": number(0.4)})
    close(hard, [0, 0.15, 0.4, 1], rtol=1e-15)


def test_nothing_is_true_of_nan() -> None:
    for kind in (comparison.EqualOp, comparison.LessOp, comparison.LessEqualOp):
        assert not apply(kind, SPECIAL[:1], SPECIAL[:1]).any()
    assert apply(comparison.LessEqualOp, REALS, REALS).all()
    assert not apply(comparison.LessOp, REALS, REALS).any()


def test_select_broadcasts_all_three() -> None:
    y = apply(comparison.SelectOp, np.array([[True], [False]]), REALS[:2], np.array(9, np.float32))
    np.testing.assert_array_equal(y, [REALS[:2], [9, 9]])


def test_not_flips_bits_or_truth() -> None:
    assert apply(comparison.NotOp, np.array([True, False])).tolist() == [False, True]
    assert apply(comparison.NotOp, np.array([0, 1], np.uint8)).tolist() == [255, 254]


def test_symbolic_sizes_broadcast() -> None:
    a, b = test.TestOp(result_types=[tensor(["n", 1, 4], f32), tensor([3, 1], f32)]).results
    assert elementwise.AddOp.make([a, b]).y.type == tensor(["n", 3, 4], f32)
    assert comparison.LessOp.make([a, b]).y.type == tensor(["n", 3, 4], i1)
    assert elementwise.CastOp.make([a], {"to": i32}).y.type == tensor(["n", 1, 4], i32)


@pytest.mark.parametrize(
    ("kind", "types", "message"),
    [
        (elementwise.AddOp, [tensor([2], f32), tensor([3], f32)], "do not broadcast: 2 against 3"),
        (
            elementwise.AddOp,
            [tensor([2], f32), tensor([2], f16)],
            "graph.add: operands differ in element type",
        ),
        (
            comparison.AndOp,
            [tensor([2], f32), tensor([2], f32)],
            "graph.and: needs integers or booleans, got f32",
        ),
        (elementwise.AddOp, [tensor([2], i1)] * 2, "graph.add: needs numbers, got i1"),
        (elementwise.NegOp, [tensor([2], i1)], "graph.neg: needs numbers, got i1"),
        (elementwise.SqrtOp, [tensor([2], i32)], "graph.sqrt: needs reals, got i32"),
        (transcendental.ExpOp, [tensor([2], i32)], "graph.exp: needs reals, got i32"),
        (activation.SigmoidOp, [tensor([2], i8)], "graph.sigmoid: needs reals, got i8"),
        (comparison.NotOp, [tensor([2], f32)], "graph.not: needs integers or booleans, got f32"),
        (comparison.SelectOp, [tensor([2], i8)] * 3, "graph.select: the condition must be i1, got i8"),
        (
            comparison.SelectOp,
            [tensor([2], i1), tensor([2], f32), tensor([2], f16)],
            "graph.select: choices differ: f32 against f16",
        ),
    ],
)
def test_broken_rules_are_named(kind: type[GraphOp], types: Sequence[Attribute], message: str) -> None:
    with pytest.raises(VerifyException, match=message):
        kind.make(test.TestOp(result_types=types).results)


def test_a_wrong_result_type_is_refused() -> None:
    op = elementwise.AddOp.make(values([REALS, REALS]))
    wrong = elementwise.AddOp.build(operands=op.operands, result_types=[tensor([5], f32)])
    with pytest.raises(VerifyException, match="graph.add: result 0 is tensor<5xf32>, its rule gives"):
        wrong.verify()
