"""Code for older machines computes what code for this one does: without AVX-512, AVX2 or FMA."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

import penstock
from penstock.backends.targets import missing_features, target, target_names
from tests.checking import models

MODELS = [models.deep_convolution, models.convolution, models.perceptron, models.pools]
OLDER = [name for name in target_names() if name != "host"]


@cache
def outputs(number: int, name: str) -> dict[str, NDArray[np.generic]]:
    """What a model gives on fixed inputs when compiled for a machine."""
    model = penstock.compile(MODELS[number]().SerializeToString(), target=name)
    rng = np.random.default_rng(0)
    return model({t.name: rng.standard_normal(t.fixed).astype(np.float32) for t in model.inputs})


@pytest.mark.parametrize("name", OLDER)
@pytest.mark.parametrize("number", range(len(MODELS)), ids=[m.__name__ for m in MODELS])
def test_the_numbers_are_those_of_this_machine(number: int, name: str) -> None:
    if missing_features(target(name)):
        pytest.skip(f"this CPU cannot run code for {name}")
    expected, got = outputs(number, "host"), outputs(number, name)
    for key, wanted in expected.items():
        scale = np.abs(wanted.astype(np.float64)).max()
        assert np.abs(got[key].astype(np.float64) - wanted.astype(np.float64)).max() <= 2e-6 * scale
