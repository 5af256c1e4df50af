"""A kernel on its way down to machine code: lowered pass by pass, run and compared after each."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects import llvm, math
from xdsl.dialects.arith import FastMathFlagsAttr
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from penstock.backends.llvm import compile_module, link
from penstock.backends.llvm.guarded import run_guarded
from penstock.backends.loops_interpreter import BudgetExceeded, translate_loops
from penstock.backends.targets import Target
from penstock.checking.comparison import (
    NONE,
    Difference,
    bit_difference,
    bounded_difference,
    differing_bits,
    epsilon,
)
from penstock.checking.contracts import Contract, contract_of
from penstock.checking.fingerprint import fingerprint
from penstock.checking.judgement import Broken, in_one_line, verify
from penstock.checking.trials import Kernel, Trial
from penstock.checking.widening import is_real
from penstock.dialects.nest.ops import ComputeOp
from penstock.dialects.resources import Array
from penstock.passes.nest_rewriting import split_range

Results = list[list[Array]]

CORNER = 2
"""Iterations that are kept of a loop where a kernel is too long for the interpreter."""
EXACT = Contract("exact", is_exact=True)
RARE = 1e-3
"""The share of results in which the interpreter's fused multiply-add may round twice."""


def level_of(module: ModuleOp) -> str:
    """The level of a module of one function."""
    if any(isinstance(op, llvm.FuncOp) for op in module.ops):
        return "llvm"
    return "nest" if any(isinstance(op, ComputeOp) for op in module.walk()) else "loops"


def corner(kernel: Kernel, at_end: bool) -> Kernel:
    """The kernel with a few iterations of every loop that stays a loop: all of its code, little work."""
    module = kernel.module.clone()
    for nest in [op for op in module.walk() if isinstance(op, ComputeOp)]:
        _shorten(nest, at_end)
    return Kernel(kernel.name, module)


def _shorten(nest: ComputeOp, at_end: bool) -> None:
    for position, loop in enumerate(nest.loops):
        if not loop.in_registers and loop.size > CORNER:
            shorter = split_range(nest, position, loop.size - CORNER if at_end else 0, CORNER)
            Rewriter.replace_op(nest, shorter, [])
            nest = shorter


@dataclass
class Machine:
    """How code is made and run."""

    target: Target
    seconds: float = 60.0

    def compile(self, module: ModuleOp, *, optimised: bool) -> bytes:
        """Object code of a module of the `llvm` dialect; `Broken` tells what LLVM has against it."""
        try:
            return compile_module(module, self.target, optimised=optimised).object
        except RuntimeError as error:
            raise Broken(f"LLVM refuses the code: {in_one_line(error)}") from error

    def run(self, objects: Sequence[bytes], name: str, calls: Iterable[Sequence[Array]]) -> Results:
        """The arguments of each call as linked objects leave them; `Broken` tells a crash."""
        image = link(objects)
        results: Results = []
        for arrays in calls:
            outcome = run_guarded(image, name, arrays, seconds=self.seconds)
            if outcome.problem is not None:
                raise Broken(outcome.problem)
            results.append(outcome.arrays)
        return results


