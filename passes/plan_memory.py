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
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import arith, func, memref, scf
from xdsl.dialects.builtin import (
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
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.exceptions import PassFailedException
from xdsl.utils.hints import isa

from penstock.dialects.element_types import byte_size
from penstock.dialects.memory_certificate import MEMORY_PLAN, Certificate, certificate_attribute
from penstock.dialects.memory_plan import ALIGNMENT, Interval, Placement
from penstock.passes.memory.placement import plan_intervals
from penstock.passes.nest_rewriting import callees_first

# Their result is memory of their first operand.
ALIASES = (
    memref.CollapseShapeOp,
    memref.ExpandShapeOp,
    memref.ReinterpretCastOp,
    memref.SubviewOp,
    memref.CastOp,
    memref.AssumeAlignmentOp,
    memref.ViewOp,
)
CONTROL = (scf.ForOp, scf.IfOp, scf.WhileOp)
"""Steps with steps inside."""
GIVES = (scf.YieldOp, scf.ConditionOp)
"""What hands values on to the results of such steps."""


@dataclass(frozen=True)
class PlanMemoryPass(ModulePass):
    """Give every `memref.alloc` of `main` a place in an arena, its last argument; the same for what it calls.

    Needs static shapes and identity layouts, and allocations outside of loops and branches.  A value is live
    from its first to its last use, also through views; all operands of one call are live together, and all
    that a loop or a branch uses.  Values that nobody uses disappear.  A `main` that has a plan is
    left as it is.
    """

    name = "plan-memory"
    numerics: ClassVar[str] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        main = _main(op)
        if MEMORY_PLAN in main.attributes:
            return
        arenas: dict[str, int] = {}
        for function in callees_first(op, main):
            if function is main or _needs_memory(function, arenas):
                arenas[function.sym_name.data] = _plan(function, arenas)


def _needs_memory(function: func.FuncOp, arenas: Mapping[str, int]) -> bool:
    """Whether a function allocates, or calls one that was given an arena for that."""
    return any(
        isinstance(op, memref.AllocOp) or (isinstance(op, func.CallOp) and op.callee.string_value() in arenas)
        for op in function.walk()
    )


def _plan(main: func.FuncOp, arenas: Mapping[str, int]) -> int:
    """Plan a function whose callees are planned; the size of its arena."""
    _lend_arenas(main, arenas)
    steps = {each: i for i, each in enumerate(filter(_is_step, main.body.block.ops))}
    allocations = [each for each in main.walk() if isinstance(each, memref.AllocOp)]
    lives = {each: _uses(main, each.memref, steps) for each in allocations}
    used = [each for each in allocations if lives[each]]
    plan = plan_intervals([_interval(each, i, lives[each]) for i, each in enumerate(used)])
    arena = _append_arena(main, plan.arena)
    for allocation, placement in zip(used, plan.placements, strict=True):
        _replace_by_view(allocation, arena, placement)
    for allocation in allocations:
        if not lives[allocation]:
            _erase_with_aliases(allocation)
    certificate = Certificate(plan, len(main.args) - 1)
    main.attributes[MEMORY_PLAN] = certificate_attribute(certificate)
    return plan.arena


def _lend_arenas(main: func.FuncOp, arenas: Mapping[str, int]) -> None:
    """Hand memory to every call of a function that has an arena: to all calls in one step the same."""
    steps: dict[Operation, list[tuple[func.CallOp, int]]] = {}
    for call in [op for op in main.walk() if isinstance(op, func.CallOp)]:
        size = arenas.get(call.callee.string_value())
        if size is not None:
            steps.setdefault(_step_of(main, call), []).append((call, size))
    for step, calls in steps.items():
        most = max(size for _, size in calls)
        arena = memref.AllocOp.get(i8, ALIGNMENT, [most])
        Rewriter.insert_op(arena, InsertPoint.before(step))
        for call, size in calls:
            lent = arena.memref if size == most else _start_of(arena.memref, size, step)
            call.operands = [*call.operands, lent]


def _start_of(arena: SSAValue, size: int, step: Operation) -> SSAValue:
    """The first bytes of an arena, named in front of a step."""
    zero = arith.ConstantOp(IntegerAttr(0, IndexType()))
    view = memref.ViewOp(arena, zero, [], MemRefType(i8, [size]))
    Rewriter.insert_op([zero, view], InsertPoint.before(step))
    return view.result


def _step_of(main: func.FuncOp, op: Operation) -> Operation:
    """The op of the function's own block that an op is, or is in."""
    while (parent := op.parent_op()) is not main:
        assert parent is not None, "the op is in the function"
        op = parent
    return op


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
        step = _step_of(main, use.operation)
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


def _interval(allocation: memref.AllocOp, index: int, steps: list[int]) -> Interval:
    type_ = allocation.memref.type
    if not isa(type_, MemRefType) or not type_.has_static_shape() or not isinstance(type_.layout, NoneAttr):
        raise PassFailedException(f"plan-memory: {type_} has no static shape and identity layout")
    wanted = allocation.alignment.value.data if allocation.alignment is not None else ALIGNMENT
    name = allocation.memref.name_hint or f"value{index}"
    return Interval(name, min(steps), max(steps), _bytes(type_), max(wanted, ALIGNMENT))


def _bytes(type_: MemRefType) -> int:
    element = type_.get_element_type()
    return type_.element_count() * (8 if isinstance(element, IndexType) else byte_size(element))


def _append_arena(main: func.FuncOp, size: int) -> SSAValue:
    block = main.body.block
    arena = block.insert_arg(MemRefType(i8, [size]), len(block.args))
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
