"""Puts numbers in for the open sizes of a module: also those that values decide, where the values follow."""

from collections.abc import Mapping

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from penstock.dialects.graph.at_sizes import settle, settle_values
from penstock.dialects.graph.base import GraphOp
from penstock.dialects.graph.binding import BindOp
from penstock.limits import Budget
from penstock.onnx_import.known_values import KnownValues


def settle_module(module: ModuleOp, sizes: Mapping[str, int]) -> None:
    """Put numbers in for the symbols of an imported module, as far as they are known."""
    for function in [op for op in module.ops if isinstance(op, FuncOp)]:
        _settle(function, sizes)


def _settle(function: FuncOp, sizes: Mapping[str, int]) -> None:
    block, found = function.body.block, dict(sizes)
    known = KnownValues(Budget.of(sum(1 for _ in block.ops)), block)
    settle_values(block.args, found)
    for op in block.ops:
        settle(op, found)
        if isinstance(op, BindOp):
            value = known.array(op.value)
            found.update({} if value is None else op.read(value))
        elif isinstance(op, GraphOp):
            known.note(op)
