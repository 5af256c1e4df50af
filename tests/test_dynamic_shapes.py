"""One compiled model at many sizes: the same results as models made for each, and clear errors."""

from pathlib import Path

import numpy as np
import onnx.parser
import pytest
from onnx import ModelProto

import penstock
from penstock.driver import inspected
from penstock.errors import CallError, PositionError, ShapeError
from penstock.model import Array

CONVNET = """
    <ir_version: 9, opset_import: ["": 17]>
    net (float[batch, 3, 12, 12] x) => (float[batch, 5] y)
        <int64[4] filter = {8, 3, 3, 3}, int64[2] dense = {8, 5}>
    {
        w = ConstantOfShape <value = float {0.03}> (filter)
        c = Conv <pads = [1, 1, 1, 1]> (x, w)
        r = Relu (c)
        p = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (r)
        g = GlobalAveragePool (p)
        f = Flatten (g)
        v = ConstantOfShape <value = float {0.5}> (dense)
        m = MatMul (f, v)
        y = Tanh (m)
    }"""
ATTENTION = """
    <ir_version: 9, opset_import: ["": 17]>
    net (float[1, seq, 24] x) => (float[1, seq, 24] y)
        <int64[4] heads = {0, 0, 2, 12}, int64[3] rows = {0, 0, -1}, float scale = {0.3}>
    {
        q = Reshape (x, heads)
        a = Transpose <perm = [0, 2, 1, 3]> (q)
        b = Transpose <perm = [0, 2, 3, 1]> (q)
        ab = MatMul (a, b)
        scaled = Mul (ab, scale)
        weights = Softmax <axis = -1> (scaled)
        out = MatMul (weights, a)
        back = Transpose <perm = [0, 2, 1, 3]> (out)
        flat = Reshape (back, rows)
        y = Add (flat, x)
    }"""
IMAGES = """
    <ir_version: 9, opset_import: ["": 17]>
    net (float[1, 3, h, w] x) => (float[1, 4, h2, w2] y, float[1, 4, h3, w3] z)
        <int64[4] filter = {4, 3, 3, 3}>
    {
        f = ConstantOfShape <value = float {0.1}> (filter)
        c = Conv <pads = [1, 1, 1, 1], strides = [2, 2]> (x, f)
        y = Sigmoid (c)
        z = AveragePool <kernel_shape = [3, 3], pads = [1, 1, 1, 1], strides = [2, 2]> (y)
    }"""


def model_of(text: str) -> ModelProto:
    """A model from its text."""
    return onnx.parser.parse_model(text)


def same_as_static(text: str, shapes: list[tuple[int, ...]]) -> None:
    """Run one model at several shapes, beside one made for each of them."""
    model, generator = model_of(text), np.random.default_rng(0)
    dynamic = penstock.compile(model)
    for shape in shapes:
        x: Array = generator.standard_normal(shape).astype(np.float32)
        wanted = penstock.compile(model, shapes={"x": shape})(x=x)
        given = dynamic(x=x)
        assert {n: a.shape for n, a in given.items()} == {n: a.shape for n, a in wanted.items()}
        for name in wanted:
            assert np.allclose(given[name], wanted[name], rtol=2e-5, atol=2e-6)


def test_a_batch() -> None:
    same_as_static(CONVNET, [(1, 3, 12, 12), (5, 3, 12, 12)])


def test_a_sequence() -> None:
    same_as_static(ATTENTION, [(1, 16, 24), (1, 37, 24)])


def test_images() -> None:
    same_as_static(IMAGES, [(1, 3, 9, 14), (1, 3, 1, 1)])


def test_images_made_larger() -> None:
    text = """
        <ir_version: 9, opset_import: ["": 17]>
        net (float[1, 8, h, w] x) => (float[1, 4, h2, w2] y)
            <int64[4] first = {16, 8, 3, 3}, int64[4] second = {16, 4, 2, 2}>
        {
            f = ConstantOfShape <value = float {0.1}> (first)
            c = Conv <pads = [1, 1, 1, 1]> (x, f)
            r = Relu (c)
            s = ConstantOfShape <value = float {0.2}> (second)
            y = ConvTranspose <strides = [2, 2]> (r, s)
        }"""
    assert not penstock.compile(model_of(text)).package.requirements
    same_as_static(text, [(1, 8, 9, 14), (1, 8, 16, 16)])


def test_shapes_may_name_sizes_of_a_static_model(tmp_path: Path) -> None:
    text = CONVNET.replace("[batch, 3, 12, 12] x", "[1, 3, 12, 12] x").replace("[batch, 5]", "[1, 5]")
    model = penstock.compile(
        model_of(text), shapes={"x": ["n", 3, 12, 12]}, bounds={"n": (1, 4)}, hints={"n": 2}
    )
    assert [(s.name, s.least, s.most, s.hint) for s in model.package.symbols] == [("n", 1, 4, 2)]
    model.save(tmp_path / "net.penstock")
    x = np.ones((3, 3, 12, 12), np.float32)
    again = penstock.load(tmp_path / "net.penstock")
    np.testing.assert_array_equal(again(x=x)["y"], model(x=x)["y"])
    with pytest.raises(CallError, match="'n' is 5, the model was compiled for 1 to 4"):
        again(x=np.ones((5, 3, 12, 12), np.float32))


