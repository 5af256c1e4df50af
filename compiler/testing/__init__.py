"""The kit for testing passes: random graphs, arrays for them, and the comparison of what two modules compute.

Used by the tests of Penstock itself and by those of plugins; `graph_modules` needs Hypothesis.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from penstock.testing.meaning import (
    assert_computes,
    assert_pass_keeps_meaning,
    assert_same_meaning,
    compiled,
    inputs_for,
    parse,
    round_trip,
    run,
    run_pass,
)

if TYPE_CHECKING:
    from penstock.testing.graphs import graph_modules

__all__ = [
    "assert_computes",
    "assert_pass_keeps_meaning",
    "assert_same_meaning",
    "compiled",
    "graph_modules",
    "inputs_for",
    "parse",
    "round_trip",
    "run",
    "run_pass",
]


def __getattr__(name: str) -> object:
    """Import what needs Hypothesis only when it is asked for."""
    if name != "graph_modules":
        raise AttributeError(f"module 'penstock.testing' has no attribute {name!r}")
    try:
        return getattr(import_module("penstock.testing.graphs"), name)
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise ModuleNotFoundError(
            "graph_modules draws with Hypothesis: pip install 'penstock[test]'", name="hypothesis"
        ) from error
