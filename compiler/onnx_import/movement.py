"""Importers of the operations that move elements: reshaping, slicing, joining, padding, repeating."""

from collections.abc import Sequence
from functools import reduce

import numpy as np
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import (
    Dim,
    broadcast_shapes,
    computed_dim,
    dim_of,
    element_count,
    number,
    product_of,
    rank_of,
    shape_of,
    size_of,
)
from penstock.dialects.graph.movement import END, PadOp, counts_attr
from penstock.dialects.requirements import at_most, equal
from penstock.dialects.sizes import Extent, added, maximum, multiplied, quotient
from penstock.errors import ModelError, ShapeError
from penstock.onnx_import.axes import axis_attribute, front_axes, front_axis, require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node, Unsupported
from penstock.onnx_import.regions import scalar
from penstock.onnx_import.run_time_sizes import reshape_target
from penstock.onnx_import.run_time_slices import padded_by_run, sliced
from penstock.onnx_import.terms import Term

FIXED_SHAPES = "Give fixed shapes (shapes=..., dims=...)."


def given_shape(node: Node, build: Builder, index: int) -> tuple[Dim, ...]:
    """The input that says a shape: numbers, formulas, and sizes that the run decides."""
    return build.sizes(node.input(index))


def import_reshape(node: Node, build: Builder) -> SSAValue:
    """Reshape: 0 copies a size (unless `allowzero`), -1 is what remains."""
    x, copies = node.input(0), not node.int("allowzero", 0)
    target = list(reshape_target(build, x, node.input(1), copies))
    if copies:
        old = shape_of(x)
        if any(d == 0 and i >= len(old) for i, d in enumerate(target)):
            raise ShapeError(
                f"{target} copies a size that {list(old)} has not", node=node.name, remedy="Correct it."
            )
        target = [old[i] if d == 0 else d for i, d in enumerate(target)]
    return build.reshape(x, with_remainder(node, build, shape_of(x), target))


def with_remainder(node: Node, build: Builder, shape: Sequence[Dim], target: Sequence[Dim]) -> list[Dim]:
    """`target` with its -1 replaced by what the elements of `shape` leave for it."""
    if list(target).count(-1) > 1 or any(isinstance(d, int) and d < -1 for d in target):
        raise ShapeError(f"{list(target)} is no shape", node=node.name, remedy="At most one size may be -1.")
    if -1 not in target and any(isinstance(d, str) for d in (*shape, *target)):
        return list(target)
    rest = _quotient(build, shape, [d for d in target if d != -1])
    if rest is None:
        fault = f"{list(shape)} cannot be reshaped to {list(target)}"
        raise ShapeError(fault, node=node.name, remedy="Check the shape.")
    return [rest if d == -1 else d for d in target]


def _quotient(build: Builder, shape: Sequence[Dim], divisor: Sequence[Dim]) -> Dim | None:
    """The product of `shape` over that of `divisor`: a number, formula or `"?"`; `None` if it is broken."""
    total, part = product_of(shape), product_of(divisor)
    if "?" in (total, part):
        return "?"
    if part == 0 or (isinstance(total, int) and isinstance(part, int) and total % part):
        return 0 if total == part == 0 else "?" if isinstance(total, str) else None
    rest = computed_dim(quotient, total, part)
    if computed_dim(multiplied, rest, part) != total:
        build.require(f"{computed_dim(multiplied, rest, part)} == {total}")
    return rest


def import_flatten(node: Node, build: Builder) -> SSAValue:
    """Flatten: the dims before the axis become one, and those from it on."""
    x = node.input(0)
    shape, axis = shape_of(x), node.int("axis", 1)
    if not -len(shape) <= axis <= len(shape):
        raise ShapeError(
            f"axis {axis} is outside the rank {len(shape)}", node=node.name, remedy="Correct the axis."
        )
    axis += len(shape) if axis < 0 else 0
    return build.reshape(x, [product_of(shape[:axis]), product_of(shape[axis:])])


