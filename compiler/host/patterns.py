"""Regular expressions on the host: those of RE2, which ONNX names, by the package `google-re2`.

RE2 matches in time proportional to the text whatever the pattern is, and in a bounded memory.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

import numpy as np

from penstock.errors import HostError
from penstock.host.arrays import Array, HostFunction, Options, as_strings, items, text


class _Pattern(Protocol):
    def fullmatch(self, text: str, /) -> object: ...


class _Choices(Protocol):
    log_errors: bool


class _Re2(Protocol):
    """What is used of the package, which carries no types."""

    error: type[Exception]

    def Options(self) -> _Choices: ...
    def compile(self, pattern: str, options: _Choices, /) -> _Pattern: ...


def full_match(options: Options, operands: Sequence[Array]) -> list[Array]:
    """RegexFullMatch: whether the pattern matches a string from its beginning to its end."""
    x = as_strings(operands[0])
    pattern = compiled(text(options, "pattern"))
    found = [pattern.fullmatch(each) is not None for each in items(x)]
    return [np.array(found, np.bool_).reshape(x.shape)]


def compiled(pattern: str) -> _Pattern:
    """A pattern ready to match; `HostError` where it is none, or the package is missing."""
    try:
        re2 = cast(_Re2, import_module("re2"))
    except ImportError:
        remedy = "Install it: pip install 'penstock[text]'."
        raise HostError("regular expressions need the package google-re2", remedy=remedy) from None
    choices = re2.Options()
    # An invalid pattern is told by the error, not by the log.
    choices.log_errors = False
    try:
        return re2.compile(pattern, choices)
    except (re2.error, UnicodeError) as error:
        remedy = "Correct it: the syntax is that of RE2."
        raise HostError(f"the pattern {pattern[:80]!r} cannot be used: {error}", remedy=remedy) from None


PATTERNS: dict[str, HostFunction] = {"RegexFullMatch": full_match}
