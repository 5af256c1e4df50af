"""A pool of threads as functions of the llvm level, for code that is shared among threads.

    the calling thread, in 8 parts                    another thread
    OPEN = 7 parts from 1, UNFINISHED = 7             while OPEN has parts: take the last one,
    wake who sleeps                                       run it, UNFINISHED -= 1
    run part 0                                        while OPEN has none: look SPINS times more, then
    while OPEN has parts: take the first one              sleep until it changes
    until UNFINISHED = 0: look, then sleep

A part is taken by one atomic step on `OPEN`, by whoever comes first: the caller waits for parts that run,
never for a thread that has yet to wake, so a pool without threads (in a child process, say) does all the
same.  The caller takes parts from the front and the others from the back: of two threads each finds in the
caches of its core what it made of the kernel before, unless one had to help the other out.

Task and arguments are read after the step on `OPEN` and stand until `UNFINISHED` is zero.  It does not matter
that `OPEN` may have belonged to another job when it was looked at: a step that succeeds takes a part of the
job that is there.  A call that finds the pool busy runs its whole work itself: it waits for nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.dialects import llvm
from xdsl.dialects.builtin import i32, i64
from xdsl.ir import Block, SSAValue

from penstock.dialects.thread_pool import (
    ARGUMENTS,
    BUSY,
    HALF,
    MOST_PARTS,
    OPEN,
    PARALLEL_FOR,
    PARTS,
    RELAX,
    SLEEPERS,
    SPINS,
    STOP,
    TASK,
    UNFINISHED,
    WAITING,
    WORK,
)
from penstock.passes.lowering.llvm_control import branch, branch_if, call_op
from penstock.passes.lowering.llvm_helpers import finished, started
from penstock.passes.lowering.llvm_snippets import binary, compare_integers
from penstock.passes.lowering.llvm_types import POINTER
from penstock.passes.lowering.pool_code import Pool, call

_ALL = (1 << 31) - 1


def pool_functions() -> Iterator[llvm.FuncOp]:
    """The functions of the pool; they call what the target provides for waiting."""
    yield _work()
    yield _stop()
    yield _parallel_for()


def _work() -> llvm.FuncOp:
    """Run parts of jobs until told to stop."""
    e = started((POINTER,))
    pool = Pool(e, e.block.args[0])
    look, claim, none, idle, sleep, end = (Block(arg_types=(i64,)), *(Block() for _ in range(5)))
    spins = pool.load(SPINS, i64)
    branch(e, look, (spins,))
    e.enter(look)
    left, open_parts = look.args[0], pool.look(OPEN)
    count = _count_of(pool, open_parts)
    branch_if(e, _compare(pool, "sgt", count, 0), (claim, ()), (none, ()))
    e.enter(claim)
    last = binary(e, llvm.AddOp, _first_of(pool, open_parts), binary(e, llvm.SubOp, count, e.integer(1, i32)))
    _take_part(pool, _Claim(open_parts, last, -1), (look, (spins,)), (look, (left,)))
    e.enter(none)
    branch_if(e, _compare(pool, "slt", open_parts, 0), (end, ()), (idle, ()))
    e.enter(idle)
    _look_again(pool, left, look, sleep)
    e.enter(sleep)
    # In one total order with the caller's: either it sees the sleeper, or the sleeper sees its job.
    pool.change(SLEEPERS, "add", 1, "seq_cst")
    pool.sleep(OPEN, open_parts)
    pool.change(SLEEPERS, "sub", 1, "monotonic")
    branch(e, look, (spins,))
    e.enter(end)
    return finished(e, WORK, "external")


def _stop() -> llvm.FuncOp:
    """Let all threads return; no call may use the pool."""
    e = started((POINTER,))
    pool = Pool(e, e.block.args[0])
    pool.change(OPEN, "xchg", -1, "seq_cst")
    pool.wake(OPEN, e.integer(_ALL, i32))
    return finished(e, STOP, "external")


def _parallel_for() -> llvm.FuncOp:
    """Run all parts of a task, or the whole where there is one part or another call has the pool."""
    e = started((POINTER, i64, POINTER, POINTER))
    pool = Pool(e, e.block.args[0])
    _, parts, task, arguments = e.block.args
    ask, alone, share, end = (Block() for _ in range(4))
    shared = compare_integers(
        e, "ult", binary(e, llvm.SubOp, parts, e.integer(2, i64)), e.integer(MOST_PARTS, i64)
    )
    branch_if(e, shared, (ask, ()), (alone, ()))
    e.enter(ask)
    busy = pool.change(BUSY, "xchg", 1, "acquire")
    branch_if(e, _compare(pool, "eq", busy, 0), (share, ()), (alone, ()))
    e.enter(alone)
    e.append(call_op(None, (task, arguments, e.integer(0, i64), e.integer(1, i64))))
    branch(e, end)
    e.enter(share)
    for word, value in ((PARTS, parts), (TASK, task), (ARGUMENTS, arguments)):
        pool.store(word, value)
    _share(pool, parts)
    pool.change(BUSY, "xchg", 0, "release")
    branch(e, end)
    e.enter(end)
    return finished(e, PARALLEL_FOR, "external")


def _share(pool: Pool, parts: SSAValue) -> None:
    """Open the job that is in the pool, help with it and wait for the rest."""
    e = pool.e
    wake, own, look, claim, join = (Block() for _ in range(5))
    others = binary(e, llvm.SubOp, e.emit(llvm.TruncOp, (parts,), i32), e.integer(1, i32))
    pool.store(UNFINISHED, others)
    pool.change(OPEN, "xchg", binary(e, llvm.OrOp, others, e.integer(1 << HALF, i32)), "seq_cst")
    branch_if(e, _compare(pool, "sgt", pool.look(SLEEPERS, "seq_cst"), 0), (wake, ()), (own, ()))
    e.enter(wake)
    pool.wake(OPEN, others)
    branch(e, own)
    e.enter(own)
    pool.run(e.integer(0, i32))
    branch(e, look)
    e.enter(look)
    open_parts = pool.look(OPEN)
    branch_if(e, _compare(pool, "sgt", _count_of(pool, open_parts), 0), (claim, ()), (join, ()))
    e.enter(claim)
    first = _first_of(pool, open_parts)
    _take_part(pool, _Claim(open_parts, first, (1 << HALF) - 1), (look, ()), (look, ()))
    e.enter(join)
    _join(pool)


@dataclass(frozen=True)
class _Claim:
    """What was seen in `OPEN`, the part that is wanted of it, and what `OPEN` changes by when it is taken."""

    seen: SSAValue
    part: SSAValue
    change: int


def _take_part(
    pool: Pool,
    claim: _Claim,
    done: tuple[Block, tuple[SSAValue, ...]],
    lost: tuple[Block, tuple[SSAValue, ...]],
) -> None:
    """Take a part that is open and run it, unless another thread was faster."""
    e = pool.e
    taken, last = Block(), Block()
    rest = binary(e, llvm.AddOp, claim.seen, e.integer(claim.change, i32))
    branch_if(e, pool.replace(OPEN, claim.seen, rest), (taken, ()), lost)
    e.enter(taken)
    pool.run(claim.part)
    unfinished = pool.change(UNFINISHED, "sub", 1, "acq_rel")
    branch_if(e, _compare(pool, "eq", unfinished, WAITING + 1), (last, ()), done)
    e.enter(last)
    pool.wake(UNFINISHED, e.integer(1, i32))
    branch(e, *done)


def _count_of(pool: Pool, open_parts: SSAValue) -> SSAValue:
    """How many parts are open; below zero when the threads are to stop."""
    bits = pool.e.integer(HALF, i32)
    return binary(pool.e, llvm.AShrOp, binary(pool.e, llvm.ShlOp, open_parts, bits), bits)


def _first_of(pool: Pool, open_parts: SSAValue) -> SSAValue:
    """The first part that is open."""
    return binary(pool.e, llvm.AShrOp, open_parts, pool.e.integer(HALF, i32))


def _join(pool: Pool) -> None:
    """Return when all parts have been run."""
    e = pool.e
    look, idle, mark, sleep, end = (Block(arg_types=(i64,)), *(Block() for _ in range(4)))
    branch(e, look, (pool.load(SPINS, i64),))
    e.enter(look)
    left = look.args[0]
    branch_if(e, _compare(pool, "eq", _count(pool, pool.look(UNFINISHED)), 0), (end, ()), (idle, ()))
    e.enter(idle)
    _look_again(pool, left, look, mark)
    e.enter(mark)
    before = pool.change(UNFINISHED, "_or", WAITING, "acquire")
    # The last part may have been run since: then no one wakes the caller.
    branch_if(e, _compare(pool, "eq", _count(pool, before), 0), (end, ()), (sleep, ()))
    e.enter(sleep)
    pool.sleep(UNFINISHED, binary(e, llvm.OrOp, before, e.integer(WAITING, i32)))
    branch(e, look, (left,))
    e.enter(end)


def _look_again(pool: Pool, left: SSAValue, look: Block, tired: Block) -> None:
    """Rest for a moment and look again, `left` times more."""
    e, rest = pool.e, Block()
    branch_if(e, compare_integers(e, "sgt", left, e.integer(0, i64)), (rest, ()), (tired, ()))
    e.enter(rest)
    call(e, RELAX)
    branch(e, look, (binary(e, llvm.SubOp, left, e.integer(1, i64)),))


def _count(pool: Pool, unfinished: SSAValue) -> SSAValue:
    """The number of parts, whether or not the caller sleeps."""
    return binary(pool.e, llvm.AndOp, unfinished, pool.e.integer(WAITING - 1, i32))


def _compare(pool: Pool, predicate: str, number: SSAValue, with_number: int) -> SSAValue:
    return compare_integers(pool.e, predicate, number, pool.e.integer(with_number, i32))