def _axes(node: Node) -> tuple[int, ...] | None:
    """The axes of Squeeze and Unsqueeze: an attribute up to opset 12, an input after."""
    if node.opset < 13:
        return node.ints("axes") if node.has("axes") else None
    return node.integers(1, "the axes") if node.optional(1) is not None else None


def import_squeeze(node: Node, build: Builder) -> SSAValue:
    """Squeeze: removes dims of size 1."""
    x, axes = node.input(0), _axes(node)
    shape = shape_of(x)
    if axes is None and any(isinstance(d, str) for d in shape):
        raise Unsupported(f"which sizes of {list(shape)} are 1 is known only at run time", FIXED_SHAPES)
    removed = (
        [i for i, d in enumerate(shape) if d == 1] if axes is None else front_axes(node, axes, len(shape))
    )
    if any(isinstance(shape[i], int) and shape[i] != 1 for i in removed):
        raise ShapeError(
            f"axes {removed} of {list(shape)} are not 1", node=node.name, remedy="Correct the axes."
        )
    return build.reshape(x, [d for i, d in enumerate(shape) if i not in removed])


def import_unsqueeze(node: Node, build: Builder) -> SSAValue:
    """Unsqueeze: inserts dims of size 1."""
    x, axes = node.input(0), _axes(node)
    if axes is None:
        raise ModelError("Unsqueeze needs its axes", node=node.name, remedy="Export the model again.")
    inserted = front_axes(node, axes, rank_of(x) + len(axes))
    if len(inserted) != len(axes):
        raise ShapeError(f"an axis is twice in {list(axes)}", node=node.name, remedy="Correct the axes.")
    return build.unsqueeze(x, inserted)


def import_transpose(node: Node, build: Builder) -> SSAValue:
    """Transpose: the dims in another order, by default the reverse one."""
    x = node.input(0)
    permutation = node.ints("perm", list(range(rank_of(x)))[::-1])
    if sorted(permutation) != list(range(rank_of(x))):
        fault = f"perm {list(permutation)} is no permutation of {rank_of(x)} dims"
        raise ShapeError(fault, node=node.name, remedy="Correct the attribute.")
    return build.transpose(x, permutation)


def import_concat(node: Node, build: Builder) -> SSAValue:
    """Concat: inputs behind one another."""
    parts = node.variadic()
    return build.concat(parts, axis_attribute(node, parts[0]))


def import_split(node: Node, build: Builder) -> list[SSAValue]:
    """Split: consecutive slices along an axis, of equal sizes unless they are given."""
    x = node.input(0)
    axis = axis_attribute(node, x, 0)
    total = shape_of(x)[axis]
    if isinstance(total, str) or any(isinstance(size, str) for size in _given_sizes(node)):
        return parts_of(build, x, axis, _open_split(node, build, size_of(total)))
    sizes = _split_sizes(node, total)
    ends = np.cumsum(sizes).tolist()
    return [build.slice(x, axis, end - size, end) for size, end in zip(sizes, ends, strict=True)]


def parts_of(build: Builder, x: SSAValue, axis: int, sizes: Sequence[Extent]) -> list[SSAValue]:
    """Consecutive parts of `x` along an axis, whose sizes may be known only at run time."""
    shape, parts, start = shape_of(x), list[SSAValue](), 0
    for size in sizes:
        bounds: list[tuple[Dim, Dim]] = [(0, d) for d in shape]
        bounds[axis] = (dim_of(start), dim_of(size))
        starts, counts = zip(*bounds, strict=True)
        parts.append(build.section(x, starts, counts, [1] * len(shape)))
        start = start + size
    return parts


def _open_split(node: Node, build: Builder, size: Extent) -> list[Extent]:
    """The sizes of the parts of a dim, where one of these is known only at run time."""
    count, given = len(node.outputs), [size_of(part) for part in _given_sizes(node)]
    if given:
        require(node, len(given) == count, f"{len(given)} sizes for {count} outputs")
        build.hold(equal(reduce(added, given), size))
        return given
    chunk = (size + (count - 1)) // count
    build.hold(at_most(0, size - chunk * (count - 1)))
    return [*[chunk] * (count - 1), size - chunk * (count - 1)]


