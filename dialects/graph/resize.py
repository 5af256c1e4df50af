"""Interpolation along the dims of a tensor, in the `graph` dialect."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import BoolAttr, DenseArrayBase, FloatAttr, StringAttr, f64
from xdsl.ir import Operation
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.graph.base import (
    AnyTensor,
    Array,
    GraphOp,
    Tensor,
    element_of,
    flag,
    number,
    rank_of,
    shape_of,
    tensor,
)
from penstock.dialects.graph.movement import ShapeAttr, bind, dims_of

Reals = NDArray[np.float64]
Positions = NDArray[np.int64]

MODES = ("nearest", "linear", "cubic")
COORDINATES = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_half_pixel_for_nn",
    "tf_crop_and_resize",
)
FINE = 2.0**32
"""Steps between integers to which their averages are held before they are rounded: those in the middle are so
whatever the last digits of the weights."""
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


def ratio_of(scale: float) -> Fraction:
    """The ratio that a scale in single precision stands for: `1.6` is eight fifths, not a little more.

    >>> import numpy as np
    >>> ratio_of(float(np.float32(1.6)))
    Fraction(8, 5)
    """
    near = Fraction(scale).limit_denominator(4096)
    return near if np.float32(float(near)) == np.float32(scale) else Fraction(scale)


@dataclass(frozen=True)
class Taps:
    """What each element along a resized dim is made of: `sum(weights[o, k] * x[positions[o, k]])`."""

    positions: Positions
    weights: Reals
    inside: NDArray[np.bool_]
    """Which elements lie inside the operand; the others get the extrapolation value."""


@irdl_op_definition
class ResizeOp(GraphOp):
    """Each dim sampled anew at `scales` times its rate, separably, by the rules of ONNX's Resize:

    `%y = graph.resize %x {shape = [8 : i64], scales = array<f64: 2.0>, mode = "linear"} : ... -> ...`.
    ONNX leaves open how integers are made of it.  They are cut towards zero, as by ONNX Runtime, and with
    `antialias` rounded, half to even, as by the reference of ONNX; ONNX Runtime rounds after each dim.
    """

    name = "graph.resize"
    x = operand_def(AnyTensor)
    shape = prop_def(ShapeAttr)
    scales = prop_def(DenseArrayBase.constr(f64))
    mode = prop_def(StringAttr)
    coordinates = prop_def(StringAttr, default_value=StringAttr("half_pixel"))
    rounding = prop_def(StringAttr, default_value=StringAttr("round_prefer_floor"))
    cubic_a = prop_def(FloatAttr, default_value=number(-0.75))
    exclude_outside = prop_def(BoolAttr, default_value=flag(False))
    antialias = prop_def(BoolAttr, default_value=flag(False))
    roi = opt_prop_def(DenseArrayBase.constr(f64))
    extrapolation = prop_def(FloatAttr, default_value=number(0.0))
    y = result_def(AnyTensor)
    assembly_format = "$x attr-dict `:` type($x) `->` type($y)"

    def infer(self) -> Sequence[Tensor]:
        shape, rank = dims_of(self.shape), rank_of(self.x)
        if not len(shape) == len(self.scales.get_values()) == rank:
            raise VerifyException(
                f"{self.name}: shape {list(shape)} and scales {self.scales} for {rank} dims"
            )
        if self.roi is not None and len(self.roi.get_values()) != 2 * rank:
            raise VerifyException(
                f"{self.name}: {len(self.roi.get_values())} bounds of a region for {rank} dims"
            )
        if min(self.scales.get_values(), default=1.0) <= 0:
            raise VerifyException(f"{self.name}: scales must be positive, got {self.scales}")
        if any(old == 0 and new != 0 for old, new in zip(shape_of(self.x), shape, strict=True)):
            raise VerifyException(f"{self.name}: an empty dim of {list(shape_of(self.x))} cannot be sampled")
        for value, allowed in (
            (self.mode, MODES),
            (self.coordinates, COORDINATES),
            (self.rounding, ROUNDINGS),
        ):
            if value.data not in allowed:
                raise VerifyException(f"{self.name}: {value} is none of {allowed}")
        return [tensor(shape, element_of(self.x))]

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        (x,) = operands
        result = x
        inside = np.ones((), np.bool_)
        for axis, size in enumerate(bind(dims_of(self.shape), shape_of(self.x), x.shape)):
            taps = self.taps(axis, x.shape[axis], size)
            if not _is_identity(taps, x.shape[axis]):
                result = _interpolate(result, axis, taps)
            inside = inside & taps.inside.reshape(-1, *[1] * (x.ndim - axis - 1))
        result = np.where(inside, result, self.extrapolation.value.data)
        if x.dtype.kind in "iu":
            limits = np.iinfo(x.dtype.name)
            whole = np.rint(np.rint(result * FINE) / FINE) if self.antialias.value.data else np.trunc(result)
            result = np.clip(whole, limits.min, limits.max)
        return [result.astype(x.dtype)]

    def taps(self, axis: int, size: int, new_size: int) -> Taps:
        """The elements along `axis` of length `size` and their weights, for each element of the result."""
        x, scale = self._coordinates(axis, size, new_size), float(self.scales.get_values()[axis])
        inside = np.ones(new_size, np.bool_)
        if self.coordinates.data == "tf_crop_and_resize":
            inside = (x >= 0) & (x <= size - 1)
        if self.mode.data == "nearest":
            nearest = _round(x, self.rounding.data)
            return Taps(np.clip(nearest, 0, size - 1)[:, None], np.ones((new_size, 1)), inside)
        # Downsampling with `antialias` stretches the kernel over all the elements that one result covers.
        rate = min(scale, 1.0) if self.antialias.value.data else 1.0
        reach = 1 if self.mode.data == "linear" else 2
        first = int(np.floor(-reach / rate)) + 1
        positions = np.ceil(x).astype(np.int64)[:, None] - 1 + np.arange(first, 2 - first)
        weights = self._kernel((positions - x[:, None]) * rate)
        if self.exclude_outside.value.data:
            weights = np.where((positions < 0) | (positions >= size), 0.0, weights)
        # The kernels sum to one by themselves unless they are stretched or cut.
        if rate < 1 or self.exclude_outside.value.data:
            weights = weights / weights.sum(1, keepdims=True)
        return Taps(np.clip(positions, 0, size - 1), weights, inside)

    def _kernel(self, distance: Reals) -> Reals:
        d = np.abs(distance)
        if self.mode.data == "linear":
            return np.clip(1 - d, 0, 1)
        a = self.cubic_a.value.data
        near = ((a + 2) * d - (a + 3)) * d * d + 1
        far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
        return np.where(d <= 1, near, np.where(d < 2, far, 0.0))

    def _coordinates(self, axis: int, size: int, new_size: int) -> Reals:
        """Where each element of the result lies in the operand."""
        at, scale = np.arange(new_size, dtype=np.float64), float(self.scales.get_values()[axis])
        ratio = ratio_of(scale)
        # A quotient of the two sizes is exact where a rounded scale is not.
        if size and np.float32(new_size / size) == np.float32(scale):
            ratio = Fraction(new_size, size)
        length = float(ratio * size)
        match self.coordinates.data:
            case "asymmetric":
                return at * ratio.denominator / ratio.numerator
            case "align_corners":
                return at * 0 if length == 1 else at * (size - 1) / (length - 1)
            case "tf_crop_and_resize":
                return self._region(axis, size, at, length)
            case "pytorch_half_pixel" if length == 1:
                return at * 0 - 0.5
            case _:
                pass
        middle = (at + 0.5) * ratio.denominator / ratio.numerator
        if self.coordinates.data == "tf_half_pixel_for_nn":
            return middle
        if self.coordinates.data == "half_pixel_symmetric":
            # The middle of the operand stays in the middle although the size was rounded.
            middle = middle + size / 2 * (1 - new_size / length)
        return middle - 0.5

    def _region(self, axis: int, size: int, at: Reals, length: float) -> Reals:
        roi = [0.0] * rank_of(self.x) + [1.0] * rank_of(self.x) if self.roi is None else self.roi.get_values()
        start, end = float(roi[axis]), float(roi[axis + rank_of(self.x)])
        step = (end - start) * (size - 1)
        return start * (size - 1) + (at * 0 + step / 2 if length == 1 else at * step / (length - 1))


def _round(x: Reals, rounding: str) -> Positions:
    match rounding:
        case "round_prefer_floor":
            return np.ceil(x - 0.5).astype(np.int64)
        case "round_prefer_ceil":
            return np.floor(x + 0.5).astype(np.int64)
        case "floor":
            return np.floor(x).astype(np.int64)
        case _:
            return np.ceil(x).astype(np.int64)


def _is_identity(taps: Taps, size: int) -> bool:
    same = taps.positions == np.arange(len(taps.positions))[:, None]
    return (
        len(same) == size
        and bool(np.all(np.where(same, 1.0, taps.weights == 0)))
        and bool(np.all(taps.inside))
    )


def _interpolate(x: Array, axis: int, taps: Taps) -> Array:
    if taps.weights.shape[1] == 1:
        return np.take(x, taps.positions[:, 0], axis)
    result = np.zeros(())
    for k in range(taps.weights.shape[1]):
        weight = taps.weights[:, k].reshape(-1, *[1] * (x.ndim - axis - 1))
        result = result + np.take(x, taps.positions[:, k], axis).astype(np.float64) * weight
    return result


OPS: tuple[type[Operation], ...] = (ResizeOp,)
