"""Branches and loops from the graph level down: the compiled code and every pass keep the meaning."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from penstock.artefact import read, save
from penstock.backends.check_plan import check_plan_against_module
from penstock.backends.reference import run_graph
from penstock.backends.targets import target
from penstock.checking.check import check_module
from penstock.compiler import Compiler
from penstock.dialects.graph.base import Array, wide
from penstock.extensions import extended
from penstock.model import CompiledModel
from penstock.phase_runs import WHOLE_MODULE, prepare, run_phases
from penstock.profiling import memory_of, steps_of

RANDOM = np.random.default_rng(0)

SCAN = """
func.func @main(%h: tensor<4xf32> {graph.name = "h"}, %x: tensor<5x4xf32> {graph.name = "x"})
    -> (tensor<4xf32> {graph.name = "last"}, tensor<5x4xf32> {graph.name = "all"}) {
  %w = graph.constant {value = dense<0.5> : tensor<4xf32>} -> tensor<4xf32>
  %t = graph.tanh %x : tensor<5x4xf32> -> tensor<5x4xf32>
  %last, %all = graph.loop
      states(%h : tensor<4xf32>) scans(%t : tensor<5x4xf32>) captures(%w : tensor<4xf32>) {
  ^bb0(%i: tensor<i64>, %s: tensor<4xf32>, %r: tensor<4xf32>, %c: tensor<4xf32>):
    %m = graph.mul %s, %c : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
    %n = graph.add %m, %r : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
    %p = graph.cast %i {to = f32} : tensor<i64> -> tensor<f32>
    %q = graph.add %n, %p : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
    graph.yield %n, %q : tensor<4xf32>, tensor<4xf32>
  } -> tensor<4xf32>, tensor<5x4xf32> {steps = 5 : i64, backwards = array<i64: 0>}
  func.return %last, %all : tensor<4xf32>, tensor<5x4xf32>
}
"""
"""A counted loop with a state, a value that is scanned backwards, a capture, the number of the step."""

WHILE = """
func.func @main(%n: tensor<i64> {graph.name = "n"}, %h: tensor<4xf32> {graph.name = "h"})
    -> (tensor<4xf32> {graph.name = "last"}, tensor<4xf32> {graph.name = "before"}) {
  %last, %before = graph.loop limit(%n : tensor<i64>) states(%h, %h : tensor<4xf32>, tensor<4xf32>) {
  ^bb0(%i: tensor<i64>, %s: tensor<4xf32>, %b: tensor<4xf32>):
    %d = graph.add %s, %s : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
    %m = graph.reduce_max %d {axes = array<i64: 0>, keepdims = false} : tensor<4xf32> -> tensor<f32>
    %most = graph.constant {value = dense<100.0> : tensor<f32>} -> tensor<f32>
    %again = graph.less %m, %most : tensor<f32>, tensor<f32> -> tensor<i1>
    graph.yield %again, %d, %s : tensor<i1>, tensor<4xf32>, tensor<4xf32>
  } -> tensor<4xf32>, tensor<4xf32>
  func.return %last, %before : tensor<4xf32>, tensor<4xf32>
}
"""
"""A loop that ends after a number of steps or when its state is large; one state is the other's past."""

NESTED = """
func.func @main(%a: tensor<i1> {graph.name = "a"}, %b: tensor<i1> {graph.name = "b"},
    %x: tensor<4xf32> {graph.name = "x"}) -> (tensor<4xf32> {graph.name = "y"}) {
  %e = graph.exp %x : tensor<4xf32> -> tensor<4xf32>
  %y = graph.if %a : tensor<i1> captures(%b, %e : tensor<i1>, tensor<4xf32>) {
  ^bb0(%c: tensor<i1>, %z: tensor<4xf32>):
    %t = graph.tanh %z : tensor<4xf32> -> tensor<4xf32>
    %u = graph.if %c : tensor<i1> captures(%t : tensor<4xf32>) {
    ^bb0(%v: tensor<4xf32>):
      %n = graph.neg %v : tensor<4xf32> -> tensor<4xf32>
      graph.yield %n : tensor<4xf32>
    } else {
    ^bb0(%v: tensor<4xf32>):
      %k = graph.constant {value = dense<7.0> : tensor<4xf32>} -> tensor<4xf32>
      graph.yield %k : tensor<4xf32>
    } -> tensor<4xf32>
    graph.yield %u : tensor<4xf32>
  } else {
  ^bb0(%c: tensor<i1>, %z: tensor<4xf32>):
    graph.yield %z : tensor<4xf32>
  } -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}
"""
"""A branch in a branch; a value is computed in front of both."""


