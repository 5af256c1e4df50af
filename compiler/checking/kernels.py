"""Checks the passes that see one kernel at a time, down to its optimised machine code."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xdsl.passes import ModulePass

from penstock.checking.comparison import BROKEN, Difference
from penstock.checking.contracts import contract_of
from penstock.checking.execution import nodes_of
from penstock.checking.instances import Instance, Machine, corner
from penstock.checking.judgement import Broken
from penstock.checking.report import CheckStep, MiscompilationError, Reduced
from penstock.checking.trials import Kernel, Trial, trials_of
from penstock.checking.whole import Session
from penstock.dialects.resources import Array

CODE = "generate-code"
"""Stands for LLVM's optimiser and code generator among the names of passes."""
MAX_STEPS = 100_000
"""What the interpreter of the loops level may execute per trial, or it takes corners of the kernel."""


@dataclass(frozen=True)
class Outcome:
    """What came of one pass, by its number, on one instance of a kernel: a difference, or what went wrong."""

    number: int
    instance: Instance
    found: Difference | str

    @property
    def difference(self) -> Difference:
        """The difference; an unbounded one where none could be measured."""
        return self.found if isinstance(self.found, Difference) else BROKEN

    @property
    def detail(self) -> str:
        """The outcome as a part of a sentence."""
        return self.found.described([]) if isinstance(self.found, Difference) else self.found

    @property
    def badness(self) -> tuple[bool, float]:
        """Puts what is not allowed last, and of the rest the largest error."""
        return not self.difference.is_allowed, self.difference.error


class KernelCheck:
    """One kernel on its way through the passes."""

    def __init__(
        self, session: Session, passes: Sequence[ModulePass], kernel: Kernel, machine: Machine, max_steps: int
    ):
        self.session, self.passes, self.kernel, self.machine = session, passes, kernel, machine
        self.max_steps = max_steps
        self.failed: MiscompilationError | None = None
        self.code = b""
        self._trials: list[Trial] = []
        self._corners: list[Instance] = []

    def steps(self, recorded: Sequence[Array], seed: int) -> Iterator[CheckStep]:
        """A step for each pass and one for code generation; after a failure there are no more."""
        self._trials = list(trials_of(self.kernel, recorded, seed))
        whole = Instance(self.kernel, self._trials, self.machine)
        for number in range(len(self.passes) + 1):
            was_traced = whole.last is not None
            outcome = max(self._outcomes(whole, number), key=lambda o: o.badness)
            if not outcome.difference.is_allowed:
                if not was_traced and number < len(self.passes):
                    outcome = self._traced(number) or outcome
                self.failed = self._failure(outcome)
            yield self._step(outcome)
            if self.failed is not None:
                return
        self.code = whole.code

    def _outcomes(self, whole: Instance, number: int) -> Iterator[Outcome]:
        """All instances one pass further; corners of a kernel that is too long join the day that shows."""
        yield self._tried(whole, number, self.max_steps)
        if whole.level == "llvm":
            return
        for instance in self._corners:
            yield self._tried(instance, number, None)
        if whole.was_skipped and not self._corners:
            self._corners = self._new_corners()
            for instance in self._corners:
                yield from (self._tried(instance, earlier, None) for earlier in range(number + 1))

    def _tried(self, instance: Instance, number: int, max_steps: int | None) -> Outcome:
        try:
            if number == len(self.passes):
                return Outcome(number, instance, instance.optimise())
            each = self.passes[number]
            return Outcome(number, instance, instance.advance(each, self.session.context, max_steps))
        except Broken as problem:
            return Outcome(number, instance, str(problem))

    def _new_corners(self) -> list[Instance]:
        """Instances that cost little, on the arguments that tell most: the last ones made up."""
        arrays = self._trials[-1].arrays
        kernels = [corner(self.kernel, at_end) for at_end in (False, True)]
        return [Instance(k, [Trial(k, arrays)], self.machine, is_part=True) for k in kernels]

    def _traced(self, last: int) -> Outcome | None:
        """The first pass that did wrong to a kernel which was not followed through all levels."""
        whole = Instance(self.kernel, self._trials, self.machine)
        for instance in (*self._new_corners(), whole):
            for number in range(last + 1):
                outcome = self._tried(instance, number, None)
                if not outcome.difference.is_allowed:
                    return outcome
        return None

    def _step(self, outcome: Outcome) -> CheckStep:
        found, name, level, numerics = outcome.difference, CODE, "code", "exact"
        if outcome.number < len(self.passes):
            each = self.passes[outcome.number]
            name, level, numerics = each.name, outcome.instance.level, contract_of(each).text
        return CheckStep(name, level, numerics, found.error, found.bound, found.is_allowed, self.kernel.name)

    def _failure(self, outcome: Outcome) -> MiscompilationError:
        module = outcome.instance.kernel.module.clone()
        for each in self.passes[: outcome.number]:
            each.apply(self.session.context, module)
        reduced = Reduced(module, outcome.instance.trials[0].arrays)
        nodes = nodes_of(self.kernel.function)
        return self.session.failure(self._step(outcome), outcome.detail, reduced, nodes)
