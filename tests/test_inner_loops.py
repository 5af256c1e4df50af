"""The innermost loops of convolutions keep their sums in registers: the assembly of two machines."""

import re
from collections.abc import Sequence

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from penstock.backends.llvm import compile_module
from penstock.backends.targets import target
from penstock.build import function_modules
from penstock.phase_runs import WHOLE_MODULE, prepare, run_phases
from penstock.pipeline import phases
from penstock.reading import read
from penstock.registry import context


def convolution(channels: int, outputs: int, kernel: int, size: int) -> ModelProto:
    """A convolution with bias and ReLU over a square picture, padded to keep its size."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((outputs, channels, kernel, kernel)).astype(np.float32)
    bias = rng.standard_normal(outputs).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[kernel // 2] * 4, name="conv"),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    ends = [[1, channels, size, size], [1, outputs, size, size]]
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in zip("xy", ends, strict=True)]
    initializers = [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(bias, "b")]
    graph = helper.make_graph(nodes, "g", infos[:1], infos[1:], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def assembly_of(model: ModelProto, target_name: str) -> str:
    """The assembly of the kernel with the most fused multiply-adds."""
    machine = target(target_name)
    module = read(model)
    prepare(module, machine)
    ctx = context()
    run_phases(ctx, module, [p for p in phases() if p.name in WHOLE_MODULE])
    later = [each for phase in phases() if phase.name not in WHOLE_MODULE for each in phase.passes]
    found: list[str] = []
    for part in function_modules(module):
        for each in later:
            each.apply(ctx, part)
        found.append(compile_module(part, machine, with_assembly=True).assembly or "")
    return max(found, key=lambda text: text.count("vfmadd"))


def innermost_loops(assembly: str) -> list[list[str]]:
    """The bodies of loops without a loop inside: from a label to the jump back to it."""
    lines = [line.strip() for line in assembly.splitlines()]
    loops: list[list[str]] = []
    for start, line in enumerate(lines):
        label = re.match(r"(\.LBB\w+):", line)
        if label is None:
            continue
        for stop in range(start + 1, len(lines)):
            if re.match(r"\.LBB\w+:", lines[stop]):
                break
            if re.match(rf"j\w+\s+{re.escape(label[1])}$", lines[stop]):
                loops.append(lines[start + 1 : stop + 1])
                break
    return loops


def multiply_adds(loop: Sequence[str]) -> int:
    """The vector multiply-adds of a loop."""
    return sum(bool(re.match(r"vfmadd\d+ps", line)) for line in loop)


@pytest.mark.parametrize(("name", "least"), [("x86-64-v4", 20), ("x86-64-v3", 8)])
@pytest.mark.parametrize("kernel", [1, 3])
def test_sums_stay_in_registers(kernel: int, name: str, least: int) -> None:
    """The main loop has sums enough to hide their latency; no loop with multiply-adds touches the stack."""
    loops = innermost_loops(assembly_of(convolution(64, 64, kernel, 28), name))
    busy = [loop for loop in loops if multiply_adds(loop)]
    assert max(map(multiply_adds, busy), default=0) >= least
    for loop in busy:
        assert not [line for line in loop if "%rsp" in line]
        assert not [line for line in loop if line.startswith(("vmulps", "vaddps", "call"))]


def test_a_lost_register_tile_is_seen() -> None:
    """The reader of loops finds stack traffic where there is some."""
    text = ".LBB0_1:\n\tvfmadd231ps\t(%rsp), %zmm0, %zmm1\n\tjne\t.LBB0_1\n"
    (loop,) = innermost_loops(text)
    assert multiply_adds(loop) == 1 and any("%rsp" in line for line in loop)
