"""`simplify-regions`: branches and loops take in what they need and nothing else.

captures(constant)           ->   the constant inside of the region, where its readers see what it is
captures(x, x), captures(unread)   ->   one x, none
if true {a} else {b}         ->   a
loop {steps = 1} {a}         ->   a
a state that never changes   ->   a capture
results that nothing reads   ->   not given
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, BlockArgument, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from penstock.dialects.graph.base import GraphOp, shape_of
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.graph.control import IfOp, LoopOp, RegionOp, YieldOp, yielded
from penstock.dialects.graph.movement import ReshapeOp, dims_attr
from penstock.passes.graph_rewriting import constant_of


@dataclass(frozen=True)
class SimplifyRegionsPass(ModulePass):
    """Apply the rules to every branch and loop, from the outside inwards and back."""

    name = "simplify-regions"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in [o for o in op.ops if isinstance(o, func.FuncOp) and o.body.blocks]:
            _simplify_block(function.body.block)


def _simplify_block(block: Block) -> None:
    for op in [o for o in block.ops if isinstance(o, RegionOp)]:
        _simplify_captures(op)
        for inner in op.blocks:
            _simplify_block(inner)
        changed = _without_constant_states(op) if isinstance(op, LoopOp) else op
        _simplify_captures(changed)
        if not _inlined(changed):
            _drop_unread_results(changed)


def _simplify_captures(op: RegionOp) -> None:
    """Take constants in, and drop what is captured twice or not read."""
    values = list(op.captured())
    kept: dict[SSAValue, list[BlockArgument]] = {}
    for index, value in enumerate(values):
        arguments = [_argument(block, index - len(values)) for block in op.blocks]
        if isinstance(value.owner, ConstantOp):
            _take_in(value.owner, arguments)
        elif value in kept:
            for argument, first in zip(arguments, kept[value], strict=True):
                argument.replace_all_uses_with(first)
        elif any(argument.first_use is not None for argument in arguments):
            kept[value] = arguments
    if len(kept) == len(values):
        return
    for block in op.blocks:
        given = {arguments[i] for arguments in kept.values() for i in range(len(arguments))}
        for argument in list(block.args)[len(block.args) - len(values) :]:
            if argument not in given:
                block.erase_arg(argument)
    op.capture(list(kept))


def _argument(block: Block, index: int) -> BlockArgument:
    return block.args[len(block.args) + index]


def _take_in(constant: ConstantOp, arguments: Sequence[BlockArgument]) -> None:
    for argument in arguments:
        if argument.first_use is not None:
            copy = constant.clone()
            Rewriter.insert_op(copy, InsertPoint.at_start(argument.block))
            argument.replace_all_uses_with(copy.y)


def _without_constant_states(op: LoopOp) -> LoopOp:
    """A loop without the states that the region gives as it takes them; they become captures."""
    block, count = op.body.block, len(op.states)
    first = int(op.is_conditional)
    end = list(yielded(block))
    fixed = [i for i in range(count) if end[first + i] is block.args[1 + i]]
    if not fixed:
        return op
    states = [state for i, state in enumerate(op.states) if i not in fixed]
    moved = [op.states[i] for i in fixed]
    old = [block.args[1 + i] for i in fixed]
    for argument in old:
        argument.replace_all_uses_with(block.insert_arg(argument.type, len(block.args)))
    for argument in old:
        block.erase_arg(argument)
    kept = [value for i, value in enumerate(end) if i - first not in fixed]
    made = _loop_with(op, kept, states, [*op.captures, *moved])
    rest = iter(made.outputs)
    results = [op.states[i] if i in fixed else next(rest) for i in range(len(op.outputs))]
    _replace(op, made, results)
    return made


def _drop_unread_results(op: RegionOp) -> None:
    """Of a loop, only what it collects can be dropped: its states are read by the next step."""
    first = len(op.states) if isinstance(op, LoopOp) else 0
    unread = [i for i, r in enumerate(op.results) if i >= first and r.first_use is None]
    if not unread:
        return
    if isinstance(op, LoopOp):
        at = int(op.is_conditional)
        kept = [v for i, v in enumerate(yielded(op.body.block)) if i - at not in unread]
        made: RegionOp = _loop_with(op, kept, op.states, op.captures, unread)
    else:
        assert isinstance(op, IfOp), "an op with regions is a loop or a branch"
        for block in op.blocks:
            _end(block, [v for i, v in enumerate(yielded(block)) if i not in unread])
        then, otherwise = (region.detach_block(region.block) for region in (op.then, op.otherwise))
        made = IfOp.of(op.condition, op.captures, then, otherwise)
    rest = iter(made.results)
    # Nothing reads what is dropped, so anything of its type may stand for it.
    results = [None if i in unread else next(rest) for i in range(len(op.results))]
    _replace(op, made, results)


def _end(block: Block, values: Sequence[SSAValue]) -> None:
    last = block.last_op
    assert last is not None, "a region ends with what it gives"
    Rewriter.replace_op(last, YieldOp(values))


def _loop_with(
    op: LoopOp,
    end: Sequence[SSAValue],
    states: Sequence[SSAValue],
    captures: Sequence[SSAValue],
    dropped: Sequence[int] = (),
) -> LoopOp:
    """The loop, which loses its region, with another end and other operands."""
    conditional, directions, scans = op.is_conditional, op.directions, list(op.scans)
    collected = [i for i in range(op.collected) if i + len(op.states) not in dropped]
    kept = [*range(len(scans)), *(len(scans) + i for i in collected)]
    block = op.body.detach_block(op.body.block)
    _end(block, end)
    return LoopOp.of(
        block,
        limit=op.limit,
        going=op.going,
        states=states,
        scans=scans,
        captures=captures,
        steps=op.most,
        backwards=[new for new, old in enumerate(kept) if directions[old]],
        is_conditional=conditional,
    )


def _replace(op: GraphOp, made: GraphOp, results: Sequence[SSAValue | None]) -> None:
    made.attributes.update(op.attributes)
    Rewriter.insert_op(made, InsertPoint.before(op))
    for old, new in zip(op.results, results, strict=True):
        if new is not None:
            old.replace_all_uses_with(new)
    Rewriter.erase_op(op)


def _inlined(op: RegionOp) -> bool:
    """Whether it was known which region runs, and how often, so that it stands in place of the op now."""
    if isinstance(op, IfOp):
        condition = constant_of(op.condition)
        if condition is None:
            return False
        _inline(op, op.then.block if condition.reshape(-1)[0] else op.otherwise.block, op.captures)
        return True
    assert isinstance(op, LoopOp), "an op with regions is a loop or a branch"
    if not op.is_counted or op.most != 1:
        return False
    step = ConstantOp.of(np.array(0), "step")
    slices = [_reshaped(scan, shape_of(scan)[1:]) for scan in op.scans]
    Rewriter.insert_op([step, *slices], InsertPoint.before(op))
    given = [step.y, *op.states, *(each.results[0] for each in slices), *op.captures]
    _inline(op, op.body.block, given)
    return True


def _inline(op: RegionOp, block: Block, given: Sequence[SSAValue]) -> None:
    values: dict[SSAValue, SSAValue] = dict(zip(block.args, given, strict=True))
    end = yielded(block)
    copies = [each.clone(values) for each in block.ops if not isinstance(each, YieldOp)]
    Rewriter.insert_op(copies, InsertPoint.before(op))
    for result, value in zip(op.results, end, strict=True):
        new = values.get(value, value)
        if shape_of(new) != shape_of(result):
            reshape = _reshaped(new, shape_of(result))
            Rewriter.insert_op(reshape, InsertPoint.before(op))
            new = reshape.results[0]
        result.replace_all_uses_with(new)
    Rewriter.erase_op(op)


def _reshaped(value: SSAValue, shape: Sequence[int | str]) -> GraphOp:
    return ReshapeOp.make([value], {"shape": dims_attr(shape)})
