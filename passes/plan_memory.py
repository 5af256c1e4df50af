"""`plan-memory`: the buffers of `main` become views of one arena, whose size is known when it has run.

    %t = memref.alloc() : memref<8xf32>
    ->
    %c128 = arith.constant 128 : index
    %t = memref.view %arena[%c128][] : memref<4096xi8> to memref<8xf32>

The plan is left on `main` as a certificate that can be checked without this code.

A function that `main` calls and that is no kernel, such as the body of a loop, has an arena of its own, which
is a value of its caller:

    func.call @body(%x, %y)   ->   func.call @body(%x, %y, %arena_of_body)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith, func, memref, scf
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    DictionaryAttr,
    FunctionType,
    IndexType,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    NoneAttr,
    i8,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.exceptions import PassFailedException
from xdsl.utils.hints import isa

from penstock.dialects.element_types import byte_size
from penstock.dialects.hints import Hints, hinted, hints_of
from penstock.dialects.memory_certificate import (
    MEMORY_PLAN,
    Certificate,
    certificate_attribute,
    growing_attribute,
)
from penstock.dialects.memory_plan import ALIGNMENT, Interval, Placement
from penstock.dialects.nest.ops import buffer_type
from penstock.dialects.nest.sizes import RowOp, SizeOp, ViewOp, buffer_of, is_static, sizes_of, symbols
from penstock.dialects.sizes import Extent, Size, maximum
from penstock.passes.memory.growing import emit_offsets, growing_plan
from penstock.passes.memory.placement import plan_intervals
from penstock.passes.nest_rewriting import callees_first, outermost

# Their result is memory of their first operand.
ALIASES = (
    memref.CollapseShapeOp,
    memref.ExpandShapeOp,
    memref.ReinterpretCastOp,
    memref.SubviewOp,
    memref.CastOp,
    memref.AssumeAlignmentOp,
    memref.ViewOp,
    RowOp,
)
CONTROL = (scf.ForOp, scf.IfOp, scf.WhileOp)
"""Steps with steps inside."""
GIVES = (scf.YieldOp, scf.ConditionOp)
"""What hands values on to the results of such steps."""


@dataclass(frozen=True)
class PlanMemoryPass(ModulePass):
    """Give every `memref.alloc` of `main` a place in an arena, its last argument; the same for what it calls.

    Needs identity layouts, and allocations outside of loops and branches.  A value is live
    from its first to its last use, also through views; all operands of one call are live together, and all
    that a loop or a branch uses.  Values that nobody uses disappear.  A `main` that has a plan is
    left as it is.  Where sizes are known only at run time, `main` computes the places from them: each value
    begins where the last of those below it ends.
    """

    name = "plan-memory"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        main = _main(op)
        if MEMORY_PLAN in main.attributes:
            return
        arenas: dict[str, Extent] = {}
        for function in callees_first(op, main):
            if function is main or _needs_memory(function, arenas):
                arenas[function.sym_name.data] = _plan(function, arenas, hints_of(op))


def _needs_memory(function: func.FuncOp, arenas: Mapping[str, Extent]) -> bool:
    """Whether a function allocates, or calls one that was given an arena for that."""
    return any(
        isinstance(op, memref.AllocOp) or (isinstance(op, func.CallOp) and op.callee.string_value() in arenas)
        for op in function.walk()
    )


def _plan(main: func.FuncOp, arenas: Mapping[str, Extent], hints: Hints) -> Extent:
    """Plan a function whose callees are planned; the size of the arena that a caller lends it."""
    _lend_arenas(main, arenas)
    steps = {each: i for i, each in enumerate(filter(_is_step, main.body.block.ops))}
    allocations = [each for each in main.walk() if isinstance(each, memref.AllocOp)]
    lives = {each: _uses(main, each.memref, steps) for each in allocations}
    used = [each for each in allocations if lives[each]]
    planned = {each: lives[each] for each in used}
    size = _plan_growing(main, planned, hints) if symbols(main) else _plan_static(main, planned)
    for allocation in allocations:
        if not lives[allocation]:
            _erase_with_aliases(allocation)
    return size


def _plan_static(main: func.FuncOp, lives: Mapping[memref.AllocOp, list[int]]) -> int:
    pairs = enumerate(lives.items())
    plan = plan_intervals([_interval(each, i, steps, _bytes(each)) for i, (each, steps) in pairs])
    arena = _append_arena(main, MemRefType(i8, [plan.arena]))
    for allocation, placement in zip(lives, plan.placements, strict=True):
        _replace_by_view(allocation, arena, placement)
    certificate = Certificate(plan, len(main.args) - 1)
    main.attributes[MEMORY_PLAN] = certificate_attribute(certificate)
    return plan.arena


def _plan_growing(main: func.FuncOp, lives: Mapping[memref.AllocOp, list[int]], hints: Hints) -> Extent:
    sizes = [_size(each) for each in lives]
    triples = enumerate(zip(lives.items(), sizes, strict=True))
    intervals = [_interval(each, i, steps, hinted(size, hints)) for i, ((each, steps), size) in triples]
    plan = growing_plan(intervals, sizes)
    # Who calls a model knows its arena; who calls a region gets it from its type.
    is_main = main.sym_name.data == "main"
    arena = _append_arena(main, MemRefType(i8, [DYNAMIC_INDEX]) if is_main else buffer_of([plan.arena], i8))
    offsets = emit_offsets(main.body.block, plan)
    for allocation, offset in zip(lives, offsets, strict=True):
        view = ViewOp.of(arena, offset, buffer_type(allocation.memref))
        view.result.name_hint = allocation.memref.name_hint
        view.attributes.update(allocation.attributes)
        Rewriter.replace_op(allocation, [view], [view.result])
    main.attributes[MEMORY_PLAN] = growing_attribute(plan, len(main.args) - 1)
    return 0 if is_main else plan.arena


def _lend_arenas(main: func.FuncOp, arenas: Mapping[str, Extent]) -> None:
    """Hand memory to every call of a function that has an arena: to all calls in one step the same."""
    steps: dict[Operation, list[tuple[func.CallOp, Extent]]] = {}
    for call in [op for op in main.walk() if isinstance(op, func.CallOp)]:
        size = arenas.get(call.callee.string_value())
        if size is not None:
            steps.setdefault(outermost(call, main.body.block), []).append((call, size))
    for step, calls in steps.items():
        most = reduce(maximum, (size for _, size in calls))
        sizes = [SizeOp(most)] if isinstance(most, Size) else []
        arena = memref.AllocOp(
            [s.value for s in sizes], [], buffer_of([most], i8), IntegerAttr(ALIGNMENT, i64)
        )
        Rewriter.insert_op([*sizes, arena], InsertPoint.before(step))
        for call, size in calls:
            lent = arena.memref if size == most else _start_of(arena.memref, size, step)
            call.operands = [*call.operands, lent]


def _start_of(arena: SSAValue, size: Extent, step: Operation) -> SSAValue:
    """The first bytes of an arena, named in front of a step."""
    zero, kind = arith.ConstantOp(IntegerAttr(0, IndexType())), buffer_of([size], i8)
    is_known = isinstance(size, int) and is_static(sizes_of(arena))
    view = memref.ViewOp(arena, zero, [], kind) if is_known else ViewOp.of(arena, zero.result, kind)
    Rewriter.insert_op([zero, view], InsertPoint.before(step))
    return view.result


def _main(module: ModuleOp) -> func.FuncOp:
    for op in module.body.block.ops:
        if isinstance(op, func.FuncOp) and op.sym_name.data == "main":
            return op
    raise PassFailedException("plan-memory: the module has no function @main")


def _is_step(op: Operation) -> bool:
    """Whether the op runs on memory, rather than name some."""
    touches = bool(op.regions) or any(isa(operand.type, MemRefType) for operand in op.operands)
    return touches and not isinstance(op, ALIASES)


def _uses(main: func.FuncOp, value: SSAValue, steps: dict[Operation, int]) -> list[int]:
    """The steps that use a value or an alias of it."""
    if isinstance(value.owner, memref.AllocOp) and value.owner.parent_op() is not main:
        raise PassFailedException(f"plan-memory: {value} is allocated inside {value.owner.parent_op()}")
    found: list[int] = []
    for use in value.uses:
        if isinstance(use.operation, ALIASES):
            found += _uses(main, use.operation.results[0], steps)
            continue
        step = outermost(use.operation, main.body.block)
        _check_use(step)
        found.append(steps[step])
        if isinstance(step, CONTROL) and isinstance(use.operation, (*CONTROL, *GIVES)):
            # Which of its buffers such an op gives is known only when it has run.
            found += [each for r in step.results if isa(r.type, MemRefType) for each in _uses(main, r, steps)]
    return found


def _check_use(op: Operation) -> None:
    """Refuse what would let memory outlive the step that uses it."""
    if isinstance(op, CONTROL):
        return
    escapes = isinstance(op, func.ReturnOp) or any(isa(result.type, MemRefType) for result in op.results)
    if escapes or isinstance(op, memref.DeallocOp):
        raise PassFailedException(f"plan-memory: a buffer of @main cannot be planned past '{op.name}'")


def _interval(allocation: memref.AllocOp, index: int, steps: list[int], size: int) -> Interval:
    wanted = allocation.alignment.value.data if allocation.alignment is not None else ALIGNMENT
    name = allocation.memref.name_hint or f"value{index}"
    return Interval(name, min(steps), max(steps), size, max(wanted, ALIGNMENT))


def _bytes(allocation: memref.AllocOp) -> int:
    type_ = allocation.memref.type
    if not isa(type_, MemRefType) or not type_.has_static_shape() or not isinstance(type_.layout, NoneAttr):
        raise PassFailedException(f"plan-memory: {type_} has no static shape and identity layout")
    return type_.element_count() * _width(type_)


def _size(allocation: memref.AllocOp) -> Extent:
    """The bytes of a value whose sizes may be known only at run time."""
    size: Extent = _width(buffer_type(allocation.memref))
    for each in sizes_of(allocation.memref):
        size = size * each
    return size


def _width(type_: MemRefType) -> int:
    element = type_.get_element_type()
    return 8 if isinstance(element, IndexType) else byte_size(element)


def _append_arena(main: func.FuncOp, kind: MemRefType[Attribute]) -> SSAValue:
    block = main.body.block
    arena = block.insert_arg(kind, len(block.args))
    arena.name_hint = "arena"
    outputs = main.function_type.outputs.data
    main.function_type = FunctionType.from_lists([argument.type for argument in block.args], outputs)
    if main.arg_attrs is not None:
        main.arg_attrs = ArrayAttr([*main.arg_attrs, DictionaryAttr({})])
    return arena


def _replace_by_view(allocation: memref.AllocOp, arena: SSAValue, placement: Placement) -> None:
    offset = arith.ConstantOp(IntegerAttr(placement.offset, IndexType()))
    offset.result.name_hint = f"c{placement.offset}"
    type_ = allocation.memref.type
    assert isa(type_, MemRefType), "an allocation has a memref"
    view = memref.ViewOp(arena, offset, [], type_)
    view.result.name_hint = allocation.memref.name_hint
    view.attributes.update(allocation.attributes)
    if placement.interval.alignment > ALIGNMENT:
        view.attributes["alignment"] = IntegerAttr(placement.interval.alignment, i64)
    Rewriter.replace_op(allocation, [offset, view], [view.result])


def _erase_with_aliases(op: Operation) -> None:
    for use in list(op.results[0].uses):
        _erase_with_aliases(use.operation)
    Rewriter.erase_op(op)
