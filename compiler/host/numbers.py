"""Numbers written as strings and read from them, on the host."""

import re
from collections.abc import Sequence

import numpy as np

from penstock.errors import HostError
from penstock.host.arrays import Array, HostFunction, Options, as_strings, check_text, items, strings_of, text

INTEGER = re.compile(r"[+-]?[0-9]{1,30}")
REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
SPECIAL = re.compile(r"[+-]?inf|nan", re.IGNORECASE)
LONGEST = 40
"""Characters of a string that is no number that the error tells."""


def to_text(options: Options, operands: Sequence[Array]) -> list[Array]:
    """ToText: numbers in plain notation, in as few digits as tell them apart; `NaN`, `INF` and `-INF`.

    Truths are 1 and 0.
    """
    (x,) = operands
    write = _integer_text if x.dtype.kind in "iub" else _real_text
    # Types that NumPy does not know are written as the single precision numbers that they are.
    known = x if x.dtype.kind in "iubf" else x.astype(np.float32)
    written = [write(number) for number in known.reshape(-1)]
    check_text(len(written), sum(map(len, written)))
    return [strings_of(written, x.shape)]


def _integer_text(number: np.generic) -> str:
    return str(int(number.item()))


def _real_text(number: np.generic) -> str:
    value = float(number.item())
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "INF" if value > 0 else "-INF"
    return np.format_float_positional(number, trim="-")  # pyright: ignore[reportArgumentType]


def to_number(options: Options, operands: Sequence[Array]) -> list[Array]:
    """ToNumber: strings read as `float64`, `int64` or `uint64`, in plain or scientific notation."""
    x = as_strings(operands[0])
    dtype = np.dtype(text(options, "to"))
    read = _real if dtype.kind == "f" else _integer
    numbers = [read(each) for each in items(x)]
    try:
        return [np.array(numbers, dtype).reshape(x.shape)]
    except OverflowError:
        raise HostError(f"a number is outside of {dtype}") from None


def _real(string: str) -> float:
    if REAL.fullmatch(string) or SPECIAL.fullmatch(string):
        return float(string)
    raise HostError(f"{string[:LONGEST]!r} is no number", remedy="Pass numbers, such as 3.14 or 1e-5.")


def _integer(string: str) -> int:
    if INTEGER.fullmatch(string):
        return int(string)
    real = _real(string)
    if not np.isfinite(real):
        raise HostError(f"{string[:LONGEST]!r} is no integer")
    return int(real)


NUMBERS: dict[str, HostFunction] = {"ToNumber": to_number, "ToText": to_text}
