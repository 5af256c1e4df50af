"""Index arithmetic as sums of multiples: what `lower-loops-to-llvm` keeps of it until a value is needed."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AffineIndex:
    """`const + sum(coefficient * atom)` modulo 2**64; atoms are numbered in the order they came into being.

    Outer loops come first, so a prefix of the terms is invariant in the loops inside.
    """

    const: int = 0
    terms: tuple[tuple[int, int], ...] = ()

    def __add__(self, other: "AffineIndex") -> "AffineIndex":
        if not other.terms:
            return AffineIndex(self.const + other.const, self.terms)
        if not self.terms:
            return AffineIndex(self.const + other.const, other.terms)
        return weighted_sum(((self, 1), (other, 1)))

    def __mul__(self, factor: int) -> "AffineIndex":
        if factor == 0:
            return AffineIndex()
        return AffineIndex(self.const * factor, tuple((atom, c * factor) for atom, c in self.terms))

    def __sub__(self, other: "AffineIndex") -> "AffineIndex":
        return self + other * -1

    @property
    def constant(self) -> int | None:
        """The value when it is known at compile time."""
        return None if self.terms else self.const


def weighted_sum(parts: Iterable[tuple[AffineIndex, int]]) -> AffineIndex:
    """Add the parts, each multiplied by its weight: what an access to a row-major buffer asks for."""
    const = 0
    terms: dict[int, int] = {}
    for index, weight in parts:
        const += index.const * weight
        for atom, coefficient in index.terms:
            terms[atom] = terms.get(atom, 0) + coefficient * weight
    return AffineIndex(const, tuple(sorted((atom, c) for atom, c in terms.items() if c)))
