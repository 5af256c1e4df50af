"""Elementwise ops keep their meaning as loop nests, for every element type they have one for."""

from collections.abc import Mapping

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import FunctionType, ModuleOp
from xdsl.ir import Attribute, Block, Region
from xdsl.utils.exceptions import PassFailedException

from penstock.backends.nest_interpreter import run_nests
from penstock.dialects.element_types import element_type
from penstock.dialects.graph import activation, comparison, elementwise, transcendental
from penstock.dialects.graph.base import GraphOp, flag, number, tensor
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.nest.ops import ComputeOp
from penstock.dialects.quant import scaling
from penstock.passes.lowering.graph_to_nest import LowerGraphToNest
from penstock.passes.lowering.graph_to_nest.scalar import SCALARS
from tests.passes.lowering_kit import check_op, graph_module
from tests.passes.lowering_samples import (
    BFLOAT16,
    BOOL,
    FLOATS,
    INTEGERS,
    SIGNED,
    UNSIGNED,
    Array,
    all_pairs,
    sample,
    specials,
)

DType = np.dtype[np.generic]
EXACT = [
    elementwise.AddOp,
    elementwise.SubOp,
    elementwise.MulOp,
    elementwise.DivOp,
    elementwise.MaxOp,
    elementwise.MinOp,
]
ROUNDING = [elementwise.FloorOp, elementwise.CeilOp, elementwise.RoundOp]
COMPARISONS = [comparison.EqualOp, comparison.LessOp, comparison.LessEqualOp]
BITWISE = [comparison.AndOp, comparison.OrOp, comparison.XorOp]
SHIFTS = [comparison.ShiftLeftOp, comparison.ShiftRightOp]
NARROW_AND_WIDE = [SIGNED[0], SIGNED[3], UNSIGNED[0], UNSIGNED[3]]
names = pytest.mark.parametrize


def test_every_elementwise_op_has_a_formula() -> None:
    families = (elementwise.OPS, transcendental.OPS, comparison.OPS, activation.OPS, scaling.OPS)
    assert {op for family in families for op in family} == set(SCALARS)


@names("op", EXACT)
@names("dtype", [*FLOATS, *NARROW_AND_WIDE], ids=str)
def test_arithmetic(op: type[GraphOp], dtype: DType) -> None:
    check_op(op, all_pairs(dtype), ulps=0.5)


