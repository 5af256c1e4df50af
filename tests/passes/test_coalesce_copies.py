"""`share-concats` and `coalesce-copies`: the layers of a dense block write into one buffer."""

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

import penstock
from penstock.checking.execution import Case, entry, execute
from penstock.dialects.nest.machine import Machine
from penstock.passes.coalesce_copies import CoalesceCopiesPass
from penstock.passes.nest_rewriting import is_copy, nests
from penstock.pipeline import graph_passes, nest_passes
from penstock.reading import read

Array = NDArray[np.float32]
FIRST, GROWTH, LAYERS, SIZE = 8, 5, 4, 6


def dense_block(axis: int = 1) -> ModelProto:
    """Each layer reads all in front of it: `p[k + 1] = conv(relu(s * concat(p[0], ..., p[k])))`."""
    rng = np.random.default_rng(0)
    nodes = [helper.make_node("Relu", ["x"], ["p0"])]
    constants: dict[str, Array] = {}
    for k in range(LAYERS):
        width = FIRST + GROWTH * k
        constants[f"s{k}"] = rng.standard_normal((width, 1, 1)).astype(np.float32)
        constants[f"w{k}"] = rng.standard_normal((GROWTH, width, 3, 3)).astype(np.float32)
        whole = f"c{k}" if k else "p0"
        if k:
            nodes.append(helper.make_node("Concat", [f"p{i}" for i in range(k + 1)], [whole], axis=axis))
        nodes += [
            helper.make_node("Mul", [whole, f"s{k}"], [f"m{k}"]),
            helper.make_node("Relu", [f"m{k}"], [f"r{k}"]),
            helper.make_node("Conv", [f"r{k}", f"w{k}"], [f"p{k + 1}"], pads=[1, 1, 1, 1]),
        ]
    nodes.append(helper.make_node("Concat", [f"p{i}" for i in range(LAYERS + 1)], ["c"], axis=axis))
    nodes.append(helper.make_node("GlobalAveragePool", ["c"], ["y"]))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, FIRST, SIZE, SIZE))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    stored = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "dense", [x], [y], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def given() -> Array:
    """An array for the input."""
    return np.random.default_rng(1).standard_normal((1, FIRST, SIZE, SIZE)).astype(np.float32)


def test_no_layer_is_copied() -> None:
    module, ctx = read(dense_block()), Context()
    Machine().attach(module)
    before = [*graph_passes(), *nest_passes()]
    end = next(i for i, each in enumerate(before) if isinstance(each, CoalesceCopiesPass))
    for each in before[:end]:
        each.apply(ctx, module)
    (wanted,), count = execute(Case(module.clone(), [given()])), copies(module)
    CoalesceCopiesPass().apply(ctx, module)
    module.verify()
    assert (count, copies(module)) == (LAYERS, 0)
    (got,) = execute(Case(module, [given()]))
    np.testing.assert_array_equal(got, wanted)


def copies(module: ModuleOp) -> int:
    """How many nests only move elements."""
    return sum(map(is_copy, nests(entry(module))))


@pytest.mark.parametrize("threads", [1, 2])
def test_the_code_gives_the_same_bits(threads: int) -> None:
    model = dense_block().SerializeToString()
    apart = {"graph": ["-share-concats"], "nest": ["-coalesce-copies"]}
    copied = penstock.compile(model, threads=threads, passes=apart)
    shared = penstock.compile(model, threads=threads)
    assert len(copied.package.calls) - len(shared.package.calls) >= LAYERS
    assert shared.package.memory.arena <= copied.package.memory.arena
    np.testing.assert_array_equal(shared({"x": given()})["y"], copied({"x": given()})["y"])


def test_a_value_twice_in_a_concatenation_is_copied_once() -> None:
    nodes = [
        helper.make_node("Exp", ["x"], ["e"]),
        helper.make_node("Neg", ["e"], ["z"]),
        helper.make_node("Sin", ["x"], ["s"]),
        helper.make_node("Concat", ["e", "e", "s"], ["c"], axis=0),
        helper.make_node("Neg", ["c"], ["y"]),
        helper.make_node("Neg", ["s"], ["t"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (4, 3))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "yzt"]
    graph = helper.make_graph(nodes, "twice", [x], ends)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    array = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    module, ctx = read(model), Context()
    Machine().attach(module)
    for each in (*graph_passes(), *nest_passes()):
        each.apply(ctx, module)
    wanted = -np.exp(array.astype(np.float64))
    for results in (execute(Case(module, [array])), [*penstock.compile(model)({"x": array}).values()]):
        np.testing.assert_allclose(
            np.asarray(results[0], np.float64), np.concatenate([wanted, wanted, -np.sin(array)]), rtol=1e-6
        )
        np.testing.assert_allclose(np.asarray(results[1], np.float64), wanted, rtol=1e-6)
