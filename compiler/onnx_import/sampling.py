"""Importers of operations that read an image between its pixels: GridSample, DeformConv and RoiAlign.

Each reads a few pixels around every point, the taps, and adds them up by weight.  Pixels are gathered with
their channels side by side in memory.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import Array, Dim, integer, product_of, rank_of, shape_of, size_of
from penstock.dialects.graph.indexing import GatherNDOp, GatherOp
from penstock.dialects.requirements import equal
from penstock.dialects.sizes import maximum
from penstock.errors import ModelError
from penstock.onnx_import.axes import require, static_sizes
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node, Unsupported
from penstock.onnx_import.terms import Term

CUBIC_ALPHA = -0.75


@dataclass(frozen=True)
class Tap:
    """A position along one dim, which may lie outside, and the weight of the pixels there."""

    position: Term
    weight: Term | None


Placed = tuple[Term, Term | None]
"""A position that lies inside of a dim, and where it is the one that was asked for."""
Place = Callable[[Term, Dim], Placed]
"""What a position along a dim of some size stands for, by the padding."""
Pixels = Callable[[Term], Term]
"""Reads [.., point, channel] at row-major positions [.., point]."""


def linear_taps(x: Term) -> list[Tap]:
    """The two neighbours of a point."""
    low = x.floor()
    part = x - low
    return [Tap(low, 1 - part), Tap(low + 1, part)]


def cubic_taps(x: Term) -> list[Tap]:
    """The four neighbours of a point, by Keys' cubic convolution."""
    low, a = x.floor(), CUBIC_ALPHA
    part = x - low
    rest = 1 - part

    def outer(d: Term) -> Term:
        return ((d * a - 5 * a) * d + 8 * a) * d - 4 * a

    def inner(d: Term) -> Term:
        return (d * (a + 2) - (a + 3)) * d * d + 1

    weights = [outer(part + 1), inner(part), inner(rest), outer(rest + 1)]
    return [Tap(low + (i - 1), weight) for i, weight in enumerate(weights)]


def nearest_taps(x: Term) -> list[Tap]:
    """The pixel itself; the point is an integer already."""
    return [Tap(x, None)]


TAPS: dict[str, Callable[[Term], list[Tap]]] = {
    "linear": linear_taps,
    "bilinear": linear_taps,
    "cubic": cubic_taps,
    "bicubic": cubic_taps,
    "nearest": nearest_taps,
}


def or_zero(x: Term, size: Dim) -> Placed:
    """Zero outside of the dim."""
    last = x.number(size_of(size) - 1)
    return x.maximum(0).minimum(last), (x >= 0) & (x <= last)


def or_edge(x: Term, size: Dim) -> Placed:
    """The pixel at the border outside of the dim."""
    return x.maximum(0).minimum(x.number(size_of(size) - 1)), None


def sampled(
    pixels: Pixels,
    sizes: Sequence[Dim],
    points: Sequence[Term],
    taps: Callable[[Term], list[Tap]],
    place: Place,
) -> Term:
    """The weighted sum of the taps of all dims, [.., point, channel]."""
    total: Term | None = None
    around = [
        [(*place(tap.position, size), tap.weight) for tap in taps(x)]
        for x, size in zip(points, sizes, strict=True)
    ]
    for corner in product(*around):
        at = corner[0][0]
        for (position, _, _), size in zip(corner[1:], sizes[1:], strict=True):
            at = at * at.number(size_of(size)) + position
        value = pixels(at.positions())
        for _, inside, weight in corner:
            value = value if inside is None else _along_channels(inside).where(value, 0)
            value = value if weight is None else value * _along_channels(weight).cast(value.element)
        total = value if total is None else total + value
    assert total is not None, "every dim has a tap"
    return total


def _along_channels(x: Term) -> Term:
    return x.reshape(*x.shape, 1)


def channels_last(x: Term, spatial: Sequence[Dim]) -> Term:
    """[n, c, d1, d2, ...] as [n, d1 d2 ..., c]."""
    return x.reshape(*x.shape[:2], product_of(spatial)).transpose(0, 2, 1)


def batched_pixels(x: Term) -> Pixels:
    """The reader of an [n, pixel, channel] tensor at [n, point]."""

    def read(at: Term) -> Term:
        properties = {"batch_dims": integer(1)}
        return x.like(x.build.op(GatherNDOp, [x.value, _along_channels(at).value], properties))

    return read


