"""The quick way to an array's elements tells what NumPy tells."""

import numpy as np
import pytest

from penstock import addresses


@pytest.mark.parametrize("shape", [(1,), (3, 5), ()])
@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.bool_])
def test_the_address_is_that_of_numpy(shape: tuple[int, ...], dtype: type[np.generic]) -> None:
    array = np.zeros(shape, dtype)
    assert addresses.address_reader()(array) == array.ctypes.data


def test_views_begin_where_they_begin() -> None:
    array = np.zeros((4, 6), np.float64)
    assert addresses.address_reader()(array[2:, 3:]) == array.ctypes.data + (2 * 6 + 3) * 8


def test_where_arrays_are_laid_out_otherwise_numpy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_POINTER", 8)
    addresses.address_reader.cache_clear()
    array = np.zeros(3)
    try:
        assert addresses.address_reader()(array) == array.ctypes.data
    finally:
        addresses.address_reader.cache_clear()
