"""Importers of the operations of com.microsoft that ONNX Runtime's optimiser makes of transformers.

https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md says what they mean.
"""

import numpy as np
from xdsl.dialects.builtin import i32, i64
from xdsl.ir import SSAValue

from penstock.dialects.element_types import is_float, numpy_dtype
from penstock.dialects.graph.activation import GeluOp, SigmoidOp
from penstock.dialects.graph.attention import AttentionOp
from penstock.dialects.graph.base import Dim, element_of, flag, integer, number, rank_of, shape_of
from penstock.dialects.graph.elementwise import AddOp, MulOp
from penstock.dialects.graph.indexing import GatherOp
from penstock.dialects.graph.linear import MatMulOp
from penstock.dialects.graph.movement import dims_attr
from penstock.dialects.graph.normalization import LayerNormOp
from penstock.dialects.graph.sections import RangeOp
from penstock.onnx_import.activation import scaled
from penstock.onnx_import.axes import require, static_size
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family, Importer
from penstock.onnx_import.node import Node, Unsupported
from penstock.onnx_import.terms import Term, concat, stack
from penstock.onnx_import.values import Nothing, Value


def import_embed_layer_norm(node: Node, build: Builder) -> list[SSAValue]:
    """EmbedLayerNormalization: the layer norm of what stands for words, places and perhaps segments."""
    ids, mask, places = node.input(0), node.optional(7), node.optional(8)
    require(node, rank_of(ids) == 2, f"identifiers of rank {rank_of(ids)}")
    batch = shape_of(ids)[0]
    total = _rows(build, node.input(2), ids)
    where = Term(build, places) if places is not None else _counted(Term(build, ids), shape_of(ids)[1])
    total = total + _rows(build, node.input(3), where.value)
    if node.optional(1) is not None:
        total = total + _rows(build, node.input(4), node.input(1))
    y = _normalised(node, build, total.value, 5)
    if mask is None:
        zero = build.constant(np.zeros((), np.int32))
        return [y, build.broadcast_to(zero, [batch]), total.value]
    return [y, Term(build, mask).cast(i32).sum(1).value, total.value]


def _rows(build: Builder, table: SSAValue, indices: SSAValue) -> Term:
    return Term(build, build.op(GatherOp, [table, indices], {"axis": integer(0)}))


def _counted(x: Term, count: Dim, first: Dim = 0) -> Term:
    """So many integers from the first, sizes that may be open."""
    bounds = {"bounds": dims_attr([first, count, 1]), "element": i64}
    return x.like(x.build.op(RangeOp, [], bounds))


def _normalised(node: Node, build: Builder, x: SSAValue, gamma: int) -> SSAValue:
    """The layer norm over the last dim, with the scale at input `gamma` and the bias behind it."""
    properties = {"axis": integer(rank_of(x) - 1), "eps": number(node.float("epsilon", 1e-12))}
    return build.op(LayerNormOp, [x, node.input(gamma), node.optional(gamma + 1)], properties)


def import_skip_layer_norm(node: Node, build: Builder) -> list[Value]:
    """SkipLayerNormalization: the layer norm of a sum, and the sum."""
    if node.uses(1) or node.uses(2):
        raise Unsupported("the moments of SkipLayerNormalization", "Remove what reads them.")
    total = build.op(AddOp, [node.input(0), node.input(1)])
    bias = node.optional(4)
    total = total if bias is None else build.op(AddOp, [total, bias])
    return [_normalised(node, build, total, 2), Nothing(), Nothing(), total]


def import_attention(node: Node, build: Builder) -> list[SSAValue]:
    """Attention: queries, keys and values by one product, heads apart, the past in front of both last."""
    for name in ("do_rotary", "past_present_share_buffer"):
        if node.int(name, 0):
            raise Unsupported(f"Attention with {name}", "Export the model without it.")
    require(node, rank_of(node.input(0)) == 3, f"an input of rank {rank_of(node.input(0))}")
    heads = node.int("num_heads")
    q, k, v = (_by_head(node, part, heads) for part in _projected(node, build))
    past = node.optional(4)
    if past is not None:
        rows = Term(build, past)
        require(node, len(rows.shape) == 5, f"a past of rank {len(rows.shape)}")
        k, v = (concat([rows.at(0, i), part], 2) for i, part in enumerate((k, v)))
    scale = node.float("scale", 0.0) or float(static_size(node, q.value, 3)) ** -0.5
    mask = _mask(node, build, q, k)
    operands = [q.value, k.value, v.value, None if mask is None else mask.value]
    y = Term(build, build.op(AttentionOp, operands, {"scale": number(scale)}))
    batch, length = y.shape[0], y.shape[2]
    width = heads * static_size(node, y.value, 3)
    joined = y.transpose(0, 2, 1, 3).reshape(batch, length, width).value
    return [joined, stack([k, v], 0).value] if node.uses(1) else [joined]


