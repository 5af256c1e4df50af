"""Importers of reductions, running sums, ranking and softmax."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from xdsl.dialects.builtin import f64, i64
from xdsl.ir import Attribute, SSAValue

from penstock.dialects.element_types import is_float
from penstock.dialects.graph.base import (
    GraphOp,
    element_of,
    flag,
    integer,
    integers,
    product_of,
    rank_of,
    shape_of,
)
from penstock.dialects.graph.comparison import EqualOp, LessOp, SelectOp
from penstock.dialects.graph.elementwise import AbsOp, AddOp, MulOp, SqrtOp, SubOp
from penstock.dialects.graph.movement import dims_attr
from penstock.dialects.graph.normalization import LogSoftmaxOp, SoftmaxOp
from penstock.dialects.graph.ordering import CumProdOp, CumSumOp, TopKOp
from penstock.dialects.graph.reduction import (
    ArgMaxOp,
    ArgMinOp,
    ReduceMaxOp,
    ReduceMeanOp,
    ReduceMinOp,
    ReduceProdOp,
    ReduceSumOp,
)
from penstock.dialects.graph.transcendental import ExpOp, LogOp
from penstock.onnx_import.arithmetic import cast_to
from penstock.onnx_import.axes import axis_attribute, axis_input, front_axes, require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family, Importer
from penstock.onnx_import.node import Node

Along: TypeAlias = Callable[[Builder, SSAValue, dict[str, Attribute]], SSAValue]
"""Reduces a value under the properties `axes` and `keepdims`."""

AXES_ARE_INPUTS_SINCE = 18
"""ReduceSum had its axes as an input from opset 13 on, the other reductions follow here."""


def reduction(along: Along) -> Importer:
    """The importer of an ONNX reduction: axes from attribute or input, all of them by default."""

    def importer(node: Node, build: Builder) -> SSAValue:
        x = node.input(0)
        return along(
            build, x, {"axes": integers(_axes(node, x)), "keepdims": flag(node.int("keepdims", 1) != 0)}
        )

    return importer


def _axes(node: Node, x: SSAValue) -> Sequence[int]:
    since = 13 if node.op_type == "ReduceSum" else AXES_ARE_INPUTS_SINCE
    if node.opset < since:
        given = node.ints("axes", [])
    else:
        given = node.integers(1, "the axes") if node.optional(1) is not None else ()
    if not given and node.int("noop_with_empty_axes", 0) == 0:
        return range(rank_of(x))
    return front_axes(node, given, rank_of(x))


def plain(kind: type[GraphOp]) -> Along:
    """A reduction that is one op; over no axes it is nothing."""
    return lambda build, x, over: build.op(kind, [x], over) if over["axes"] != integers([]) else x


_sum = plain(ReduceSumOp)


def _sum_of_magnitudes(build: Builder, x: SSAValue, over: dict[str, Attribute]) -> SSAValue:
    return _sum(build, build.op(AbsOp, [x]), over)


def _sum_of_squares(build: Builder, x: SSAValue, over: dict[str, Attribute]) -> SSAValue:
    return _sum(build, build.op(MulOp, [x, x]), over)


def _norm(build: Builder, x: SSAValue, over: dict[str, Attribute]) -> SSAValue:
    return build.op(SqrtOp, [_sum_of_squares(build, x, over)])


def _log_sum(build: Builder, x: SSAValue, over: dict[str, Attribute]) -> SSAValue:
    return build.op(LogOp, [_sum(build, x, over)])


def _log_sum_exp(build: Builder, x: SSAValue, over: dict[str, Attribute]) -> SSAValue:
    """The maximum is taken out so that no exponential overflows, unless it is infinite itself."""
    top = build.op(ReduceMaxOp, [x], {**over, "keepdims": flag(True)})
    finite = build.op(LessOp, [build.op(AbsOp, [top]), build.scalar(np.inf, like=x)])
    top = build.op(SelectOp, [finite, top, build.scalar(0, like=x)])
    rest = _log_sum(build, build.op(ExpOp, [build.op(SubOp, [x, top])]), over)
    return build.op(AddOp, [rest, build.reshape(top, shape_of(rest))])


def real(along: Along) -> Along:
    """A reduction over reals; integers are taken as such and truncated at the end."""

    def wrapped(build: Builder, x: SSAValue, over: dict[str, Attribute]) -> SSAValue:
        element = element_of(x)
        y = along(build, x if is_float(element) else cast_to(build, x, f64), over)
        return cast_to(build, y, element)

    return wrapped


def arg_reduction(kind: type[GraphOp]) -> Importer:
    """The importer of the position of an extreme."""

    def importer(node: Node, build: Builder) -> SSAValue:
        x = node.input(0)
        properties = {
            "axes": integers([axis_attribute(node, x, 0)]),
            "keepdims": flag(node.int("keepdims", 1) != 0),
            "select_last": flag(node.int("select_last_index", 0) != 0),
        }
        return build.op(kind, [x], properties)

    return importer


def running(kind: type[GraphOp]) -> Importer:
    """The importer of a running sum or product."""

    def importer(node: Node, build: Builder) -> SSAValue:
        x = node.input(0)
        properties = {
            "axis": integer(axis_input(node, 1, x)),
            "exclusive": flag(node.int("exclusive", 0) != 0),
            "reverse": flag(node.int("reverse", 0) != 0),
        }
        return build.op(kind, [x], properties)

    return importer


def import_top_k(node: Node, build: Builder) -> Sequence[SSAValue]:
    """TopK: `k` is an attribute before opset 10; results are sorted whether or not that is asked for."""
    x = node.input(0)
    k = (node.int("k"),) if node.opset < 10 else build.sizes(node.input(1))
    require(node, len(k) == 1, f"TopK needs one k, got {list(k)}")
    properties = {
        "k": dims_attr(k),
        "axis": integer(axis_attribute(node, x, -1)),
        "largest": flag(node.int("largest", 1) != 0),
    }
    return build.op(TopKOp, [x], properties, results=2)


def along_axis(compute: Callable[[Node, Builder, SSAValue, int], SSAValue]) -> Importer:
    """The importer of a softmax-like op, which before opset 13 ran over all dims from its axis on."""

    def importer(node: Node, build: Builder) -> SSAValue:
        x = node.input(0)
        if node.opset >= 13:
            return compute(node, build, x, axis_attribute(node, x, -1))
        axis, shape = axis_attribute(node, x, 1), shape_of(x)
        if axis == rank_of(x) - 1:
            return compute(node, build, x, axis)
        flat = build.reshape(x, [*shape[:axis], product_of(shape[axis:])])
        return build.reshape(compute(node, build, flat, axis), shape)

    return importer


def one_op(kind: type[GraphOp]) -> Callable[[Node, Builder, SSAValue, int], SSAValue]:
    """The op itself along its axis."""
    return lambda _, build, x, axis: build.op(kind, [x], {"axis": integer(axis)})


def hardmax(node: Node, build: Builder, x: SSAValue, axis: int) -> SSAValue:
    """1 where the first greatest element is, 0 elsewhere."""
    best = build.op(ArgMaxOp, [x], {"axes": integers([axis])})
    positions = build.positions(shape_of(x)[axis], i64)
    hit = build.op(EqualOp, [best, build.append_axes(positions, rank_of(x) - 1 - axis)])
    return cast_to(build, hit, element_of(x))


REDUCTION: Family = {
    "ArgMax": arg_reduction(ArgMaxOp),
    "ArgMin": arg_reduction(ArgMinOp),
    "CumProd": running(CumProdOp),
    "CumSum": running(CumSumOp),
    "Hardmax": along_axis(hardmax),
    "LogSoftmax": along_axis(one_op(LogSoftmaxOp)),
    "ReduceL1": reduction(_sum_of_magnitudes),
    "ReduceL2": reduction(real(_norm)),
    "ReduceLogSum": reduction(real(_log_sum)),
    "ReduceLogSumExp": reduction(real(_log_sum_exp)),
    "ReduceMax": reduction(plain(ReduceMaxOp)),
    "ReduceMean": reduction(plain(ReduceMeanOp)),
    "ReduceMin": reduction(plain(ReduceMinOp)),
    "ReduceProd": reduction(plain(ReduceProdOp)),
    "ReduceSum": reduction(_sum),
    "ReduceSumSquare": reduction(_sum_of_squares),
    "Softmax": along_axis(one_op(SoftmaxOp)),
    "TopK": import_top_k,
}
