"""Ops that pick or place elements at computed positions, at every level; no position leads outside."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import FunctionType, IntegerAttr, ModuleOp, StringAttr, f32, i64
from xdsl.ir import Attribute, Block, Region

from penstock.dialects.graph.base import GraphOp, tensor
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.graph.indexing import (
    REDUCTIONS,
    GatherElementsOp,
    GatherNDOp,
    GatherOp,
    ScatterElementsOp,
    ScatterNDOp,
    ShapeOp,
)
from penstock.errors import ShapeError
from penstock.passes.lowering.graph_to_nest import LowerGraphToNest
from tests.passes.lowering_kit import check_op, graph_module, run_as_code, run_as_nests

Array = NDArray[np.generic]

RNG = np.random.default_rng(11)


def floats(*shape: int) -> NDArray[np.float32]:
    return RNG.standard_normal(shape).astype(np.float32)


def positions(size: int, *shape: int, dtype: type[np.signedinteger] = np.int64) -> Array:
    """Positions in a dim of `size`, also counted from its end."""
    return RNG.integers(-size, size, shape).astype(dtype)


def along(axis: int) -> dict[str, Attribute]:
    return {"axis": IntegerAttr(axis, i64)}


def placing(reduction: str) -> dict[str, Attribute]:
    return {"reduction": StringAttr(reduction)}


def test_shape_is_a_constant() -> None:
    check_op(ShapeOp, [floats(2, 3)])


@pytest.mark.parametrize(
    ("shape", "axis", "indices"),
    [((5,), 0, ()), ((5, 4), 0, (3,)), ((5, 4), -1, (2, 3)), ((2, 5, 3), 1, (4,)), ((2, 5), 1, (0,))],
)
def test_gather(shape: tuple[int, ...], axis: int, indices: tuple[int, ...]) -> None:
    check_op(GatherOp, [floats(*shape), positions(shape[axis], *indices)], along(axis), ulps=0)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_gather_elements(axis: int, dtype: type[np.signedinteger]) -> None:
    shape = [3, 4, 2]
    shape[axis] = 6
    indices = positions([3, 4, 2][axis], *shape, dtype=dtype)
    check_op(GatherElementsOp, [floats(3, 4, 2), indices], along(axis), ulps=0)


@pytest.mark.parametrize(
    ("shape", "indices", "batch"),
    [((5, 4), (3, 2), 0), ((5, 4), (2, 3, 1), 0), ((3, 5, 4, 2), (3, 6, 2), 1), ((3, 5), (3, 1), 1)],
)
def test_gather_nd(shape: tuple[int, ...], indices: tuple[int, ...], batch: int) -> None:
    size = min(shape[batch : batch + indices[-1]])
    operands = [floats(*shape), positions(size, *indices)]
    check_op(GatherNDOp, operands, {"batch_dims": IntegerAttr(batch, i64)}, ulps=0)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("axis", [0, 1])
def test_scatter_elements_in_order(axis: int, reduction: str) -> None:
    shape = [4, 5]
    shape[axis] = 9
    operands = [floats(4, 5), positions([4, 5][axis], *shape), floats(*shape)]
    check_op(ScatterElementsOp, operands, {**along(axis), **placing(reduction)}, ulps=0)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("indices", "updates"), [((7, 2), (7, 3)), ((2, 3, 1), (2, 3, 5, 3)), ((3, 3), (3,))]
)
def test_scatter_nd_in_order(indices: tuple[int, ...], updates: tuple[int, ...], reduction: str) -> None:
    operands = [floats(4, 5, 3), positions(3, *indices), floats(*updates)]
    check_op(ScatterNDOp, operands, placing(reduction), ulps=0)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int8])
def test_scatter_in_the_element_type(reduction: str, dtype: type[np.generic]) -> None:
    x, updates = (RNG.integers(0, 255, n).astype(dtype) for n in (4, 9))
    check_op(ScatterElementsOp, [x, positions(4, 9), updates], {**along(0), **placing(reduction)})


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_nan_joins_as_the_op_says(reduction: str) -> None:
    x, updates = floats(4), floats(9)
    x[0] = updates[3] = np.nan
    check_op(ScatterElementsOp, [x, positions(4, 9), updates], {**along(0), **placing(reduction)})


def test_nothing_to_place_leaves_a_copy() -> None:
    operands = [floats(4, 5), positions(4, 0, 1), floats(0, 5)]
    check_op(ScatterNDOp, operands, ulps=0)


@pytest.mark.parametrize("run", [run_as_nests, run_as_code])
@pytest.mark.parametrize("wrong", [-100, -5, 4, 2**62])
def test_a_position_outside_never_leads_outside(
    run: Callable[[ModuleOp, Sequence[Array]], list[Array]], wrong: int
) -> None:
    x, indices = floats(4), np.array([1, wrong], np.int64)
    (result,) = run(graph_module(GatherOp, [x, indices], along(0)), [x, indices])
    np.testing.assert_array_equal(result, [x[1], x[0 if wrong < 0 else 3]])


def test_picking_from_nothing_is_refused() -> None:
    module = graph_module(GatherOp, [floats(0, 3), positions(1, 2)], along(0))
    with pytest.raises(ShapeError, match="graph.gather picks elements of an empty tensor"):
        LowerGraphToNest().apply(Context(), module)


def gather_known(x: Array, indices: Array, axis: int) -> tuple[ModuleOp, GraphOp]:
    """A module that gathers at positions known at compile time."""
    block = Block(arg_types=[tensor(x.shape, f32)])
    known = ConstantOp.of(indices, "indices")
    gather = GatherOp.make([block.args[0], known.y], along(axis))
    block.add_ops([known, gather, func.ReturnOp(gather.y)])
    kind = FunctionType.from_lists([block.args[0].type], [gather.y.type])
    return ModuleOp([func.FuncOp("main", kind, Region(block))]), gather


@pytest.mark.parametrize(
    ("indices", "is_linear"),
    [
        ([1, 2, 3], True),
        ([3, 1, -1], False),
        ([-1, -2, -3], True),
        ([-1], True),
        ([0, 0, 0], True),
        ([0, 1, 3], False),
    ],
)
def test_known_positions_at_equal_distances_need_no_loads(indices: list[int], is_linear: bool) -> None:
    x, table = floats(2, 4), np.array(indices, np.int64)
    module, gather = gather_known(x, table, 1)
    (result,) = run_as_nests(module, [x])
    np.testing.assert_array_equal(result, gather.evaluate(x, table)[0])
    assert any(isinstance(op, memref.LoadOp) for op in module.walk()) != is_linear


def test_one_known_position_drops_the_dim() -> None:
    x = floats(3, 4)
    module, _ = gather_known(x, np.array(-2), 0)
    (result,) = run_as_nests(module, [x])
    np.testing.assert_array_equal(result, x[-2])
