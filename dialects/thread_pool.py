"""The pool of threads that is emitted with the code: its functions and its memory, as its users know them.

penstock_pool_work(pool)                                     what each thread runs until told to stop
penstock_pool_stop(pool)                                     tells them; then they return
penstock_pool_parallel_for(pool, parts, task, arguments)     what `main` is given, with the pool
"""

WORK = "penstock_pool_work"
STOP = "penstock_pool_stop"
PARALLEL_FOR = "penstock_pool_parallel_for"
POOL_FUNCTIONS = (WORK, STOP, PARALLEL_FOR)

WAIT, WAKE, RELAX = "penstock.wait", "penstock.wake", "penstock.relax"
"""What the target adds: sleep while a word is a number, wake up to so many who do, rest for a moment."""

# Bytes.  What a thread looks at for a job is one cache line; what the caller asks and waits for is another.
# Lines are 64 bytes, and the gap is wide enough for memory that starts anywhere.
SPINS = 0
"""`i64`: how often a thread looks again before it sleeps; the only word that does not start as zero."""
OPEN = 8
"""`i32`: the parts of the job that no thread has taken, how many in the low half, behind the first of them in
the high half; below zero: stop."""
SLEEPERS = 12
"""`i32`: the threads that sleep until `OPEN` changes, or are about to."""
PARTS = 16
"""`i64`: the number of all parts of the job."""
TASK = 24
"""What runs a part of the job."""
ARGUMENTS = 32
"""What the task is given."""
UNFINISHED = 128
"""`i32`: the parts after the first that have not been run, and `WAITING` if the caller sleeps till then."""
BUSY = 132
"""`i32`: whether a call has the pool."""
POOL_BYTES = 192

HALF = 16
"""Bits of a half of `OPEN`."""
MOST_PARTS = (1 << (HALF - 1)) - 1
"""Parts that a job may have; one with more is done whole."""

WAITING = 1 << 30
"""The bit of `UNFINISHED` that asks to be woken."""

DEFAULT_SPINS = 8000
"""About 0.2 ms, looked for only behind a part that was done: a model that is not called uses no time.

Chosen on two cores of a virtual AMD Zen 3, 24 ns a look, where a core that sleeps takes 40 us to wake.  To
share a kernel of 78 us cost 41 us without a look and 2 us from 400 looks on (`python benchmarks/fork_join.py
--spins 0 400 800`).  Models have small kernels of one part in between: with 8000 looks instead of 400 two
threads took 7.7 instead of 8.7 ms for efficientnet_b0 and 55 instead of 61 ms for resnet50.
"""
