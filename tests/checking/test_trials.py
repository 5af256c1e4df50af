"""How much rounding is granted to a kernel."""

import numpy as np
from xdsl.parser import Parser

from penstock.checking.trials import Kernel, Trial
from penstock.registry import context_of, everything

MEANS = """
func.func @k(%x: memref<40x96xf32>, %y: memref<40xf32>) attributes {nest.kernel} {
  nest.compute [d = 40, k = 96 reduce]
    ins(%x["d, k"] : memref<40x96xf32>) outs(%y["d"] : memref<40xf32>) init(0.0 : f32) {
  ^bb0(%a: f32, %sum: f32):
    %s = arith.addf %sum, %a : f32
    nest.yield %s : f32
  } {
  ^bb0(%sum: f32):
    %n = arith.constant 96.0 : f32
    %m = arith.divf %sum, %n : f32
    nest.yield %m : f32
  }
  func.return
}
"""


def test_sums_around_zero_are_granted_what_rounding_every_step_costs() -> None:
    generator = np.random.default_rng(0)
    x = generator.standard_normal((40, 96))
    x = (x - x.mean(1, keepdims=True) + 1e-4 * generator.standard_normal((40, 1))).astype(np.float32)
    module = Parser(context_of(everything(())), MEANS).parse_module()
    trial = Trial(Kernel("k", module), [x, np.zeros(40, np.float32)])
    lanes = x.reshape(40, 12, 8).cumsum(1, dtype=np.float32)[:, -1]
    in_lanes = [x, lanes.sum(1, dtype=np.float32) / np.float32(96)]
    found = trial.difference(in_lanes, 0.0)
    assert found is not None and found.is_allowed and found.error > max(trial.bounds(0.0))
    # A sum without its last number is no rounding.
    short = [x, x[:, :-1].sum(1, dtype=np.float32) / np.float32(96)]
    wrong = trial.difference(short, 0.0)
    assert wrong is not None and not wrong.is_allowed
