"""`fuse-chains` and `contract-chains`: a chain means its nests, on any number of threads."""

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper
from xdsl.context import Context
from xdsl.dialects import memref

import penstock
from penstock.checking.execution import Case, entry, execute
from penstock.checking.judgement import relative_error
from penstock.dialects.nest.machine import Machine
from penstock.dialects.nest.ops import shape_of
from penstock.passes.nest_rewriting import kernels, nests
from penstock.pipeline import graph_passes, nest_passes
from penstock.reading import read

Array = NDArray[np.float32]
HEADS, ROWS, WIDTH = 24, 40, 16


def attention() -> ModelProto:
    """softmax(q k) v for each head."""
    shapes = {"q": (HEADS, ROWS, WIDTH), "k": (HEADS, WIDTH, ROWS), "v": (HEADS, ROWS, WIDTH)}
    nodes = [
        helper.make_node("MatMul", ["q", "k"], ["s"]),
        helper.make_node("Softmax", ["s"], ["p"]),
        helper.make_node("MatMul", ["p", "v"], ["y"]),
    ]
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, shapes["v"])
    graph = helper.make_graph(nodes, "attention", inputs, [output])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def given() -> dict[str, Array]:
    """Arrays for the inputs."""
    rng = np.random.default_rng(3)
    shapes = {"q": (HEADS, ROWS, WIDTH), "k": (HEADS, WIDTH, ROWS), "v": (HEADS, ROWS, WIDTH)}
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("threads", [1, 2])
def test_attention_is_one_kernel_without_all_scores(threads: int) -> None:
    module, ctx = read(attention()), Context()
    Machine().attach(module)
    for each in graph_passes():
        each.apply(ctx, module)
    arrays: list[NDArray[np.generic]] = [*given().values()]
    (wanted,) = execute(Case(module.clone(), arrays))
    for each in nest_passes(threads):
        each.apply(ctx, module)
    module.verify()
    (got,) = execute(Case(module, arrays))
    assert relative_error(got, wanted) < 1e-6
    assert [len(nests(kernel)) for kernel in kernels(module)] == [6]
    buffers = [op.memref for op in entry(module).walk() if isinstance(op, memref.AllocOp)]
    copies = 1 if threads == 1 else 8
    assert max(shape_of(b) for b in buffers if shape_of(b)[-1] == ROWS) == (copies, ROWS, ROWS)


def test_threads_have_copies_of_their_own() -> None:
    model = attention().SerializeToString()
    whole = penstock.compile(model, passes={"nest": ["-fuse-chains"]})(given())["y"]
    for threads in (1, 2, 3):
        build = penstock.compile(model, threads=threads)
        assert len(build.package.calls) == 1
        for _ in range(3):
            np.testing.assert_array_equal(build(given())["y"], whole)
