"""Reductions, scans, ranking, normalization and attention of the `graph` dialect, by their definitions."""

import functools
import math
import operator
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import ArrayLike
from xdsl.dialects import test
from xdsl.dialects.builtin import IntegerAttr, f16, f32, i1, i64
from xdsl.ir import Attribute
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.element_types import element_type
from penstock.dialects.graph import normalization, ordering, reduction
from penstock.dialects.graph.attention import AttentionOp
from penstock.dialects.graph.base import (
    Array,
    GraphOp,
    Tensor,
    flag,
    integers,
    number,
    shape_of,
    tensor,
    wide,
)
from penstock.dialects.graph.movement import dims_attr


def axis(value: int) -> dict[str, Attribute]:
    """The property of an op that works along one axis."""
    return {"axis": IntegerAttr(value, i64)}


def numbers(*shape: int) -> Array:
    """Reals without much structure."""
    return np.random.default_rng(math.prod(shape)).standard_normal(shape).astype(np.float32)


def make(
    kind: type[GraphOp], types: Sequence[Tensor | None], properties: Mapping[str, Attribute], results: int = 1
) -> GraphOp:
    """The op on values of these types, `None` for an operand left out."""
    given = iter(test.TestOp(result_types=[t for t in types if t is not None]).results)
    return kind.make([None if t is None else next(given) for t in types], properties, results)


def apply(
    kind: type[GraphOp],
    arrays: Sequence[Array | None],
    properties: Mapping[str, Attribute],
    results: int = 1,
) -> Sequence[Array]:
    """What the op computes; its results must have the types that it infers."""
    types = [None if a is None else tensor(a.shape, element_type(a.dtype)) for a in arrays]
    op = make(kind, types, properties, results)
    op.verify()
    computed = op.evaluate(*(a for a in arrays if a is not None))
    assert list(op.result_types) == [tensor(y.shape, element_type(y.dtype)) for y in computed]
    return computed


def close(actual: Array, wanted: ArrayLike, rtol: float = 1e-6, atol: float = 0) -> None:
    """Equal up to a relative and an absolute difference."""
    np.testing.assert_allclose(wide(actual), np.asarray(wanted, np.float64), rtol, atol)


SMALL = np.array([[[3, -1], [2, 5]], [[-4, 7], [2, 0]]], np.int32)
FOLDS: dict[type[GraphOp], Callable[[Sequence[int]], int]] = {
    reduction.ReduceSumOp: sum,
    reduction.ReduceProdOp: math.prod,
    reduction.ReduceMaxOp: max,
    reduction.ReduceMinOp: min,
    reduction.ReduceMeanOp: lambda seen: int(sum(seen) / len(seen)),
}


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
@pytest.mark.parametrize("kind", FOLDS, ids=lambda k: k.name)
def test_reduction(kind: type[GraphOp], dtype: type[np.generic]) -> None:
    over = {"axes": integers([0, 2])}
    wanted = [[[FOLDS[kind](SMALL[:, row].ravel().tolist())] for row in range(2)]]
    if kind is reduction.ReduceMeanOp and dtype is np.float32:
        wanted = [[[1.25], [2.25]]]
    x = SMALL.astype(dtype)
    assert apply(kind, [x], over)[0].tolist() == wanted
    assert apply(kind, [x], over | {"keepdims": flag(False)})[0].shape == (2,)
    assert apply(kind, [x], {"axes": integers([])})[0].tolist() == x.tolist()


def test_reduction_of_nothing_and_of_nan() -> None:
    empty, over = np.zeros((2, 0), np.float32), {"axes": integers([1]), "keepdims": flag(False)}
    neutral = {
        reduction.ReduceSumOp: 0,
        reduction.ReduceProdOp: 1,
        reduction.ReduceMaxOp: -np.inf,
        reduction.ReduceMinOp: np.inf,
    }
    for kind, value in neutral.items():
        assert apply(kind, [empty], over)[0].tolist() == [value, value]
    assert apply(reduction.ReduceMaxOp, [np.zeros((1, 0), np.int8)], over)[0].tolist() == [-128]
    assert np.isnan(apply(reduction.ReduceMaxOp, [np.array([[1, np.nan]], np.float32)], over)[0]).all()
    assert apply(reduction.ReduceMinOp, [np.array([[True, False]])], over)[0].tolist() == [False]