def rows(*shape: int) -> Array:
    """Numbers near one."""
    return RANDOM.standard_normal(shape).astype(np.float32)


def truth(value: bool) -> Array:
    """One truth."""
    return np.array(value)


CASES: list[tuple[str, Mapping[str, Array]]] = [
    (SCAN, {"h": rows(4), "x": rows(5, 4)}),
    *((WHILE, {"n": np.array(n), "h": np.ones(4, np.float32)}) for n in (0, 1, 2, 3, 99)),
    *((NESTED, {"a": truth(a), "b": truth(b), "x": rows(4)}) for a in (False, True) for b in (False, True)),
]


def module_of(text: str) -> ModuleOp:
    """A module from its text."""
    module = Parser(extended().context(), text).parse_module()
    module.verify()
    return module


def compiled(text: str, threads: int = 1) -> CompiledModel:
    """A module as code."""
    return CompiledModel(Compiler(target("host"), extended(threads=threads)).package(module_of(text), "m"))


def agree(results: Mapping[str, Array], wanted: Mapping[str, Array]) -> None:
    """Whether results are what the reference gives."""
    assert results.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_allclose(wide(results[name]), wide(value), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("text", "inputs"), CASES)
def test_code_does_what_the_graph_says(text: str, inputs: Mapping[str, Array]) -> None:
    agree(compiled(text)(inputs), run_graph(module_of(text), inputs))


def test_the_reference_walks_from_the_end_where_it_is_told_to() -> None:
    h, x = rows(4), rows(5, 4)
    states = [wide(h)]
    for row in np.tanh(wide(x))[::-1]:
        states.append(states[-1] * 0.5 + row)
    everything = np.stack(states[1:]) + np.arange(5)[:, None]
    agree(run_graph(module_of(SCAN), {"h": h, "x": x}), {"last": states[-1], "all": everything})


@pytest.mark.parametrize("text", [SCAN, WHILE, NESTED])
def test_every_pass_keeps_the_meaning(text: str) -> None:
    known = extended()
    steps = list(check_module(known.context(), module_of(text), known.phases, target("host")))
    assert all(step.passed for step in steps)
    assert [step.kernel for step in steps][-1] == "main"


@pytest.mark.parametrize("text", [SCAN, WHILE, NESTED])
def test_the_plans_of_all_functions_hold(text: str) -> None:
    known, module = extended(), module_of(text)
    prepare(module, target("host"))
    run_phases(known.context(), module, [p for p in known.phases if p.name in WHOLE_MODULE])
    assert check_plan_against_module(module) == []


@pytest.mark.parametrize("text", [SCAN, WHILE, NESTED])
def test_an_artefact_holds_loops_and_branches(text: str, tmp_path: Path) -> None:
    inputs = next(given for each, given in CASES if each is text)
    model = compiled(text)
    save(model.package, tmp_path / "m.penstock")
    agree(CompiledModel(read(tmp_path / "m.penstock"))(inputs), model(inputs))


@pytest.mark.parametrize("threads", [1, 2])
def test_main_stays_a_sequence_of_calls(threads: int) -> None:
    inputs = next(given for each, given in CASES if each is SCAN)
    package = compiled(SCAN, threads).package
    assert [call.kernel.split("_")[0] for call in package.calls] == ["k0", "c0"]
    memory = memory_of(package, inputs)
    for step in steps_of(package, memory):
        step()
    agree({"last": memory[2], "all": memory[3]}, run_graph(module_of(SCAN), inputs))


def test_threads_are_handed_on_into_loops() -> None:
    broad = SCAN.replace("4xf32", "60000xf32")
    inputs = {"h": rows(60000), "x": rows(5, 60000)}
    model = compiled(broad, threads=2)
    assert any(call.forks for call in model.package.calls)
    agree(model(inputs), run_graph(module_of(broad), inputs))
