"""`block-reductions`: the blocks of a sum mean the sum."""

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper
from xdsl.context import Context

import penstock
from penstock.checking.execution import Case, execute
from penstock.checking.judgement import relative_error
from penstock.dialects.nest.machine import Machine
from penstock.passes.block_reductions import BlockReductionsPass
from penstock.passes.nest_rewriting import kernels, nests
from penstock.pipeline import graph_passes, nest_passes
from penstock.reading import read

ROWS, TERMS, COLUMNS = 24, 576, 24


def dense_layer(rows: int = ROWS, terms: int = TERMS, columns: int = COLUMNS) -> ModelProto:
    """A product with weights, a bias and a function of the sum."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((terms, columns)).astype(np.float32) / np.float32(24)
    bias = rng.standard_normal(columns).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["s"]),
        helper.make_node("Sigmoid", ["s"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, terms])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, columns])
    constants = [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(bias, "b")]
    graph = helper.make_graph(nodes, "dense", [x], [y], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def test_the_blocks_mean_the_sum() -> None:
    module, ctx = read(dense_layer()), Context()
    Machine(l2=65536).attach(module)
    for each in (*graph_passes(), *nest_passes()):
        each.apply(ctx, module)
    x = np.random.default_rng(1).standard_normal((ROWS, TERMS)).astype(np.float32)
    (wanted,) = execute(Case(module.clone(), [x]))
    BlockReductionsPass().apply(ctx, module)
    module.verify()
    assert [len(nests(kernel)) for kernel in kernels(module)] == [3]
    (got,) = execute(Case(module, [x]))
    assert relative_error(got, wanted) < 1e-6


def test_threads_share_the_blocks() -> None:
    """Each part goes on from its own results: the bits are those of one thread."""
    model = dense_layer(48, 6144, 200).SerializeToString()
    x = np.random.default_rng(1).standard_normal((48, 6144)).astype(np.float32)
    builds = [penstock.compile(model, target="x86-64-v2", threads=threads) for threads in (1, 2, 3)]
    assert [max(call.parts or 1 for call in build.package.calls) for build in builds] == [1, 8, 12]
    wanted, *others = [build({"x": x})["y"] for build in builds]
    assert all(np.array_equal(got, wanted) for got in others)
