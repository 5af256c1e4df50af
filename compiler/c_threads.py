"""The part of a C header that tells how a model runs on several threads; `objects` writes the rest."""

from collections.abc import Iterator, Mapping

from penstock.dialects.thread_pool import (
    DEFAULT_SPINS,
    PARALLEL_FOR,
    POOL_BYTES,
    POOL_FUNCTIONS,
    SPINS,
    STOP,
    WORK,
)

WORD = 8
assert SPINS == 0, "the header declares the spins first"


def pool_names(name: str) -> Mapping[str, str]:
    """The functions of the pool: their names in an object, and in the image."""
    return {f"{name}_{function.removeprefix('penstock_')}": function for function in POOL_FUNCTIONS}


def names_taken(name: str) -> set[str]:
    """The names that the header declares for threads."""
    types = {f"{name}_{each}" for each in ("task", "parallel_for", "pool")}
    return {*types, f"{name.upper()}_POOL_INIT", *pool_names(name)}


def thread_lines(name: str, threads: int, *, has_pool: bool) -> Iterator[str]:
    """What a caller gives to run parts of the model at the same time."""
    handed = f"int64_t parts, {name}_task task, void *arguments"
    yield from (
        f"/* Work is shared out in up to {threads} parts.  parallel_for(context, parts, task, arguments)",
        " * runs task(arguments, part, parts) once for each part from 0 to parts - 1, on any threads, in",
        " * any order, and returns when all have returned.  It may take another number of parts, given to",
        " * each of them: task(arguments, 0, 1) is the whole.  Several threads may call the model at the",
        " * same time, with an arena each; parallel_for is then called by each of them.  With a null",
        " * pointer all runs on the calling thread.  The outputs are the same, bit for bit. */",
        f"typedef void (*{name}_task)(void *arguments, int64_t part, int64_t parts);",
        f"typedef void (*{name}_parallel_for)(void *context, {handed});",
    )
    if has_pool:
        yield from _pool_lines(name)


def _pool_lines(name: str) -> Iterator[str]:
    kind, constant = f"{name}_pool", f"{name.upper()}_POOL_INIT"
    work, stop, parallel_for = (
        f"{name}_{each.removeprefix('penstock_')}" for each in (WORK, STOP, PARALLEL_FOR)
    )
    yield from (
        "/* A parallel_for for those who have none.  Make a pool and start threads, one fewer than parts:",
        f" *     static {kind} pool = {constant};       each thread calls {work}(&pool)",
        f" * call the model with {parallel_for} and &pool; at the end, when no call is under way:",
        f" *     {stop}(&pool);       every {work} returns; join the threads",
        " * Of calls at the same time, one has the threads and the others run alone.  A thread that waits",
        " * looks `spins` times more and then sleeps in the kernel (Linux futex): an idle pool takes no",
        " * time.  After fork() the child has none of the threads: its calls run alone until it makes a",
        " * pool of its own. */",
        f"typedef struct {{ int64_t spins, state[{POOL_BYTES // WORD - 1}]; }} {kind};",
        f"#define {constant} {{{DEFAULT_SPINS}, {{0}}}}",
        f"void {work}({kind} *pool);",
        f"void {stop}({kind} *pool);",
        f"void {parallel_for}(void *pool, int64_t parts, {name}_task task, void *arguments);",
    )
