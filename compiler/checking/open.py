"""The check of a model of open sizes: every pass on the whole module, then the code, at two sets of sizes.

The passes see symbols, the executors numbers: a module is executed with numbers put in, the code is called
with them.  Kernels are not followed pass by pass below the nest level: the code stands for those passes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import prod, sqrt

from xdsl.context import Context
from xdsl.dialects.builtin import IndexType, ModuleOp
from xdsl.passes import ModulePass

from penstock.backends.llvm import Image
from penstock.backends.llvm.guarded import run_guarded
from penstock.backends.targets import Target
from penstock.build import build_image
from penstock.checking.comparison import BROKEN, NONE, Difference, bounded_difference
from penstock.checking.contracts import contract_of
from penstock.checking.execution import Case, entry, nodes_of, output_names, service_memory
from penstock.checking.inputs import seeded_inputs
from penstock.checking.judgement import FLOOR, Broken, Observed
from penstock.checking.kernels import CODE
from penstock.checking.options import Options
from penstock.checking.program import arguments_of
from penstock.checking.recall import Recall
from penstock.checking.report import CheckStep, Reduced
from penstock.checking.results import Results
from penstock.checking.sizes import Sizes
from penstock.checking.whole import Progress, Session, WholeCheck
from penstock.dialects.hints import bounds_of, hints_of
from penstock.dialects.module_requirements import requirements_of
from penstock.dialects.nest.ops import ComputeOp
from penstock.dialects.nest.sizes import symbols
from penstock.dialects.resources import Array
from penstock.dialects.settling import other_sizes
from penstock.package import ENTRY
from penstock.passes.settle_hints import natural_sizes
from penstock.pipeline import Phase

BY_KERNEL = ("loops", "llvm")


def check_open(
    context: Context, module: ModuleOp, phases: Sequence[Phase], target: Target, options: Options
) -> Iterator[CheckStep]:
    """Check a graph-level module at two sets of sizes; a step that fails is followed by an error."""
    session = Session(context, options.model, options.folder, output_names(module), options.progress)
    whole = [each for phase in phases if phase.level not in BY_KERNEL for each in phase.passes]
    later = [phase for phase in phases if phase.level in BY_KERNEL]
    for sizes in two_sizes(context, module, whole):
        here = replace(session, progress=_telling(session.progress, sizes))
        case = Case(
            module, seeded_inputs(module, options.seed, sizes), sizes, Recall(options.seed).calls, Results()
        )
        check = WholeCheck(here, case)
        for each in whole:
            yield check.step(each)
            if check.failed is not None:
                raise check.failed
        here.progress("the code")
        image = build_image(context, check.now.case.module, target, later)
        passes = [each for phase in later for each in phase.passes]
        yield from _check_code(here, check.now, check.truth, image, passes)


def _telling(progress: Progress, sizes: Sizes) -> Progress:
    """Progress that tells the sizes as well."""
    told = ", ".join(f"{name} = {size}" for name, size in sizes.items())
    return lambda what: progress(f"{what} at {told}")


def two_sizes(context: Context, module: ModuleOp, passes: Sequence[ModulePass]) -> list[Sizes]:
    """The hints and others, that the requirements allow: the passes find out what those are."""
    trial = module.clone()
    for each in passes:
        each.apply(context, trial)
    hints = hints_of(trial)
    required = [*requirements_of(trial), *natural_sizes(trial)]
    found = [hints, other_sizes(required, bounds_of(trial), hints)]
    return found if found[0] != found[1] else [hints]


def _check_code(
    session: Session,
    planned: Observed,
    truth: Sequence[Array] | None,
    image: Image,
    passes: Sequence[ModulePass],
) -> Iterator[CheckStep]:
    """Run the code and compare it with what the planned module computes."""
    arguments = _arguments(planned.case)
    try:
        found = _difference(planned, truth, image, arguments, sum(contract_of(p).ulps for p in passes))
        detail = found.described(session.output_names)
    except Broken as problem:
        found, detail = BROKEN, str(problem)
    step = CheckStep(CODE, "code", "exact", found.error, found.bound, found.is_allowed, ENTRY)
    yield step
    if not found.is_allowed:
        module = planned.case.module
        arrays = [a for a in arguments if not isinstance(a, int)]
        raise session.failure(step, detail, Reduced(module, arrays), nodes_of(module))


def _arguments(case: Case) -> list[Array | int]:
    """What `main` takes, in order: arrays, and the sizes where it takes them."""
    arrays = iter(arguments_of(entry(case.known), case.inputs))
    main = entry(case.module)
    names = {value: name for name, value in symbols(main).items()}
    return [case.sizes[names[a]] if isinstance(a.type, IndexType) else next(arrays) for a in main.args]


def _difference(
    planned: Observed,
    truth: Sequence[Array] | None,
    image: Image,
    arguments: Sequence[Array | int],
    ulps: float,
) -> Difference:
    outcome = run_guarded(image, ENTRY, arguments)
    if outcome.problem is not None:
        raise Broken(outcome.problem)
    known = planned.case.known
    main, count = entry(known), len(planned.case.inputs)
    outputs = [a for i, a in enumerate(outcome.arrays) if i >= count and service_memory(main, i) is None]
    growth = 2 * (FLOOR + sqrt(_longest_sum(known)) + ulps)
    bounds = [growth * error for error in planned.errors(truth)]
    return bounded_difference(planned.outputs, outputs, bounds) or NONE


def _longest_sum(module: ModuleOp) -> int:
    """The most terms that one result of a nest is folded from."""
    nests = [op for op in module.walk() if isinstance(op, ComputeOp)]
    return max((prod(d.size for d in nest.loops if d.is_reduction) for nest in nests), default=1)
