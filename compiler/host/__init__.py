"""Functions that Python runs for a model: strings, pictures, regular expressions.

They import neither the compiler nor xDSL: an operation `graph.host` means what its function does, and the
runtime calls the same function.
"""

from collections.abc import Sequence

from penstock.errors import HostError
from penstock.host.arrays import Array, Options
from penstock.host.table import FUNCTIONS

__all__ = ["Array", "Options", "run"]


def run(function: str, options: Options, operands: Sequence[Array]) -> list[Array]:
    """The results of a function; `HostError` or `LimitError` where the operands make none."""
    known = FUNCTIONS.get(function)
    if known is None:
        raise HostError(f"there is no host function '{function}'", remedy="Compile the model again.")
    return known(options, operands)