def _given_sizes(node: Node) -> Sequence[Dim]:
    """The sizes that the node says, if it does."""
    if node.opset < 13:
        return node.ints("split", ())
    return known_sizes(node, 1, "the sizes") if node.optional(1) is not None else ()


def _split_sizes(node: Node, total: int) -> list[int]:
    count = node.int("num_outputs", len(node.outputs))
    require(node, count == len(node.outputs), f"{count} parts for {len(node.outputs)} outputs")
    sizes = [size for size in _given_sizes(node) if isinstance(size, int)]
    if not sizes:
        chunk = -(-total // max(count, 1))
        sizes = [min(chunk, total - i * chunk) for i in range(count)]
    if sum(sizes) != total or min(sizes) < 0 or len(sizes) != len(node.outputs):
        fault = f"a dim of {total} cannot be split into {len(node.outputs)} parts {sizes}"
        raise ShapeError(fault, node=node.name, remedy="Correct the sizes.")
    return sizes


def import_slice(node: Node, build: Builder) -> SSAValue:
    """Slice: ranges along some axes; attributes up to opset 9, inputs after."""
    x = node.input(0)
    if node.opset >= 10 and any(_is_computed(node, build, i) for i in range(1, 5)):
        return _computed_slice(node, build, x)
    starts, ends, axes, steps = _slice_bounds(node)
    axes, steps = axes or tuple(range(len(starts))), steps or (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        fault = f"starts {starts}, ends {ends}, axes {axes} and steps {steps} do not match"
        raise ShapeError(fault, node=node.name, remedy="Correct them.")
    bounds: list[tuple[Dim, Dim, int]] = [(0, END, 1)] * rank_of(x)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        bounds[front_axis(node, axis, rank_of(x))] = (start, end, step)
    return build.cut(x, bounds)


def _is_computed(node: Node, build: Builder, index: int) -> bool:
    """Whether a list of integers is known only when the model runs."""
    given = node.optional(index)
    return given is not None and build.is_decided_by_run(given) and build.is_outermost


def _computed_slice(node: Node, build: Builder, x: SSAValue) -> SSAValue:
    starts, ends, axes, steps = (
        None if given is None else Term(build, given).positions()
        for given in (node.input(1), node.input(2), node.optional(3), node.optional(4))
    )
    assert starts is not None and ends is not None, "they are required"
    count = element_count(starts.value)
    starts, ends = starts.reshape(count), ends.reshape(count)
    if steps is not None and not _is_computed(node, build, 4) and set(node.integers(4, "the steps")) == {1}:
        steps = None
    if axes is not None and _is_computed(node, build, 3):
        return sliced(build, x, starts, ends, axes, steps)
    given = range(count) if axes is None else node.integers(3, "the axes")
    chosen = [front_axis(node, axis, rank_of(x)) for axis in given]
    require(node, len(set(chosen)) == len(chosen) == count, f"{count} starts for axes {chosen}")
    return sliced(build, x, starts, ends, chosen, steps)


def _slice_bounds(node: Node) -> tuple[Sequence[Dim], Sequence[Dim], Sequence[int], Sequence[int]]:
    """Starts, ends, axes and steps; the last two are empty where they are not given."""
    if node.opset < 10:
        return node.ints("starts"), node.ints("ends"), node.ints("axes", ()), ()
    axes = node.integers(3, "the axes") if node.optional(3) is not None else ()
    steps = node.integers(4, "the steps") if node.optional(4) is not None else ()
    return known_sizes(node, 1, "the starts"), known_sizes(node, 2, "the ends"), axes, steps


def known_sizes(node: Node, index: int, what: str) -> tuple[Dim, ...]:
    """A list of integers that may be formulas of the sizes of the inputs."""
    dims = node.dims(index)
    return node.integers(index, what) if dims is None or "?" in dims else dims


def import_pad(node: Node, build: Builder) -> SSAValue:
    """Pad: attributes up to opset 10, inputs after; negative counts crop."""
    x = node.input(0)
    axes: tuple[int, ...] = tuple(range(rank_of(x)))
    if node.opset >= 11 and any(_is_computed(node, build, i) for i in (1, 2, 3)):
        pads, chosen = Term(build, node.input(1)).positions(), node.optional(3)
        value = (
            Term(build, x).filled(0)
            if node.optional(2) is None
            else Term(build, scalar(build, node.input(2)))
        )
        places = None if chosen is None else Term(build, chosen).positions()
        return padded_by_run(build, x, pads, places, node.string("mode", "constant"), value)
    if node.opset < 11:
        pads, value = node.ints("pads"), node.float("value", 0.0)
    else:
        pads, value = known_sizes(node, 1, "the paddings"), _pad_value(node)
        given = node.integers(3, "the axes") if node.optional(3) is not None else axes
        axes = tuple(front_axis(node, axis, rank_of(x)) for axis in given)
    if len(pads) != 2 * len(axes):
        raise ShapeError(f"{len(pads)} paddings for {len(axes)} axes", node=node.name, remedy="Correct them.")
    low, high = (list[Dim]([0] * rank_of(x)) for _ in range(2))
    for i, axis in enumerate(axes):
        low[axis], high[axis] = pads[i], pads[len(axes) + i]
    return padded(build, x, low, high, node.string("mode", "constant"), value)


def padded(
    build: Builder,
    x: SSAValue,
    low: Sequence[Dim],
    high: Sequence[Dim],
    mode: str = "constant",
    value: float = 0,
) -> SSAValue:
    """`x` with elements added around it, or cut off; `x` itself where there are none."""
    if not any((*low, *high)):
        return x
    counts = {"low": counts_attr(low), "high": counts_attr(high)}
    return build.op(PadOp, [x], {**counts, "mode": StringAttr(mode), "value": number(value)})


def _pad_value(node: Node) -> float:
    if node.optional(2) is None or node.string("mode", "constant") != "constant":
        return 0.0
    value = node.required_constant(2, "the value")
    if value.size != 1:
        fault = f"a padding value of shape {list(value.shape)}"
        raise ShapeError(fault, node=node.name, remedy="It must be a scalar.")
    return float(value.reshape(-1).tolist()[0])


def import_tile(node: Node, build: Builder) -> SSAValue:
    """Tile: the whole repeated along each dim: a new dim in front of each is broadcast and merged."""
    x, repeats = node.input(0), build.sizes(node.input(1))
    shape = shape_of(x)
    if len(repeats) != len(shape) or any(isinstance(r, int) and r < 0 for r in repeats):
        raise ShapeError(
            f"repeats {repeats} for {len(shape)} dims", node=node.name, remedy="Correct the repeats."
        )
    pairs = list(zip(repeats, shape, strict=True))
    apart = build.reshape(x, [d for r, size in pairs for d in ((1, size) if r != 1 else (size,))])
    spread = build.broadcast_to(apart, [d for r, size in pairs for d in ((r, size) if r != 1 else (size,))])
    return build.reshape(spread, [product_of([r, size]) for r, size in pairs])


def import_expand(node: Node, build: Builder) -> SSAValue:
    """Expand: broadcasting both ways, so that a size of the operand may also win over 1."""
    x, target = node.input(0), given_shape(node, build, 1)
    return build.broadcast_to(x, broadcast_shapes(shape_of(x), target))


def import_depth_to_space(node: Node, build: Builder) -> SSAValue:
    """DepthToSpace: blocks of channels become blocks of pixels."""
    x, b = node.input(0), node.int("blocksize")
    n, c, h, w = _image(node, build, x, b * b, 1)
    blocks = computed_dim(quotient, c, b * b)
    if node.string("mode", "DCR") == "DCR":
        apart, order = [n, b, b, blocks, h, w], (0, 3, 4, 1, 5, 2)
    else:
        apart, order = [n, blocks, b, b, h, w], (0, 1, 4, 2, 5, 3)
    spread = build.transpose(build.reshape(x, apart), order)
    return build.reshape(spread, [n, blocks, product_of([h, b]), product_of([w, b])])


def import_space_to_depth(node: Node, build: Builder) -> SSAValue:
    """SpaceToDepth: blocks of pixels become blocks of channels."""
    x, b = node.input(0), node.int("blocksize")
    n, c, h, w = _image(node, build, x, 1, b)
    rows, columns = (computed_dim(quotient, side, b) for side in (h, w))
    apart = build.reshape(x, [n, c, rows, b, columns, b])
    order = (0, 3, 5, 1, 2, 4) if node.string("mode", "DCR") == "DCR" else (0, 1, 3, 5, 2, 4)
    return build.reshape(build.transpose(apart, order), [n, product_of([c, b, b]), rows, columns])


def _image(node: Node, build: Builder, x: SSAValue, channels: int, pixels: int) -> tuple[Dim, Dim, Dim, Dim]:
    """The sizes of an image batch whose channels and sides must be divisible."""
    shape = shape_of(x)
    if len(shape) != 4 or channels < 1 or pixels < 1:
        raise ShapeError(
            f"needs an image batch, got {list(shape)}", node=node.name, remedy="Check the shape."
        )
    for size, block in zip(shape[1:], (channels, pixels, pixels), strict=True):
        if isinstance(size, str) and size != "?" and block > 1:
            build.require(f"{size_of(size) // block * block} == {size}")
        if isinstance(size, int) and size % block:
            fault = f"{list(shape)} has no whole blocks"
            raise ShapeError(fault, node=node.name, remedy="Check the block size.")
    return shape[0], shape[1], shape[2], shape[3]


def import_crop(node: Node, build: Builder) -> SSAValue:
    """Crop (of the experimental set): removes a border, or takes `scale` pixels from its corner on."""
    x, border = node.input(0), node.ints("border")
    if len(border) != 4 or rank_of(x) != 4:
        raise ShapeError(f"border {border} for rank {rank_of(x)}", node=node.name, remedy="Both must be 4.")
    left, top, right, bottom = border
    h, w = (size_of(d) for d in shape_of(x)[2:])
    scale: Sequence[Extent] = (
        node.ints("scale") if node.has("scale") else (h - top - bottom, w - left - right)
    )
    require(node, len(scale) == 2, f"a scale of {len(scale)} sizes for a picture")
    height, width = scale
    rows, columns = (top, dim_of(top + height), 1), (left, dim_of(left + width), 1)
    return build.cut(x, [(0, END, 1), (0, END, 1), rows, columns])


def import_center_crop_pad(node: Node, build: Builder) -> SSAValue:
    """CenterCropPad: crops or pads with zeros around the middle up to a shape."""
    x, sizes = node.input(0), known_sizes(node, 1, "the shape")
    axes = [front_axis(node, axis, rank_of(x)) for axis in node.ints("axes", range(rank_of(x)))]
    require(node, len(axes) == len(sizes), f"{len(sizes)} sizes for {len(axes)} axes")
    low, high = (list[Dim]([0] * rank_of(x)) for _ in range(2))
    for axis, size in zip(axes, sizes, strict=True):
        excess = size_of(size) - size_of(shape_of(x)[axis])
        # The middle is rounded down both ways: an odd pixel is cut, and added, at the end.
        before = maximum(excess, 0) // 2 - maximum(0 - excess, 0) // 2
        low[axis], high[axis] = dim_of(before), dim_of(excess - before)
    return padded(build, x, low, high)


MOVEMENT: Family = {
    "CenterCropPad": import_center_crop_pad,
    "Concat": import_concat,
    "Crop": import_crop,
    "DepthToSpace": import_depth_to_space,
    "Expand": import_expand,
    "Flatten": import_flatten,
    "Pad": import_pad,
    "Reshape": import_reshape,
    "Slice": import_slice,
    "SpaceToDepth": import_space_to_depth,
    "Split": import_split,
    "Squeeze": import_squeeze,
    "Tile": import_tile,
    "Transpose": import_transpose,
    "Unsqueeze": import_unsqueeze,
}