def test_sizes_that_share_a_name_agree() -> None:
    text = """
        <ir_version: 9, opset_import: ["": 17]>
        net (float[n] a, float[n] b) => (float[n] c) { c = Add (a, b) }"""
    model = penstock.compile(model_of(text))
    np.testing.assert_array_equal(model(a=np.ones(3, np.float32), b=np.ones(3, np.float32))["c"], [2, 2, 2])
    with pytest.raises(CallError, match="input 'b' has 4 along axis 0: 'n' is 3 in 'a'"):
        model(a=np.ones(3, np.float32), b=np.ones(4, np.float32))


def test_of_sizes_that_meet_one_may_be_repeated() -> None:
    text = """
        <ir_version: 9, opset_import: ["": 17]>
        net (float[n] a, float[m] b) => (float[k] c) { c = Sub (a, b) }"""
    model = penstock.compile(model_of(text))
    for n, m in ((3, 3), (3, 1), (1, 37), (1, 1), (0, 0)):
        a, b = np.arange(n, dtype=np.float32), np.arange(m, dtype=np.float32) + 7
        np.testing.assert_array_equal(model(a=a, b=b)["c"], a - b)
    for n, m in ((3, 4), (0, 1), (0, 2)):
        with pytest.raises(CallError, match=r"the model needs .*n == max\(m, n\) or n == 1|m == max"):
            model(a=np.ones(n, np.float32), b=np.ones(m, np.float32))


def test_a_slice_up_to_a_size() -> None:
    text = """
        <ir_version: 9, opset_import: ["": 17]>
        net (float[n] a) => (int64[n] c)
            <int64[8] table = {9, 8, 7, 6, 5, 4, 3, 2}, int64[1] zero = {0}>
        { n = Shape (a)  c = Slice (table, zero, n) }"""
    model = penstock.compile(model_of(text))
    np.testing.assert_array_equal(model(a=np.ones(3, np.float32))["c"], [9, 8, 7])
    with pytest.raises(CallError, match="the model needs n <= 8; here n = 9"):
        model(a=np.ones(9, np.float32))


def test_positions_are_checked_against_sizes_of_the_call() -> None:
    text = """
        <ir_version: 9, opset_import: ["": 17]>
        net (float[n, 2] a, int64[m] i) => (float[m, 2] c) { c = Gather <axis = 0> (a, i) }"""
    model, a = penstock.compile(model_of(text)), np.arange(6, dtype=np.float32).reshape(3, 2)
    np.testing.assert_array_equal(model(a=a, i=np.array([2, -3]))["c"], a[[2, 0]])
    assert model(a=a, i=np.zeros(0, np.int64))["c"].shape == (0, 2)
    for wrong in (3, -4):
        with pytest.raises(PositionError, match="a position is outside of the n that there are"):
            model(a=a, i=np.array([0, wrong]))


def test_bounds_are_of_sizes_that_are_open() -> None:
    with pytest.raises(ShapeError, match="the model has no open size 'seq'"):
        penstock.compile(model_of(CONVNET), bounds={"seq": (1, 2)})


def test_a_size_may_be_a_formula_of_another() -> None:
    text = """
        <ir_version: 9, opset_import: ["": 17]>
        net (float[n] a, float[m] b) => (float[k] c) { c = Concat <axis = 0> (a, b) }"""
    model = penstock.compile(model_of(text), shapes={"a": ["past.len"], "b": ["past.len + 1"]})
    assert [s.name for s in model.package.symbols] == ["past.len"]
    assert model.outputs[0].shape == ("2*past.len + 1",)
    assert model(a=np.ones(2, np.float32), b=np.zeros(3, np.float32))["c"].tolist() == [1, 1, 0, 0, 0]
    with pytest.raises(CallError, match="it must be past.len \\+ 1, which is 3"):
        model(a=np.ones(2, np.float32), b=np.zeros(2, np.float32))


def test_names_that_shapes_bring_may_have_numbers() -> None:
    text = """
        <ir_version: 9, opset_import: ["": 17]>
        net (float[n] a, float[m] b) => (float[k] c) { c = Concat <axis = 0> (a, b) }"""
    model = penstock.compile(model_of(text), shapes={"a": ["s"], "b": ["2*s"]}, dims={"s": 2})
    assert [t.shape for t in model.inputs] == [(2,), (4,)]
    with pytest.raises(ShapeError, match="the model has no size 't'"):
        penstock.compile(model_of(text), shapes={"a": ["s"]}, dims={"t": 2})


@pytest.mark.parametrize(
    ("text", "hints", "shapes"),
    [
        (CONVNET, {"batch": 256}, [(1, 3, 12, 12), (5, 3, 12, 12), (67, 3, 12, 12)]),
        (ATTENTION, {"seq": 2000}, [(1, 1, 24), (1, 37, 24), (1, 333, 24)]),
        (IMAGES, {"h": 500, "w": 500}, [(1, 3, 1, 1), (1, 3, 9, 14), (1, 3, 101, 57)]),
    ],
)
def test_threads_change_no_bit(text: str, hints: dict[str, int], shapes: list[tuple[int, ...]]) -> None:
    model, generator = model_of(text), np.random.default_rng(0)
    alone, threaded = (penstock.compile(model, hints=hints, threads=count) for count in (1, 3))
    assert "nest.parallel" in inspected(model, hints=hints, threads=3).text("schedule")
    for shape in shapes:
        x: Array = generator.standard_normal(shape).astype(np.float32)
        wanted, given = alone(x=x), threaded(x=x)
        assert all(np.array_equal(given[name], wanted[name]) for name in wanted)
