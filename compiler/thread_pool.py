"""The pool of threads of a model as a module of the llvm level: what is common, and how this target waits."""

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from penstock.backends.llvm.futex import futex_functions
from penstock.backends.targets import Target, waiting_on
from penstock.dialects.nest.parallel import threads_of
from penstock.passes.lowering.thread_pool import pool_functions


def pool_module(module: ModuleOp, target: Target) -> ModuleOp | None:
    """The pool that a scheduled module needs; `None` for one thread, or where code cannot wait by itself."""
    is_shared = any(isinstance(op, func.FuncOp) and threads_of(op) for op in module.ops)
    how = waiting_on(target)
    if not is_shared or how is None:
        return None
    return ModuleOp([*pool_functions(), *futex_functions(how)])
