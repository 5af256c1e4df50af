"""Folding into weights: any groups, layout and rank; old biases; what must not be folded."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects import func
from xdsl.dialects.builtin import FunctionType, ModuleOp, StringAttr
from xdsl.ir import Attribute, Block, Region, SSAValue

from penstock.dialects.element_types import element_type
from penstock.dialects.graph.base import CHANNELS_FIRST, CHANNELS_LAST, GraphOp, integers, number, tensor
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.graph.elementwise import AddOp, MulOp
from penstock.dialects.graph.linear import ConvOp, ConvTransposeOp, MatMulOp
from penstock.dialects.graph.normalization import BatchNormOp
from penstock.passes.fold_batch_norm import FoldBatchNormPass
from penstock.passes.graph_rewriting import axis_attr
from penstock.registry import context
from penstock.testing import assert_pass_keeps_meaning, inputs_for

Array = NDArray[np.float32]
RNG = np.random.default_rng(7)


class Net:
    """A function @main under construction."""

    def __init__(self, shape: Sequence[int]) -> None:
        self.block = Block(arg_types=[tensor(shape, element_type(np.dtype(np.float32)))])

    def op(
        self,
        kind: type[GraphOp],
        operands: Sequence[SSAValue | None],
        properties: Mapping[str, Attribute] | None = None,
    ) -> SSAValue:
        """Append an operation."""
        op = kind.make(operands, properties)
        self.block.add_op(op)
        return op.results[0]

    def constant(self, array: Array) -> SSAValue:
        """Append a constant."""
        op = ConstantOp.of(array, "w")
        self.block.add_op(op)
        return op.y

    def convolution(self) -> SSAValue:
        """Append a convolution of four channels that keeps the size."""
        w = self.constant(random(4, 4, 3, 3))
        return self.op(ConvOp, [self.block.args[0], w, None], window(2, 1, CHANNELS_FIRST))

    def batch_norm(self, x: SSAValue, channels: int, axis: int) -> SSAValue:
        """Append a batch norm with random parameters."""
        scale, bias, mean = (self.constant(random(channels)) for _ in range(3))
        variance = self.constant(np.abs(random(channels)) + np.float32(0.1))
        properties = {"eps": number(1e-5), "axis": axis_attr(axis)}
        return self.op(BatchNormOp, [x, scale, bias, mean, variance], properties)

    def module(self, *results: SSAValue) -> ModuleOp:
        """The module that returns the results."""
        self.block.add_op(func.ReturnOp(*results))
        kind = FunctionType.from_lists(list(self.block.arg_types), [r.type for r in results])
        return ModuleOp([func.FuncOp("main", kind, Region(self.block))])


def random(*shape: int) -> Array:
    """Normal numbers."""
    return RNG.standard_normal(shape).astype(np.float32)


def folded(module: ModuleOp) -> list[str]:
    """The names of the ops after the pass, which kept the meaning."""
    after = assert_pass_keeps_meaning(module, FoldBatchNormPass(), inputs_for(module), context())
    return [op.name for op in after.walk() if op.name.startswith("graph.") and op.name != "graph.constant"]


def window(rank: int, groups: int, layout: str) -> dict[str, Attribute]:
    """Properties of a convolution that keeps the size."""
    return {
        "strides": integers([1] * rank),
        "dilations": integers([1] * rank),
        "pads": integers([1] * 2 * rank),
        "groups": axis_attr(groups),
        "layout": StringAttr(layout),
    }


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("layout", [CHANNELS_FIRST, CHANNELS_LAST])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_convolution(rank: int, groups: int, layout: str, bias: bool) -> None:
    spatial = (5, 4, 3)[:rank]
    shape = (2, 4, *spatial) if layout == CHANNELS_FIRST else (2, *spatial, 4)
    net = Net(shape)
    w, b = net.constant(random(8, 4 // groups, *[3] * rank)), net.constant(random(8)) if bias else None
    y = net.op(ConvOp, [net.block.args[0], w, b], window(rank, groups, layout))
    module = net.module(net.batch_norm(y, 8, 1 if layout == CHANNELS_FIRST else rank + 1))
    assert folded(module) == ["graph.conv"]


@pytest.mark.parametrize("groups", [1, 2])
def test_transposed_convolution(groups: int) -> None:
    net = Net((1, 4, 3, 3))
    w, bias = net.constant(random(4, 6 // groups, 3, 3)), net.constant(random(6))
    properties = window(2, groups, CHANNELS_FIRST) | {"output_padding": integers([0, 0])}
    y = net.op(ConvTransposeOp, [net.block.args[0], w, bias], properties)
    assert folded(net.module(net.batch_norm(y, 6, 1))) == ["graph.conv_transpose"]


def test_matrix_product() -> None:
    net = Net((3, 4))
    y = net.op(MatMulOp, [net.block.args[0], net.constant(random(4, 5))])
    y = net.batch_norm(net.op(AddOp, [y, net.constant(random(5))]), 5, 1)
    assert folded(net.module(y)) == ["graph.matmul", "graph.add"]


def test_extreme_scales() -> None:
    net = Net((3, 4))
    y = net.op(MatMulOp, [net.block.args[0], net.constant(random(4, 5) * np.float32(1e-30))])
    y = net.op(MulOp, [y, net.constant(random(5) * np.float32(1e30))])
    assert folded(net.module(y)) == ["graph.matmul"]


def test_another_reader_keeps_the_convolution() -> None:
    net = Net((1, 4, 3, 3))
    y = net.op(
        ConvOp, [net.block.args[0], net.constant(random(4, 4, 3, 3)), None], window(2, 1, CHANNELS_FIRST)
    )
    assert folded(net.module(y, net.batch_norm(y, 4, 1))) == ["graph.conv", "graph.mul", "graph.add"]


def test_another_axis_is_not_folded() -> None:
    net = Net((1, 4, 4, 3))
    y = net.op(
        ConvOp, [net.block.args[0], net.constant(random(4, 4, 3, 3)), None], window(2, 1, CHANNELS_FIRST)
    )
    assert folded(net.module(net.batch_norm(y, 4, 2))) == ["graph.conv", "graph.mul", "graph.add"]


def test_a_whole_tensor_is_not_folded() -> None:
    net = Net((1, 4, 2, 3))
    y = net.op(
        ConvOp, [net.block.args[0], net.constant(random(4, 4, 3, 3)), None], window(2, 1, CHANNELS_FIRST)
    )
    assert folded(net.module(net.op(MulOp, [y, net.constant(random(4, 2, 3))]))) == [
        "graph.conv",
        "graph.mul",
    ]
