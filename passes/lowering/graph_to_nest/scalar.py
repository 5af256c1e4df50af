"""Scalar formulas of the elementwise ops: what one element of the result is made of."""

from collections.abc import Mapping

from xdsl.ir import Operation

from penstock.passes.lowering.graph_to_nest.scalar_arithmetic import ARITHMETIC, ScalarFormula
from penstock.passes.lowering.graph_to_nest.scalar_casts import CASTS
from penstock.passes.lowering.graph_to_nest.scalar_functions import FUNCTIONS
from penstock.passes.lowering.graph_to_nest.scalar_logic import LOGIC
from penstock.passes.lowering.graph_to_nest.scalar_scaling import SCALING

SCALARS: Mapping[type[Operation], ScalarFormula] = {**ARITHMETIC, **CASTS, **FUNCTIONS, **LOGIC, **SCALING}
