"""Whole models on memory that ends at either side of every buffer, the arena and the weights included."""

from itertools import groupby

import numpy as np
import pytest

import penstock
from penstock.backends.llvm.native import NativeImage
from penstock.backends.reference import run_graph
from penstock.dialects.memory_plan import ALIGNMENT
from penstock.errors import UnsupportedError
from penstock.onnx_import import import_model
from penstock.package import ENTRY
from penstock.profiling import memory_of
from tests.guard_pages import SIDES, call_fenced
from tests.onnx_import.layer_cases import LAYERS, SPECTRA
from tests.onnx_import.operator_cases import CASES, Case
from tests.onnx_import.test_operators import inputs_of, model_of

BY_NAME = sorted([*CASES, *LAYERS, *SPECTRA], key=lambda case: case.op_type)
ONE_EACH = [next(cases) for _, cases in groupby(BY_NAME, lambda case: case.op_type)]
"""The first case of every operator: each is compiled, so only a part is run here, across all families."""
EVERY = 3


@pytest.mark.parametrize("case", ONE_EACH[::EVERY], ids=lambda case: case.op_type)
def test_models_keep_to_their_memory(case: Case) -> None:
    model, inputs = model_of(case), inputs_of(case)
    try:
        package = penstock.compile(model).package
    except UnsupportedError:
        pytest.skip("declined")
    memory = memory_of(package, inputs)
    main = NativeImage(package.image).function(ENTRY)
    alignments = [*[1] * (len(memory) - 2), ALIGNMENT, ALIGNMENT]
    left = [call_fenced(main, memory, side, alignments) for side in SIDES]
    wanted = run_graph(import_model(model), inputs)
    for number, output in enumerate(package.outputs, len(package.inputs)):
        low, high = (arrays[number] for arrays in left)
        np.testing.assert_array_equal(low.view(np.uint8), high.view(np.uint8))
        np.testing.assert_allclose(
            low.astype(np.float64), wanted[output.name].astype(np.float64), rtol=1e-3, atol=1e-4
        )
