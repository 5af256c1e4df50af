"""The layout is the cheapest there is, ops mean the same in either order, the answer is always the same."""

from itertools import product

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp

from penstock.dialects.graph.base import integers
from penstock.passes.assign_layout import AssignLayoutPass
from penstock.passes.graph_rewriting import bytes_of
from penstock.passes.layout_cut import FIRST, LAST, source_side
from penstock.passes.layout_rules import RULES, flexible, last_order
from penstock.registry import context
from penstock.testing import assert_pass_keeps_meaning, inputs_for, parse

CONTEXT = context()
WINDOW = "strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>"

# What stands between two convolutions of (1, 4, 6, 5): text with the operand as {x} and its type as {t}.
BETWEEN = {
    "unary": "graph.exp {x} : {t} -> {t}",
    "clip": "graph.clip {x} {{low = 0.0 : f64}} : {t} -> {t}",
    "row": "graph.add {x}, %row : {t}, tensor<5xf32> -> {t}",
    "channel": "graph.mul {x}, %channel : {t}, tensor<4x1x1xf32> -> {t}",
    "number": "graph.mul %number, {x} : tensor<f32>, {t} -> {t}",
    "itself": "graph.mul {x}, {x} : {t}, {t} -> {t}",
    "concat": "graph.concat {x}, {x} {{axis = 2 : i64}} : {t}, {t} -> tensor<1x4x12x5xf32>",
    "slice": "graph.slice {x} {{starts = array<i64: 0, 1, 4, 0>, ends = array<i64: 1, 9, -9, 5>,"
    " steps = array<i64: 1, 1, -1, 2>}} : {t} -> tensor<1x3x5x3xf32>",
    "pad": "graph.pad {x} {{low = array<i64: 0, 0, 1, 2>, high = array<i64: 0, 0, 0, 1>,"
    ' mode = "reflect"}} : {t} -> tensor<1x4x7x8xf32>',
    "reduce": "graph.reduce_max {x} {{axes = array<i64: 3>}} : {t} -> tensor<1x4x6x1xf32>",
    "argmax": "graph.argmax {x} {{axes = array<i64: 1>, keepdims = true}} : {t} -> tensor<1x1x6x5xi64>",
    "softmax": "graph.softmax {x} {{axis = 1 : i64}} : {t} -> {t}",
    "log_softmax": "graph.log_softmax {x} {{axis = 3 : i64}} : {t} -> {t}",
    "cumsum": "graph.cumsum {x} {{axis = 2 : i64}} : {t} -> {t}",
    "lrn": "graph.lrn {x} {{axis = 1 : i64, size = 3 : i64, alpha = 0.5 : f64, beta = 0.75 : f64,"
    " bias = 1.0 : f64}} : {t} -> {t}",
    "batch_norm": "graph.batch_norm {x}, %p, %p, %p, %p {{eps = 0.5 : f64, axis = 1 : i64}} :"
    " {t}, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32> -> {t}",
    "gather": "graph.gather {x}, %i {{axis = 2 : i64}} : {t}, tensor<3xi64> -> tensor<1x4x3x5xf32>",
    "broadcast_to": "graph.broadcast_to {x} {{shape = [2 : i64, 4 : i64, 6 : i64, 5 : i64]}} :"
    " {t} -> tensor<2x4x6x5xf32>",
    "resize": "graph.resize {x} {{shape = [1 : i64, 4 : i64, 12 : i64, 5 : i64],"
    ' scales = array<f64: 1.0, 1.0, 2.0, 1.0>, mode = "linear"}} : {t} -> tensor<1x4x12x5xf32>',
    "max_pool": "graph.max_pool {x} {{kernel = array<i64: 2, 3>, "
    + WINDOW
    + "}} : {t} -> tensor<1x4x5x3xf32>",
    "average_pool": "graph.average_pool {x} {{kernel = array<i64: 2, 3>, counted = array<i64: 0, 0, 0, 0>, "
    + WINDOW
    + "}} : {t} -> tensor<1x4x5x3xf32>",
    "reshape": "graph.reshape {x} {{shape = [1 : i64, 4 : i64, 30 : i64]}} : {t} -> tensor<1x4x30xf32>",
    "layer_norm": "graph.layer_norm {x} {{axis = 2 : i64, eps = 0.5 : f64}} : {t} -> {t}",
    "conv_transpose": "graph.conv_transpose {x}, %w {{output_padding = array<i64: 0, 0>, groups = 1 : i64, "
    + WINDOW
    + "}} : {t}, tensor<4x4x1x1xf32> -> {t}",
}


