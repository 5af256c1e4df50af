"""Importer of CausalConvWithState where sizes are open: the standard writes it out for numbers only."""

from xdsl.dialects.builtin import i64
from xdsl.ir import SSAValue

from penstock.dialects.graph.activation import SigmoidOp
from penstock.dialects.graph.base import dim_of, integer, size_of
from penstock.dialects.graph.indexing import GatherOp
from penstock.onnx_import.axes import require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node
from penstock.onnx_import.terms import Term, concat
from penstock.onnx_import.unsupported import Unsupported

ACTIVATIONS = ("none", "silu", "swish")


def import_causal_conv(node: Node, build: Builder) -> list[SSAValue]:
    """CausalConvWithState: y[l] = sum of w[t] padded[l + t], and what the next call pads with in front."""
    x, w = (Term(build, node.input(i)) for i in range(2))
    require(node, len(x.shape) == len(w.shape) == 3, f"{list(x.shape)} with weights {list(w.shape)}")
    if "?" in (*x.shape, *w.shape):
        raise Unsupported("a size depends on values in a loop or branch", "Compute it outside of them.")
    batch, channels, length = x.shape
    taps, before = w.shape[2], dim_of(size_of(w.shape[2]) - 1)
    past = node.optional(3)
    front = x.filled(0).broadcast(batch, channels, before) if past is None else x.like(past)
    padded = concat([front.held_to(batch, channels, before), x], 2)
    first = x.like(build.positions(length, i64)).reshape(length, 1)
    at = first + x.like(build.positions(taps, i64)).reshape(1, taps)
    windows = x.like(build.op(GatherOp, [padded.value, at.value], {"axis": integer(2)}))
    y = (windows.precise() * w.held_to(channels, 1, taps).precise()).sum(3)
    bias = node.optional(2)
    if bias is not None:
        y = y + x.like(bias).held_to(channels).precise().reshape(channels, 1)
    present = build.section(padded.value, [0, 0, length], [batch, channels, before], [1, 1, 1])
    return [_activated(node, y.cast(x.element)).value, present]


def _activated(node: Node, y: Term) -> Term:
    name = node.string("activation", "none")
    require(
        node, name in ACTIVATIONS, f"the activation is {name!r}, it must be one of {', '.join(ACTIVATIONS)}"
    )
    if name == "none":
        return y
    wide = y.precise()
    return (wide * wide.apply(SigmoidOp)).cast(y.element)


OPEN_FORMS: Family = {"CausalConvWithState": import_causal_conv}
"""Operations whose definition by the standard needs sizes in numbers."""
