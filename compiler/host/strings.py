"""Host functions that make strings of strings, as ONNX defines them."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from penstock.errors import HostError
from penstock.host.arrays import (
    Array,
    HostFunction,
    Options,
    as_strings,
    check_text,
    items,
    several,
    strings_of,
    text,
    whole,
)

LOWER, UPPER, NONE = "LOWER", "UPPER", "NONE"
CASES: dict[str, Callable[[str], str]] = {LOWER: str.lower, UPPER: str.upper, NONE: str}


def concat(options: Options, operands: Sequence[Array]) -> list[Array]:
    """StringConcat: each string of the one with that of the other behind it, broadcasting as in NumPy."""
    a, b = (as_strings(operand) for operand in operands)
    lengths = np.add(_lengths(a), _lengths(b))
    check_text(lengths.size, int(lengths.sum()))
    pairs = zip(*(items(np.broadcast_to(x, lengths.shape)) for x in (a, b)), strict=True)
    return [strings_of([first + second for first, second in pairs], lengths.shape)]


def _lengths(strings: Array) -> NDArray[np.int64]:
    return np.array([len(s) for s in items(strings)], np.int64).reshape(strings.shape)


def split(options: Options, operands: Sequence[Array]) -> list[Array]:
    """StringSplit: the parts of each string, filled up with empty ones, and how many there are.

    Without a delimiter, runs of white space separate, and none is left at the ends.
    """
    x = as_strings(operands[0])
    delimiter, most = text(options, "delimiter") or None, whole(options, "maxsplit", -1)
    parts = [each.split(delimiter, most) for each in items(x)]
    counts = np.array([len(each) for each in parts], np.int64).reshape(x.shape)
    width = int(counts.max(initial=0))
    check_text(width * len(parts), sum(map(len, items(x))))
    filled = [part for each in parts for part in (*each, *[""] * (width - len(each)))]
    return [strings_of(filled, (*x.shape, width)), counts]


def normalize(options: Options, operands: Sequence[Array]) -> list[Array]:
    """StringNormalizer: strings without those that are stop words, in one case.

    Where none is left there is an empty one.  Case is that of Unicode, without regard to a language.
    """
    x = as_strings(operands[0])
    if x.ndim not in (1, 2) or x.ndim == 2 and x.shape[0] != 1:
        raise HostError(f"strings of the shape {list(x.shape)}, it must be [C] or [1, C]")
    action, stopwords = text(options, "case", NONE), [str(word) for word in several(options, "stopwords")]
    kept = _without(items(x), stopwords, _comparing(action, whole(options, "is_case_sensitive") != 0))
    changed = [CASES[action](each) for each in kept]
    check_text(len(changed), sum(map(len, changed)))
    left = changed or ([""] if stopwords else [])
    return [strings_of(left, (*x.shape[:-1], len(left)))]


def _comparing(action: str, is_case_sensitive: bool) -> Callable[[str], str]:
    """What strings are compared as."""
    return str if is_case_sensitive else CASES[LOWER if action == NONE else action]


def _without(strings: list[str], stopwords: list[str], told: Callable[[str], str]) -> list[str]:
    stops = set(map(told, stopwords))
    return [each for each in strings if told(each) not in stops]


STRINGS: dict[str, HostFunction] = {
    "StringConcat": concat,
    "StringNormalizer": normalize,
    "StringSplit": split,
}
