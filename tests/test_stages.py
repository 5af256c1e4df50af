"""Models whose sizes are decided by values of a run: cut into stages, right at all sizes."""

from pathlib import Path

import numpy as np
import onnx.parser
import pytest

import penstock
import penstock.errors
from penstock.dialects.graph.base import wide
from penstock.errors import CallError, TargetError
from penstock.model import Array, CompiledModel
from penstock.staged_package import Bind, StagedPackage

MODEL = """
    <ir_version: 9, opset_import: ["": 17]>
    net (float[3, n] x, int64[2] shape) => (int64[2, k] places, float[a, b] y, float[c] z)
        <int64[1] flat = {-1}, float half = {0.5}>
    {
        places = NonZero (x)
        reshaped = Reshape (x, shape)
        y = Relu (reshaped)
        large = Greater (x, half)
        condition = Reshape (large, flat)
        z = Compress (x, condition)
    }"""


@pytest.fixture(scope="module")
def model() -> CompiledModel:
    """A model with sizes that three nodes decide."""
    return penstock.compile(onnx.parser.parse_model(MODEL))


def some(n: int) -> Array:
    """Numbers some of which are zero."""
    x = np.random.default_rng(n).standard_normal((3, n)).astype(np.float32)
    return np.where(x < -0.5, np.float32(0), x)


def check(model: CompiledModel, x: Array, shape: list[int]) -> None:
    """Compare with what NumPy makes of the definitions."""
    made = model(x=x, shape=np.array(shape))
    target = [x.shape[i] if size == 0 else size for i, size in enumerate(shape)]
    np.testing.assert_array_equal(made["places"], np.stack(np.nonzero(x)))
    np.testing.assert_array_equal(made["y"], np.maximum(x.reshape(target), 0))
    np.testing.assert_array_equal(made["z"], x[wide(x) > 0.5])


@pytest.mark.parametrize(
    ("n", "shape"), [(4, [2, 6]), (5, [-1, 3]), (7, [0, -1]), (1, [1, 3]), (33, [9, 11])]
)
def test_every_size(model: CompiledModel, n: int, shape: list[int]) -> None:
    check(model, some(n), shape)


def test_what_takes_more_memory_than_there_is_is_an_error_of_the_call() -> None:
    text = """
        <ir_version: 9, opset_import: ["": 17]>
        net (int64[1] shape) => (float[n] y) { y = ConstantOfShape (shape) }"""
    model = penstock.compile(onnx.parser.parse_model(text))
    assert model(shape=np.array([3]))["y"].shape == (3,)
    for size in (2**45, 2**62 - 1):
        with pytest.raises(CallError):
            model(shape=np.array([size]))


def test_every_stage_leaves_its_passes_in_a_folder(tmp_path: Path) -> None:
    penstock.compile(onnx.parser.parse_model(MODEL), dump_dir=tmp_path)
    graph = sorted(path.name for path in tmp_path.glob("*.mlir"))
    assert graph[0] == "000-import.mlir" and not [name for name in graph if "lower-graph" in name]
    stages = sorted(tmp_path.glob("stage-*"))
    assert stages
    for stage in stages:
        assert [path.name for path in stage.glob("*lower-graph-to-nest.mlir")]
        assert (stage / "kernels" / "main" / "5.s").read_text()


def test_nothing_is_found(model: CompiledModel) -> None:
    check(model, np.zeros((3, 4), np.float32), [12, 1])


def test_two_stages(model: CompiledModel) -> None:
    package = model.package
    assert isinstance(package, StagedPackage)
    assert [type(step).__name__ for step in package.steps] == ["Stage", "Bind", "Bind", "Bind", "Stage"]
    bound = [name for step in package.steps if isinstance(step, Bind) for name in step.symbols]
    assert bound == ["NonZero_0.0", "Reshape_1.0", "Reshape_1.1", "Compress_5.0"]
    assert [output.shape for output in model.outputs][0] == (2, "NonZero_0.0")


def test_shapes_that_do_not_fit(model: CompiledModel) -> None:
    x = some(4)
    with pytest.raises(CallError, match=r"needs 3\*n == .*Reshape_1.0 = 5"):
        model(x=x, shape=np.array([5, 2]))
    with pytest.raises(CallError, match="node 'Reshape_1' computes a size of -5"):
        model(x=x, shape=np.array([-5, 2]))


def test_saved_and_loaded(model: CompiledModel, tmp_path: Path) -> None:
    model.save(tmp_path / "net.penstock")
    loaded = penstock.load(tmp_path / "net.penstock", verify=True)
    check(loaded, some(6), [3, -1])
    data = (tmp_path / "net.penstock").read_bytes()
    model.save(tmp_path / "again.penstock")
    assert (tmp_path / "again.penstock").read_bytes() == data


def test_no_object_file(model: CompiledModel, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"runs in stages: no \.o can be made"):
        model.write(tmp_path / "net.o")
    assert not list(tmp_path.iterdir())


def test_a_loop_cannot_decide(tmp_path: Path) -> None:
    text = """
        <ir_version: 9, opset_import: ["": 17]>
        net (float[4] x, int64 n) => (float[4] y)
        {
            y = Loop (n, , x) <body = body (int64 i, bool going, float[4] a) => (bool again, float[4] b)
                <int64[2] axes = {0}>
            {
                again = Identity (going)
                found = NonZero (a)
                size = Size (found)
                number = Cast <to = 1> (size)
                b = Add (a, number)
            }>
        }"""
    with pytest.raises(
        penstock.errors.UnsupportedError, match="a size depends on values in a loop or branch"
    ):
        penstock.compile(onnx.parser.parse_model(text))


def test_boxes_are_suppressed_at_any_sizes() -> None:
    """A loop whose values have sizes of three symbols: its memory is planned for all of them."""
    text = """
        <ir_version: 9, opset_import: ["": 17]>
        net (float[b, n, 4] boxes, float[b, c, n] scores) => (int64[k, 3] y)
            <int64 most = {3}, float most_iou = {0.5}>
        { y = NonMaxSuppression (boxes, scores, most, most_iou) }"""
    model = penstock.compile(onnx.parser.parse_model(text))
    # Three boxes, the second of which nearly is the first.
    boxes = np.array([[0, 0, 4, 4], [0, 0, 4, 3.9], [5, 5, 6, 6]], np.float32)
    scores = np.array([[0.5, 0.9, 0.7], [0.9, 0.5, 0.1]], np.float32)
    made = model(boxes=np.stack([boxes, boxes]), scores=np.stack([scores, scores[::-1]]))["y"]
    taken = [[0, 0, 1], [0, 0, 2], [0, 1, 0], [0, 1, 2], [1, 0, 0], [1, 0, 2], [1, 1, 1], [1, 1, 2]]
    assert made.tolist() == taken
    assert model(boxes=boxes[None, :1], scores=scores[None, :1, :1])["y"].tolist() == [[0, 0, 0]]
    # A step of the loop picks a box, which of none it could not.
    assert model(boxes=boxes[None, :0], scores=scores[None, :, :0])["y"].shape == (0, 3)