def _projected(node: Node, build: Builder) -> list[Term]:
    """Queries, keys and values side by side in the columns of one product, taken apart."""
    y = Term(build, build.op(MatMulOp, [node.input(0), node.input(1)]))
    bias = node.optional(2)
    y = y if bias is None else y + Term(build, bias)
    width = static_size(node, y.value, 2)
    widths = node.ints("qkv_hidden_sizes", [width // 3] * 3)
    require(node, len(widths) == 3 and sum(widths) == width, f"{list(widths)} columns of {width}")
    starts = np.cumsum([0, *widths]).tolist()
    return [y.slice(2, start, end) for start, end in zip(starts, starts[1:], strict=False)]


def _by_head(node: Node, x: Term, heads: int) -> Term:
    """(batch, place, head * column) as (batch, head, place, column)."""
    batch, length, _ = x.shape
    width = static_size(node, x.value, 2)
    require(node, heads > 0 and width % heads == 0, f"{heads} heads of {width} columns")
    return x.reshape(batch, length, heads, width // heads).transpose(0, 2, 1, 3)


def _mask(node: Node, build: Builder, q: Term, k: Term) -> Term | None:
    """What is added to the scores: a large negative number where a key is not seen, and a bias."""
    parts: list[Term] = []
    hidden = q.table(np.array(max(node.float("mask_filter_value", -10000.0), lowest(q.value))))
    zero, shown = q.table(np.zeros(())), node.optional(3)
    if shown is not None:
        parts.append((_raw_mask(node, Term(build, shown)) > 0).where(zero, hidden))
    if node.int("unidirectional", 0):
        new, seen = q.shape[2], k.shape[2]
        past = node.optional(4)
        queries = _counted(q, new, 0 if past is None else shape_of(past)[3]).reshape(new, 1)
        keys = _counted(k, seen).reshape(1, seen)
        parts.append((keys <= queries).where(zero, q.table(np.array(lowest(q.value)))))
    bias = node.optional(5)
    if bias is not None:
        parts.append(Term(build, bias))
    if not parts:
        return None
    mask = parts[0]
    for part in parts[1:]:
        mask = mask + part
    return mask


def _raw_mask(node: Node, mask: Term) -> Term:
    """A mask of zeros and ones that broadcasts to (batch, head, query, key)."""
    rank = len(mask.shape)
    if rank not in (2, 3) or is_float(mask.element):
        raise Unsupported(f"a mask of rank {rank} of {mask.element}", "Use one of integers per key.")
    batch, *rest = mask.shape
    return mask.cast(i64).reshape(batch, 1, *([1] if rank == 2 else []), *rest)


def lowest(like: SSAValue) -> float:
    """The least finite number of an element type."""
    return float(np.finfo(numpy_dtype(element_of(like)).name).min)


def _biased(node: Node, build: Builder) -> SSAValue:
    bias = node.optional(1)
    return node.input(0) if bias is None else build.op(AddOp, [node.input(0), bias])


def gelu(is_approximate: bool) -> Importer:
    """The importer of a Gelu with an optional bias."""
    properties = {"approximate": flag(is_approximate)}
    return lambda node, build: build.op(GeluOp, [_biased(node, build)], properties)


def import_quick_gelu(node: Node, build: Builder) -> SSAValue:
    """QuickGelu: `x * sigmoid(alpha * x)`."""
    x = node.input(0)
    return build.op(MulOp, [x, build.op(SigmoidOp, [scaled(build, x, node.float("alpha", 1.702))])])


TRANSFORMERS: Family = {
    "Attention": import_attention,
    "BiasGelu": gelu(False),
    "EmbedLayerNormalization": import_embed_layer_norm,
    "FastGelu": gelu(True),
    "Gelu": gelu(False),
    "QuickGelu": import_quick_gelu,
    "SkipLayerNormalization": import_skip_layer_norm,
}
