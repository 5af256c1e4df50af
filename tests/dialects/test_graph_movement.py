"""The ops of the `graph` dialect that move, pick or resample elements: shapes, meaning, broken rules."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects import test
from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, StringAttr, f32, f64, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.element_types import element_type
from penstock.dialects.graph.base import Array, Dim, GraphOp, Tensor, integers, number, shape_of, tensor, wide
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.graph.indexing import (
    GatherElementsOp,
    GatherNDOp,
    GatherOp,
    ScatterElementsOp,
    ScatterNDOp,
    ShapeOp,
)
from penstock.dialects.graph.movement import (
    END,
    BroadcastToOp,
    ConcatOp,
    PadOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    dims_attr,
)
from penstock.dialects.graph.resize import ResizeOp
from penstock.dialects.resources import ResourceAttr

Properties = Mapping[str, Attribute | None]
X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def value(t: Tensor) -> SSAValue:
    """A value of a type."""
    return test.TestOp(result_types=[t]).results[0]


def made(kind: type[GraphOp], operands: Sequence[Tensor], properties: Properties) -> GraphOp:
    """An op on values of some types."""
    values = [value(t) for t in operands]
    return kind.make([values] if kind is ConcatOp else values, properties)


def apply(kind: type[GraphOp], *arrays: Array, properties: Properties) -> Array:
    """What the op computes; its result must have the type that it infers."""
    op = made(kind, [tensor(a.shape, element_type(a.dtype)) for a in arrays], properties)
    op.verify()
    (y,) = op.evaluate(*arrays)
    assert op.results[0].type == tensor(y.shape, element_type(y.dtype))
    return y


def shape_from(kind: type[GraphOp], *shapes: Sequence[Dim], properties: Properties) -> tuple[Dim, ...]:
    """The shape an op infers from those of its operands."""
    return shape_of(made(kind, [tensor(s, f32) for s in shapes], properties).results[0])


def scale(shape: Sequence[Dim], scales: Sequence[float], mode: str) -> Properties:
    """The properties of a resize."""
    factors = DenseArrayBase.from_list(f64, list(scales))
    return {"shape": dims_attr(shape), "scales": factors, "mode": StringAttr(mode)}


def slices(*bounds: tuple[int, int, int]) -> Properties:
    """The properties of a slice."""
    return {name: integers([b[i] for b in bounds]) for i, name in enumerate(("starts", "ends", "steps"))}


def axis(number: int) -> Properties:
    """An axis as a property."""
    return {"axis": IntegerAttr(number, i64)}


def test_transpose_takes_dim_i_from_permutation_i() -> None:
    y = apply(TransposeOp, X, properties={"permutation": integers([2, 0, 1])})
    assert y.shape == (4, 2, 3) and y[3, 1, 2] == X[1, 2, 3]


def test_reshape_keeps_row_major_order() -> None:
    y = apply(ReshapeOp, X, properties={"shape": dims_attr([4, 6])})
    assert y.reshape(-1).tolist() == list(range(24))


def test_reshape_finds_sizes_by_their_names() -> None:
    op = ReshapeOp.make([value(tensor(["n", "m", 4], f32))], {"shape": dims_attr(["m", "n", 2, 2])})
    assert shape_of(op.y) == ("m", "n", 2, 2)
    assert op.evaluate(X)[0].shape == (3, 2, 2, 2)


def test_reshape_does_not_guess_two_sizes() -> None:
    op = ReshapeOp.make([value(tensor(["n", 4], f32))], {"shape": dims_attr(["?", "a"])})
    with pytest.raises(VerifyException, match="only at run time"):
        op.evaluate(np.zeros((2, 4), np.float32))


def test_broadcast_repeats_ones_and_leads() -> None:
    x = np.array([[1.0], [2.0]], np.float32)
    assert (
        apply(BroadcastToOp, x, properties={"shape": dims_attr([2, 2, 2])}).tolist() == [[[1, 1], [2, 2]]] * 2
    )


def test_concat_joins_along_the_axis() -> None:
    assert apply(ConcatOp, X[0], X[1], properties=axis(-1))[1].tolist() == [*X[0, 1], *X[1, 1]]
    assert shape_from(ConcatOp, ["n", 3], ["n", 4], properties=axis(1)) == ("n", 7)
    assert shape_from(ConcatOp, ["n", 3], [5, 3], properties=axis(0)) == ("n + 5", 3)
    assert shape_from(ConcatOp, ["n", "m"], ["n", 3], properties=axis(0)) == ("2*n", 3)


BOUND = st.integers(-7, 7)


@given(st.integers(0, 5), BOUND, BOUND, BOUND.filter(bool))
def test_slice_is_that_of_a_list(size: int, start: int, end: int, step: int) -> None:
    y = apply(SliceOp, np.arange(size), properties=slices((start, end, step)))
    assert y.tolist() == list(range(size))[start:end:step]


def test_slice_of_a_symbolic_dim() -> None:
    assert shape_from(SliceOp, ["n"], properties=slices((0, END, 1))) == ("n",)
    assert shape_from(SliceOp, ["n"], properties=slices((2, END, 1))) == ("n - 2",)
    assert shape_from(SliceOp, ["n"], properties=slices((0, 3, 1))) == ("?",)


def test_pad_modes() -> None:
    x, ends = np.array([1.0, 2.0, 3.0], np.float32), {"low": integers([2]), "high": integers([1])}
    wanted = {"constant": [9, 9, 1, 2, 3, 9], "edge": [1, 1, 1, 2, 3, 3], "reflect": [3, 2, 1, 2, 3, 2]}
    wanted["wrap"] = [2, 3, 1, 2, 3, 1]
    for mode, y in wanted.items():
        properties = {**ends, "mode": StringAttr(mode), "value": number(9.0)}
        assert apply(PadOp, x, properties=properties).tolist() == y


def test_negative_padding_crops_first() -> None:
    properties = {"low": integers([-1]), "high": integers([2]), "mode": StringAttr("reflect")}
    assert apply(PadOp, np.array([1.0, 2.0, 3.0, 4.0]), properties=properties).tolist() == [2, 3, 4, 3, 2]


def test_pad_of_a_symbolic_dim() -> None:
    properties = {"low": integers([1, 0]), "high": integers([2, 0])}
    assert shape_from(PadOp, ["n", "m"], properties=properties) == ("n + 3", "m")


def test_shape_lists_the_sizes() -> None:
    assert apply(ShapeOp, X, properties={}).tolist() == [2, 3, 4]


def test_gather_reads_whole_slices() -> None:
    y = apply(GatherOp, X, np.array([[2, -1]]), properties=axis(1))
    assert y.shape == (2, 1, 2, 4) and (y[:, 0, 0] == X[:, 2]).all() and (y[:, 0, 1] == X[:, 2]).all()


def test_gather_elements_by_the_formula() -> None:
    i = np.array([[[2, 0, -1, 1]], [[0, 0, 1, 1]]])
    y = apply(GatherElementsOp, X, i, properties=axis(1))
    assert all(y[at] == X[at[0], i[at], at[2]] for at in np.ndindex(i.shape))


def test_gather_nd_by_the_formula() -> None:
    i = np.array([[[1, 2], [0, 3]], [[2, -1], [2, 0]]])
    y = apply(GatherNDOp, X, i, properties={"batch_dims": IntegerAttr(1, i64)})
    assert all(y[b, k] == X[b, i[b, k, 0], i[b, k, 1]] for b, k in np.ndindex(2, 2))


PLACED = {"none": [0, 7, 2], "add": [0, 13, 2], "mul": [0, 35, 2], "max": [0, 7, 2], "min": [0, 1, 2]}


@pytest.mark.parametrize("reduction", PLACED)
def test_scatter_places_in_order(reduction: str) -> None:
    x, i, updates = np.array([0, 1, 2]), np.array([1, -2]), np.array([5, 7])
    properties = {"reduction": StringAttr(reduction)}
    assert (
        apply(ScatterElementsOp, x, i, updates, properties={**axis(0), **properties}).tolist()
        == PLACED[reduction]
    )
    assert apply(ScatterNDOp, x, i[:, None], updates, properties=properties).tolist() == PLACED[reduction]
    assert x.tolist() == [0, 1, 2]


def test_linear_resize_keeps_a_ramp() -> None:
    y = apply(ResizeOp, np.arange(4.0), properties=scale([8], [2.0], "linear"))
    assert y.tolist() == [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("antialias", [0, 1])
def test_resize_keeps_a_constant(mode: str, antialias: int) -> None:
    properties = {**scale([1, 5], [1.0, 5 / 13], mode), "antialias": IntegerAttr(antialias, 1)}
    y = apply(ResizeOp, np.full((1, 13), 3.0), properties=properties)
    np.testing.assert_allclose(wide(y), 3.0, rtol=1e-14)


def test_nearest_positions_are_exact_where_the_scale_is_rounded() -> None:
    rule = {"coordinates": StringAttr("asymmetric"), "rounding": StringAttr("floor")}
    for size in range(1, 40):
        properties = {**scale([3 * size], [3.0], "nearest"), **rule}
        assert apply(ResizeOp, np.arange(size), properties=properties).tolist() == [
            i // 3 for i in range(3 * size)
        ]
        back = {**scale([size], [float(np.float32(1 / 3))], "nearest"), **rule}
        assert apply(ResizeOp, np.arange(3 * size), properties=back).tolist() == [3 * i for i in range(size)]


def test_cubic_integers_are_clamped() -> None:
    x = np.array([0, 255, 255, 0, 0, 255], np.uint8)
    y = apply(ResizeOp, x, properties=scale([12], [2.0], "cubic"))
    assert y.min() == 0 and y.max() == 255


ONE_D = tensor([4], f32)
PLANE = tensor([2, 3], f32)
REFLECT = StringAttr("reflect")
POSITIONS = tensor([1], i64)
BROKEN: list[tuple[type[GraphOp], Sequence[Tensor], Properties, str]] = [
    (TransposeOp, [PLANE], {"permutation": integers([0])}, "no permutation"),
    (ReshapeOp, [PLANE], {"shape": dims_attr([5])}, "not as many elements"),
    (ReshapeOp, [PLANE], {"shape": dims_attr([-2, -3])}, "negative size"),
    (BroadcastToOp, [PLANE], {"shape": dims_attr([3])}, "does not broadcast"),
    (BroadcastToOp, [PLANE], {"shape": dims_attr([2, 4])}, "does not broadcast"),
    (ConcatOp, [PLANE, tensor([2, 3], i64)], axis(0), "element type"),
    (ConcatOp, [PLANE, ONE_D], axis(0), "ranks"),
    (ConcatOp, [PLANE, tensor([4, 4], f32)], axis(0), "another dim than the axis"),
    (ConcatOp, [PLANE], axis(2), "axis 2"),
    (SliceOp, [ONE_D], slices((0, 1, 0)), "step is zero"),
    (SliceOp, [ONE_D], slices((0, 1, 1), (0, 1, 1)), "bounds"),
    (
        PadOp,
        [ONE_D],
        {"low": integers([4]), "high": integers([0]), "mode": StringAttr("reflect")},
        "reflected",
    ),
    (PadOp, [ONE_D], {"low": integers([-5]), "high": integers([0])}, "nothing is left"),
    (PadOp, [ONE_D], {"low": integers([1]), "high": integers([0]), "mode": StringAttr("up")}, "mode 'up'"),
    (GatherOp, [PLANE, ONE_D], axis(0), "indices are f32"),
    (GatherElementsOp, [PLANE, tensor([3, 3], i64)], axis(1), "do not lie within"),
    (GatherNDOp, [PLANE, tensor([1, 3], i64)], {}, "3 positions"),
    (ScatterElementsOp, [PLANE, tensor([1, 3], i64), PLANE], axis(0), "is placed at"),
    (ScatterNDOp, [PLANE, POSITIONS, tensor([2], f32)], {}, "scatter_nd"),
    (ScatterNDOp, [PLANE, POSITIONS, tensor([3], f32)], {"reduction": StringAttr("xor")}, "reduction 'xor'"),
    (ResizeOp, [ONE_D], scale([4], [0.0], "linear"), "positive"),
    (ResizeOp, [ONE_D], scale([4], [1.0], "quadratic"), "quadratic"),
    (ResizeOp, [ONE_D], scale([4, 4], [1.0], "linear"), "1 dims"),
]


@pytest.mark.parametrize(("kind", "operands", "properties", "words"), BROKEN)
def test_broken_rule_is_named(
    kind: type[GraphOp], operands: Sequence[Tensor], properties: Properties, words: str
) -> None:
    with pytest.raises(VerifyException, match=words):
        made(kind, operands, properties)


def test_small_constants_are_text_and_large_ones_resources() -> None:
    small, large = ConstantOp.of(np.arange(16), "s"), ConstantOp.of(np.arange(17), "l")
    assert "dense<[0, 1" in str(small) and isinstance(large.value, ResourceAttr)
    assert large.array.tolist() == list(range(17))
    assert np.shares_memory(large.array, large.value.array)


CONSTANTS = [
    np.array([True, False]),
    np.array(-5, np.int8),
    np.array([[255]], np.uint8),
    np.array([0.1, -0.0], np.float32),
    np.array([np.inf, np.nan], np.float32),
    np.zeros((0, 3), np.float32),
    np.array(2**63, np.uint64),
]


@pytest.mark.parametrize("array", CONSTANTS, ids=str)
def test_constant_holds_what_it_was_given(array: Array) -> None:
    op = ConstantOp.of(array, "c")
    op.verify()
    (y,) = op.evaluate()
    assert (y.dtype, y.shape) == (array.dtype, array.shape)
    assert y.tobytes() == array.tobytes()