def import_grid_sample(node: Node, build: Builder) -> SSAValue:
    """GridSample: the grid says points between -1 and 1, the last dim first."""
    x, grid = Term(build, node.input(0)), Term(build, node.input(1)).precise()
    spatial = _spatial_sizes(node, node.input(0))
    mode = node.string("mode", "linear")
    require(node, mode in TAPS, f"the mode is {mode!r}, it must be one of {', '.join(TAPS)}")
    fits = rank_of(grid.value) == len(spatial) + 2
    require(node, fits, f"a grid of {list(grid.shape)} for {len(spatial)} spatial dims")
    build.hold(equal(size_of(grid.shape[-1]), len(spatial)))
    corners = node.int("align_corners", 0) != 0
    place = _padding(node, corners)
    batch, *outer = grid.shape[:-1]
    points: list[Term] = []
    for i, size in enumerate(spatial):
        point = grid.at(len(spatial) + 1, len(spatial) - 1 - i).reshape(batch, product_of(outer)) + 1
        extent = point.number(size_of(size))
        # The same formula for a number and for a value.
        point = point * ((extent - 1) / 2) if corners else (point * extent - 1) / 2
        points.append(point.rounded() if mode == "nearest" else point)
    image = channels_last(x, spatial)
    image = image if mode == "nearest" else image.precise()
    y = sampled(batched_pixels(image), spatial, points, TAPS[mode], place)
    return y.transpose(0, 2, 1).reshape(batch, x.shape[1], *outer).cast(x.element).value


def _spatial_sizes(node: Node, x: SSAValue) -> Sequence[Dim]:
    require(node, rank_of(x) > 2, f"an image of rank {rank_of(x)} has no spatial dims")
    return shape_of(x)[2:]


def _padding(node: Node, corners: bool) -> Place:
    mode = node.string("padding_mode", "zeros")
    known: dict[str, Place] = {
        "zeros": or_zero,
        "border": or_edge,
        "reflection": lambda x, size: or_edge(reflected(x, size, corners).rounded(), size),
    }
    if mode not in known:
        fault = f"padding_mode is {mode!r}, it must be one of {', '.join(known)}"
        raise ModelError(fault, node=node.name, remedy="Export the model again.")
    return known[mode]


def reflected(x: Term, size: Dim, corners: bool) -> Term:
    """A point mirrored at the centres, or the outer edges, of the border pixels until it is between them."""
    low, extent = 0.0 if corners else -0.5, size_of(size) - (1 if corners else 0)
    if extent == 0:
        return x * 0
    # Where only a call tells that there is one pixel, any span does: the place is held to the pixel.
    span, twice = x.number(maximum(extent, 1)), x.number(2 * maximum(extent, 1))
    distance = (x - low).absolute()
    rest = distance - (distance / twice).floor() * twice
    mirrored = (rest <= span).where(rest, twice - rest) + low
    inside = (x >= low) & (x <= span + low)
    return inside.where(x, mirrored)


