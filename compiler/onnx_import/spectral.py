"""Importers of Fourier transforms, as products with tables of sines and cosines."""

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto
from xdsl.dialects.builtin import StringAttr, i64
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import (
    Dim,
    dim_of,
    element_of,
    integer,
    integers,
    rank_of,
    shape_of,
    size_of,
)
from penstock.dialects.graph.indexing import GatherOp
from penstock.dialects.graph.movement import PadOp
from penstock.dialects.requirements import at_most
from penstock.dialects.sizes import minimum
from penstock.onnx_import.axes import axis_attribute, axis_input, known_number, require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node
from penstock.onnx_import.tensors import numpy_dtype_of
from penstock.onnx_import.terms import Term, concat, stack
from penstock.onnx_import.unsupported import Unsupported
from penstock.onnx_import.waves import signal_tables, wave_tables

Reals = NDArray[np.float64]


def transformed(x: Term, length: Dim, count: Dim, inverse: bool) -> Term:
    """The first `count` frequencies of [.., length, 1 or 2], the last dim the real and the imaginary part."""
    axis = len(x.shape) - 1
    x = with_both_parts(x) if isinstance(x.shape[axis], str) else x
    cosine, sine = wave_tables(x, length, count, inverse)
    real = x.at(axis, 0)
    if x.shape[axis] == 1:
        return stack([real @ cosine, real @ sine], axis)
    imaginary = x.at(axis, 1)
    return stack([real @ cosine - imaginary @ sine, real @ sine + imaginary @ cosine], axis)


def with_both_parts(x: Term) -> Term:
    """Real and imaginary parts, of which a call may leave the imaginary ones out: they are 0."""
    *rest, parts = x.shape
    x.build.hold(at_most(1, size_of(parts)))
    return concat([x, x.filled(0).broadcast(*rest, dim_of(2 - size_of(parts)))], len(rest))


def real_signal(x: Term, length: Dim) -> Term:
    """The real signal of `length` whose spectrum begins with [.., length // 2 + 1, 2]."""
    half = half_of(length)
    if isinstance(half, int):
        x.build.bounded(half)
    cosine, sine = signal_tables(x, length, half)
    axis = len(x.shape) - 1
    y = x.at(axis, 0) @ cosine - x.at(axis, 1) @ sine
    return y.reshape(*y.shape, 1)


def half_of(length: Dim) -> Dim:
    """How many frequencies tell a real signal."""
    return dim_of(size_of(length) // 2 + 1)


def fitted(x: Term, axis: int, size: Dim, present: Dim) -> Term:
    """`x` cut, or filled with zeros, to `size` along an axis."""
    if size == present:
        return x
    if isinstance(size, str) or isinstance(present, str):
        return _fitted_in_a_call(x, axis, size, present)
    if size < present:
        return x.slice(axis, 0, size)
    low, high = ([0] * len(x.shape) for _ in range(2))
    high[axis] = size - present
    properties = {"low": integers(low), "high": integers(high), "mode": StringAttr("constant")}
    return x.like(x.build.op(PadOp, [x.value], properties))


def _fitted_in_a_call(x: Term, axis: int, size: Dim, present: Dim) -> Term:
    kept = minimum(size_of(size), size_of(present))
    shape = list(x.shape)
    shape[axis] = dim_of(kept)
    part = x.build.section(x.value, [0] * len(shape), shape, [1] * len(shape))
    shape[axis] = dim_of(size_of(size) - kept)
    return concat([x.like(part), x.filled(0).broadcast(*shape)], axis)


def length_of(node: Node, build: Builder, index: int, otherwise: Dim) -> Dim:
    """A length that the node may be given."""
    given = node.optional(index)
    if given is None:
        return otherwise
    return (
        int(known_number(node, index, "the length"))
        if node.constant(index) is not None
        else build.sizes(given)[0]
    )


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
        rank > 1 and axis < rank - 1 and (x.shape[-1] in (1, 2) or isinstance(x.shape[-1], str)),
        f"no signal along axis {axis} of {list(x.shape)}",
    )
    inverse, onesided = node.int("inverse", 0) != 0, node.int("onesided", 0) != 0
    present = named_size(x.shape[axis])
    length = length_of(
        node, build, 1, dim_of(2 * (size_of(present) - 1)) if inverse and onesided else present
    )
    require(node, isinstance(length, str) or length > 0, f"a transform of length {length}")
    build.hold(at_most(1, size_of(length)))
    order = [*(i for i in range(rank - 1) if i != axis), axis, rank - 1]
    signal = x.transpose(*order).precise()
    if inverse and onesided:
        require(node, x.shape[-1] != 1, "half a spectrum must be complex")
        signal = signal.held_to(*signal.shape[:-1], 2)
        y = real_signal(fitted(signal, rank - 2, half_of(length), present), length)
    else:
        count = half_of(length) if onesided else length
        y = transformed(fitted(signal, rank - 2, length, present), length, count, inverse)
        y = y / y.number(size_of(length)) if inverse else y
    return y.transpose(*(order.index(i) for i in range(rank))).cast(x.element).value


def import_stft(node: Node, build: Builder) -> SSAValue:
    """STFT: the spectrum of frames of the signal, each multiplied by a window."""
    x, window = Term(build, node.input(0)), node.optional(2)
    require(node, len(x.shape) == 3, f"a signal of the shape {list(x.shape)}")
    present, step = named_size(x.shape[1]), int(known_number(node, 1, "the step"))
    points = present if window is None else named_size(shape_of(window)[0])
    length = length_of(node, build, 3, points)
    if isinstance(length, int) and isinstance(present, int):
        require(node, 0 < length <= present, f"frames of {length} every {step} in {present}")
    require(node, step > 0, f"frames of {length} every {step} in {present}")
    build.hold(at_most(1, size_of(length)))
    build.hold(at_most(size_of(length), size_of(present)))
    cut = x.like(build.op(GatherOp, [x.value, _frames(x, present, length, step)], {"axis": integer(1)}))
    if window is not None:
        require(node, length == points or isinstance(points, str), f"a window of other than {length} points")
        cut = cut * x.like(window).held_to(length).reshape(length, 1)
    count = half_of(length) if node.int("onesided", 1) else length
    return transformed(cut.precise(), length, count, False).cast(element_of(x.value)).value


def _frames(x: Term, present: Dim, length: Dim, step: int) -> SSAValue:
    """The positions [frame, point] of all frames."""
    frames = dim_of(1 + (size_of(present) - size_of(length)) // step)
    if isinstance(frames, int) and isinstance(length, int):
        x.build.bounded(frames * length)
        return x.build.constant(np.add.outer(np.arange(frames) * step, np.arange(length)))
    starts, points = (x.like(x.build.positions(size, i64)) for size in (frames, length))
    return (starts.reshape(frames, 1) * step + points.reshape(1, length)).value


def named_size(size: Dim) -> Dim:
    """A size that is a number or a formula."""
    if size == "?":
        raise Unsupported("a size depends on values in a loop or branch", "Compute it outside of them.")
    return size


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