def test_sums_are_rounded_once() -> None:
    x = np.array([2.0**24, 1.0, 1.0], np.float32)
    assert apply(reduction.ReduceSumOp, [x], {"axes": integers([0])})[0].tolist() == [2.0**24 + 2]


@pytest.mark.parametrize("last", [False, True])
def test_position_of_an_extreme(last: bool) -> None:
    x = np.array([[3, 7, 7, 1, 1]], np.float32)
    properties = {"axes": integers([1]), "select_last": flag(last), "keepdims": flag(False)}
    assert apply(reduction.ArgMaxOp, [x], properties)[0].tolist() == [2 if last else 1]
    assert apply(reduction.ArgMinOp, [x], properties)[0].tolist() == [4 if last else 3]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize(
    ("kind", "combine", "neutral"),
    [(ordering.CumSumOp, operator.add, 0), (ordering.CumProdOp, operator.mul, 1)],
)
def test_running(
    kind: type[GraphOp], combine: Callable[[int, int], int], neutral: int, exclusive: bool, reverse: bool
) -> None:
    row = [3, -2, 5, 4]
    read = row[::-1] if reverse else row
    ends = [i if exclusive else i + 1 for i in range(4)]
    wanted = [functools.reduce(combine, read[:end], neutral) for end in ends]
    properties = axis(1) | {"exclusive": flag(exclusive), "reverse": flag(reverse)}
    (y,) = apply(kind, [np.array([row], np.int32)], properties)
    assert y.tolist() == [wanted[::-1] if reverse else wanted]


def test_top_k_orders_equals_by_position() -> None:
    x = np.array([[5, 9, 5, 9, 1]], np.uint8)
    k = axis(1) | {"k": dims_attr([3])}
    values, indices = apply(ordering.TopKOp, [x], k, 2)
    assert (values.tolist(), indices.tolist()) == ([[9, 9, 5]], [[1, 3, 0]])
    values, indices = apply(ordering.TopKOp, [x], k | {"largest": flag(False)}, 2)
    assert (values.tolist(), indices.tolist()) == ([[1, 5, 5]], [[4, 0, 2]])


def test_softmax_does_not_overflow() -> None:
    x = np.array([[1000, 1000, 999], [-1000, -1001, -np.inf]], np.float32)
    total = 2 + math.exp(-1)
    (y,) = apply(normalization.SoftmaxOp, [x], axis(1))
    close(y[0], [1 / total, 1 / total, math.exp(-1) / total], rtol=1e-6)
    close(y[1], [1 / (1 + math.exp(-1)), 1 / (1 + math.e), 0], rtol=1e-6)
    (logs,) = apply(normalization.LogSoftmaxOp, [x], axis(1))
    close(logs[0], [-math.log(total)] * 2 + [-1 - math.log(total)], rtol=1e-6)
    assert logs[1, 2] == -np.inf


def test_softmax_along_another_axis() -> None:
    x = numbers(3, 4)
    (rows,), (columns,) = (
        apply(normalization.SoftmaxOp, [x.T.copy()], axis(1)),
        apply(normalization.SoftmaxOp, [x], axis(0)),
    )
    np.testing.assert_array_equal(rows, columns.T)


EPS = {"eps": number(1e-3)}


