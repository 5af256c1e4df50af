"""`winograd`: the matrices are exact, the nests mean what the convolution meant, others are left alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx.parser
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from xdsl.context import Context
from xdsl.dialects import arith, memref
from xdsl.dialects.builtin import IndexType, IntegerAttr, ModuleOp

import penstock
from penstock.backends.reference import evaluate_function
from penstock.checking.execution import Case, entry, execute
from penstock.checking.judgement import relative_error
from penstock.passes.canonical_text import CanonicalText
from penstock.passes.nest_rewriting import functions, nests
from penstock.passes.winograd import WinogradPass, convolution_of
from penstock.passes.winograd_matrices import POINTS, Filtering, filtering
from penstock.pipeline import graph_passes, nest_passes
from penstock.reading import read


@dataclass(frozen=True)
class Conv:
    """A convolution behind one of 1x1 taps, so that its channels come last; with a residual."""

    channels: int
    outputs: int
    size: tuple[int, int]
    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    pads: Sequence[int] = (1, 1, 1, 1)
    groups: int = 1
    batch: int = 1
    constant: bool = True

    def model(self) -> ModelProto:
        """The model; `r` is added before the rectifier."""
        rng = np.random.default_rng(0)
        first = rng.standard_normal((self.channels, self.channels, 1, 1)).astype(np.float32)
        kernel = (self.outputs, self.channels // self.groups, self.kernel, self.kernel)
        weights = rng.standard_normal(kernel).astype(np.float32)
        bias = rng.standard_normal(self.outputs).astype(np.float32)
        reach = self.dilation * (self.kernel - 1) + 1
        pads = self.pads
        out = [
            (size + low + high - reach) // self.stride + 1
            for size, low, high in zip(self.size, pads[:2], pads[2:], strict=True)
        ]
        nodes = [
            helper.make_node("Conv", ["x", "first"], ["h"]),
            helper.make_node(
                "Conv",
                ["h", "w", "b"],
                ["c"],
                pads=list(self.pads),
                strides=[self.stride] * 2,
                dilations=[self.dilation] * 2,
                group=self.groups,
            ),
            helper.make_node("Add", ["c", "r"], ["a"]),
            helper.make_node("Relu", ["a"], ["y"]),
        ]
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [self.batch, self.channels, *self.size])
        r = helper.make_tensor_value_info("r", TensorProto.FLOAT, [1, self.outputs, 1, 1])
        y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [self.batch, self.outputs, *out])
        w = helper.make_tensor_value_info("w", TensorProto.FLOAT, kernel)
        given = [numpy_helper.from_array(first, "first"), numpy_helper.from_array(bias, "b")]
        constants = [*given, numpy_helper.from_array(weights, "w")] if self.constant else given
        inputs = [x, r] if self.constant else [x, r, w]
        graph = helper.make_graph(nodes, "conv", inputs, [y], constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)

    def inputs(self) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
        """Numbers for the inputs of the model."""
        rng = np.random.default_rng(1)
        shapes = [[d.dim_value for d in i.type.tensor_type.shape.dim] for i in self.model().graph.input]
        return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def nests_of(model: ModelProto) -> ModuleOp:
    """The nests of a model as the pass finds them."""
    module = read(model)
    ctx = Context()
    before = nest_passes()
    names = [p.name for p in before]
    for each in (*graph_passes(), *before[: names.index("winograd")]):
        each.apply(ctx, module)
    return module


def count(module: ModuleOp) -> int:
    """The nests of a module."""
    return sum(len(nests(function)) for function in functions(module))


@pytest.mark.parametrize("outputs", POINTS)
def test_the_matrices_filter(outputs: int) -> None:
    f, rng = filtering(outputs), np.random.default_rng(0)
    data, taps = rng.standard_normal(f.inputs), rng.standard_normal(3)
    got = f.products @ ((f.filter @ taps) * (f.data @ data))
    np.testing.assert_allclose(got, np.correlate(data, taps, "valid"), rtol=0, atol=1e-13)


def test_the_points_err_less_than_the_usual_ones() -> None:
    usual = Filtering(4, (0.0, 1.0, -1.0, 2.0, -2.0))
    assert error_of(filtering(4)) < 0.6 * error_of(usual)


def error_of(f: Filtering) -> float:
    """The mean error of single precision over random tiles of 64 channels, relative to the largest output."""
    rng, errors = np.random.default_rng(0), list[float]()
    data, filters, products = (m.astype(np.float32) for m in (f.data, f.filter, f.products))
    for _ in range(50):
        tile, taps = rng.random((f.inputs, f.inputs, 64)), rng.standard_normal((3, 3, 64))
        windows = np.lib.stride_tricks.sliding_window_view(tile, (3, 3), (0, 1))
        exact = np.einsum("abcij,ijc->ab", windows, taps)
        u = np.einsum("ai,bj,ijc->abc", filters, filters, taps.astype(np.float32))
        v = np.einsum("ai,bj,ijc->abc", data, data, tile.astype(np.float32))
        got = products @ (u * v).sum(-1) @ products.T
        errors.append(float(np.abs(got - exact).max() / np.abs(exact).max()))
    return float(np.mean(errors))


@pytest.mark.parametrize("outputs", POINTS)
@pytest.mark.parametrize(
    "conv",
    [
        Conv(5, 6, (8, 8)),
        Conv(3, 4, (7, 10)),
        Conv(4, 3, (6, 5), pads=(0, 0, 0, 0)),
        Conv(2, 3, (5, 9), pads=(2, 0, 1, 3)),
        Conv(4, 5, (9, 6), batch=2),
        Conv(3, 2, (3, 3)),
    ],
    ids=str,
)
def test_the_nests_mean_the_convolution(conv: Conv, outputs: int) -> None:
    module = nests_of(conv.model())
    (wanted,) = execute(Case(module.clone(), conv.inputs()))
    before = count(module)
    WinogradPass(outputs).apply(Context(), module)
    module.verify()
    assert count(module) > before
    (got,) = execute(Case(module, conv.inputs()))
    assert relative_error(got, wanted) < 1e-5


@pytest.mark.parametrize(
    "conv",
    [
        Conv(4, 4, (8, 8), stride=2),
        Conv(4, 4, (8, 8), dilation=2),
        Conv(4, 4, (8, 8), kernel=5),
        Conv(4, 4, (8, 8), groups=2),
        Conv(4, 4, (8, 8), groups=4),
        Conv(4, 4, (8, 8), constant=False),
    ],
    ids=str,
)
def test_other_convolutions_are_left_alone(conv: Conv) -> None:
    module = nests_of(conv.model())
    before = str(module)
    WinogradPass(4).apply(Context(), module)
    assert str(module) == before


def test_wide_convolutions_are_filtered_and_narrow_ones_are_not() -> None:
    chosen = {channels: count(after_the_count(channels)) for channels in (1, 64)}
    assert chosen[1] < chosen[64]


def after_the_count(channels: int) -> ModuleOp:
    """The nests that the count of cycles leaves of a convolution with as many channels on both sides."""
    module = nests_of(Conv(channels, channels, (16, 16)).model())
    WinogradPass().apply(Context(), module)
    return module


def test_a_compiled_model_agrees() -> None:
    conv = Conv(32, 32, (15, 18))
    x, r = conv.inputs()
    (wanted,) = evaluate_function(entry(read(conv.model())), [x, r])
    model = penstock.compile(conv.model())
    assert any("winograd" in line for line in model.package.numerics)
    assert relative_error(model(x=x, r=r)["y"], wanted) < 1e-5


def test_equal_convolutions_keep_their_own_weights_and_residuals() -> None:
    rng, channels = np.random.default_rng(0), 4
    names = ("first", "w0", "w1", "w2")
    shapes = [(channels, channels, 1, 1), *[(channels, channels, 3, 3)] * 3]
    weights = [
        numpy_helper.from_array(rng.standard_normal(s).astype(np.float32), n)
        for n, s in zip(names, shapes, strict=True)
    ]
    model = onnx.parser.parse_model(
        """<ir_version: 9, opset_import: ["": 17]>
        convolutions (float[1, 4, 8, 8] x) => (float[1, 4, 8, 8] y) {
            h = Conv (x, first)
            a = Conv <pads = [1, 1, 1, 1]> (h, w0)
            b = Conv <pads = [1, 1, 1, 1]> (a, w1)
            c = Add (b, h)
            d = Conv <pads = [1, 1, 1, 1]> (c, w2)
            y = Add (d, a)
        }"""
    )
    model.graph.initializer.extend(weights)
    module = nests_of(model)
    inputs = [rng.standard_normal((1, channels, 8, 8)).astype(np.float32)]
    (wanted,) = execute(Case(module.clone(), inputs))
    WinogradPass(2).apply(Context(), module)
    module.verify()
    kinds = [CanonicalText().unattributed(nest) for function in functions(module) for nest in nests(function)]
    assert len(kinds) - len(set(kinds)) == 5, (
        "two transforms, two products, one end with a residual are copies"
    )
    (got,) = execute(Case(module, inputs))
    assert relative_error(got, wanted) < 1e-5


def test_equal_convolutions_keep_what_they_read_at_computed_places() -> None:
    rng = np.random.default_rng(0)
    shapes = {"first": (4, 4, 1, 1), "w0": (4, 4, 3, 3), "w1": (4, 4, 3, 3)}
    model = onnx.parser.parse_model(
        """<ir_version: 9, opset_import: ["": 17]>
        tables (float[1, 4, 8, 8] x, float[9] t0, float[9] t1) => (float[1, 4, 8, 8] z)
        {
            h = Conv (x, first)
            y = Conv <pads = [1, 1, 1, 1]> (h, w0)
            z = Conv <pads = [1, 1, 1, 1]> (y, w1)
        }"""
    )
    model.graph.initializer.extend(
        numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32), name)
        for name, shape in shapes.items()
    )
    module = nests_of(model)
    (function,) = functions(module)
    convolutions = [nest for nest in nests(function) if convolution_of(nest) is not None]
    for nest, table in zip(convolutions, function.args[1:3], strict=True):
        end = nest.epilogue.block.last_op
        assert end is not None
        place = arith.ConstantOp(IntegerAttr(3, IndexType()))
        entry = memref.LoadOp.get(table, [place.result])
        total = arith.AddfOp(end.operands[0], entry.res)
        nest.epilogue.block.insert_ops_before([place, entry, total], end)
        end.operands[0] = total.result
    module.verify()
    inputs = [rng.standard_normal(shape).astype(np.float32) for shape in ((1, 4, 8, 8), (9,), (9,))]
    (wanted,) = execute(Case(module.clone(), inputs))
    WinogradPass(2).apply(Context(), module)
    module.verify()
    (got,) = execute(Case(module, inputs))
    assert relative_error(got, wanted) < 1e-5
