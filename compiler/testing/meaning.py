"""What two modules have in common: run them, compare what they compute, and hold a pass to its word.

The comparison is that of `penstock check`: a pass may round otherwise where it says so, and nothing more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser
from xdsl.passes import ModulePass

from penstock.backends.targets import target
from penstock.checking.comparison import NONE, bounded_difference, epsilon, same_kind
from penstock.checking.execution import Case, entry, execute
from penstock.checking.judgement import SLACK, Observed, judge
from penstock.checking.widening import is_real
from penstock.compiler import Compiler
from penstock.dialects.element_types import numpy_dtype
from penstock.dialects.graph.base import element_of, static_shape_of
from penstock.extensions import extended
from penstock.model import CompiledModel
from penstock.registry import Plugin, context
from penstock.testing.arrays import Array, random_array

FUNCTION_ULPS = 4.0
"""What `expand-math` grants functions, in units of the last place."""


@dataclass(frozen=True)
class _Statement(ModulePass):
    """Stands for the passes between two modules, and states what these may do."""

    name: ClassVar[str] = "between"
    numerics: str = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Nothing: the passes ran already."""


def inputs_for(module: ModuleOp, seed: int = 0) -> list[Array]:
    """Random arrays for the inputs of a graph-level module, in order."""
    rng = np.random.default_rng(seed)
    return [
        random_array(rng, static_shape_of(argument), numpy_dtype(element_of(argument)))
        for argument in entry(module).body.block.args
    ]


def run(module: ModuleOp, inputs: Sequence[Array]) -> list[Array]:
    """What a module of the graph or nest level computes, by the executor of its level."""
    return execute(Case(module, inputs))


def assert_computes(module: ModuleOp, outputs: Sequence[Array], inputs: Sequence[Array]) -> None:
    """The outputs, as of machine code, are what the module computes from the inputs, up to rounding."""
    wanted = Observed(Case(module, inputs))
    assert same_kind(wanted.outputs, outputs), "the outputs have other shapes or types"
    units = [FUNCTION_ULPS * epsilon(o) if is_real(o) else 0.0 for o in wanted.outputs]
    bounds = [SLACK * (e + u) for e, u in zip(wanted.errors(wanted.wide), units, strict=True)]
    difference = bounded_difference(wanted.outputs, outputs, bounds) or NONE
    assert difference.is_allowed, f"{difference.described([])}\n{module!s}"


def compiled(module: ModuleOp, plugins: Sequence[Plugin] = ()) -> CompiledModel:
    """The machine code of a graph-level module, which stays as it is; called with a dict of arrays."""
    package = Compiler(target("host"), extended(plugins)).package(module.clone(), "module")
    return CompiledModel(package)


def parse(text: str, ctx: Context | None = None) -> ModuleOp:
    """The verified module of a text, read with every known dialect or those of a context."""
    module = Parser(ctx or context(), text).parse_module()
    module.verify()
    return module


def round_trip(module: ModuleOp, ctx: Context | None = None) -> ModuleOp:
    """The module printed and read again; an `AssertionError` when the text does not tell all of it."""
    text = str(module)
    again = parse(text, ctx)
    assert module.is_structurally_equivalent(again), f"what is read is not what was printed:\n{text}"
    assert str(again) == text, f"printed again it reads otherwise:\n{text}"
    return again


def run_pass(module: ModuleOp, each: ModulePass, ctx: Context | None = None) -> ModuleOp:
    """A copy of the module after a pass, which verified and survived being printed and read."""
    ctx = ctx or context()
    after = module.clone()
    each.apply(ctx, after)
    after.verify()
    round_trip(after, ctx)
    return after


def assert_same_meaning(
    before: ModuleOp, after: ModuleOp, inputs: Sequence[Array], numerics: str = "exact"
) -> None:
    """Both modules compute the same from the inputs, as far as passes of these numerics must keep it."""
    old, new = Observed(Case(before, inputs)), Observed(Case(after, inputs))
    difference = judge(_Statement(numerics), old, new, old.wide)
    outputs = [f"output {i}" for i in range(len(old.outputs))]
    assert difference.is_allowed, f"{difference.described(outputs)}\n{before!s}\nbecame\n{after!s}"


def assert_pass_keeps_meaning(
    module: ModuleOp, each: ModulePass, inputs: Sequence[Array], ctx: Context | None = None
) -> ModuleOp:
    """The module after a pass that did what it states, and no more."""
    after = run_pass(module, each, ctx)
    assert_same_meaning(module, after, inputs, str(getattr(each, "numerics", "exact")))
    return after
