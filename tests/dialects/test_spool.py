"""Large arrays that a pass made go into a file, are the same there, and leave memory when they may."""

import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from penstock.dialects import spool
from penstock.dialects.resources import ResourceAttr
from penstock.dialects.spool import LEAST, release, spooled, spooling

Array = NDArray[np.generic]
Turn = Callable[[Array], Array]
MAPS = Path("/proc/self/smaps")


def large(rows: int = 2) -> NDArray[np.float32]:
    """An array that is worth a file."""
    return np.arange(rows * LEAST // 4, dtype=np.float32).reshape(rows, -1)


def is_in_a_file(array: Array) -> bool:
    """Whether the memory of an array is not NumPy's."""
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    return cast(object, owner.base) is not None


def resident() -> int:
    """Kilobytes of files without a name that are in memory."""
    found, inside = 0, False
    for line in MAPS.read_text().splitlines():
        first, *others = line.split()
        if first == "Rss:" and inside:
            found += int(others[0])
        elif not first.endswith(":"):
            inside = line.endswith("(deleted)")
    return found


def test_large_arrays_go_into_a_file_and_stay_the_same() -> None:
    with spooling():
        kept = [spooled(large(rows)) for rows in (1, 2, 3)]
    for rows, array in enumerate(kept, 1):
        assert is_in_a_file(array) and not array.flags.writeable
        np.testing.assert_array_equal(array, large(rows))


def test_what_is_larger_than_a_file_has_one_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "CHUNK", LEAST + 1)
    with spooling():
        kept = [spooled(large(rows)) for rows in (1, 4, 1, 1)]
    for rows, array in zip((1, 4, 1, 1), kept, strict=True):
        np.testing.assert_array_equal(array, large(rows))


def turned(array: Array) -> Array:
    """The axes change places."""
    return array.T


def mirrored(array: Array) -> Array:
    """The rows run backwards."""
    return array[:, ::-1]


def turned_copy(array: Array) -> Array:
    """A view of a copy."""
    return array.astype(np.float64).T


@pytest.mark.parametrize("turn", [turned, mirrored, turned_copy])
def test_any_order_of_elements_is_kept(turn: Turn) -> None:
    with spooling():
        kept = spooled(turn(large()))
    assert is_in_a_file(kept)
    np.testing.assert_array_equal(kept, turn(large()))


def test_small_arrays_and_those_of_others_stay_where_they_are() -> None:
    small, foreign = np.zeros(8), np.frombuffer(bytes(2 * LEAST), np.uint8)
    with spooling():
        mine = spooled(large())
        assert spooled(small) is small and spooled(foreign) is foreign and spooled(mine) is mine


def test_without_a_spool_all_stays_in_memory() -> None:
    array = large()
    assert spooled(array) is array and ResourceAttr.of("w", array).array is array
    with spooling():
        assert is_in_a_file(ResourceAttr.of("w", array).array)
    assert not is_in_a_file(ResourceAttr.of("w", array).array)


def test_a_full_disk_keeps_arrays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> int:
        raise OSError("no space left")

    array = large()
    with spooling():
        monkeypatch.setattr(os, "pwrite", full)
        assert spooled(array) is array


@pytest.mark.skipif(not MAPS.exists(), reason="the system does not tell what is in memory")
def test_arrays_leave_memory_when_they_are_released_or_end() -> None:
    with spooling():
        first, second = spooled(large()), spooled(large())
        before = resident()
        total = float(first.sum()) + float(second.sum())
        assert resident() >= before + 4 * LEAST // 1024
        release(first[1:].view(np.uint8))
        assert resident() < before + 3 * LEAST // 1024
        assert float(first.sum()) * 2 == total
        del first, second
        gc.collect()
        assert resident() <= before


def test_release_does_nothing_to_other_memory() -> None:
    array, foreign = large(), np.frombuffer(bytes(range(256)), np.uint8)
    release(array)
    release(foreign)
    np.testing.assert_array_equal(array, large())
    assert foreign.tolist() == list(range(256))