def test_batch_norm_on_either_axis() -> None:
    x, (scale, bias, mean, var) = numbers(2, 3, 4), numbers(4, 3)
    var = np.abs(var)
    wanted = np.empty_like(x)
    for n, c, i in np.ndindex(*x.shape):
        wanted[n, c, i] = (x[n, c, i] - mean[c]) / math.sqrt(var[c] + 1e-3) * scale[c] + bias[c]
    parameters = [scale, bias, mean, var]
    (y,) = apply(normalization.BatchNormOp, [x, *parameters], EPS | axis(1))
    close(y, wanted, rtol=1e-5, atol=1e-6)
    (last,) = apply(normalization.BatchNormOp, [np.moveaxis(x, 1, 2).copy(), *parameters], EPS | axis(2))
    np.testing.assert_array_equal(last, np.moveaxis(y, 1, 2))


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("shifted", [False, True])
def test_layer_norm(scaled: bool, shifted: bool) -> None:
    x, scale, bias = numbers(2, 3, 4), numbers(4), numbers(3, 1)
    wanted = np.empty_like(x)
    for n in range(2):
        flat = x[n].astype(float).ravel()
        spread = math.sqrt(sum((v - flat.mean()) ** 2 for v in flat) / flat.size + 1e-3)
        wanted[n] = (x[n] - flat.mean()) / spread * (scale if scaled else 1) + (bias if shifted else 0)
    operands = [x, scale if scaled else None, bias if shifted else None]
    (y,) = apply(normalization.LayerNormOp, operands, EPS | axis(1))
    close(y, wanted, rtol=1e-5, atol=1e-6)


