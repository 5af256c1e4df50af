"""What a pass states of its numerics, read from its text: `exact`, `reassociates`, `approximates(4 ulp)`."""

import re
from dataclasses import dataclass

from xdsl.passes import ModulePass

from penstock.errors import PluginError

_STATEMENT = re.compile(r"(exact|reassociates|contracts|approximates|quantizes)(?:\(([\d.e+-]+)(?: ulp)?\))?")


@dataclass(frozen=True)
class Contract:
    """A statement: whether results keep their bits, and how large errors besides rounding may be."""

    text: str
    is_exact: bool
    ulps: float = 0.0
    """Errors of single functions, in units of the last place."""
    error: float = 0.0
    """Error of results relative to the largest, where numbers become integers."""


def contract_of(each: ModulePass) -> Contract:
    """What a pass states; one that states nothing must be exact."""
    text = str(getattr(each, "numerics", "exact"))
    parts = [_STATEMENT.fullmatch(part.strip()) for part in text.split(",")]
    found = [(str(m[1]), float(m[2] or 0)) for m in parts if m is not None]
    needs_number = {"approximates", "quantizes"}
    if len(found) != len(parts) or any(kind in needs_number and not number for kind, number in found):
        raise PluginError(
            f"the pass '{each.name}' states the numerics '{text}', which no check knows",
            remedy="State exact, reassociates, contracts, approximates(N ulp) or quantizes(RELATIVE ERROR).",
        )
    numbers = dict(found)
    return Contract(
        text,
        is_exact=set(numbers) == {"exact"},
        ulps=numbers.get("approximates", 0.0),
        error=numbers.get("quantizes", 0.0),
    )
