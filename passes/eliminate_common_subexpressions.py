"""`eliminate-common-subexpressions`: what is computed twice is computed once, equal weights are one."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from penstock.dialects.graph.base import Array, GraphOp
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.texts import StringsAttr
from penstock.passes.graph_rewriting import constant_of, graph_blocks, nodes_of

SAMPLE = 64
"""Elements of a constant that decide whether it is compared in full."""


@dataclass(frozen=True)
class EliminateCommonSubexpressionsPass(ModulePass):
    """Merge graph ops of one kind with the same operands and properties; the first one stays.

    Constants are the same when their bytes are: -0 and 0 differ, and a NaN equals itself.
    The nodes of the merged ops add up, which is why xDSL's pass of this kind cannot serve: it compares them.
    """

    name = "eliminate-common-subexpressions"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for block in graph_blocks(op):
            known: dict[Hashable, list[GraphOp]] = {}
            for each in list(block.ops):
                # What differs in regions alone is not told apart.
                if isinstance(each, GraphOp) and not each.regions:
                    _merge(each, known.setdefault(_key(each), []))


def _merge(op: GraphOp, alike: list[GraphOp]) -> None:
    same = next((o for o in alike if _is_same(o, op)), None)
    if same is None:
        alike.append(op)
        return
    nodes = nodes_of(same, op)
    if nodes.data:
        same.attributes["nodes"] = nodes
    Rewriter.replace_op(op, [], same.results)


def _key(op: Operation) -> Hashable:
    """What equal ops agree in; of constants only a sample, as most weights differ at once."""
    if isinstance(op, ConstantOp) and not isinstance(op.value, StringsAttr):
        array = constant_of(op.y)
        return ("constant", op.y.type, b"" if array is None else _bytes(array.reshape(-1)[:SAMPLE]).tobytes())
    properties = tuple(sorted(op.properties.items(), key=lambda item: item[0]))
    return (type(op), op.operands, tuple(op.result_types), properties)


def _is_same(a: GraphOp, b: GraphOp) -> bool:
    """Whether ops of equal keys are equal."""
    if not isinstance(a, ConstantOp) or not isinstance(b, ConstantOp) or isinstance(a.value, StringsAttr):
        return True
    x, y = constant_of(a.y), constant_of(b.y)
    if x is None or y is None:
        return a.value == b.value
    return np.array_equal(_bytes(x), _bytes(y))


def _bytes(array: Array) -> Array:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)
