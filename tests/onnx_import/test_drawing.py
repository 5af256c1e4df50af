"""Random operations: the generator gives its published numbers, and what is drawn is well distributed."""

import numpy as np
import pytest
from onnx import ModelProto, parser

from penstock.backends.reference import run_graph
from penstock.dialects.graph.base import Array, wide
from penstock.onnx_import import import_model, philox


def model(text: str) -> ModelProto:
    """A model from its text."""
    return parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> main {text}')


def run(text: str, **inputs: Array) -> list[Array]:
    """The outputs of a model."""
    return list(run_graph(import_model(model(text)), inputs).values())


@pytest.mark.parametrize(
    ("counter", "key", "wanted"),
    [
        ([0, 0, 0, 0], (0, 0), [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            (0xA4093822, 0x299F31D0),
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_known_answers_of_philox(counter: list[int], key: tuple[int, int], wanted: list[int]) -> None:
    """From the file `kat_vectors` that comes with Random123, the authors' implementation."""
    assert philox.philox(np.array([counter], np.uint64), key)[0].tolist() == wanted


def test_uniform_numbers() -> None:
    (y,) = run(
        "() => (float[100, 200] y) {y = RandomUniform <shape = [100, 200], low = -1.0, high = 3.0> ()}"
    )
    assert y.dtype == np.float32
    assert -1 <= wide(y).min() < -0.99 and 2.99 < wide(y).max() <= 3
    assert abs(wide(y).mean() - 1) < 0.03
    assert abs(np.corrcoef(wide(y)[:, :-1].ravel(), wide(y)[:, 1:].ravel())[0, 1]) < 0.03


def test_normal_numbers_like_another_tensor() -> None:
    text = (
        "(float16[101, 199] x) => (double[101, 199] y) {y = RandomNormalLike <dtype = 11, scale = 2.0> (x)}"
    )
    (y,) = run(text, x=np.zeros((101, 199), np.float16))
    assert y.dtype == np.float64 and y.shape == (101, 199)
    assert abs(wide(y).mean()) < 0.05 and abs(wide(y).std() - 2) < 0.05
    assert 0.66 < (np.abs(wide(y)) < 2).mean() < 0.70


def test_seeds() -> None:
    text = """() => (float[8] a, float[8] b, float[8] c, float[8] d) {
      a = RandomUniform <shape = [8], seed = 1.0> () b = RandomUniform <shape = [8], seed = 1.0> ()
      c = RandomUniform <shape = [8]> () d = RandomUniform <shape = [8]> ()
    }"""
    a, b, c, d = run(text)
    assert a.tolist() == b.tolist() and len({*map(str, (a, c, d))}) == 3
    assert [each.tolist() for each in run(text)] == [each.tolist() for each in (a, b, c, d)]


def test_multinomial() -> None:
    likely = np.array([[0.2, 0.5, 0.3], [0.0, 0.0, 1.0]])
    text = "(float[2, 3] x) => (int64[2, 9000] y) {y = Multinomial <sample_size = 9000, dtype = 7> (x)}"
    with np.errstate(divide="ignore"):
        (y,) = run(text, x=np.log(likely).astype(np.float32))
    assert y.dtype == np.int64
    drawn = np.stack([np.bincount(row, minlength=3) for row in y.astype(np.int64)]) / 9000
    np.testing.assert_allclose(drawn, likely, atol=0.02)


def test_bernoulli() -> None:
    (y,) = run(
        "(float[100, 90] x) => (float[100, 90] y) {y = Bernoulli (x)}", x=np.full((100, 90), 0.3, np.float32)
    )
    assert {*wide(y).ravel()} == {0, 1} and abs(wide(y).mean() - 0.3) < 0.02


@pytest.mark.parametrize("is_training", [False, True])
def test_dropout_that_is_told_when_it_runs_whether_it_trains(is_training: bool) -> None:
    text = """(float[100, 90] x, float r, bool t) => (float[100, 90] y, bool[100, 90] mask) {
      y, mask = Dropout (x, r, t)
    }"""
    x = np.ones((100, 90), np.float32)
    y, mask = run(text, x=x, r=np.array(0.25, np.float32), t=np.array(is_training))
    if not is_training:
        assert y.tolist() == x.tolist() and mask.all()
        return
    assert abs(wide(mask).mean() - 0.75) < 0.02
    np.testing.assert_allclose(wide(y), wide(mask) / 0.75, rtol=1e-6)
