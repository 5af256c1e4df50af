"""Checks the passes that see the whole module, one after the other, on the same inputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from xdsl.context import Context
from xdsl.passes import ModulePass

from penstock.checking.comparison import BROKEN
from penstock.checking.contracts import contract_of
from penstock.checking.execution import Case, nodes_of
from penstock.checking.judgement import Broken, Observed, apply_pass, judge
from penstock.checking.reduction import reduced
from penstock.checking.report import CheckStep, MiscompilationError, Reduced, write_reproducer
from penstock.dialects.resources import Array

Progress = Callable[[str], None]
"""Hears what is checked next."""


@dataclass(frozen=True)
class Session:
    """What all steps of one check share."""

    context: Context
    model: str
    folder: Path
    output_names: Sequence[str]
    progress: Progress

    def failure(
        self, step: CheckStep, detail: str, reduced: Reduced, nodes: Sequence[str]
    ) -> MiscompilationError:
        """The error for a step that failed, once the reduced module is on disk."""
        path = write_reproducer(self.folder, f"{self.model}.{step.name}", reduced)
        return MiscompilationError(step, detail, nodes=nodes, reproducer=path)


class WholeCheck:
    """The module as the passes so far left it, and what it was meant to compute in the beginning."""

    def __init__(self, session: Session, case: Case):
        self.session = session
        self.now = Observed(case)
        self._start = self.now
        self.failed: MiscompilationError | None = None

    @cached_property
    def truth(self) -> list[Array] | None:
        """The outputs of the imported module in double precision."""
        return self._start.wide

    def step(self, each: ModulePass) -> CheckStep:
        """Run a pass and judge it; `failed` holds the error when it broke its word."""
        self.session.progress(each.name)
        before, numerics = self.now, contract_of(each).text
        try:
            after = apply_pass(each, self.session.context, before)
            found = judge(each, before, after, self.truth)
        except Broken as problem:
            step = CheckStep(each.name, before.level, numerics, BROKEN.error, BROKEN.bound, False)
            self.failed = self._failure(each, step, str(problem))
            return step
        step = CheckStep(each.name, after.level, numerics, found.error, found.bound, found.is_allowed)
        if not found.is_allowed:
            self.failed = self._failure(each, step, found.described(self.session.output_names))
        self.now = after
        return step

    def _failure(self, each: ModulePass, step: CheckStep, detail: str) -> MiscompilationError:
        self.session.progress(f"{each.name}: reducing")
        case = self.now.case
        # A part of a module of open sizes does not know what they are.
        part = case if case.sizes else reduced(case, lambda c: is_broken(each, self.session.context, c))
        return self.session.failure(step, detail, Reduced(part.module, part.inputs), nodes_of(part.module))


def is_broken(each: ModulePass, context: Context, case: Case) -> bool:
    """Whether a pass changes the meaning of a module."""
    before = Observed(case)
    try:
        after = apply_pass(each, context, before)
        return not judge(each, before, after, before.wide).is_allowed
    except Broken:
        return True
    except Exception:
        # A part may be unlike anything the pass was written for: what it then raises is no finding.
        return False
