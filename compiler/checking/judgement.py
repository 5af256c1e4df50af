"""Whether a pass kept its word on a whole module; the rules are told in docs/checking.md.

Two numbers differ for one of two reasons: they were rounded otherwise, or they mean something else.  In
double precision the first kind of difference shrinks by the ratio of the two formats, the second does not.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import VerifyException

from penstock.backends.check_plan import check_plan_against_module
from penstock.checking.comparison import (
    NONE,
    Difference,
    bit_difference,
    bounded_difference,
    differing_bits,
    epsilon,
    same_kind,
    scale_of,
)
from penstock.checking.contracts import Contract, contract_of
from penstock.checking.execution import Case, ExecutionError, entry, execute, execute_wide, is_graph
from penstock.checking.fingerprint import Fingerprint, fingerprint
from penstock.checking.widening import is_real
from penstock.dialects.memory_certificate import MEMORY_PLAN
from penstock.dialects.resources import Array

SLACK = 16.0
"""How often the rounding error there was may grow, as a pass changes which roundings happen."""
FLOOR = 4.0
"""Roundings of the result that are granted where the error there was happens to be nothing."""
DOUBLE = 2.0**-52


class Observed:
    """A module and what it computes from fixed inputs, executed when first asked for."""

    def __init__(self, case: Case):
        self.case = case

    @cached_property
    def outputs(self) -> list[Array]:
        """The outputs in the types of the module."""
        return execute(self.case)

    @cached_property
    def outputs_in_order(self) -> list[Array]:
        """The outputs with every sum formed step by step."""
        return execute(self.case, in_order=True)

    @cached_property
    def wide(self) -> list[Array] | None:
        """The outputs in double precision."""
        return execute_wide(self.case)

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """What tells this module from another."""
        return fingerprint(self.case.module)

    @cached_property
    def is_graph(self) -> bool:
        """Whether the module is of the graph level."""
        return is_graph(self.case.module)

    @property
    def level(self) -> str:
        """The level of the module."""
        return "graph" if self.is_graph else "nest"

    def errors(self, truth: Sequence[Array] | None) -> list[float]:
        """The error of each output against its true value; a few roundings where that is not known."""
        known = self.outputs if truth is None else truth
        return [relative_error(o, t) + FLOOR * _unit(o) for o, t in zip(self.outputs, known, strict=True)]


def _unit(array: Array) -> float:
    return epsilon(array) if is_real(array) else 0.0


def relative_error(array: Array, truth: Array) -> float:
    """The largest distance from the truth over finite numbers, relative to the largest of them."""
    if not is_real(array) or not is_real(truth) or array.size == 0:
        return 0.0
    exact = truth.astype(np.float64)
    with np.errstate(all="ignore"):
        gaps = np.abs(array.astype(np.float64) - exact)
    scale = scale_of(exact)
    return float(np.max(gaps, where=np.isfinite(gaps), initial=0.0)) / scale if scale else 0.0


class Broken(Exception):
    """A module that a pass left in a state in which it cannot be compared: told as a sentence."""


def apply_pass(each: ModulePass, context: Context, before: Observed) -> Observed:
    """The module after a pass, checked for what needs no execution; `Broken` says what is wrong with it."""
    module = before.case.module.clone()
    each.apply(context, module)
    verify(module)
    case = before.case.on(module)
    problems = _plan_problems(case)
    if problems:
        raise Broken(f"the memory plan is wrong: {'; '.join(problems[:3])}")
    after = Observed(case)
    if after.fingerprint == before.fingerprint:
        known = {n: v for n, v in vars(before).items() if n.startswith(("outputs", "wide"))}
        vars(after).update(known)
    return after


def verify(module: ModuleOp) -> None:
    """Hold a module to the rules of its ops; `Broken` tells the one it breaks."""
    try:
        module.verify()
    except VerifyException as error:
        raise Broken(f"the module does not verify: {in_one_line(error)}") from error


def in_one_line(error: Exception) -> str:
    """What an error says, without the module that some print."""
    lines = [line.strip() for line in str(error).splitlines()]
    return " ".join(lines[:2])


def _plan_problems(case: Case) -> list[str]:
    return check_plan_against_module(case.known) if MEMORY_PLAN in entry(case.module).attributes else []


def judge(each: ModulePass, before: Observed, after: Observed, truth: Sequence[Array] | None) -> Difference:
    """The worst difference that a pass made, with the bound that its statement sets."""
    if after.fingerprint == before.fingerprint:
        return NONE
    old = before.outputs
    try:
        new = after.outputs
    except ExecutionError as error:
        raise Broken(f"the module cannot be executed any more: {error}") from error
    if not same_kind(old, new):
        raise Broken("the outputs have other shapes or types")
    found = bit_difference(old, new)
    if found is None:
        return NONE
    contract = contract_of(each)
    # A lowering to another level is executed by another executor, which rounds at other places.
    if contract.is_exact and before.level == after.level:
        return _in_exact_terms(before, after, found, truth)
    return _in_bounds(contract, before, after, truth)


def _in_exact_terms(
    before: Observed, after: Observed, found: Difference, truth: Sequence[Array] | None
) -> Difference:
    """Executors form long sums in any order: where that alone made a difference, it is none of the pass's."""
    if not before.is_graph:
        in_order = bit_difference(before.outputs_in_order, after.outputs_in_order)
        return NONE if in_order is None else in_order
    if _same_in_double_precision(before, after) is NONE:
        return replace(found, bound=max(found.error, SLACK * max(before.errors(truth))))
    return found


def _in_bounds(
    contract: Contract, before: Observed, after: Observed, truth: Sequence[Array] | None
) -> Difference:
    errors = before.errors(truth)
    bounds = [
        SLACK * (error + contract.ulps * _unit(o)) + contract.error
        for error, o in zip(errors, before.outputs, strict=True)
    ]
    narrow = bounded_difference(before.outputs, _forgiven(before, after), bounds) or NONE
    if not narrow.is_allowed or before.is_graph or contract.error or contract.ulps:
        # Approximations, and constants rounded anew, differ in double precision as well.
        return narrow
    wide = _same_in_double_precision(before, after)
    return wide if wide is not None and not wide.is_allowed else narrow


def _forgiven(before: Observed, after: Observed) -> list[Array]:
    """The outputs after, with integers as before where rounding alone made them others."""
    new = list(after.outputs)
    for i, old in enumerate(before.outputs):
        if is_real(old) or not differing_bits(old, new[i]).any():
            continue
        if before.wide is not None and after.wide is not None:
            new[i] = old if not differing_bits(before.wide[i], after.wide[i]).any() else new[i]
    return new


def _same_in_double_precision(before: Observed, after: Observed) -> Difference | None:
    """The difference in double precision, `NONE` if it is rounding; `None` where neither can be told."""
    if before.wide is None or after.wide is None:
        return None
    errors = before.errors(before.wide)
    bounds = [
        4 * SLACK * (error + FLOOR * _unit(o)) * DOUBLE / (_unit(o) or 1.0)
        for error, o in zip(errors, before.outputs, strict=True)
    ]
    found = bounded_difference(before.wide, after.wide, bounds)
    return NONE if found is None or found.is_allowed else found
