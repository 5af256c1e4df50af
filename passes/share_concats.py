"""`share-concats`: a concatenation of what was put together before takes that as one part.

    a = concat(x, y);  b = concat(x, y, z)   ->   a = concat(x, y);  b = concat(a, z)

In a dense block every layer reads all layers in front of it.  So each of them has one reader less for every
layer behind it, and is written where it is put together; see `coalesce-copies`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, SSAValue
from xdsl.passes import ModulePass

from penstock.dialects.graph.movement import ConcatOp
from penstock.passes.graph_rewriting import graph_blocks

Parts = tuple[SSAValue, ...]


@dataclass(frozen=True)
class ShareConcatsPass(ModulePass):
    """Replace the longest run of parts that an earlier concatenation of the block is, again and again."""

    name = "share-concats"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for block in graph_blocks(op):
            _share(block)


def _share(block: Block) -> None:
    known: dict[SSAValue, list[tuple[Parts, ConcatOp]]] = {}
    for op in [op for op in block.ops if isinstance(op, ConcatOp)]:
        # What is put together later may have the same parts as this one had at first.
        parts = tuple(op.inputs)
        while (shared := _with_a_run_shared(op, known)) is not None:
            op.operands = shared
        if parts:
            known.setdefault(parts[0], []).append((parts, op))


def _with_a_run_shared(
    op: ConcatOp, known: dict[SSAValue, list[tuple[Parts, ConcatOp]]]
) -> Sequence[SSAValue] | None:
    """The parts with the longest run of them replaced that was put together before, if there is one."""
    inputs = tuple(op.inputs)
    runs = [
        (start, parts, made)
        for start, first in enumerate(inputs)
        for parts, made in known.get(first, ())
        if 1 < len(parts) < len(inputs)
        and made.axis == op.axis
        and inputs[start : start + len(parts)] == parts
    ]
    if not runs:
        return None
    start, parts, made = max(runs, key=lambda run: len(run[1]))
    return [*inputs[:start], made.y, *inputs[start + len(parts) :]]
