"""The quick walk meets the same operations as xDSL's own, in the same order."""

from penstock.backends.targets import target
from penstock.extensions import extended
from penstock.passes.op_walk import every_op
from penstock.phase_runs import prepare, run_phases
from penstock.reading import read
from tests.small_model import small_model


def test_all_operations_are_met_in_order() -> None:
    known, module = extended(), read(small_model())
    prepare(module, target("x86-64-v3"))
    for phase in known.phases[:5]:
        run_phases(known.context(), module, [phase])
        assert list(every_op(module)) == list(module.walk())
