"""Importers of Fourier transforms, as products with tables of sines and cosines."""

import math

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import element_of, integers, rank_of
from penstock.dialects.graph.indexing import GatherOp
from penstock.dialects.graph.movement import PadOp
from penstock.onnx_import.axes import (
    axis_attribute,
    axis_input,
    integer,
    known_number,
    require,
    static_size,
    static_sizes,
)
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node
from penstock.onnx_import.tensors import numpy_dtype_of
from penstock.onnx_import.terms import Term, stack

Reals = NDArray[np.float64]


def waves(build: Builder, length: int, count: int, inverse: bool) -> tuple[Reals, Reals]:
    """Cosines and sines of `2 pi i k / length` for i < length and k < count; forwards, sines are negative."""
    build.bounded(length * count)
    # The product is reduced while it is an integer, so that no angle loses digits.
    turns = np.outer(np.arange(length), np.arange(count)) % length
    angles = 2 * math.pi / length * turns
    return np.cos(angles), np.sin(angles) * (1 if inverse else -1)


def transformed(x: Term, length: int, count: int, inverse: bool) -> Term:
    """The first `count` frequencies of [.., length, 1 or 2], the last dim the real and the imaginary part."""
    cosine, sine = map(x.table, waves(x.build, length, count, inverse))
    axis = len(x.shape) - 1
    real = x.at(axis, 0)
    if x.shape[axis] == 1:
        return stack([real @ cosine, real @ sine], axis)
    imaginary = x.at(axis, 1)
    return stack([real @ cosine - imaginary @ sine, real @ sine + imaginary @ cosine], axis)


def real_signal(x: Term, length: int) -> Term:
    """The real signal of `length` whose spectrum begins with [.., length // 2 + 1, 2]."""
    half = length // 2 + 1
    x.build.bounded(half)
    # Frequencies but the first, and the middle of an even length, stand for their mirror images too.
    twice = np.array([1 if k in (0, length / 2) else 2 for k in range(half)]) / length
    cosine, sine = (x.table(wave.T * twice[:, None]) for wave in waves(x.build, length, half, True))
    axis = len(x.shape) - 1
    y = x.at(axis, 0) @ cosine - x.at(axis, 1) @ sine
    return y.reshape(*y.shape, 1)


def fitted(x: Term, axis: int, size: int, present: int) -> Term:
    """`x` cut, or filled with zeros, to `size` along an axis."""
    if size <= present:
        return x.slice(axis, 0, size) if size < present else x
    low, high = ([0] * len(x.shape) for _ in range(2))
    high[axis] = size - present
    properties = {"low": integers(low), "high": integers(high), "mode": StringAttr("constant")}
    return x.like(x.build.op(PadOp, [x.value], properties))


def import_dft(node: Node, build: Builder) -> SSAValue:
    """DFT: along one axis; one-sided, a real signal gives half a spectrum, and half a spectrum a signal."""
    x = Term(build, node.input(0))
    rank = rank_of(x.value)
    if node.opset < 20:
        axis = axis_attribute(node, x.value, 1)
    else:
        axis = axis_input(node, 2, x.value) if node.optional(2) is not None else rank - 2
    require(
        node,
        rank > 1 and axis < rank - 1 and x.shape[-1] in (1, 2),
        f"no signal along axis {axis} of {list(x.shape)}",
    )
    inverse, onesided = node.int("inverse", 0) != 0, node.int("onesided", 0) != 0
    present = static_size(node, x.value, axis)
    length = 2 * (present - 1) if inverse and onesided else present
    if node.optional(1) is not None:
        length = int(known_number(node, 1, "the length"))
    require(node, length > 0, f"a transform of length {length}")
    order = [*(i for i in range(rank - 1) if i != axis), axis, rank - 1]
    signal = x.transpose(*order).precise()
    if inverse and onesided:
        require(node, x.shape[-1] == 2, "half a spectrum must be complex")
        y = real_signal(fitted(signal, rank - 2, length // 2 + 1, present), length)
    else:
        count = length // 2 + 1 if onesided else length
        y = transformed(fitted(signal, rank - 2, length, present), length, count, inverse)
        y = y / length if inverse else y
    return y.transpose(*(order.index(i) for i in range(rank))).cast(x.element).value


def import_stft(node: Node, build: Builder) -> SSAValue:
    """STFT: the spectrum of frames of the signal, each multiplied by a window."""
    x, window = Term(build, node.input(0)), node.optional(2)
    _, present, _ = static_sizes(node, x.value, 3)
    step = int(known_number(node, 1, "the step"))
    length = present if window is None else static_sizes(node, window, 1)[0]
    if node.optional(3) is not None:
        length = int(known_number(node, 3, "the frame length"))
    require(node, 0 < length <= present and step > 0, f"frames of {length} every {step} in {present}")
    frames = 1 + (present - length) // step
    build.bounded(frames * length)
    places = np.add.outer(np.arange(frames) * step, np.arange(length))
    cut = x.like(build.op(GatherOp, [x.value, build.constant(places)], {"axis": integer(1)}))
    if window is not None:
        require(node, static_sizes(node, window, 1) == [length], f"a window of other than {length} points")
        cut = cut * x.like(window).reshape(length, 1)
    count = length // 2 + 1 if node.int("onesided", 1) else length
    return transformed(cut.precise(), length, count, False).cast(element_of(x.value)).value


def import_mel_weight_matrix(node: Node, build: Builder) -> SSAValue:
    """MelWeightMatrix: triangles over a spectrum whose corners are equally far apart on the mel scale."""
    bands, length, rate = (int(known_number(node, i, "the bands")) for i in range(3))
    low, high = (known_number(node, i, "the edges") for i in (3, 4))
    sound = min(bands, length, rate) > 0 and 0 <= low < high < np.inf
    require(node, sound, f"{bands} bands of {length} points at {rate} Hz from {low} to {high}")
    build.bounded(bands * length)
    dtype = numpy_dtype_of(node.int("output_datatype", TensorProto.FLOAT))
    return build.constant(mel_weights(bands, length, rate, low, high).astype(dtype))


def mel_weights(bands: int, length: int, rate: int, low: float, high: float) -> Reals:
    """[frequency, band]: each band rises from its left corner to 1 and falls to its right one."""
    first, last = (2595 * np.log10(1 + edge / 700) for edge in (low, high))
    mels = first + np.arange(bands + 2) * (last - first) / (bands + 2)
    corners = ((length + 1) * 700 * (10 ** (mels / 2595) - 1) // rate).astype(np.int64)
    left, middle, right = (corners[i : bands + i] for i in range(3))
    place = np.arange(length // 2 + 1)[:, None]
    rising = np.where(middle > left, (place - left) / np.maximum(middle - left, 1), 1.0)
    falling = (right - place) / np.maximum(right - middle, 1)
    return np.where(
        (place >= left) & (place <= middle) & ((middle > left) | (place == middle)),
        rising,
        np.where((place > middle) & (place < right), falling, 0.0),
    )


SPECTRAL: Family = {"DFT": import_dft, "MelWeightMatrix": import_mel_weight_matrix, "STFT": import_stft}
