"""A reduction in pieces: each goes on from what the one before left in the result, the last finishes it.

    y = f(fold over k < 9 of x[k])
->  y = fold over k < 8 of x[k];   y = f(y folded with the fold over 8 <= k < 9 of x[k])
"""

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, f32, f64
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from penstock.dialects.nest.combine import combiners
from penstock.dialects.nest.ops import ComputeOp, Read, YieldOp, element_of
from penstock.passes.nest_rewriting import append_block, captured, discard, root_of

NEUTRAL: dict[type[Operation], float] = {
    arith.AddfOp: 0,
    arith.AddiOp: 0,
    arith.MulfOp: 1,
    arith.MuliOp: 1,
}
"""What a fold may begin with more than once; the others may with anything, as `max(a, a)` is `a`."""


def can_go_on(nest: ComputeOp) -> bool:
    """Whether partial results can stand where the results go until the next piece takes them up.

    They must be plain folds, each written to a place of its own, which the nest reads for nothing else.  A
    sum in double precision may wait as a single one: it is rounded once more for each piece.
    """
    kinds = combiners(nest)
    if not kinds or len(kinds) != len(nest.outs) or not all(map(_is_neutral, nest.init.data, kinds)):
        return False
    kept = [element_of(buffer) for buffer in nest.outs]
    totals = [argument.type for argument in nest.epilogue.block.args[: len(kept)]]
    if not all(a == b or (a, b) == (f64, f32) for a, b in zip(totals, kept, strict=True)):
        return False
    loops = [i for i, d in enumerate(nest.loops) if not d.is_reduction and d.iterations != 1]
    written, read = {root_of(b) for b in nest.outs}, {*nest.ins, *nest.extras, *captured(nest)}
    return written.isdisjoint(map(root_of, read)) and all(
        write.access.uses(loop) for write in nest.writes for loop in loops
    )


def _is_neutral(start: Attribute, kind: type[Operation]) -> bool:
    """Whether a fold may begin with this more than once."""
    if not isinstance(start, FloatAttr | IntegerAttr):
        return False
    return kind not in NEUTRAL or start.value.data == NEUTRAL[kind]


def in_sequence(pieces: Sequence[ComputeOp]) -> list[ComputeOp]:
    """Pieces of one reduction, which none has been inserted of, as nests that go on from one another."""
    if len(pieces) == 1:
        return list(pieces)
    last = len(pieces) - 1
    made = [_continued(piece, i > 0, i == last) for i, piece in enumerate(pieces)]
    discard(pieces)
    return made


@dataclass(frozen=True)
class _Code:
    """The code behind a piece."""

    block: Block

    def fold(self, kind: type[Operation], old: SSAValue, new: SSAValue) -> SSAValue:
        """What was kept, folded with what a piece made."""
        if old.type != new.type:
            self.block.add_op(wide := arith.ExtFOp(old, f64))
            old = wide.result
        self.block.add_op(fold := kind.create(operands=[old, new], result_types=[new.type]))
        return fold.results[0]

    def kept(self, total: SSAValue, kind: Attribute) -> SSAValue:
        """A result in the type in which it waits."""
        if total.type == kind:
            return total
        self.block.add_op(narrow := arith.TruncFOp(total, f32))
        return narrow.result


def _continued(part: ComputeOp, goes_on: bool, ends: bool) -> ComputeOp:
    """A piece that goes on from what the pieces before left in the results; the last one finishes them."""
    kinds, count = combiners(part), len(part.outs)
    assert kinds is not None, "the pieces are plain folds"
    before = [Read(write.buffer, write.access) for write in part.writes] if goes_on else []
    extras = [*before, *(part.extra_reads if ends else [])]
    kept = [element_of(buffer) for buffer in part.outs]
    kinds_of_totals = [argument.type for argument in part.epilogue.block.args[:count]]
    block = Block(arg_types=[*kinds_of_totals, *(element_of(r.buffer) for r in extras)])
    code = _Code(block)
    totals: Sequence[SSAValue] = block.args[:count]
    if goes_on:
        left = block.args[count : 2 * count]
        totals = [code.fold(kind, old, new) for kind, old, new in zip(kinds, left, totals, strict=True)]
    others = block.args[count + len(before) :]
    if ends:
        results = append_block(block, part.epilogue.block, [*totals, *others])
    else:
        results = [code.kept(total, kind) for total, kind in zip(totals, kept, strict=True)]
    block.add_op(YieldOp(results))
    new = ComputeOp.of(
        part.loops,
        part.reads,
        part.writes,
        part.body.clone(),
        extras=extras,
        init=part.init.data,
        epilogue=Region(block),
    )
    new.attributes.update(part.attributes)
    return new
