"""Tables of cosines and sines for Fourier transforms: constants, or computed by a run of open lengths."""

import math

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import f64, i64

from penstock.dialects.graph.base import Dim, size_of
from penstock.dialects.graph.transcendental import CosOp, SinOp
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.terms import Term

Reals = NDArray[np.float64]


def waves(build: Builder, length: int, count: int, inverse: bool) -> tuple[Reals, Reals]:
    """Cosines and sines of `2 pi i k / length` for i < length and k < count; forwards, sines are negative."""
    build.bounded(length * count)
    # The product is reduced while it is an integer, so that no angle loses digits.
    turns = np.outer(np.arange(length), np.arange(count)) % length
    angles = 2 * math.pi / length * turns
    return np.cos(angles), np.sin(angles) * (1 if inverse else -1)


def wave_tables(x: Term, length: Dim, count: Dim, inverse: bool) -> tuple[Term, Term]:
    """The waves as tables to multiply `x` with."""
    if isinstance(length, int) and isinstance(count, int):
        cosine, sine = waves(x.build, length, count, inverse)
        return x.table(cosine), x.table(sine)
    i, k = (x.like(x.build.positions(size, i64)) for size in (length, count))
    products = i.reshape(length, 1) * k.reshape(1, count)
    turns = products % _positive(products, length)
    angles = turns.cast(f64) * (2 * math.pi) / _positive(turns.cast(f64), length)
    sine = angles.apply(SinOp)
    return angles.apply(CosOp).cast(x.element), (sine if inverse else 0 - sine).cast(x.element)


def _positive(like: Term, length: Dim) -> Term:
    """A length to divide by."""
    number = like.number(size_of(length))
    return number if isinstance(number, Term) else like.filled(number)


def signal_tables(x: Term, length: Dim, half: Dim) -> tuple[Term, Term]:
    """What makes a real signal of `length` out of the first `half` of its frequencies, real and imaginary.

    Frequencies but the first, and the middle of an even length, stand for their mirror images too.
    """
    if isinstance(length, int) and isinstance(half, int):
        twice = np.array([1 if k in (0, length / 2) else 2 for k in range(half)]) / length
        cosine, sine = (x.table(wave.T * twice[:, None]) for wave in waves(x.build, length, half, True))
        return cosine, sine
    k = x.like(x.build.positions(half, i64))
    is_single = k.equals(0) | (k * 2).equals(_positive(k, length))
    weights = is_single.where(k.filled(1), k.filled(2)).cast(x.element).reshape(half, 1)
    weights = weights / _positive(weights, length)
    cosine, sine = (wave.transpose(1, 0) * weights for wave in wave_tables(x, length, half, True))
    return cosine, sine
