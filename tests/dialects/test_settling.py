"""Sizes are moved to where the requirements of a model allow them."""

import pytest

from penstock.dialects.requirements import holds
from penstock.dialects.settling import other_sizes, settled


@pytest.mark.parametrize(
    ("requirements", "sizes", "wanted"),
    [
        (["a <= 4"], {"a": 3}, {"a": 3}),
        (["a <= 4"], {"a": 9}, {"a": 4}),
        (["past + new == total", "past <= 512"], {"past": 600, "new": 1, "total": 1}, [512, 1, 513]),
        (["2*((h + 1)//32) == (h + 1)//16"], {"h": 240}, [255]),
        (["a*b == c"], {"a": 2, "b": 3, "c": 1}, [2, 3, 6]),
        (["a + 3 <= 2"], {"a": 1}, [1]),
    ],
)
def test_sizes_are_moved(requirements: list[str], sizes: dict[str, int], wanted: object) -> None:
    found = settled(requirements, sizes)
    assert wanted in (found, list(found.values()))


def test_other_sizes() -> None:
    assert other_sizes([], {}, {"n": 1, "h": 224}) == {"n": 2, "h": 336}
    assert other_sizes(["m == n"], {}, {"n": 4, "m": 4}) == {"n": 6, "m": 6}
    assert other_sizes([], {"n": (1, 1)}, {"n": 1, "h": 7}) == {"n": 1, "h": 10}
    assert other_sizes(["n == 3"], {}, {"n": 3}) == {"n": 3}
    assert other_sizes(["m == n", "kept == n"], {}, {"n": 4, "m": 4}) == {"n": 6, "m": 6}


def test_nothing_is_divided_by_nothing() -> None:
    assert holds("8//n == 2", {"n": 4})
    assert not holds("8//n == 2", {"n": 0})
