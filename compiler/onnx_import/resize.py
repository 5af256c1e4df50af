"""Importers of Resize and Upsample."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import DenseArrayBase, StringAttr, f64
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import Dim, derived_dim, element_count, flag, number, rank_of, shape_of
from penstock.dialects.graph.movement import ConcatOp, dims_attr
from penstock.dialects.graph.resize import ResizeOp
from penstock.errors import ShapeError
from penstock.onnx_import.axes import front_axis, static_size
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node, Unsupported
from penstock.onnx_import.open_resize import (
    Line,
    Rules,
    needs_sizes,
    resized,
    run_time_lines,
    scaled_lines,
    sized_lines,
)
from penstock.onnx_import.terms import Term


@dataclass(frozen=True)
class Target:
    """The shape a tensor is resized to and the rate along each dim."""

    shape: Sequence[Dim]
    scales: Sequence[float]


def reals(values: Sequence[float]) -> DenseArrayBase:
    """A list of reals as an attribute, in double precision."""
    return DenseArrayBase.from_list(f64, list(values))


def import_upsample(node: Node, build: Builder) -> SSAValue:
    """Upsample: the scales are attributes up to opset 8, an input in 9."""
    if node.opset < 7:
        return _oldest(node, build, [1, 1, node.float("height_scale"), node.float("width_scale")])
    scales = node.floats("scales") if node.opset < 9 else _floats(node, 1, "the scales")
    return _oldest(node, build, scales)


def _oldest(node: Node, build: Builder, scales: Sequence[float]) -> SSAValue:
    """The rule up to opset 10: element `o` lies at `o / scale`, up where a dim shrinks, else down."""
    x, mode = node.input(0), node.string("mode", "nearest")
    _check_count(node, len(scales), rank_of(x))
    mode = "linear" if mode == "bilinear" else mode
    shrinking, growing = [min(s, 1.0) for s in scales], [max(s, 1.0) for s in scales]
    for rounding, part in (("ceil", shrinking), ("floor", growing)):
        if any(scale != 1 for scale in part):
            rule = {"mode": mode, "coordinates": "asymmetric", "rounding": rounding}
            rules = Rules(mode, "asymmetric", rounding)
            if needs_sizes(shape_of(x), part, rules):
                term = Term(build, x)
                x = resized(term, scaled_lines(term, part), rules).value
                continue
            target = _scaled(node, shape_of(x), part, range(rank_of(x)))
            x = _resize(build, x, target, {name: StringAttr(value) for name, value in rule.items()})
    return x


def _resize(build: Builder, x: SSAValue, target: Target, properties: dict[str, StringAttr]) -> SSAValue:
    sizes = {"shape": dims_attr(target.shape), "scales": reals(target.scales)}
    return build.op(ResizeOp, [x], {**properties, **sizes})


def import_resize(node: Node, build: Builder) -> SSAValue:
    """Resize: by scales or to sizes, along all or some axes."""
    x = node.input(0)
    if node.opset < 11:
        return _oldest(node, build, _floats(node, 1, "the scales"))
    axes = [front_axis(node, axis, rank_of(x)) for axis in node.ints("axes", range(rank_of(x)))]
    if _is_open(node, x, axes):
        lines, rules = _open_lines(node, build, axes), _rules(node, axes, rank_of(x))
        if lines is not None:
            return resized(Term(build, x), lines, rules).value
    target = _target(node, x, axes)
    coordinates = node.string("coordinate_transformation_mode", "half_pixel")
    return build.op(
        ResizeOp,
        [x],
        {
            "shape": dims_attr(target.shape),
            "scales": reals(target.scales),
            "mode": StringAttr(node.string("mode", "nearest")),
            "coordinates": StringAttr(coordinates),
            "rounding": StringAttr(node.string("nearest_mode", "round_prefer_floor")),
            "cubic_a": number(node.float("cubic_coeff_a", -0.75)),
            "exclude_outside": flag(node.int("exclude_outside", 0) != 0),
            "antialias": flag(node.int("antialias", 0) != 0),
            "roi": reals(_region(node, axes, rank_of(x))) if coordinates == "tf_crop_and_resize" else None,
            "extrapolation": number(node.float("extrapolation_value", 0.0)),
        },
    )


def _rules(node: Node, axes: Sequence[int], rank: int) -> Rules:
    coordinates = node.string("coordinate_transformation_mode", "half_pixel")
    return Rules(
        node.string("mode", "nearest"),
        coordinates,
        node.string("nearest_mode", "round_prefer_floor"),
        node.float("cubic_coeff_a", -0.75),
        node.int("exclude_outside", 0) != 0,
        node.int("antialias", 0) != 0,
        _region(node, axes, rank) if coordinates == "tf_crop_and_resize" else (),
        node.float("extrapolation_value", 0.0),
    )


def _is_open(node: Node, x: SSAValue, axes: Sequence[int]) -> bool:
    """Whether sizes or scales are known only in a run."""
    given = [i for i in (2, 3) if node.optional(i) is not None and element_count(node.input(i))]
    is_open = any(isinstance(shape_of(x)[axis], str) for axis in axes)
    return is_open or any(node.constant(i) is None for i in given)


def _scales(node: Node, build: Builder, value: SSAValue) -> Iterator[float | Term]:
    """The elements of a list of scales, as numbers where they are known."""
    known = node.known.array(value)
    if known is not None:
        yield from map(float, known.reshape(-1).tolist())
    elif isinstance(value.owner, ConcatOp):
        for part in value.owner.inputs:
            yield from _scales(node, build, part)
    else:
        # Of ratios of sizes, some may be numbers.
        ratios = node.known.dims(value) or ["?"] * static_size(node, value, 0)
        for i, ratio in enumerate(ratios):
            yield float(ratio) if isinstance(ratio, int) else Term(build, value).at(0, i)


def _open_lines(node: Node, build: Builder, axes: Sequence[int]) -> list[Line] | None:
    """The dims to be resized; `None` where repeating elements is enough, which needs no size."""
    x = Term(build, node.input(0))
    scales = [] if node.optional(2) is None else list(_scales(node, build, node.input(2)))
    if scales:
        _check_count(node, len(scales), len(axes))
        known = {axis: s for axis, s in zip(axes, scales, strict=True) if not isinstance(s, Term)}
        if len(known) < len(axes):
            return run_time_lines(x, dict(zip(axes, scales, strict=True)))
        every = [known.get(axis, 1.0) for axis in range(len(x.shape))]
        rules = _rules(node, axes, len(x.shape))
        return scaled_lines(x, every) if needs_sizes(x.shape, every, rules) else None
    sizes = build.sizes(node.input(3))
    _check_count(node, len(sizes), len(axes))
    policy = node.string("keep_aspect_ratio_policy", "stretch")
    return sized_lines(x, dict(zip(axes, sizes, strict=True)), policy)


def _floats(node: Node, index: int, what: str) -> list[float]:
    return [float(v) for v in node.required_constant(index, what).reshape(-1).tolist()]


def _target(node: Node, x: SSAValue, axes: Sequence[int]) -> Target:
    # An empty list of scales says the same as none.
    scales = _floats(node, 2, "the scales") if node.optional(2) is not None else []
    if scales:
        return _scaled(node, shape_of(x), scales, axes)
    sizes = node.dims(3)
    if sizes is None:
        raise Unsupported("the sizes depend on the inputs of the model", "Make the sizes constant.")
    return _sized(node, x, sizes, axes)


def _scaled(node: Node, shape: Sequence[Dim], scales: Sequence[float], axes: Sequence[int]) -> Target:
    _check_count(node, len(scales), len(axes))
    if not all(0 < scale < 2**31 for scale in scales):
        fault = f"scales {list(scales)} are not positive numbers"
        raise ShapeError(fault, node=node.name, remedy="Correct the scales.")
    every = [1.0] * len(shape)
    for axis, scale in zip(axes, scales, strict=True):
        every[axis] = scale
    return Target([_scaled_dim(d, s) for d, s in zip(shape, every, strict=True)], every)


def _scaled_dim(size: Dim, scale: float) -> Dim:
    if scale == 1:
        return size
    # Scales are single precision in the model, and so is this product in the standard.
    text = f"@*{int(scale)}" if scale.is_integer() else "?"
    grown = derived_dim(size, lambda d: int(np.floor(np.float32(d) * np.float32(scale))), text)
    return "?" if isinstance(grown, str) and "?" in grown else grown


def _sized(node: Node, x: SSAValue, sizes: Sequence[Dim], axes: Sequence[int]) -> Target:
    _check_count(node, len(sizes), len(axes))
    shape, scales = list(shape_of(x)), [1.0] * rank_of(x)
    for axis, size in zip(axes, sizes, strict=True):
        if size == shape[axis]:
            continue
        old = static_size(node, x, axis)
        if isinstance(size, str) or size < 1 or old < 1:
            raise Unsupported(f"resizing {old} to {size}", "Give fixed shapes (shapes=..., dims=...).")
        shape[axis], scales[axis] = size, size / old
    policy = node.string("keep_aspect_ratio_policy", "stretch")
    return Target(shape, scales) if policy == "stretch" else _in_proportion(node, x, axes, scales, policy)


def _in_proportion(node: Node, x: SSAValue, axes: Sequence[int], scales: list[float], policy: str) -> Target:
    """The shape of the same proportions that is nowhere larger, or smaller, than the sizes wanted."""
    choose = {"not_larger": min, "not_smaller": max}.get(policy)
    if choose is None:
        raise Unsupported(
            f"keep_aspect_ratio_policy is {policy!r}", "Use stretch, not_larger or not_smaller."
        )
    common = choose(scales[axis] for axis in axes)
    shape, every = list(shape_of(x)), [1.0] * rank_of(x)
    for axis in axes:
        shape[axis], every[axis] = int(common * static_size(node, x, axis) + 0.5), common
    return Target(shape, every)


def _region(node: Node, axes: Sequence[int], rank: int) -> list[float]:
    given, region = _floats(node, 1, "the region"), [0.0] * rank + [1.0] * rank
    _check_count(node, len(given), 2 * len(axes))
    for i, axis in enumerate(axes):
        region[axis], region[rank + axis] = given[i], given[len(axes) + i]
    return region


def _check_count(node: Node, given: int, wanted: int) -> None:
    if given != wanted:
        fault = f"{given} numbers are given for {wanted} dims"
        raise ShapeError(fault, node=node.name, remedy="Check the scales, sizes and region.")


RESIZE: Family = {"Resize": import_resize, "Upsample": import_upsample}