def test_rms_norm() -> None:
    x, scale = np.array([[3.0, 4.0]], np.float32), np.array([1.0, 10.0], np.float32)
    root = math.sqrt(12.5 + 1e-3)
    close(apply(normalization.RmsNormOp, [x, scale], EPS | axis(1))[0], [[3 / root, 40 / root]], rtol=1e-6)
    assert apply(normalization.RmsNormOp, [x, None], EPS | axis(1))[0].shape == (1, 2)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_local_response_norm(size: int) -> None:
    x, constants = numbers(1, 6, 2), {"alpha": 0.3, "beta": 0.75, "bias": 2.0}
    wanted = np.empty_like(x)
    for _, c, i in np.ndindex(*x.shape):
        low, high = max(0, c - (size - 1) // 2), min(5, c + size // 2)
        total = sum(float(x[0, j, i]) ** 2 for j in range(low, high + 1))
        wanted[0, c, i] = x[0, c, i] / (2.0 + 0.3 / size * total) ** 0.75
    properties = {name: number(value) for name, value in constants.items()}
    (y,) = apply(
        normalization.LocalResponseNormOp, [x], {**properties, **axis(1), "size": IntegerAttr(size, i64)}
    )
    close(y, wanted, rtol=1e-6)


def attend(q: Array, k: Array, v: Array, allowed: Array, added: Array) -> Array:
    """Attention of one head, a query at a time."""
    rows: list[Array] = []
    q, k, v = (wide(a) for a in (q, k, v))
    for i, query in enumerate(q):
        scores = {j: 0.5 * float(query @ k[j]) + float(added[i, j]) for j in range(len(k)) if allowed[i, j]}
        weights = {j: math.exp(s) for j, s in scores.items()}
        mean = np.average(v[list(weights)], axis=0, weights=list(weights.values()))
        rows.append(mean)
    return np.array(rows)


@pytest.mark.parametrize("mask", ["none", "boolean", "added"])
@pytest.mark.parametrize("causal", [False, True])
def test_attention(mask: str, causal: bool) -> None:
    q, k, v = numbers(2, 3, 4, 8), numbers(1, 3, 5, 8), numbers(2, 1, 5, 6)
    bias, seen = numbers(4, 5), np.random.default_rng(0).random((4, 5)) < 0.5
    seen[:, 0] = True
    operand = {"none": None, "boolean": seen, "added": bias}[mask]
    allowed = (seen if mask == "boolean" else np.ones((4, 5), np.bool_)) & (
        np.tri(4, 5, dtype=np.bool_) if causal else np.True_
    )
    added = bias if mask == "added" else np.zeros((4, 5))
    (y,) = apply(AttentionOp, [q, k, v, operand], {"scale": number(0.5), "causal": flag(causal)})
    for b, h in np.ndindex(2, 3):
        close(y[b, h], attend(q[b, h], k[0, h], v[b, 0], allowed, added), rtol=1e-5, atol=1e-6)


def test_symbolic_sizes() -> None:
    x = tensor(["n", "c", 4], f32)
    total = make(reduction.ReduceSumOp, [x], {"axes": integers([0, 2])})
    assert shape_of(total.results[0]) == (1, "c", 1)
    position = make(reduction.ArgMaxOp, [x], {"axes": integers([1]), "keepdims": flag(False)})
    assert position.results[0].type == tensor(["n", 4], i64)
    best = make(ordering.TopKOp, [x], axis(1) | {"k": dims_attr([2])}, 2)
    assert list(best.result_types) == [tensor(["n", 2, 4], f32), tensor(["n", 2, 4], i64)]
    assert make(normalization.SoftmaxOp, [x], axis(1)).results[0].type == x
    q, k = tensor(["b", 3, "s", 8], f32), tensor(["b", 3, "t", 8], f32)
    mask = tensor(["b", 1, "s", "t"], i1)
    assert make(AttentionOp, [q, k, k, mask], {"scale": number(1.0)}).results[0].type == q


X = tensor([2, 3, 4], f32)
K = {"k": dims_attr([5])}
SCALE = {"scale": number(1.0)}


@pytest.mark.parametrize(
    ("kind", "types", "properties", "message"),
    [
        (reduction.ReduceSumOp, [X], {"axes": integers([3])}, r"axes \[3\] of a tensor of rank 3"),
        (reduction.ReduceSumOp, [X], {"axes": integers([-1])}, r"axes \[-1\] of a tensor"),
        (reduction.ReduceSumOp, [X], {"axes": integers([1, 1])}, r"axes \[1, 1\] of a tensor"),
        (reduction.ArgMaxOp, [X], {"axes": integers([0, 1])}, r"graph.argmax: needs one axis, got \[0, 1\]"),
        (reduction.ArgMinOp, [tensor([0], f32)], {"axes": integers([0])}, "graph.argmin: axis 0 is empty"),
        (ordering.TopKOp, [X], axis(2) | K, "graph.top_k: 5 of the 4 elements along axis 2"),
        (ordering.CumSumOp, [X], axis(3), r"graph.cumsum: axes \[3\]"),
        (normalization.SoftmaxOp, [X], axis(9), r"graph.softmax: axes \[9\]"),
        (normalization.BatchNormOp, [X, *[tensor([4], f32)] * 4], EPS | axis(1), r"\[4\] for 3 channels"),
        (
            normalization.LayerNormOp,
            [X, tensor([3], f32), None],
            EPS | axis(1),
            "does not broadcast to",
        ),
        (
            normalization.LayerNormOp,
            [X, tensor([9, 1, 1, 1], f32), None],
            EPS | axis(1),
            "does not broadcast",
        ),
        (normalization.RmsNormOp, [X, tensor([4], f16)], EPS | axis(1), "operands differ in element type"),
        (normalization.SoftmaxOp, [tensor([2], i64)], axis(0), "graph.softmax: needs reals, got i64"),
        (reduction.ReduceSumOp, [tensor([2], i1)], {"axes": integers([0])}, "needs numbers, got i1"),
        (ordering.CumSumOp, [tensor([2], i1)], axis(0), "graph.cumsum: needs numbers, got i1"),
        (AttentionOp, [X, X, tensor([2], f32), None], SCALE, "q, k, v of rank 3, 3, 1"),
        (AttentionOp, [X, X, tensor([2, 9, 4], f32), None], SCALE, "sizes differ"),
        (AttentionOp, [X, X, X, tensor([3, 3], i64)], SCALE, "a mask of i64 on f32"),
        (AttentionOp, [X, X, X, tensor([3, 9], i1)], SCALE, "graph.attention: mask"),
    ],
)
def test_broken_rules_are_named(
    kind: type[GraphOp],
    types: Sequence[Tensor | None],
    properties: Mapping[str, Attribute],
    message: str,
) -> None:
    with pytest.raises(VerifyException, match=message):
        make(kind, types, properties, 2 if kind is ordering.TopKOp else 1)
