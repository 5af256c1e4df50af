"""Inputs for a check: the same ones for the same seed."""

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from penstock.checking.execution import entry
from penstock.checking.sizes import Sizes
from penstock.dialects.element_types import is_float, numpy_dtype
from penstock.dialects.graph.base import element_of, shape_of, size_of
from penstock.dialects.resources import Array
from penstock.dialects.sizes import number

NO_SIZES: Sizes = {}


def seeded_inputs(module: ModuleOp, seed: int, sizes: Sizes = NO_SIZES) -> Sequence[Array]:
    """Normal numbers for every input of a graph-level module; integers are 0 and 1, rows of any table."""
    generator = np.random.default_rng(seed)
    return [_array(generator, argument, sizes) for argument in entry(module).args]


def _array(generator: np.random.Generator, argument: SSAValue, sizes: Sizes) -> Array:
    shape, element = [number(size_of(d), sizes) for d in shape_of(argument)], element_of(argument)
    if is_float(element):
        return generator.standard_normal(shape).astype(numpy_dtype(element))
    return generator.integers(0, 2, shape).astype(numpy_dtype(element))
