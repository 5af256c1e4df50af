"""Reads sizes from text: `parse_size("2*h + w//2 - 1")` is what `str` of a `Size` writes, and more.

sum := ["-"] product {("+" | "-") product}      product := atom {("*" | "//" | "/" | "%") atom}
atom := number | name | "(" sum ")" | ("max" | "min") "(" sum "," sum ")"
"""

import re
from functools import lru_cache

from penstock.dialects.sizes import Extent, maximum, minimum, quotient, symbol

_TOKEN = re.compile(r"\s*(\d+|[A-Za-z_][\w.]*|//|[-+*/%(),])")


@lru_cache(maxsize=8192)
def parse_size(text: str) -> Extent:
    """The size that a formula stands for; `ValueError` says what is not understood.

    >>> str(parse_size("(h - 1)/2 + 1")), str(parse_size("2*h/2"))
    ('(h + 1)//2', 'h')
    """
    reader = _Reader(text)
    size = reader.sum()
    if reader.tokens:
        raise ValueError(f"cannot read the size {text!r} at {reader.tokens[-1]!r}")
    return size


class _Reader:
    """A parser by recursive descent; its tokens lie in reverse order."""

    def __init__(self, text: str) -> None:
        self.text, at, found = text, 0, list[str]()
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise ValueError(f"cannot read the size {text!r} at {text[at:]!r}")
            found.append(match[1])
            at = match.end()
        self.tokens = found[::-1]

    def sum(self) -> Extent:
        """A sum of products."""
        result = 0 - self.product() if self.accept("-") else self.product()
        while (sign := self.accept("+", "-")) is not None:
            term = self.product()
            result = result + term if sign == "+" else result - term
        return result

    def product(self) -> Extent:
        """Factors and divisors, from the left."""
        result = self.atom()
        while (sign := self.accept("*", "//", "/", "%")) is not None:
            factor = self.atom()
            if sign == "*":
                result = result * factor
            elif factor == 0:
                raise ValueError(f"the size {self.text!r} divides by zero")
            else:
                whole = quotient(result, factor)
                result = result - whole * factor if sign == "%" else whole
        return result

    def atom(self) -> Extent:
        """A number, a symbol, a call, or a sum in brackets."""
        if not self.tokens:
            raise ValueError(f"the size {self.text!r} ends too early")
        token = self.tokens.pop()
        if token.isdigit():
            return int(token)
        if token == "(":
            return self.closed(self.sum())
        if token in ("max", "min") and self.accept("(") is not None:
            first = self.sum()
            self.expect(",")
            return self.closed((maximum if token == "max" else minimum)(first, self.sum()))
        if not (token[0].isalpha() or token[0] == "_"):
            raise ValueError(f"cannot read the size {self.text!r} at {token!r}")
        return symbol(token)

    def closed(self, size: Extent) -> Extent:
        """A size behind which a bracket closes."""
        self.expect(")")
        return size

    def accept(self, *wanted: str) -> str | None:
        """The next token if it is one of those wanted."""
        return self.tokens.pop() if self.tokens and self.tokens[-1] in wanted else None

    def expect(self, token: str) -> None:
        """Pass over a token that must come."""
        if self.accept(token) is None:
            raise ValueError(f"the size {self.text!r} lacks a {token!r}")
