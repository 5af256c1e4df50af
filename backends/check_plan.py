"""Proves a memory plan without the code that made it: nothing here comes from the pass `plan-memory`.

`check_plan` takes the plan alone.  `check_plan_against_module` reads lifetimes and offsets back from the
module that will run, proves those, and compares them with the certificate.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence

from xdsl.dialects import arith, func, memref
from xdsl.dialects.builtin import IndexType, IntegerAttr, MemRefType, ModuleOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from penstock.dialects.element_types import byte_size
from penstock.dialects.memory_certificate import MEMORY_PLAN, read_certificate
from penstock.dialects.memory_plan import ALIGNMENT, Interval, Placement, Plan

_CONTROL = ("scf.for", "scf.if", "scf.while")


def check_plan(plan: Plan) -> list[str]:
    """All that is wrong with a plan: values outside the arena, misaligned or overlapping, a wrong bound."""
    problems = [problem for placement in plan.placements for problem in _misplaced(placement, plan.arena)]
    problems += _overlaps(plan.placements)
    bound = _most_live_bytes(plan.placements)
    if bound != plan.bound:
        problems.append(f"the plan says that {plan.bound} bytes are the least possible; they are {bound}")
    return problems


def _misplaced(placement: Placement, arena: int) -> Iterator[str]:
    interval = placement.interval
    if placement.offset < 0 or placement.offset + interval.size > arena:
        yield f"'{interval.name}' at {placement.offset} with {interval.size} bytes is outside {arena} bytes"
    if placement.offset % max(interval.alignment, ALIGNMENT):
        yield f"'{interval.name}' at {placement.offset} is not aligned to {interval.alignment} bytes"
    if interval.first > interval.last or interval.size < 0:
        yield f"'{interval.name}' lives from {interval.first} to {interval.last} with {interval.size} bytes"


def _overlaps(placements: Sequence[Placement]) -> list[str]:
    """Sweep over time with the live values sorted by offset: a new one can only overlap its neighbours."""
    problems: list[str] = []
    live: list[tuple[int, int, int]] = []
    # At one step all starts come before all ends, as the last step of a value is part of its life.
    events = [(placement.interval.first, False, i) for i, placement in enumerate(placements)]
    events += [(placement.interval.last, True, i) for i, placement in enumerate(placements)]
    for step, ends, i in sorted(events):
        placement = placements[i]
        entry = (placement.offset, placement.end, i)
        if placement.interval.size <= 0 or placement.interval.first > placement.interval.last:
            continue
        if ends:
            live.remove(entry)
            continue
        at = bisect_left(live, entry)
        for start, end, other in live[max(0, at - 1) : at + 1]:
            if start < placement.end and placement.offset < end:
                names = f"'{placements[other].interval.name}' and '{placement.interval.name}'"
                problems.append(f"{names} share bytes while both live at step {step}")
        insort(live, entry)
    return problems


def _most_live_bytes(placements: Sequence[Placement]) -> int:
    """The fullest step, each size rounded up; fullness only grows where a value starts."""
    intervals = [placement.interval for placement in placements]
    return max(
        (
            sum(each.size + -each.size % ALIGNMENT for each in intervals if each.first <= step <= each.last)
            for step in {interval.first for interval in intervals}
        ),
        default=0,
    )


def check_plan_against_module(module: ModuleOp) -> list[str]:
    """All that is wrong with the plan of a lowered `main`, and of functions with plans that it calls.

    All is judged by what the module itself does; a call lends its callee an arena, which is a value there.
    """
    main = next((f for f in _functions(module) if f.sym_name.data == "main"), None)
    if main is None:
        return ["the module has no function @main"]
    if MEMORY_PLAN not in main.attributes:
        return [f"@main has no {MEMORY_PLAN}"]
    planned = [f for f in _functions(module) if MEMORY_PLAN in f.attributes]
    return [problem for function in planned for problem in _check_function(function)]


def _check_function(main: func.FuncOp) -> list[str]:
    name = f"@{main.sym_name.data}"
    try:
        certificate = read_certificate(main.attributes[MEMORY_PLAN])
    except VerifyException as error:
        return [str(error)]
    if not 0 <= certificate.argument < len(main.args):
        return [f"{name} has no argument {certificate.argument} to be the arena"]
    reading = _Reading(main.args[certificate.argument])
    actual = Plan(tuple(reading.placements()), reading.arena, certificate.plan.bound)
    return [*reading.problems, *check_plan(actual), *_differences(name, certificate.plan, actual)]


def _functions(module: ModuleOp) -> Iterator[func.FuncOp]:
    return (op for op in module.body.block.ops if isinstance(op, func.FuncOp))


def _differences(name: str, claimed: Plan, actual: Plan) -> Iterator[str]:
    if claimed.arena != actual.arena:
        yield f"the plan claims an arena of {claimed.arena} bytes; {name} takes {actual.arena}"
    if len(claimed.placements) != len(actual.placements):
        yield f"the plan has {len(claimed.placements)} values; {name} has {len(actual.placements)}"
    for claim, fact in zip(claimed.placements, actual.placements, strict=False):
        if _facts(claim) != _facts(fact):
            yield f"'{claim.interval.name}' is claimed at {_facts(claim)} and is at {_facts(fact)}"


def _facts(placement: Placement) -> str:
    interval = placement.interval
    return f"{placement.offset}+{interval.size} in steps {interval.first}-{interval.last}"


class _Reading:
    """What a lowered `main` does with its arena."""

    def __init__(self, arena: SSAValue):
        self.value = arena
        self.problems: list[str] = []
        block = arena.owner
        assert not isinstance(block, Operation), "the arena is an argument"
        working = (op for op in block.ops if not _is_view(op) and (op.regions or _touches_memory(op)))
        self.steps = {op: i for i, op in enumerate(working)}
        self.block = block
        self.views = [op for op in block.ops if isinstance(op, memref.ViewOp) and op.source is arena]

    @property
    def arena(self) -> int:
        """Bytes of the arena."""
        return self._bytes(self.value.type)

    def placements(self) -> Iterator[Placement]:
        """The views of the arena, live from the first to the last step that touches them."""
        for use in self.value.uses:
            if use.operation not in self.views:
                self.problems.append(f"'{use.operation.name}' uses the arena otherwise than through a view")
        for i, view in enumerate(self.views):
            touched = self._touched(view.result)
            offset = self._offset(view)
            if touched:
                name = view.result.name_hint or f"view{i}"
                size = self._bytes(view.result.type)
                yield Placement(Interval(name, min(touched), max(touched), size, _alignment(view)), offset)

    def _touched(self, value: SSAValue) -> list[int]:
        steps: list[int] = []
        for use in value.uses:
            op = self._outermost(use.operation)
            if _is_view(use.operation):
                steps += self._touched(use.operation.results[0])
            elif op in self.steps and op.name in _CONTROL:
                # It may give any of the memory that comes into it, and that is handed to its results.
                is_given = use.operation.name in (*_CONTROL, "scf.yield", "scf.condition")
                given = [result for result in op.results if is_given and _is_memory(result.type)]
                steps += [self.steps[op], *(step for each in given for step in self._touched(each))]
            elif (
                op not in self.steps or any(map(_is_memory, op.result_types)) or isinstance(op, func.ReturnOp)
            ):
                self.problems.append(f"'{op.name}' may keep memory of the arena past its step")
            else:
                steps.append(self.steps[op])
        return steps

    def _outermost(self, op: Operation) -> Operation:
        """The op of the function's block that an op is, or is in."""
        while op.parent_block() is not self.block:
            parent = op.parent_op()
            assert parent is not None, "what uses the arena is in the function"
            op = parent
        return op

    def _offset(self, view: memref.ViewOp) -> int:
        constant = view.byte_shift.owner
        if isinstance(constant, arith.ConstantOp) and isa(constant.value, IntegerAttr):
            return constant.value.value.data
        self.problems.append(f"the offset of {view} is not a constant")
        return 0

    def _bytes(self, type_: Attribute) -> int:
        if not isa(type_, MemRefType) or not type_.has_static_shape():
            self.problems.append(f"{type_} has no static size")
            return 0
        element = type_.get_element_type()
        return type_.element_count() * (8 if isinstance(element, IndexType) else byte_size(element))


def _alignment(view: memref.ViewOp) -> int:
    wanted = view.attributes.get("alignment")
    return max(ALIGNMENT, wanted.value.data) if isa(wanted, IntegerAttr) else ALIGNMENT


def _touches_memory(op: Operation) -> bool:
    return any(map(_is_memory, op.operand_types))


def _is_memory(type_: Attribute) -> bool:
    return isa(type_, MemRefType)


def _is_view(op: Operation) -> bool:
    """Whether an op of `memref` gives memory of its operand another type."""
    return op.name in {
        f"memref.{name}"
        for name in (
            "view",
            "cast",
            "subview",
            "expand_shape",
            "collapse_shape",
            "reinterpret_cast",
            "assume_alignment",
        )
    }
