"""Runs functions of the llvm dialect on several threads, in every order that their steps can come in.

A step is one access to memory, a call of the task, or one to wait or wake; what lies between is the business
of one thread.  Memory is sequentially consistent: the orderings of the accesses are not put to the test.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Block, Operation, SSAValue

from penstock.dialects.llvm_atomics import AtomicRMWOp, CmpXchgOp
from penstock.dialects.thread_pool import RELAX, WAIT, WAKE

TASK = 1 << 40
"""The address of the task."""

Memory = tuple[tuple[int, int], ...]
"""The numbers in memory by their addresses, in order."""
Value = int | tuple[int, int]
Values = tuple[tuple[SSAValue, Value], ...]


def _as_i32(number: int) -> int:
    return (number + (1 << 31)) % (1 << 32) - (1 << 31)


_BINARY: Mapping[type[Operation], Callable[[int, int], int]] = {
    llvm.AddOp: lambda a, b: a + b,
    llvm.SubOp: lambda a, b: a - b,
    llvm.AndOp: lambda a, b: a & b,
    llvm.OrOp: lambda a, b: a | b,
    llvm.ShlOp: lambda a, b: _as_i32(a << b),
    llvm.AShrOp: lambda a, b: a >> b,
}
_COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "sgt": lambda a, b: a > b,
    "slt": lambda a, b: a < b,
    "sle": lambda a, b: a <= b,
    "ult": lambda a, b: a % (1 << 64) < b % (1 << 64),
}
_UPDATES: Mapping[str, Callable[[int, int], int]] = {
    "xchg": lambda a, b: b,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "_or": lambda a, b: a | b,
}
_VISIBLE = (llvm.LoadOp, llvm.StoreOp, AtomicRMWOp, CmpXchgOp, llvm.CallOp)


@dataclass(frozen=True)
class Call:
    """A function and what it is called with."""

    function: llvm.FuncOp
    arguments: tuple[int, ...]


@dataclass(frozen=True)
class Thread:
    """Where a thread is: at an op, with values; the calls that it makes afterwards; the word it sleeps on."""

    op: Operation | None
    values: Values
    todo: tuple[Call, ...]
    asleep: int | None = None


@dataclass(frozen=True)
class State:
    """All of a moment: the threads, the memory, and the parts of each job that have been run."""

    threads: tuple[Thread, ...]
    memory: Memory
    ran: tuple[tuple[int, int, int], ...] = ()
    """Job, part, parts; sorted, since the order does not matter."""


@cache
def _live_at(op: Operation) -> frozenset[SSAValue]:
    """Values that may be used at or after an op; those of other blocks are kept if any block uses them."""
    block = op.parent_block()
    assert block is not None
    ops = list(block.ops)
    later = {v for each in ops[ops.index(op) :] for v in each.operands}
    return frozenset(later | _used_elsewhere(block))


@cache
def _used_elsewhere(block: Block) -> frozenset[SSAValue]:
    region = block.parent
    assert region is not None
    others = [b for b in region.blocks if b in _reachable(block)]
    return frozenset(v for b in others for op in b.ops for v in op.operands)


@cache
def _reachable(block: Block) -> frozenset[Block]:
    found: set[Block] = set()
    todo = [block]
    while todo:
        last = todo.pop().last_op
        for each in () if last is None else last.successors:
            if each not in found:
                found.add(each)
                todo.append(each)
    return frozenset(found)


def _settled(op: Operation | None, values: Values) -> Values:
    """Without the values that nothing needs any more: states that differ in them only are one."""
    if op is None:
        return ()
    live = _live_at(op)
    return tuple(sorted(((v, n) for v, n in values if v in live), key=lambda item: id(item[0])))


def started(calls: Sequence[Call]) -> Thread:
    """A thread that makes calls one after the other."""
    return _next_call(Thread(None, (), tuple(calls)))


def _next_call(thread: Thread) -> Thread:
    if not thread.todo:
        return Thread(None, (), ())
    call, *rest = thread.todo
    entry = call.function.body.blocks[0]
    values = dict[SSAValue, Value](zip(entry.args, call.arguments, strict=True))
    return _to_step(entry.first_op, values, tuple(rest))


def _to_step(op: Operation | None, values: dict[SSAValue, Value], todo: tuple[Call, ...]) -> Thread:
    """Run until the next step that other threads can see."""
    while True:
        assert op is not None, "a block ends in a terminator"
        if isinstance(op, llvm.ReturnOp) or (isinstance(op, _VISIBLE) and not _rests(op)):
            return Thread(op, _settled(op, tuple(values.items())), todo)
        op = _run_alone(op, values)


def _rests(op: Operation) -> bool:
    return isinstance(op, llvm.CallOp) and op.callee is not None and op.callee.string_value() == RELAX


def _run_alone(op: Operation, values: dict[SSAValue, Value]) -> Operation | None:
    """Run an op that touches no memory; the op that follows."""
    given = [values.get(v, 0) for v in op.operands]
    numbers = [n if isinstance(n, int) else 0 for n in given]
    match op:
        case llvm.BrOp():
            return _enter(op.successor, [values[v] for v in op.arguments], values)
        case llvm.CondBrOp():
            taken, arguments = (
                (op.then_block, op.then_arguments) if numbers[0] else (op.else_block, op.else_arguments)
            )
            return _enter(taken, [values[v] for v in arguments], values)
        case llvm.ExtractValueOp():
            pair = given[0]
            assert isinstance(pair, tuple)
            values[op.res] = pair[op.position.get_values()[0]]
        case llvm.CallOp():
            pass
        case _:
            values[op.results[0]] = _pure(op, numbers)
    return op.next_op


def _enter(
    block: Block,
    arguments: Sequence[Value],
    values: dict[SSAValue, Value],
) -> Operation | None:
    values.update(zip(block.args, arguments, strict=True))
    return block.first_op


def _pure(op: Operation, numbers: Sequence[int]) -> int:
    match op:
        case llvm.ConstantOp():
            assert isinstance(op.value, IntegerAttr)
            return op.value.value.data
        case llvm.GEPOp():
            return sum(numbers)
        case llvm.ICmpOp():
            predicate = llvm.ICmpPredicateFlag.from_int(op.predicate.value.data).value
            return int(_COMPARISONS[predicate](*numbers))
        case llvm.SExtOp() | llvm.ZExtOp() | llvm.TruncOp():
            return numbers[0]
        case _:
            return _BINARY[type(op)](*numbers)


def steps(state: State) -> Iterator[State]:
    """Every moment that may come next."""
    for number, thread in enumerate(state.threads):
        if thread.op is not None and thread.asleep is None:
            yield from _step(state, number, thread, thread.op)


def _step(state: State, number: int, thread: Thread, op: Operation) -> Iterator[State]:
    values = dict(thread.values)
    numbers = [n if isinstance(n := values[v], int) else 0 for v in op.operands]
    memory = dict(state.memory)
    ran = state.ran
    match op:
        case llvm.ReturnOp():
            yield _with(state, number, _next_call(thread))
            return
        case llvm.LoadOp():
            values[op.dereferenced_value] = memory[numbers[0]]
        case llvm.StoreOp():
            memory[numbers[1]] = numbers[0]
        case AtomicRMWOp():
            values[op.res] = memory[numbers[0]]
            memory[numbers[0]] = _UPDATES[op.operator](*(memory[numbers[0]], numbers[1]))
        case CmpXchgOp():
            there, expected, wanted = memory[numbers[0]], numbers[1], numbers[2]
            values[op.res] = (there, int(there == expected))
            memory[numbers[0]] = wanted if there == expected else there
        case llvm.CallOp() if op.callee is None:
            assert numbers[0] == TASK, "only the task is called by its address"
            ran = tuple(sorted((*ran, (numbers[1], numbers[2], numbers[3]))))
        case _:
            assert isinstance(op, llvm.CallOp) and op.callee is not None
            yield from _wait_or_wake(state, number, thread, op, numbers)
            return
    after = _to_step(op.next_op, values, thread.todo)
    yield replace(_with(state, number, after), memory=tuple(sorted(memory.items())), ran=ran)


def _wait_or_wake(
    state: State, number: int, thread: Thread, op: llvm.CallOp, numbers: Sequence[int]
) -> Iterator[State]:
    assert op.callee is not None
    word, count = numbers
    after = _to_step(op.next_op, dict(thread.values), thread.todo)
    if op.callee.string_value() == WAIT:
        sleeps = dict(state.memory)[word] == count
        yield _with(state, number, replace(after, asleep=word) if sleeps else after)
        return
    assert op.callee.string_value() == WAKE
    asleep = [i for i, each in enumerate(state.threads) if each.asleep == word]
    for chosen in combinations(asleep, min(count, len(asleep))):
        woken = state
        for each in chosen:
            woken = _with(woken, each, replace(woken.threads[each], asleep=None))
        yield _with(woken, number, after)


def _with(state: State, number: int, thread: Thread) -> State:
    threads = (*state.threads[:number], thread, *state.threads[number + 1 :])
    return replace(state, threads=threads)
