"""The plugin's own tests, with the kit of Penstock: the pass finds what it should and changes no meaning."""

import numpy as np
import pytest
import squareplus
from hypothesis import given, settings
from xdsl.dialects.builtin import ModuleOp

from penstock.registry import context
from penstock.testing import (
    assert_computes,
    assert_pass_keeps_meaning,
    compiled,
    graph_modules,
    inputs_for,
    parse,
    run,
)

CONTEXT = context([squareplus])
PASS = squareplus.RecognizeSquareplusPass()


def written_out(half: str = "div %t, %two : X, C -> X", square: str = "%x, %x", c: str = "f32") -> ModuleOp:
    """The function as a graph, with parts of it written otherwise."""
    text = f"""
        func.func @main(%x: X {{graph.name = "x"}}, %z: X {{graph.name = "z"}}) -> (X {{graph.name = "y"}}) {{
          %b = graph.constant {{value = dense<3.0> : C}} -> C
          %two = graph.constant {{value = dense<2.0> : C}} -> C
          %0 = graph.constant {{value = dense<0.5> : C}} -> C
          %s = graph.mul {square} : X, X -> X
          %a = graph.add %b, %s : C, X -> X
          %r = graph.sqrt %a : X -> X
          %t = graph.add %x, %r : X, X -> X
          %y = graph.{half}
          func.return %y : X
        }}"""
    return parse(text.replace("X", "tensor<2x5xf32>").replace("C", f"tensor<{c}>"), CONTEXT)


def count(module: ModuleOp) -> int:
    """How many times the new op stands in a module."""
    return sum(isinstance(op, squareplus.SquareplusOp) for op in module.walk())


@pytest.mark.parametrize(
    "module",
    [
        written_out(),
        written_out("mul %t, %0 : X, C -> X"),
        written_out("mul %0, %t : C, X -> X"),
        written_out(c="1x1xf32"),
    ],
)
def test_function_is_found_and_keeps_its_meaning(module: ModuleOp) -> None:
    after = assert_pass_keeps_meaning(module, PASS, inputs_for(module), CONTEXT)
    assert [op.name for op in after.walk()][2:] == ["squareplus.squareplus", "func.return"]


@pytest.mark.parametrize(
    "module",
    [
        written_out("mul %t, %two : X, C -> X"),
        written_out("sub %t, %two : X, C -> X"),
        written_out(square="%x, %z"),
        written_out(square="%z, %z"),
    ],
)
def test_other_functions_stay(module: ModuleOp) -> None:
    after = assert_pass_keeps_meaning(module, PASS, inputs_for(module), CONTEXT)
    assert count(after) == 0


def test_constant_that_adds_a_dim_stays() -> None:
    text = """
        func.func @main(%x: tensor<5xf32>) -> tensor<1x5xf32> {
          %b = graph.constant {value = dense<3.0> : tensor<1x1xf32>} -> tensor<1x1xf32>
          %h = graph.constant {value = dense<0.5> : tensor<f32>} -> tensor<f32>
          %s = graph.mul %x, %x : tensor<5xf32>, tensor<5xf32> -> tensor<5xf32>
          %a = graph.add %s, %b : tensor<5xf32>, tensor<1x1xf32> -> tensor<1x5xf32>
          %r = graph.sqrt %a : tensor<1x5xf32> -> tensor<1x5xf32>
          %t = graph.add %x, %r : tensor<5xf32>, tensor<1x5xf32> -> tensor<1x5xf32>
          %y = graph.mul %t, %h : tensor<1x5xf32>, tensor<f32> -> tensor<1x5xf32>
          func.return %y : tensor<1x5xf32>
        }"""
    module = parse(text, CONTEXT)
    assert count(assert_pass_keeps_meaning(module, PASS, inputs_for(module), CONTEXT)) == 0


@settings(deadline=None, max_examples=25)
@given(module=graph_modules(ops=("unary", "binary", "divide"), max_ops=10))
def test_any_graph_keeps_its_meaning(module: ModuleOp) -> None:
    assert_pass_keeps_meaning(module, PASS, inputs_for(module), CONTEXT)


def test_machine_code_computes_it() -> None:
    module = written_out()
    PASS.apply(CONTEXT, module)
    inputs = inputs_for(module)
    outputs = compiled(module, [squareplus])(dict(zip(["x", "z"], inputs, strict=True)))
    assert_computes(module, list(outputs.values()), inputs)
    assert np.all(np.greater(run(module, inputs)[0], 0))
