"""`update-in-place`: a result takes the place of the value it was made of, element by element.

    call @k(%x, %w, %shortcut, %sum)    sum[i] = ... + shortcut[i]
    ->
    call @k(%x, %w, %shortcut)          shortcut[i] = ... + shortcut[i]

The residual of a block is read where the sum is written, for the last time: its lines are near by then, those
of another buffer would have to come from memory first, and the arena has room for one value less.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, FunctionType, ModuleOp, NoneAttr, StringAttr
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from penstock.dialects.element_types import byte_size
from penstock.dialects.hints import Hints, hinted, hints_of
from penstock.dialects.narrowing import is_buffer
from penstock.dialects.nest.access import Access
from penstock.dialects.nest.machine import Machine
from penstock.dialects.nest.ops import ComputeOp, element_of
from penstock.dialects.nest.parallel import COPIES
from penstock.dialects.nest.sizes import sizes_of
from penstock.passes.nest_rewriting import (
    VIEWS,
    argument_constants,
    erase_if_unused,
    functions,
    is_kernel,
    kernels,
    root_of,
    users_of,
)

Pair = tuple[int, int]
"""Arguments of a kernel: what is read for the last time, and what is written in its place."""


@dataclass(frozen=True)
class UpdateInPlacePass(ModulePass):
    """Let kernels write over an argument that they read at the same elements and nobody reads after them.

    A kernel that only some of its calls may run so is there twice.  Left alone are sums in blocks, which keep
    in the result what they have so far, values of the model's caller, and what fits into the second-level
    cache: there is nothing to gain (a deit_small that updated all of its residuals took 1.05 times as long).
    """

    name = "update-in-place"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        known = {kernel.sym_name.data: kernel for kernel in kernels(op)}
        pairs = {name: _pairs(kernel, Machine.of(op).l2, hints_of(op)) for name, kernel in known.items()}
        calls = [call for f in functions(op) if not is_kernel(f) for call in _calls(f)]
        chosen: dict[tuple[str, Pair], list[func.CallOp]] = {}
        for call in calls:
            name = call.callee.string_value()
            pair = next((each for each in pairs.get(name, ()) if _takes_over(call, each)), None)
            if pair is not None:
                _let_go(call, pair)
                chosen.setdefault((name, pair), []).append(call)
        for (name, pair), same in chosen.items():
            is_shared = sum(call.callee.string_value() == name for call in calls) > len(same)
            kernel = _copy(op, known[name], pair) if is_shared else known[name]
            _merge(kernel, pair)
            for call in same:
                _redirect(call, pair, kernel)


def _calls(function: func.FuncOp) -> list[func.CallOp]:
    """The calls in the sequence that a function is; those in loops and branches are left alone."""
    return [op for op in function.body.block.ops if isinstance(op, func.CallOp)]


def _pairs(kernel: func.FuncOp, least: int, hints: Hints) -> list[Pair]:
    """The pairs of arguments of so many bytes of which the second could be the first."""
    arguments, constants = kernel.body.block.args, argument_constants(kernel)
    touches = [list(_touches(argument)) for argument in arguments]
    buffers = [i for i, a in enumerate(arguments) if is_buffer(a.type) and a not in constants]
    single = [i for i in buffers if None not in touches[i] and COPIES not in _marks(kernel)[i].data]
    return [
        (old, new)
        for new in single
        for old in single
        if arguments[old].type == arguments[new].type
        and _bytes(arguments[new], hints) > least
        and _is_updated(touches[old], touches[new])
        and _is_written_once(arguments[new], touches[new])
    ]


def _bytes(buffer: SSAValue, hints: Hints) -> int:
    return prod(hinted(size, hints) for size in sizes_of(buffer)) * byte_size(element_of(buffer))


@dataclass(frozen=True)
class _Touch:
    """What an operand of a nest touches: through which view, where, and whether it writes."""

    nest: ComputeOp
    view: Attribute
    access: Access
    is_write: bool
    stays_inside: bool


def _touches(buffer: SSAValue) -> "Iterator[_Touch | None]":
    """All that nests touch of a buffer; `None` for other uses, such as places that a body computes."""
    for use in buffer.uses:
        op = use.operation
        if isinstance(op, VIEWS):
            yield from _touches(op.results[0])
        elif isinstance(op, ComputeOp):
            is_write = use.index >= len(op.ins) + len(op.extras)
            stays_inside = is_write or isinstance(op.outside.data[use.index], NoneAttr)
            yield _Touch(op, buffer.type, op.accesses.data[use.index].data, is_write, stays_inside)
        else:
            yield None


def _is_updated(old: "Sequence[_Touch | None]", new: "Sequence[_Touch | None]") -> bool:
    """Whether an element of the old value is read only by the iteration that writes the same of the new."""
    written = {(t.nest, t.view, t.access) for t in new if t is not None and t.is_write}
    return (
        bool(old)
        and len(written) == len(new)
        and all(
            t is not None and not t.is_write and t.stays_inside and (t.nest, t.view, t.access) in written
            for t in old
        )
    )


def _is_written_once(buffer: SSAValue, touches: "Sequence[_Touch | None]") -> bool:
    """Whether nests write as many elements as there are: then none of them is written twice."""
    extents = [[d.iterations for d in t.nest.loops if not d.is_reduction] for t in touches if t is not None]
    return sum(map(prod, extents)) == prod(sizes_of(buffer))


def _takes_over(call: func.CallOp, pair: Pair) -> bool:
    """Whether a call is the last to use a value of its function, and the first to use another one."""
    old, new = (call.operands[i] for i in pair)
    value = root_of(old)
    if not _is_local(value) or not _is_local(new) or value is new:
        return False
    before, after = list(users_of(value)), list(users_of(new))
    is_alone = before.count(call) == after.count(call) == 1
    return (
        is_alone
        and all(user is call or user.is_before_in_block(call) for user in before)
        and all(user is call or call.is_before_in_block(user) for user in after)
        # What a loop or a branch gives may be any buffer that it was given.
        and not any(user.results and not isinstance(user, VIEWS) for user in (*before, *after))
    )


def _is_local(buffer: SSAValue) -> bool:
    """Whether a buffer is allocated, and not one that has a copy for each part of a kernel."""
    return isinstance(buffer.owner, memref.AllocOp) and COPIES not in buffer.owner.attributes


def _let_go(call: func.CallOp, pair: Pair) -> None:
    """Hand the buffer that a call updates to all that used the one it wrote."""
    old, new = (call.operands[i] for i in pair)
    allocation = new.owner
    assert isinstance(allocation, memref.AllocOp), "it is local"
    new.replace_all_uses_with(old)
    erase_if_unused(allocation)


def _copy(module: ModuleOp, kernel: func.FuncOp, pair: Pair) -> func.FuncOp:
    """The same kernel under a name of its own, for other calls go on to need it as it is."""
    copy, (old, new) = kernel.clone(), pair
    copy.sym_name = StringAttr(f"{kernel.sym_name.data}_{new}_in_{old}")
    module.body.block.insert_op_after(copy, kernel)
    return copy


def _merge(kernel: func.FuncOp, pair: Pair) -> None:
    """Make one argument of two, which is a result as the second one was."""
    block, marks, (old, new) = kernel.body.block, _marks(kernel), pair
    block.args[new].replace_all_uses_with(block.args[old])
    block.erase_arg(block.args[new])
    kernel.function_type = FunctionType.from_lists([a.type for a in block.args], [])
    kept = [marks[new] if i == old else each for i, each in enumerate(marks) if i != new]
    kernel.arg_attrs = ArrayAttr(kept)


def _marks(kernel: func.FuncOp) -> Sequence[DictionaryAttr]:
    count = len(kernel.body.block.args)
    return [DictionaryAttr({})] * count if kernel.arg_attrs is None else kernel.arg_attrs.data


def _redirect(call: func.CallOp, pair: Pair, kernel: func.FuncOp) -> None:
    """Call a kernel that takes one buffer for two."""
    operands = [operand for i, operand in enumerate(call.operands) if i != pair[1]]
    update = func.CallOp(kernel.sym_name.data, operands, [])
    update.attributes.update(call.attributes)
    Rewriter.replace_op(call, [update], [])
