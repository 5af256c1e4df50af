"""A plugin of Penstock in one file: an op with its meaning, a pass that finds it, its lowering, its importer.

Squareplus, `(x + sqrt(x * x + b)) / 2`, is a smooth rectifier without exponentials (J. T. Barron, 2021).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import FloatAttr, ModuleOp
from xdsl.ir import Dialect, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, prop_def
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern
from xdsl.universe import Universe

from penstock.dialects.element_types import is_float
from penstock.dialects.graph.base import Array, GraphOp, element_of, number
from penstock.dialects.graph.elementwise import AddOp, DivOp, MulOp, SqrtOp, Unary
from penstock.passes.graph_matching import either_order, is_square_of, made_by, scaled, with_number
from penstock.passes.graph_rewriting import Graft, apply_patterns
from penstock.passes.lowering.graph_to_nest import GraphLowerings, Scalars, elementwise_rule

if TYPE_CHECKING:
    from penstock.onnx_import.builder import Builder
    from penstock.onnx_import.family import Importer
    from penstock.onnx_import.node import Node


@irdl_op_definition
class SquareplusOp(Unary):
    """`(x + sqrt(x * x + b)) / 2`:

    `%y = squareplus.squareplus %x {b = 4.0 : f64} : tensor<2xf32> -> tensor<2xf32>`.
    """

    name = "squareplus.squareplus"
    b = prop_def(FloatAttr)

    def compute(self, *operands: Array) -> Array:
        (x,) = operands
        b, half = (np.asarray(c, x.dtype) for c in (self.b.value.data, 0.5))
        root = np.sqrt(np.add(np.multiply(x, x), b))
        return np.multiply(np.add(x, root), half)


def offset(root: SSAValue, x: SSAValue) -> tuple[float, list[Operation]] | None:
    """`b` when the value is `sqrt(x * x + b)`, and the ops that say so."""
    sqrt = made_by(root, SqrtOp)
    term = None if sqrt is None else with_number(sqrt.x, AddOp)
    if sqrt is None or term is None or not is_square_of(term[0], x):
        return None
    square, b = term
    return b, [op for op in (square.owner, sqrt.x.owner, sqrt) if isinstance(op, Operation)]


class RecognizeSquareplus(RewritePattern):
    """`(x + sqrt(x * x + b)) / 2 -> squareplus(x, b)`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MulOp | DivOp, rewriter: PatternRewriter) -> None:
        total, factor = scaled(op.y)
        outer = made_by(total, AddOp)
        if outer is None or factor != 0.5 or not is_float(element_of(op.y)):
            return
        for x, root in either_order(outer):
            found = offset(root, x)
            # A constant of higher rank would have made the result larger than x.
            if found is not None and op.y.type == x.type:
                b, parts = found
                build = Graft(rewriter, op, *parts, outer)
                build.replace(build.op(SquareplusOp, [x], {"b": number(b)}))
                return


@dataclass(frozen=True)
class RecognizeSquareplusPass(ModulePass):
    """Replace the written-out function by one op; what else uses its parts keeps them."""

    name = "recognize-squareplus"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, RecognizeSquareplus())


def squareplus_formula(op: GraphOp, s: Scalars, values: Sequence[SSAValue]) -> SSAValue:
    """One element of the result from one element of `x`."""
    assert isinstance(op, SquareplusOp)
    (x,) = values
    root = s.sqrt(s.shifted(s.mul(x, x), op.b.value.data))
    return s.scaled(s.add(x, root), 0.5)


Squareplus = Dialect(
    "squareplus",
    [SquareplusOp],
    [],
    [GraphLowerings({SquareplusOp: elementwise_rule(squareplus_formula)})],
)


def import_squareplus(node: "Node", build: "Builder") -> SSAValue:
    """The operation `Squareplus` of a domain of ours, with `b` as an attribute."""
    return build.op(SquareplusOp, [node.input(0)], {"b": number(node.float("b", 4.0))})


IMPORTERS: Mapping[tuple[str, str], "Importer"] = {("example.activations", "Squareplus"): import_squareplus}

UNIVERSE = Universe(
    all_dialects={"squareplus": lambda: Squareplus},
    all_passes={RecognizeSquareplusPass.name: lambda: RecognizeSquareplusPass},
)
