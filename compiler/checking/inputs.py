"""Inputs for a check: the same ones for the same seed."""

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from penstock.checking.execution import entry
from penstock.dialects.element_types import is_float, numpy_dtype
from penstock.dialects.graph.base import element_of, static_shape_of
from penstock.dialects.resources import Array


def seeded_inputs(module: ModuleOp, seed: int) -> Sequence[Array]:
    """Normal numbers for every input of a graph-level module; integers are 0 and 1, rows of any table."""
    generator = np.random.default_rng(seed)
    return [_array(generator, argument) for argument in entry(module).args]


def _array(generator: np.random.Generator, argument: SSAValue) -> Array:
    shape, element = static_shape_of(argument), element_of(argument)
    if is_float(element):
        return generator.standard_normal(shape).astype(numpy_dtype(element))
    return generator.integers(0, 2, shape).astype(numpy_dtype(element))
