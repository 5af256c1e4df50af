"""Importers of normalizing operations; group and instance norms are layer norms of a reshaped input."""

from collections.abc import Sequence

from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from penstock.dialects.element_types import byte_size
from penstock.dialects.graph.base import (
    computed_dim,
    element_of,
    flag,
    integer,
    integers,
    number,
    product_of,
    rank_of,
    shape_of,
    size_of,
)
from penstock.dialects.graph.comparison import EqualOp, SelectOp
from penstock.dialects.graph.elementwise import AddOp, DivOp, MulOp, SqrtOp, SubOp
from penstock.dialects.graph.normalization import BatchNormOp, LayerNormOp, LocalResponseNormOp, RmsNormOp
from penstock.dialects.graph.reduction import ReduceMeanOp, ReduceSumOp
from penstock.dialects.requirements import equal
from penstock.dialects.sizes import quotient
from penstock.onnx_import.activation import scaled, shifted
from penstock.onnx_import.arithmetic import cast_to
from penstock.onnx_import.axes import axis_attribute, front_axes, require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node
from penstock.onnx_import.pooling import power, root
from penstock.onnx_import.unsupported import Unsupported


def _mean(build: Builder, x: SSAValue, axes: Sequence[int]) -> SSAValue:
    return build.op(ReduceMeanOp, [x], {"axes": integers(axes), "keepdims": flag(True)})


def _moments(build: Builder, x: SSAValue, axes: Sequence[int]) -> tuple[SSAValue, SSAValue, SSAValue]:
    """Mean, deviation from it, and variance."""
    mean = _mean(build, x, axes)
    deviation = build.op(SubOp, [x, mean])
    return mean, deviation, _mean(build, build.op(MulOp, [deviation, deviation]), axes)


def import_batch_norm(node: Node, build: Builder) -> Sequence[SSAValue]:
    """BatchNormalization: with the given moments, or in training mode with those of the batch."""
    if node.int("spatial", 1) != 1:
        raise Unsupported("BatchNormalization per position (spatial=0)", "Export with opset 9 or later.")
    training = node.int("training_mode", 0) != 0
    if node.opset < 7 and node.int("is_test", 0) == 0:
        raise Unsupported(
            "BatchNormalization in training mode (is_test=0)", "Export the model for inference."
        )
    if any(node.uses(i) for i in range(1, 5)) and not training:
        raise Unsupported("BatchNormalization with training outputs", "Export the model for inference.")
    _require_channels(node, node.input(0))
    x, scale, bias, *moments = _in_one_type(build, [node.input(i) for i in range(5)])
    updated: list[SSAValue] = []
    if training:
        batch = _batch_moments(build, x)
        momentum = node.float("momentum", 0.9)
        updated = [_blend(build, old, new, momentum) for old, new in zip(moments, batch, strict=True)]
        moments = batch
    properties = {"eps": number(node.float("epsilon", 1e-5)), "axis": integer(1)}
    y = build.op(BatchNormOp, [x, scale, bias, *moments], properties)
    kept = [cast_to(build, u, element_of(node.input(3))) for u in updated]
    return [cast_to(build, y, element_of(node.input(0))), *kept]


def _require_channels(node: Node, x: SSAValue) -> None:
    require(node, rank_of(x) > 1, f"{node.op_type} of a tensor of rank {rank_of(x)}, which has no channels")


def _in_one_type(build: Builder, values: Sequence[SSAValue]) -> list[SSAValue]:
    """The values as they are, or in the widest of their types."""
    widest = max((element_of(value) for value in values), key=byte_size)
    common = widest if byte_size(widest) > 2 else f32
    mixed = len({element_of(value) for value in values}) > 1
    return [cast_to(build, value, common) if mixed else value for value in values]


def _batch_moments(build: Builder, x: SSAValue) -> list[SSAValue]:
    """Mean and variance per channel."""
    axes = [axis for axis in range(rank_of(x)) if axis != 1]
    mean, _, variance = _moments(build, x, axes)
    return [build.reshape(moment, [shape_of(x)[1]]) for moment in (mean, variance)]


def _blend(build: Builder, old: SSAValue, new: SSAValue, momentum: float) -> SSAValue:
    return build.op(AddOp, [scaled(build, old, momentum), scaled(build, new, 1 - momentum)])


