"""The whole check of one module: every pass of a pipeline, at every level, down to the linked program."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from penstock.backends.nests.scalars import dtype_of
from penstock.backends.targets import Target, missing_features
from penstock.build import function_modules, program_module
from penstock.checking.execution import Case, execute, output_names
from penstock.checking.inputs import seeded_inputs
from penstock.checking.instances import Machine
from penstock.checking.kernels import KernelCheck
from penstock.checking.open import check_open
from penstock.checking.options import Options
from penstock.checking.program import ProgramCheck
from penstock.checking.recall import Recall
from penstock.checking.report import CheckStep
from penstock.checking.results import Results
from penstock.checking.trials import Kernel
from penstock.checking.whole import Session, WholeCheck
from penstock.dialects.hints import hints_of
from penstock.dialects.nest.ops import element_of, shape_of
from penstock.dialects.resources import Array
from penstock.errors import TargetError
from penstock.pipeline import Phase

BY_KERNEL = ("loops", "llvm")
"""Levels whose phases see one kernel at a time."""


def check_module(
    context: Context,
    module: ModuleOp,
    phases: Sequence[Phase],
    target: Target,
    options: Options | None = None,
) -> Iterator[CheckStep]:
    """Run a graph-level module through a pipeline, executing it before and after every pass.

    A step that fails is followed by a `MiscompilationError`.  `TargetError`: this machine cannot run the
    code.
    """
    given = options or Options()
    lacking = missing_features(target)
    if lacking:
        raise TargetError(
            f"a check runs the code, and this machine lacks {', '.join(lacking)} for {target.name}",
            remedy="Check with --target host.",
        )
    if hints_of(module):
        yield from check_open(context, module, phases, target, given)
        return
    session = Session(context, given.model, given.folder, output_names(module), given.progress)
    whole = WholeCheck(
        session,
        Case(
            module,
            seeded_inputs(module, given.seed),
            remember=Recall(given.seed).calls,
            results=Results(),
        ),
    )
    for each in _passes(phases, by_kernel=False):
        yield whole.step(each)
        if whole.failed is not None:
            raise whole.failed
    yield from _check_code(session, whole, _passes(phases, by_kernel=True), Machine(target), given)


def _passes(phases: Sequence[Phase], *, by_kernel: bool) -> list[ModulePass]:
    return [each for phase in phases if (phase.level in BY_KERNEL) == by_kernel for each in phase.passes]


def _check_code(
    session: Session, whole: WholeCheck, passes: Sequence[ModulePass], machine: Machine, options: Options
) -> Iterator[CheckStep]:
    """Each kernel on its own, then all of them together."""
    planned = whole.now
    calls = recorded_calls(planned.case)
    parts = {name_of(part): part for part in function_modules(planned.case.module)}
    made = {name: Kernel(name, part) for name, part in parts.items()}
    kernels = {name: kernel for name, kernel in made.items() if "nest.kernel" in kernel.function.attributes}
    objects: list[bytes] = []
    for number, (name, kernel) in enumerate(kernels.items(), 1):
        session.progress(f"kernel {number} of {len(kernels)}: {name}")
        check = KernelCheck(session, passes, kernel, machine, options.max_steps)
        yield from check.steps(calls.get(name) or _blank_arguments(kernel), options.seed)
        if check.failed is not None:
            raise check.failed
        objects.append(check.code)
    session.progress("the whole program")
    program = ProgramCheck(session, passes, planned, machine)
    longest = max((k.longest_sum for k in kernels.values()), default=1)
    yield from program.steps(program_module(planned.case.module), objects, longest, whole.truth)
    if program.failed is not None:
        raise program.failed


def _blank_arguments(kernel: Kernel) -> list[Array]:
    """Arguments for a kernel of a branch that was not taken."""
    buffers = kernel.function.body.block.args
    return [np.zeros(shape_of(buffer), dtype_of(element_of(buffer))) for buffer in buffers]


def name_of(part: ModuleOp) -> str:
    """The function that a module of one function defines."""
    return next(f.sym_name.data for f in part.ops if isinstance(f, FuncOp) and f.body.blocks)


def recorded_calls(case: Case) -> dict[str, list[Array]]:
    """The arguments of the first call of each kernel."""
    calls: dict[str, list[Array]] = {}

    def watch(op: Operation, buffers: Mapping[SSAValue, Array]) -> None:
        if isinstance(op, CallOp):
            name = op.callee.string_value()
            calls[name] = calls.get(name) or [np.array(buffers[o]) for o in op.operands]

    execute(case, watch=watch)
    return calls
