"""The pool of threads, in every order in which the steps of its threads can come."""

from dataclasses import replace

import pytest
from xdsl.dialects import llvm
from xdsl.rewriter import Rewriter

from penstock.dialects.llvm_atomics import AtomicRMWOp
from penstock.dialects.thread_pool import (
    ARGUMENTS,
    BUSY,
    MOST_PARTS,
    OPEN,
    PARALLEL_FOR,
    PARTS,
    SLEEPERS,
    SPINS,
    STOP,
    UNFINISHED,
    WORK,
)
from penstock.dialects.thread_pool import TASK as TASK_WORD
from penstock.passes.lowering.thread_pool import pool_functions
from tests.backends.pool_machine import TASK, Call, State, Thread, started, steps

POOL = 0
FUNCTIONS = {function.sym_name.data: function for function in pool_functions()}
CHANGED = (OPEN, SLEEPERS, PARTS, TASK_WORD, ARGUMENTS, BUSY, UNFINISHED)


def job(number: int, parts: int) -> Call:
    """A call of `parallel_for`."""
    return Call(FUNCTIONS[PARALLEL_FOR], (POOL, parts, TASK, number))


def is_done(state: State, number: int, parts: int) -> bool:
    """Whether each part of a job has been run once, or the whole."""
    ran = sorted(each[1:] for each in state.ran if each[0] == number)
    return ran in ([(0, 1)], [(part, parts) for part in range(parts)])


def is_at_end(thread: Thread) -> bool:
    """Whether a thread has made all its calls."""
    return thread.op is None


def sorted_workers(state: State, callers: int) -> State:
    """The same state whichever worker is where: they are alike."""
    workers = sorted(state.threads[callers:], key=hash)
    return replace(state, threads=(*state.threads[:callers], *workers))


def explored(workers: int, callers: list[list[Call]], spins: int) -> tuple[int, list[State]]:
    """How many states there are, and those in which all callers are done and nothing more can happen."""
    threads = [started(calls) for calls in callers]
    threads += [started([Call(FUNCTIONS[WORK], (POOL,))]) for _ in range(workers)]
    memory = {SPINS: spins, **dict.fromkeys(CHANGED, 0)}
    first = State(tuple(threads), tuple(sorted(memory.items())))
    seen, todo, ends = {first}, [first], list[State]()
    while todo:
        state = todo.pop()
        following = [sorted_workers(each, len(callers)) for each in steps(state)]
        check(state, callers)
        if not following:
            ends.append(state)
        for each in following:
            if each not in seen:
                seen.add(each)
                todo.append(each)
    return len(seen), ends


def check(state: State, callers: list[list[Call]]) -> None:
    """What has returned is done: no part is missing and none was run twice."""
    for thread, calls in zip(state.threads, callers, strict=False):
        returned = calls[: len(calls) - len(thread.todo) - (not is_at_end(thread))]
        for call in returned:
            if call.function is FUNCTIONS[PARALLEL_FOR]:
                _, parts, _, number = call.arguments
                assert is_done(state, number, parts), f"job {number}: {state.ran}"


@pytest.mark.parametrize(
    ("workers", "jobs", "spins"),
    [
        (0, [[(1, 3)]], 0),
        (1, [[(1, 3), (2, 2)]], 0),
        (1, [[(1, 2), (2, 2)]], 1),
        (1, [[(1, 2)], [(2, 2)]], 0),
        (2, [[(1, 2)]], 0),
    ],
)
def test_every_order_of_steps(workers: int, jobs: list[list[tuple[int, int]]], spins: int) -> None:
    callers = [[job(*each) for each in calls] for calls in jobs]
    count, ends = explored(workers, callers, spins)
    assert count > 10
    for state in ends:
        assert all(is_at_end(thread) for thread in state.threads[: len(callers)]), "a caller waits for ever"
        assert all(thread.asleep == OPEN for thread in state.threads[len(callers) :]), "idle threads sleep"


def test_a_job_of_too_many_parts_is_done_whole() -> None:
    """The halves of the word hold no more: parts would be lost."""
    _, ends = explored(1, [[job(1, MOST_PARTS + 2)]], 0)
    assert ends and all([each[1:] for each in state.ran] == [(0, 1)] for state in ends)


def test_all_threads_end_when_told() -> None:
    callers = [[job(1, 2), Call(FUNCTIONS[STOP], (POOL,))]]
    _, ends = explored(1, callers, 0)
    _, more = explored(2, [callers[0][1:]], 1)
    ends += more
    assert all(is_at_end(thread) for state in ends for thread in state.threads)


def follows_mark(op: llvm.CondBrOp) -> bool:
    """Whether an op decides what to do after the caller said that it sleeps."""
    block = op.parent_block()
    assert block is not None
    return any(isinstance(each, AtomicRMWOp) and each.operator == "_or" for each in block.ops)


def test_a_lost_wake_would_be_found() -> None:
    """Without the second look of a caller that is about to sleep, the last part may end unseen."""
    broken = {f.sym_name.data: f for f in pool_functions()}[PARALLEL_FOR]
    (mark,) = (op for op in broken.walk() if isinstance(op, llvm.CondBrOp) and follows_mark(op))
    Rewriter.replace_op(mark, llvm.BrOp(mark.else_block), [])
    _, ends = explored(1, [[Call(broken, (POOL, 2, TASK, 1))]], 0)
    assert any(not is_at_end(state.threads[0]) for state in ends)
