"""`expand-rounding` gives what the instructions give: compiled code for a machine that has none of them."""

import numpy as np
import pytest
from xdsl.context import Context

from penstock.backends.targets import target
from penstock.dialects.nest.machine import Machine
from penstock.passes.expand_rounding import EXPANSIONS, ExpandRoundingPass
from penstock.phase_runs import describe_machine
from tests.backends.codegen_kit import same
from tests.passes.test_expand_math import Kernel, function_of, parsed, samples

ROUNDING = {"math.roundeven": np.rint, "math.floor": np.floor, "math.ceil": np.ceil, "math.trunc": np.trunc}


@pytest.mark.parametrize("lanes", [4, None])
@pytest.mark.parametrize("element", ["f16", "bf16", "f32", "f64"])
@pytest.mark.parametrize("op", ROUNDING)
def test_results_are_those_of_the_instruction(op: str, element: str, lanes: int | None) -> None:
    machine, module = target("x86-64"), parsed(Kernel(op, (element,), lanes).text)
    assert not machine.rounds
    describe_machine(module, machine)
    ExpandRoundingPass().apply(Context(), module)
    module.verify()
    assert not any(isinstance(each, tuple(EXPANSIONS)) for each in module.walk())
    x = samples(element)
    # Linking fails where a function of a library is called.
    y = function_of(module, machine)(x)
    with np.errstate(invalid="ignore"):
        assert same(y, ROUNDING[op](x).astype(x.dtype))


def test_machines_with_instructions_keep_them() -> None:
    module = parsed(Kernel("math.floor", ("f32",)).text)
    Machine().attach(module)
    ExpandRoundingPass().apply(Context(), module)
    assert any(each.name == "math.floor" for each in module.walk())