def import_layer_norm(node: Node, build: Builder) -> Sequence[SSAValue]:
    """LayerNormalization: the moments are computed a second time only when they are read."""
    x, axis = node.input(0), axis_attribute(node, node.input(0), -1)
    epsilon = node.float("epsilon", 1e-5)
    properties = {"axis": integer(axis), "eps": number(epsilon)}
    outputs = [build.op(LayerNormOp, [x, node.input(1), node.optional(2)], properties)]
    if not node.uses(1) and not node.uses(2):
        return outputs
    mean, _, variance = _moments(build, cast_to(build, x, f32), range(axis, rank_of(x)))
    deviation = build.op(SqrtOp, [shifted(build, variance, epsilon)])
    return [*outputs, mean, build.op(DivOp, [build.scalar(1, like=deviation), deviation])]


def import_instance_norm(node: Node, build: Builder) -> SSAValue:
    """InstanceNormalization: a layer norm over the spatial dims, then scale and bias per channel."""
    x = node.input(0)
    properties = {"axis": integer(2), "eps": number(node.float("epsilon", 1e-5))}
    return _per_channel(node, build, build.op(LayerNormOp, [x, None, None], properties), rank_of(x) - 2)


def _per_channel(node: Node, build: Builder, y: SSAValue, spatial: int) -> SSAValue:
    """`y * scale + bias` with the node's parameters on the axis before `spatial` dims."""
    ranks = [rank_of(node.input(i)) for i in (1, 2)]
    require(node, ranks == [1, 1], f"scale and bias of {node.op_type} have ranks {ranks}, both must be 1")
    scale, bias = (build.append_axes(node.input(i), spatial) for i in (1, 2))
    return build.op(AddOp, [build.op(MulOp, [y, scale]), bias])


def import_group_norm(node: Node, build: Builder) -> SSAValue:
    """GroupNormalization: a layer norm over each group; before opset 21 its parameters are per group."""
    x, groups = node.input(0), node.int("num_groups")
    _require_channels(node, x)
    batch, channels, *spatial = shape_of(x)
    rule = f"GroupNormalization of {channels} channels in {groups} groups, which must divide them"
    require(node, groups > 0 and (isinstance(channels, str) or channels % groups == 0), rule)
    each = computed_dim(quotient, channels, groups)
    build.hold(equal(size_of(product_of([groups, each])), size_of(channels)))
    grouped = build.reshape(x, [batch, groups, each, *spatial])
    properties = {"axis": integer(2), "eps": number(node.float("epsilon", 1e-5))}
    y = build.op(LayerNormOp, [grouped, None, None], properties)
    if node.opset < 21:
        return build.reshape(_per_channel(node, build, y, len(spatial) + 1), shape_of(x))
    return _per_channel(node, build, build.reshape(y, shape_of(x)), len(spatial))


def import_rms_norm(node: Node, build: Builder) -> SSAValue:
    """RMSNormalization: no mean is subtracted."""
    x = node.input(0)
    properties = {
        "axis": integer(axis_attribute(node, x, -1)),
        "eps": number(node.float("epsilon", 1e-5)),
    }
    return build.op(RmsNormOp, [x, node.input(1)], properties)


def import_lp_norm(node: Node, build: Builder) -> SSAValue:
    """LpNormalization: `x` over its norm, and 0 where that is 0."""
    x, p = node.input(0), node.int("p", 2)
    over = {"axes": integers([axis_attribute(node, x, -1)]), "keepdims": flag(True)}
    norm = root(build, build.op(ReduceSumOp, [power(build, x, p)], over), p)
    zero = build.op(EqualOp, [norm, build.scalar(0, like=x)])
    return build.op(DivOp, [x, build.op(SelectOp, [zero, build.scalar(1, like=x), norm])])


def import_lrn(node: Node, build: Builder) -> SSAValue:
    """LRN: over neighbouring channels."""
    properties = {
        "axis": integer(1),
        "size": integer(node.int("size")),
        "alpha": number(node.float("alpha", 1e-4)),
        "beta": number(node.float("beta", 0.75)),
        "bias": number(node.float("bias", 1.0)),
    }
    return build.op(LocalResponseNormOp, [node.input(0)], properties)


def import_mean_variance_norm(node: Node, build: Builder) -> SSAValue:
    """MeanVarianceNormalization: the deviation from the mean over its root mean square, plus 1e-9."""
    x = node.input(0)
    axes = front_axes(node, node.ints("axes", [0, 2, 3]), rank_of(x))
    _, deviation, variance = _moments(build, x, axes)
    return build.op(DivOp, [deviation, shifted(build, build.op(SqrtOp, [variance]), 1e-9)])


NORMALIZATION: Family = {
    "BatchNormalization": import_batch_norm,
    "GroupNormalization": import_group_norm,
    "InstanceNormalization": import_instance_norm,
    "LRN": import_lrn,
    "LayerNormalization": import_layer_norm,
    "LpNormalization": import_lp_norm,
    "MeanVarianceNormalization": import_mean_variance_norm,
    "RMSNormalization": import_rms_norm,
}