def sandwich(middle: str) -> ModuleOp:
    """A module with a convolution in front of an op; input and output have their channels last."""
    kind = "tensor<1x4x6x5xf32>"
    text = middle.format(x="%a", t=kind)
    inner = text.rpartition(" -> ")[2]
    *sizes, element = inner.removeprefix("tensor<").removesuffix(">").split("x")
    order = last_order(len(sizes))
    result = f"tensor<{'x'.join([*(sizes[i] for i in order), element])}>"
    return parse(
        f"""
func.func @main(%x: tensor<1x6x5x4xf32>, %w: tensor<4x4x1x1xf32>, %row: tensor<5xf32>,
                %channel: tensor<4x1x1xf32>, %number: tensor<f32>, %p: tensor<4xf32>) -> {result} {{
  %i = graph.constant {{value = dense<[0, 3, 5]> : tensor<3xi64>}} -> tensor<3xi64>
  %t = graph.transpose %x {{permutation = array<i64: 0, 3, 1, 2>}} : tensor<1x6x5x4xf32> -> {kind}
  %a = graph.conv %t, %w {{groups = 1 : i64, {WINDOW}}} : {kind}, tensor<4x4x1x1xf32> -> {kind}
  %b = {text}
  %y = graph.transpose %b {{permutation = {integers(order)}}} : {inner} -> {result}
  func.return %y : {result}
}}""",
        CONTEXT,
    )


@pytest.mark.parametrize("name", BETWEEN)
def test_op_means_the_same_channels_last(name: str) -> None:
    module = sandwich(BETWEEN[name])
    inputs = [np.abs(each) for each in inputs_for(module)]
    after = assert_pass_keeps_meaning(module, AssignLayoutPass(), inputs, CONTEXT)
    moved = [op.results[0].type for op in after.walk() if op.name == "graph.transpose"]
    # Only an operand of lower rank may be left to transpose.
    assert all(name in ("row", "channel") for _ in moved)
    assert 'layout = "nhwc"' in str(after)


def test_every_rule_is_tested() -> None:
    seen = {kind for text in BETWEEN.values() for op in sandwich(text).walk() for kind in type(op).__mro__}
    missing = {kind.__name__ for kind in RULES} - {kind.__name__ for kind in seen}
    # These share the rule of the running sum.
    assert missing == {"CumProdOp", "TopKOp"}


def test_shared_values_are_transposed_once() -> None:
    kind, weight = "tensor<1x64x8x8xf32>", "tensor<64x64x1x1xf32>"
    conv = f"graph.conv %x, %w {{groups = 1 : i64, {WINDOW}}} : {kind}, {weight} -> {kind}"
    text = f"""
func.func @main(%x: {kind}, %w: {weight}) -> {kind} {{
  %a = {conv}
  %b = {conv}
  %y = graph.add %a, %b : {kind}, {kind} -> {kind}
  func.return %y : {kind}
}}"""
    module = parse(text, CONTEXT)
    AssignLayoutPass().apply(CONTEXT, module)
    assert [op.name for op in module.walk()].count("graph.transpose") == 2


def test_same_answer_every_time() -> None:
    texts: set[str] = set()
    for _ in range(3):
        module = sandwich(BETWEEN["concat"])
        AssignLayoutPass().apply(CONTEXT, module)
        texts.add(str(module))
    assert len(texts) == 1


def test_penalty_grows_with_the_arithmetic() -> None:
    module = sandwich(BETWEEN["conv_transpose"])
    plans = [flexible(op) for op in module.walk() if op.name in ("graph.conv", "graph.conv_transpose")]
    elements = 4 * 6 * 5
    assert [plan.penalty for plan in plans if plan] == [elements * 4 // 16 + elements * 4] * 2
    assert bytes_of(next(op for op in module.walk() if op.name == "graph.conv").results[0]) == elements * 4


@pytest.mark.parametrize("seed", range(30))
def test_cut_is_the_cheapest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    nodes = range(2, 9)
    costs = {
        (int(a), int(b)): int(rng.integers(1, 20))
        for a, b in rng.integers(0, 9, (16, 2))
        if a != b and a != FIRST and b != LAST
    }
    forbidden = [(2, 3), (4, 3)]

    def price(last: set[int]) -> float:
        cut = sum(cost for (a, b), cost in costs.items() if a in last and b not in last)
        return np.inf if any(a in last and b not in last for a, b in forbidden) else cut

    cheapest = min(
        price({LAST, *(n for n, chosen in zip(nodes, choice, strict=True) if chosen)})
        for choice in product((False, True), repeat=len(nodes))
    )
    assert price(source_side(costs, forbidden) | {LAST}) == cheapest