class Instance:
    """One kernel and its trials at the level reached so far."""

    def __init__(self, kernel: Kernel, trials: Sequence[Trial], machine: Machine, *, is_part: bool = False):
        self.kernel, self.trials, self.machine, self.is_part = kernel, trials, machine, is_part
        self.module = kernel.module.clone()
        self.level = "nest"
        self.was_skipped = self.is_open = False
        self.code = b""
        """Optimised object code, once that is made."""
        self.last: Results | None = None
        """What the level before computed, where its executor leaves nothing open."""

    def advance(self, each: ModulePass, context: Context, max_steps: int | None) -> Difference:
        """Run a pass, then the module it leaves, and compare; `Broken` when that cannot be."""
        before, meaning = self.level, fingerprint(self.module)
        each.apply(context, self.module)
        self.level = level_of(self.module)
        if self.level == before and fingerprint(self.module) == meaning:
            return NONE
        self.is_open = self.is_open or leaves_order_open(self.module)
        # LLVM verifies its own, and what holds for a kernel holds for a part of it.
        if self.level != "llvm" and not self.is_part:
            verify(self.module)
        results = self._run(max_steps)
        self.was_skipped = results is None
        if results is None:
            self.last = None
            return NONE
        if before == "nest" and self.level == "loops" and self.kernel.is_reproducible:
            self.last = [t.in_order for t in self.trials]
        found = self._compared(contract_of(each), results)
        self.last = results
        return found

    def optimise(self) -> Difference:
        """Compare optimised code with code that follows the module op by op."""
        assert self.last is not None and self.level == "llvm", "code that is not optimised ran before"
        self.code = self.machine.compile(self.module, optimised=True)
        return self._compared(EXACT, self.machine.run([self.code], self.kernel.name, self._arguments))

    @property
    def _arguments(self) -> Iterator[Sequence[Array]]:
        return (trial.arrays for trial in self.trials)

    def _run(self, max_steps: int | None) -> Results | None:
        """What the module computes; nothing where that takes too long."""
        if self.level == "llvm":
            code = self.machine.compile(self.module, optimised=False)
            return self.machine.run([code], self.kernel.name, self._arguments)
        try:
            if self.level == "nest":
                return [Kernel(self.kernel.name, self.module).run(t.arrays) for t in self.trials]
            return self._interpreted(max_steps)
        except BudgetExceeded:
            return None
        except (IndexError, ValueError, KeyError, ZeroDivisionError) as error:
            raise Broken(f"the kernel cannot be executed any more: {in_one_line(error)}") from error

    def _interpreted(self, max_steps: int | None) -> Results:
        program = translate_loops(self.module)
        results = [[np.array(a, order="C") for a in trial.arrays] for trial in self.trials]
        for arrays in results:
            program.run(self.kernel.name, arrays, max_steps)
        return results

    def _compared(self, contract: Contract, results: Results) -> Difference:
        found: list[Difference | None] = []
        is_exact = contract.is_exact and not self.is_open
        for number, (trial, new) in enumerate(zip(self.trials, results, strict=True)):
            if is_exact and self.last is not None:
                found.append(_exactly(self.last[number], new, trial))
            else:
                found.append(trial.difference(new, contract.ulps))
        return worst(found)


def leaves_order_open(module: ModuleOp) -> bool:
    """Whether an op lets the code generator choose how it rounds, as the sum over a vector's lanes does."""
    return any(
        isinstance(flags, FastMathFlagsAttr | llvm.FastMathAttr) and flags.data
        for op in module.walk()
        for flags in op.properties.values()
    )


def worst(found: Sequence[Difference | None]) -> Difference:
    """A difference that is not allowed, or else the largest."""
    there = [d for d in found if d is not None]
    return max(there, key=lambda d: (not d.is_allowed, d.error), default=NONE)


def _exactly(old: Sequence[Array], new: Sequence[Array], trial: Trial) -> Difference | None:
    """The difference in bits, except where the interpreter's own arithmetic is not the machine's.

    It rounds a fused multiply-add twice, which shows once in many millions; and the short formats are
    computed in single precision and rounded, which for a fused multiply-add may be off in the last place.
    """
    found = bit_difference(old, new)
    if found is None:
        return None
    if any(is_real(a) and a.itemsize < 4 for a in old):
        return bounded_difference(old, new, trial.bounds(0.0))
    rounded = bounded_difference(old, new, [2 * epsilon(a) if is_real(a) else 0.0 for a in old])
    wrong = sum(int(differing_bits(a, b).sum()) for a, b in zip(old, new, strict=True))
    is_rare = wrong <= max(1.0, RARE * sum(a.size for a in old))
    is_excused = trial.kernel.has(math.FmaOp) and is_rare and (rounded is None or rounded.is_allowed)
    return None if is_excused else found