def import_deform_conv(node: Node, build: Builder) -> SSAValue:
    """DeformConv: a convolution whose taps are moved by offsets, and weighted by a mask."""
    x, w, offset = (Term(build, node.input(i)) for i in range(3))
    batch, channels, *image = static_sizes(node, x.value, 4)
    outputs, _, *kernel = static_sizes(node, w.value, 4)
    _, moves_per_place, *out = static_sizes(node, offset.value, 4)
    groups, parts = node.int("group", 1), node.int("offset_group", 1)
    taps, places = math.prod(kernel), math.prod(out)
    fits = min(groups, parts) > 0 and channels % parts == channels % groups == outputs % groups == 0
    require(node, fits, f"{channels} channels in {groups} groups and {parts} groups of offsets")
    require(node, moves_per_place == parts * taps * 2, f"{moves_per_place} offsets for {parts} of {kernel}")
    moves = offset.precise().reshape(batch * parts, *kernel, 2, *out)
    centres = (moves.table(_tap_centres(node, d, kernel[d], out[d])) for d in range(2))
    points = [(moves.at(3, d) + c).reshape(batch * parts, taps * places) for d, c in enumerate(centres)]
    part = x.precise().reshape(batch * parts, channels // parts, *image)
    columns = sampled(batched_pixels(channels_last(part, image)), image, points, linear_taps, or_zero)
    mask = node.optional(4)
    if mask is not None:
        columns = columns * x.like(mask).cast(columns.element).reshape(batch * parts, taps * places, 1)
    # [batch, part, tap, place, channel] as [batch, group, channel tap, place].
    columns = columns.transpose(0, 2, 1).reshape(batch, groups, channels // groups * taps, places)
    filters = w.cast(columns.element).reshape(1, groups, outputs // groups, channels // groups * taps)
    y = (filters @ columns).reshape(batch, outputs, *out)
    bias = node.optional(3)
    y = y if bias is None else y + x.like(bias).cast(y.element).reshape(outputs, 1, 1)
    return y.cast(x.element).value


def _tap_centres(node: Node, dim: int, taps: int, count: int) -> Array:
    """Where the taps along one dim lie without an offset, to broadcast to [.., kh, kw, oh, ow]."""
    strides, dilations = node.ints("strides", [1, 1]), node.ints("dilations", [1, 1])
    pads = node.ints("pads", [0, 0, 0, 0])
    known = (len(strides), len(dilations), len(pads)) == (2, 2, 4)
    require(node, known, f"strides {strides}, dilations {dilations} and pads {pads} of two dims")
    centres = np.add.outer(np.arange(taps) * dilations[dim], np.arange(count) * strides[dim]) - pads[dim]
    shape = [1, 1, 1, 1]
    shape[dim], shape[2 + dim] = taps, count
    return centres.reshape(shape)


def import_roi_align(node: Node, build: Builder) -> SSAValue:
    """RoiAlign: the mean, or the greatest, of some points in each bin of a region."""
    x, rois = Term(build, node.input(0)), Term(build, node.input(1)).precise()
    require(node, (rank_of(x.value), rank_of(rois.value)) == (4, 2), f"regions of {list(rois.shape)}")
    batch, _, *image = x.shape
    count, corners = rois.shape
    build.hold(equal(size_of(corners), 4))
    samples, bins = node.int("sampling_ratio", 0), [node.int(f"output_{s}", 1) for s in ("height", "width")]
    require(node, min(*bins, samples + 1) > 0, f"bins {bins} of regions, {samples} samples in each")
    if samples == 0:
        raise Unsupported("as many samples as a region's size asks for", "Export with sampling_ratio set.")
    half = node.opset >= 16 and node.string("coordinate_transformation_mode", "half_pixel") == "half_pixel"
    scaled = rois * node.float("spatial_scale", 1.0) - (0.5 if half else 0.0)
    lines = [_bin_points(scaled, d, bins[d], samples, half) for d in range(2)]
    shape = [count, bins[0], samples, bins[1], samples]
    wide = [lines[0].reshape(count, *shape[1:3], 1, 1), lines[1].reshape(count, 1, 1, *shape[3:])]
    points = [
        x.like(build.broadcast_to(line.value, shape)).reshape(count, product_of(shape[1:])) for line in wide
    ]
    near = [(p >= -1) & (p <= p.number(size_of(size))) for p, size in zip(points, image, strict=True)]
    points = [or_edge(p, size)[0] for p, size in zip(points, image, strict=True)]
    number = Term(build, node.input(2)).positions().reshape(count, 1)
    first = number * number.number(size_of(product_of(image)))
    pixels = channels_last(x, image).reshape(product_of([batch, *image]), x.shape[1]).precise()

    def read(at: Term) -> Term:
        return x.like(build.op(GatherOp, [pixels.value, (at + first).value], {"axis": integer(0)}))

    greatest = node.string("mode", "avg") == "max"
    values = (
        _corner_maximum(read, image, points)
        if greatest
        else sampled(read, image, points, linear_taps, or_edge)
    )
    values = _along_channels(near[0] & near[1]).where(values, 0).reshape(*shape, x.shape[1])
    y = values.greatest(2, 4) if greatest else values.mean(2, 4)
    return y.transpose(0, 3, 1, 2).cast(x.element).value


def _bin_points(rois: Term, dim: int, bins: int, samples: int, half: bool) -> Term:
    """The sample points along one dim, [region, bin sample]; corners come as x, y, x, y."""
    start, end = rois.slice(1, 1 - dim, 2 - dim), rois.slice(1, 3 - dim, 4 - dim)
    length = end - start if half else (end - start).maximum(1)
    places = (np.arange(bins * samples) + 0.5) / (bins * samples)
    return start + length * rois.table(places.reshape(1, -1))


def _corner_maximum(read: Pixels, image: Sequence[Dim], points: Sequence[Term]) -> Term:
    """The greatest of the weighted corners, which the standard takes instead of their sum."""
    around = [
        [(or_edge(tap.position, size)[0], tap.weight) for tap in linear_taps(p)]
        for p, size in zip(points, image, strict=True)
    ]
    best: Term | None = None
    for (y, wy), (x, wx) in product(*around):
        assert wy is not None and wx is not None, "linear taps have weights"
        value = read((y * y.number(size_of(image[1])) + x).positions()) * _along_channels(wy * wx)
        best = value if best is None else best.maximum(value)
    assert best is not None, "there are four corners"
    return best


SAMPLING: Family = {
    "DeformConv": import_deform_conv,
    "GridSample": import_grid_sample,
    "RoiAlign": import_roi_align,
}
