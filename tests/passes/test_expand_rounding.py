"""`expand-rounding` gives what the instructions give: compiled code for a machine that has none of them."""

import numpy as np
import pytest
from xdsl.context import Context

from penstock.backends.llvm import NativeImage, compile_module, link
from penstock.backends.targets import target
from penstock.dialects.nest.machine import Machine
from penstock.passes.expand_rounding import EXPANSIONS, ExpandRoundingPass
from penstock.passes.lowering.loops_to_llvm import LowerLoopsToLLVM
from tests.backends.codegen_kit import same
from tests.passes.test_expand_math import BLOCK, Kernel, parsed, samples

ROUNDING = {"math.roundeven": np.rint, "math.floor": np.floor, "math.ceil": np.ceil, "math.trunc": np.trunc}


@pytest.mark.parametrize("lanes", [4, None])
@pytest.mark.parametrize("element", ["f16", "bf16", "f32", "f64"])
@pytest.mark.parametrize("op", ROUNDING)
def test_results_are_those_of_the_instruction(op: str, element: str, lanes: int | None) -> None:
    machine, module = target("x86-64"), parsed(Kernel(op, (element,), lanes).text)
    assert not machine.rounds
    Machine(rounds=machine.rounds, halves=machine.has_f16_conversion).attach(module)
    ExpandRoundingPass().apply(Context(), module)
    module.verify()
    assert not any(isinstance(each, tuple(EXPANSIONS)) for each in module.walk())
    LowerLoopsToLLVM().apply(Context(), module)
    # Linking fails where a function of a library is called.
    native = NativeImage(link([compile_module(module, machine).object])).function("kernel")
    x = samples(element)
    y = np.empty_like(x)
    for start in range(0, x.size, BLOCK):
        native(x[start:].ctypes.data, y[start:].ctypes.data)
    with np.errstate(invalid="ignore"):
        assert same(y, ROUNDING[op](x).astype(x.dtype))


def test_machines_with_instructions_keep_them() -> None:
    module = parsed(Kernel("math.floor", ("f32",)).text)
    Machine().attach(module)
    ExpandRoundingPass().apply(Context(), module)
    assert any(each.name == "math.floor" for each in module.walk())
