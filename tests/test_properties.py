"""Random graphs keep their meaning: through every pass alone, through all of them, and as machine code.

`pytest tests/test_properties.py --hypothesis-profile=explore` looks for new graphs, the default repeats some.
"""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from xdsl.dialects.builtin import ModuleOp, f32, f64, i32
from xdsl.passes import ModulePass

from penstock.backends.targets import target
from penstock.build import function_modules
from penstock.phase_runs import prepare
from penstock.pipeline import graph_passes, llvm_passes, loops_passes, nest_passes, schedule_passes
from penstock.registry import context
from penstock.testing import (
    assert_computes,
    assert_pass_keeps_meaning,
    compiled,
    graph_modules,
    inputs_for,
    run_pass,
)
from penstock.testing.families import FAMILIES

Test = Callable[..., None]
CONTEXT = context()
GRAPH_PASSES = {each.name: each for each in graph_passes()}


def examples(count: int) -> Callable[[Test], Test]:
    """How many graphs a test sees; forty times as many when it explores."""
    more = 1 if settings().derandomize else 40
    return settings(max_examples=count * more, suppress_health_check=[HealthCheck.too_slow])


def through(module: ModuleOp, passes: Sequence[ModulePass]) -> ModuleOp:
    """The module after passes, each of which was held to its word."""
    inputs = inputs_for(module)
    for each in passes:
        module = assert_pass_keeps_meaning(module, each, inputs, CONTEXT)
    return module


@pytest.mark.parametrize("name", GRAPH_PASSES)
@given(module=graph_modules(ops=tuple(FAMILIES), elements=(f32, i32, f64)))
@examples(8)
def test_graph_pass_alone(name: str, module: ModuleOp) -> None:
    through(module, [GRAPH_PASSES[name]])


@given(module=graph_modules(max_ops=12))
@examples(15)
def test_all_graph_passes(module: ModuleOp) -> None:
    through(module, graph_passes())


@given(module=graph_modules())
@examples(8)
def test_nest_and_schedule_passes(module: ModuleOp) -> None:
    prepare(module, target("host"))
    through(module, [*nest_passes(), *schedule_passes()])


@given(module=graph_modules(max_ops=8))
@examples(8)
def test_machine_code(module: ModuleOp) -> None:
    inputs, model = inputs_for(module), compiled(module)
    outputs = model({port.name: array for port, array in zip(model.inputs, inputs, strict=True)})
    assert_computes(module, list(outputs.values()), inputs)


@given(module=graph_modules(max_ops=3))
@examples(4)
def test_text_of_every_level(module: ModuleOp) -> None:
    prepare(module, target("host"))
    for each in (*graph_passes(), *nest_passes(), *schedule_passes()):
        module = run_pass(module, each, CONTEXT)
    for part in function_modules(module):
        for each in (*loops_passes(), *llvm_passes()):
            part = run_pass(part, each, CONTEXT)
