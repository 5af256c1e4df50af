"""`update-in-place`: a sum that is written over its residual is the same sum."""

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from xdsl.context import Context
from xdsl.dialects import memref
from xdsl.dialects.builtin import ModuleOp

import penstock
from penstock.checking.execution import Case, entry, execute
from penstock.dialects.nest.machine import Machine
from penstock.passes.plan_memory import PlanMemoryPass
from penstock.passes.update_in_place import UpdateInPlacePass
from penstock.pipeline import graph_passes, nest_passes, schedule_passes
from penstock.reading import read

CHANNELS, SIZE = 20, 9
SHAPE = (1, CHANNELS, SIZE, SIZE)


def blocks(count: int, kernel: int = 1) -> ModelProto:
    """Residual blocks behind a first convolution: `h = relu(conv(relu(conv(h))) + h)`."""
    rng = np.random.default_rng(0)
    sizes = [(CHANNELS, CHANNELS, each, each) for each in (1, *[1, kernel] * count)]
    weights = [rng.standard_normal(s).astype(np.float32) / np.float32(CHANNELS) for s in sizes]
    nodes = [helper.make_node("Conv", ["x", "w0"], ["h0"])]
    for i in range(count):
        first, second = (f"w{2 * i + k}" for k in (1, 2))
        nodes += [
            helper.make_node("Conv", [f"h{i}", first], [f"c{i}"]),
            helper.make_node("Relu", [f"c{i}"], [f"r{i}"]),
            helper.make_node("Conv", [f"r{i}", second], [f"d{i}"], pads=[kernel // 2] * 4),
            helper.make_node("Add", [f"d{i}", f"h{i}"], [f"s{i}"]),
            helper.make_node("Relu", [f"s{i}"], [f"h{i + 1}"]),
        ]
    nodes.append(helper.make_node("Transpose", [f"h{count}"], ["y"], perm=[0, 2, 1, 3]))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, SIZE, CHANNELS, SIZE))
    constants = [numpy_helper.from_array(w, f"w{i}") for i, w in enumerate(weights)]
    graph = helper.make_graph(nodes, "blocks", [x], [y], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def scheduled(model: ModelProto, second_level: int) -> ModuleOp:
    """The module as the pass finds it."""
    module, ctx = read(model), Context()
    Machine(l2=second_level).attach(module)
    behind = (UpdateInPlacePass, PlanMemoryPass)
    before = [*graph_passes(), *nest_passes(), *schedule_passes()]
    end = next(i for i, each in enumerate(before) if isinstance(each, behind))
    for each in before[:end]:
        each.apply(ctx, module)
    return module


def allocations(module: ModuleOp) -> int:
    """How many buffers `main` has."""
    return sum(isinstance(op, memref.AllocOp) for op in entry(module).walk())


@pytest.mark.parametrize("kernel", [1, 3])
def test_each_residual_is_overwritten_by_its_sum(kernel: int) -> None:
    module = scheduled(blocks(3, kernel), second_level=1024)
    x = np.random.default_rng(1).standard_normal(SHAPE).astype(np.float32)
    (wanted,), before = execute(Case(module.clone(), [x])), allocations(module)
    UpdateInPlacePass().apply(Context(), module)
    module.verify()
    assert before - allocations(module) == 3
    (got,) = execute(Case(module, [x]))
    np.testing.assert_array_equal(got, wanted)


def test_what_fits_into_the_cache_has_a_buffer_of_its_own() -> None:
    module = scheduled(blocks(1), second_level=1 << 20)
    before = str(module)
    UpdateInPlacePass().apply(Context(), module)
    assert str(module) == before


@pytest.mark.parametrize("threads", [1, 2])
def test_the_code_gives_the_same_bits(threads: int) -> None:
    size = 320
    model = blocks(2)
    for value in (*model.graph.input, *model.graph.output):
        for dim in value.type.tensor_type.shape.dim:
            dim.dim_value = size if dim.dim_value == SIZE else dim.dim_value
    x = np.random.default_rng(2).standard_normal((1, CHANNELS, size, size)).astype(np.float32)
    given = model.SerializeToString()
    apart = penstock.compile(given, threads=threads, passes={"schedule": ["-update-in-place"]})
    over = penstock.compile(given, threads=threads)
    assert over.package.memory.arena < apart.package.memory.arena
    np.testing.assert_array_equal(over({"x": x})["y"], apart({"x": x})["y"])
