"""What `expand-math` promises: the largest error of each function, which its tests measure."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Bound:
    """The largest errors in units of the last place of the exact result, for each format.

    Half and bfloat16 results are those of single format rounded once more.  The circular functions hold
    theirs for arguments up to `circular.REDUCIBLE`.
    """

    single: float
    double: float


BOUNDS: Mapping[str, Bound] = {
    "math.exp": Bound(1.05, 1.1),
    "math.exp2": Bound(1.0, 1.25),
    "math.expm1": Bound(1.5, 2.1),
    "math.log": Bound(1.05, 1.05),
    "math.log2": Bound(1.35, 1.35),
    "math.log10": Bound(1.15, 1.15),
    "math.log1p": Bound(1.6, 1.5),
    "math.tanh": Bound(2.6, 2.75),
    "math.sinh": Bound(2.3, 2.6),
    "math.cosh": Bound(1.6, 1.6),
    "math.asinh": Bound(0.51, 2.0),
    "math.acosh": Bound(0.51, 3.0),
    "math.atanh": Bound(0.51, 2.25),
    "math.sin": Bound(1.6, 1.6),
    "math.cos": Bound(1.6, 1.6),
    "math.tan": Bound(0.65, 3.5),
    "math.asin": Bound(2.1, 2.25),
    "math.acos": Bound(1.25, 1.4),
    "math.atan": Bound(1.9, 2.0),
    "math.atan2": Bound(1.9, 2.0),
    "math.erf": Bound(2.0, 1.5),
    "math.cbrt": Bound(0.8, 0.9),
    "math.rsqrt": Bound(1.5, 1.5),
    "math.round": Bound(0.0, 0.0),
    "math.powf": Bound(1.5, 1.5),
    "math.fpowi": Bound(0.51, 1.5),
    "math.ipowi": Bound(0.0, 0.0),
}
