"""The seam for dialects of plugins: what `lower-graph-to-nest` asks a dialect that is not ours.

Mine = Dialect("mine", [SquareplusOp, BlurOp], [], [
    GraphLowerings({SquareplusOp: elementwise_rule(squareplus_formula), BlurOp: lower_blur}),
])
"""

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialect_interfaces import DialectInterface
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from penstock.passes.lowering.graph_to_nest.rules import Rule


@dataclass(frozen=True)
class GraphLowerings(DialectInterface):
    """The rules of a dialect's graph ops: each appends the nests that compute one op."""

    rules: Mapping[type[Operation], Rule]


def rules_of_dialects(ctx: Context, module: ModuleOp) -> dict[type[Operation], Rule]:
    """The rules that the dialects used in a module bring with them, as far as the context knows these."""
    names = dict.fromkeys(op.dialect_name() for op in module.walk())
    dialects = [dialect for name in names if (dialect := ctx.get_optional_dialect(name)) is not None]
    found = [dialect.get_interface(GraphLowerings) for dialect in dialects]
    return {op: rule for lowerings in found if lowerings is not None for op, rule in lowerings.rules.items()}
