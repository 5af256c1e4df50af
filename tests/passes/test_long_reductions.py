"""Reductions of lengths that no tile divides, and of lengths that a call decides, in vectors."""

import re

import numpy as np
import onnx.parser
import pytest
from numpy.typing import NDArray

import penstock
from penstock.model import Array, CompiledModel

HEADER = '<ir_version: 9, opset_import: ["": 18]>'
MODEL = (
    HEADER
    + """ g ({kind}[{rows}, {terms}] x) => ({kind}[a, b] total, {kind}[c, d] most, {kind}[e, f] share)
    <int64[1] axis = {{1}}> {{
        total = ReduceSum (x, axis)
        most = ReduceMax (x, axis)
        share = Softmax <axis = -1> (x)
    }}"""
)


def compiled(rows: int | str, terms: int | str, kind: str = "float", threads: int = 1) -> CompiledModel:
    """Sums, maxima and shares of rows."""
    text = MODEL.format(kind=kind, rows=rows, terms=terms)
    hints = {name: size for name, size in (("r", 8), ("n", 300)) if name in (rows, terms)}
    return penstock.compile(onnx.parser.parse_model(text), hints=hints, threads=threads)


def wide_of(x: Array) -> NDArray[np.float64]:
    """Numbers in double precision."""
    return x.astype(np.float64)


def agrees(model: CompiledModel, x: Array, tolerance: float) -> None:
    """Compare with NumPy, in double precision."""
    made, wide = model(x=x), wide_of(x)
    powers = np.exp(wide - wide.max(1, keepdims=True))
    np.testing.assert_array_equal(made["most"], x.max(1, keepdims=True))
    scale = np.abs(wide).sum(1, keepdims=True)
    assert (np.abs(made["total"] - wide.sum(1, keepdims=True)) <= tolerance * scale).all()
    np.testing.assert_allclose(wide_of(made["share"]), powers / powers.sum(1, keepdims=True), tolerance * 8)


@pytest.mark.parametrize(("rows", "terms"), [(3, 1009), (1, 4099), (5, 67), (2, 521)])
def test_primes(rows: int, terms: int) -> None:
    x = np.random.default_rng(terms).standard_normal((rows, terms)).astype(np.float32)
    model = compiled(rows, terms)
    # `+` marks a reduction and `v` its vectors.
    assert not [kernel for kernel in model.package.kernels if re.search(rf"={terms}\+(?!v)", kernel.loops)]
    agrees(model, x, 1e-6)


@pytest.mark.parametrize("threads", [1, 2])
def test_open_lengths(threads: int) -> None:
    model = compiled("r", "n", threads=threads)
    for rows, terms in ((8, 300), (1, 1), (3, 7), (2, 64), (7, 65), (2, 1009), (40, 31)):
        agrees(model, np.random.default_rng(terms).standard_normal((rows, terms)).astype(np.float32), 1e-6)


def test_half_precision_keeps_its_sums_wide() -> None:
    x = np.random.default_rng(0).standard_normal((3, 1009)).astype(np.float16)
    agrees(compiled(3, 1009, "float16"), x, 2**-10)