@names("shapes", [((2, 3, 4), (3, 1)), ((4,), (2, 1, 4)), ((2, 1, 3), (4, 1)), ((), (2, 3))])
def test_operands_broadcast(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    a, b = shapes
    check_op(elementwise.SubOp, [sample(a, FLOATS[2]), sample(b, FLOATS[2], seed=1)], ulps=0.5)


@names("op", BITWISE)
def test_logic(op: type[GraphOp]) -> None:
    check_op(op, all_pairs(BOOL))


@names("truncated", [False, True])
@names("dtype", [*FLOATS, *NARROW_AND_WIDE], ids=str)
def test_remainder(dtype: DType, truncated: bool) -> None:
    check_op(elementwise.ModOp, all_pairs(dtype), {"truncated": flag(truncated)}, ulps=0.5)


@names("truncated", [False, True])
def test_remainder_of_singles_of_any_ratio(truncated: bool) -> None:
    tiny, huge = np.float32(1e-45), np.float32(3.4e38)
    a = np.array([huge, -huge, 1e20, 16777217.0, 1.0, 5e-45], np.float32).reshape(-1, 1)
    b = np.array([tiny, 3 * tiny, -7 * tiny, 0.1, 3.0, -1e10, huge], np.float32)
    check_op(elementwise.ModOp, [a, b], {"truncated": flag(truncated)}, ulps=0)


@names("truncated", [False, True])
def test_remainder_of_doubles_of_any_ratio(truncated: bool) -> None:
    tiny, huge, inf = 5e-324, 1.7e308, np.inf
    a = np.array([huge, -huge, 1e20, 2.0**53 + 2, 1.0, 5 * tiny, -0.0]).reshape(-1, 1)
    b = np.array([tiny, 3 * tiny, -7 * tiny, 0.1, 3.0, -1e10, huge, inf, -inf])
    check_op(elementwise.ModOp, [a, b], {"truncated": flag(truncated)}, ulps=0)


@names("dtype", FLOATS, ids=str)
def test_power_of_reals(dtype: DType) -> None:
    check_op(elementwise.PowOp, [np.abs(sample((20,), dtype)), sample((20,), dtype, seed=1)], ulps=1)


@names("dtype", INTEGERS, ids=str)
def test_power_of_integers_wraps(dtype: DType) -> None:
    exponents = np.array([0, 1, 2, 3, 5, 9] if dtype.kind == "u" else [-3, -1, 0, 1, 2, 3, 5, 9], dtype)
    check_op(elementwise.PowOp, [specials(dtype).reshape(-1, 1), exponents])


@names("op", [elementwise.AbsOp, elementwise.SignOp, elementwise.NegOp])
@names("dtype", [*FLOATS, *NARROW_AND_WIDE], ids=str)
def test_signs(op: type[GraphOp], dtype: DType) -> None:
    check_op(op, [specials(dtype)], ulps=0.5)


@names("op", ROUNDING)
@names("dtype", FLOATS, ids=str)
def test_rounding(op: type[GraphOp], dtype: DType) -> None:
    check_op(op, [specials(dtype)], ulps=0.5)


@names("dtype", FLOATS, ids=str)
def test_square_root(dtype: DType) -> None:
    check_op(elementwise.SqrtOp, [specials(dtype)], ulps=0.5)


@names("bounds", [{"low": number(0.0)}, {"high": number(6.0)}, {"low": number(1.0), "high": number(3.0)}])
@names("dtype", [*FLOATS, *NARROW_AND_WIDE], ids=str)
def test_clip(bounds: Mapping[str, Attribute], dtype: DType) -> None:
    check_op(elementwise.ClipOp, [specials(dtype)], bounds, ulps=0.5)


TYPES = [*FLOATS, *INTEGERS, BOOL]
CASTS = [
    *((np.dtype(np.float32), t) for t in TYPES),
    *((t, np.dtype(np.float32)) for t in TYPES),
    *((np.dtype(np.float64), t) for t in (*FLOATS[:2], *NARROW_AND_WIDE)),
    *((FLOATS[0], t) for t in (BFLOAT16, SIGNED[0], SIGNED[3], UNSIGNED[3])),
    *((t, FLOATS[0]) for t in (BFLOAT16, *NARROW_AND_WIDE, BOOL)),
    *((t, BFLOAT16) for t in (SIGNED[0], UNSIGNED[1])),
    *((a, b) for a in NARROW_AND_WIDE for b in (*NARROW_AND_WIDE, BOOL)),
    *((BOOL, t) for t in NARROW_AND_WIDE),
]


@names(("source", "target"), CASTS, ids=str)
def test_cast(source: DType, target: DType) -> None:
    values = [specials(source), sample((50,), source, scale=1e4)]
    check_op(elementwise.CastOp, [np.concatenate(values)], {"to": element_type(target)}, ulps=0.5)


BITCASTS = [("f4", "i4"), ("u8", "f8"), ("f2", "i2"), ("i1", "u1"), ("b1", "u1"), ("u1", "b1")]


@names(("source", "target"), BITCASTS)
def test_bitcast(source: str, target: str) -> None:
    to = element_type(np.dtype(target))
    check_op(elementwise.BitcastOp, [specials(np.dtype(source))], {"to": to}, ulps=0)


@names("op", transcendental.OPS)
@names("dtype", FLOATS, ids=str)
def test_functions(op: type[GraphOp], dtype: DType) -> None:
    check_op(op, [sample((40,), dtype, scale=1)], ulps=1)
    check_op(op, [specials(dtype)[[0, 2, 3, 4, 5, -3, -2, -1]]], ulps=1)


ACTIVATIONS: list[tuple[type[GraphOp], dict[str, Attribute]]] = [
    (activation.SigmoidOp, {}),
    (activation.SoftplusOp, {}),
    (activation.HardSigmoidOp, {"alpha": number(0.2), "beta": number(0.5)}),
    (activation.EluOp, {"alpha": number(1.5)}),
    (activation.LeakyReluOp, {"alpha": number(0.01)}),
    (activation.GeluOp, {"approximate": flag(False)}),
    (activation.GeluOp, {"approximate": flag(True)}),
]


@names(("op", "properties"), ACTIVATIONS)
@names("dtype", FLOATS, ids=str)
def test_activations(op: type[GraphOp], properties: Mapping[str, Attribute], dtype: DType) -> None:
    """A few roundings in single and double precision, one in half precision."""
    check_op(op, [sample((50,), dtype)], properties, ulps=1 if dtype.itemsize == 2 else 2)
    check_op(op, [specials(dtype)], properties, ulps=1 if dtype.itemsize == 2 else 2)


@names("op", COMPARISONS)
@names("dtype", [*FLOATS, *NARROW_AND_WIDE, BOOL], ids=str)
def test_comparisons(op: type[GraphOp], dtype: DType) -> None:
    check_op(op, all_pairs(dtype))


@names("dtype", [*FLOATS, *NARROW_AND_WIDE, BOOL], ids=str)
def test_select(dtype: DType) -> None:
    a, b = all_pairs(dtype)
    check_op(comparison.SelectOp, [sample((a.size, b.size), BOOL), a, b], ulps=0)


@names("op", BITWISE)
@names("dtype", NARROW_AND_WIDE, ids=str)
def test_bitwise(op: type[GraphOp], dtype: DType) -> None:
    check_op(op, all_pairs(dtype))


@names("dtype", [*NARROW_AND_WIDE, BOOL], ids=str)
def test_not(dtype: DType) -> None:
    check_op(comparison.NotOp, [specials(dtype)])


@names("op", SHIFTS)
@names("dtype", INTEGERS, ids=str)
def test_shifts_by_any_amount(op: type[GraphOp], dtype: DType) -> None:
    width = dtype.itemsize * 8
    amounts = np.array([0, 1, width - 1, width, width + 1, 100], dtype)
    amounts = np.concatenate([amounts, specials(dtype)])
    check_op(op, [specials(dtype).reshape(-1, 1), amounts])


@names("op", [elementwise.AddOp, comparison.LessOp])
def test_operands_without_dims_or_elements(op: type[GraphOp]) -> None:
    single, none = np.array(2.5, np.float32), np.zeros((2, 0, 3), np.float32)
    check_op(op, [single, single])
    check_op(op, [none, single])


def _with_constant(x: Array, constant: Array) -> ModuleOp:
    """@main(x) = x ^ constant."""
    kind = tensor(x.shape, element_type(x.dtype))
    block = Block(arg_types=[kind])
    exponent = ConstantOp.of(constant, "exponent")
    power = elementwise.PowOp.make([block.args[0], exponent.y])
    block.add_ops([exponent, power, func.ReturnOp(power.y)])
    function = func.FuncOp("main", FunctionType.from_lists([kind], list(power.result_types)), Region(block))
    return ModuleOp([function])


@names("constant", [np.array(2, np.float32), np.array([[0.5]], np.float32)])
def test_a_constant_number_is_part_of_the_body(constant: Array) -> None:
    x, y = np.array([1.0, 2.0, 9.0], np.float32), np.empty((3,), np.float32).reshape(1, 3)
    y = y if constant.ndim else y.reshape(3)
    module = _with_constant(x, constant)
    module.verify()
    LowerGraphToNest().apply(Context(), module)
    powers = next(o for o in module.walk() if isinstance(o, ComputeOp))
    assert len(powers.ins) == 1
    run_nests(module, "main", [x, y])
    np.testing.assert_array_equal(y, np.power(x, constant))


REFUSED: list[tuple[type[GraphOp], list[Array]]] = [
    (comparison.ShiftLeftOp, [*all_pairs(BOOL)]),
]


@names(("op", "operands"), REFUSED)
def test_what_has_no_formula_is_refused(op: type[GraphOp], operands: list[Array]) -> None:
    module = graph_module(op, operands, {})
    with pytest.raises(PassFailedException, match=op.name):
        LowerGraphToNest().apply(Context(), module)


def test_halves_are_rounded_once() -> None:
    """Computed in bfloat16 throughout, 1 + e^-x loses up to eight units."""
    x = np.linspace(-6, 6, 200).astype(BFLOAT16)
    check_op(activation.SigmoidOp, [x], ulps=0.5)
