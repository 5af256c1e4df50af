"""Sizes known only at run time: integer polynomials over symbols and quotients, maxima and minima of sizes.

A `Size` is canonical, so two formulas that are equal as polynomials are equal and have one text.  What turns
out to be a number is an `int`, never a `Size`.  Symbols stand for natural numbers.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import gcd
from typing import TypeAlias, Union

Extent: TypeAlias = Union[int, "Size"]
"""A number, or a formula of symbols."""


@dataclass(frozen=True)
class Call:
    """A quotient rounded down, a maximum or a minimum of two sizes: a part of a product that is no symbol."""

    rule: str
    a: Extent
    b: Extent

    @cached_property
    def text(self) -> str:
        """The call as it is written."""
        if self.rule == "//":
            return f"{_operand(self.a)}//{_operand(self.b)}"
        return f"{self.rule}({self.a}, {self.b})"


Atom: TypeAlias = str | Call
Product: TypeAlias = tuple[Atom, ...]
"""Factors in the order of their texts; no factors are 1."""


@dataclass(frozen=True)
class Size:
    """A sum of multiples of products, in the order of the products' texts; made by `total`."""

    terms: tuple[tuple[Product, int], ...]

    @cached_property
    def symbols(self) -> frozenset[str]:
        """The symbols that the value depends on."""
        return frozenset(s for product, _ in self.terms for atom in product for s in symbols_of_atom(atom))

    @cached_property
    def constant(self) -> int:
        """The part that depends on no symbol."""
        return dict(self.terms).get((), 0)

    def __str__(self) -> str:
        # The constant comes last.
        ordered = [t for t in self.terms if t[0]] + [t for t in self.terms if not t[0]]
        text = "".join(f" {'-' if c < 0 else '+'} {_term_text(product, abs(c))}" for product, c in ordered)
        return text[3:] if text.startswith(" + ") else f"-{text[3:]}"

    def __add__(self, other: Extent) -> Extent:
        return total([*self.terms, *terms_of(other)])

    __radd__ = __add__

    def __neg__(self) -> Extent:
        return total((product, -c) for product, c in self.terms)

    def __sub__(self, other: Extent) -> Extent:
        return self + -other

    def __rsub__(self, other: int) -> Extent:
        return -self + other

    def __mul__(self, other: Extent) -> Extent:
        pairs = [(a, b) for a in self.terms for b in terms_of(other)]
        return total((_product([*p, *q]), c * d) for (p, c), (q, d) in pairs)

    __rmul__ = __mul__

    def __floordiv__(self, other: Extent) -> Extent:
        return quotient(self, other)

    def __rfloordiv__(self, other: int) -> Extent:
        return quotient(other, self)

    def __mod__(self, other: Extent) -> Extent:
        return self - self // other * other


def terms_of(size: Extent) -> tuple[tuple[Product, int], ...]:
    """The terms of a sum; zero has none."""
    if isinstance(size, Size):
        return size.terms
    return (((), size),) if size else ()


def total(terms: Iterable[tuple[Product, int]]) -> Extent:
    """The sum of multiples of products."""
    found: dict[Product, int] = {}
    for product, coefficient in terms:
        found[product] = found.get(product, 0) + coefficient
    kept = [(product, c) for product, c in found.items() if c]
    if not kept or (len(kept) == 1 and not kept[0][0]):
        return kept[0][1] if kept else 0
    return Size(tuple(sorted(kept, key=lambda term: _product_key(term[0]))))


def symbol(name: str) -> Size:
    """The size that a symbol stands for."""
    return Size((((name,), 1),))


def added(a: Extent, b: Extent) -> Extent:
    """`a + b`."""
    return a + b


def subtracted(a: Extent, b: Extent) -> Extent:
    """`a - b`."""
    return a - b


def multiplied(a: Extent, b: Extent) -> Extent:
    """`a * b`."""
    return a * b


def remainder(a: Extent, b: Extent) -> Extent:
    """What is left of `a` behind whole multiples of `b`."""
    return a - quotient(a, b) * b


def quotient(a: Extent, b: Extent) -> Extent:
    """`a / b` rounded down; `a` where `b` is 0: a call must not fail before its sizes are checked."""
    if isinstance(b, int) and b < 1:
        return a if b == 0 else quotient(0 - a, -b)
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    if a == b:
        return 1
    exact = exact_quotient(a, b)
    if exact is not None:
        return exact
    if isinstance(b, int):
        return _quotient_by_number(a, b)
    return _atom(Call("//", a, b))


def maximum(a: Extent, b: Extent) -> Extent:
    """The greater of two sizes."""
    if is_at_least(a - b, 0):
        return a
    if is_at_least(b - a, 0):
        return b
    return _in_order("max", a, b)


def minimum(a: Extent, b: Extent) -> Extent:
    """The lesser of two sizes."""
    if is_at_least(b - a, 0):
        return a
    if is_at_least(a - b, 0):
        return b
    return _in_order("min", a, b)


def _in_order(rule: str, *sizes: Extent) -> Extent:
    """The greatest or least of some sizes, each once, in the order of their texts."""
    found = list(dict.fromkeys(part for size in sizes for part in _choices(rule, size)))
    sign = 1 if rule == "max" else -1
    beaten = {a for a in found for b in found if a != b and is_at_least((b - a) * sign, 0)}
    first, *others = sorted((part for part in found if part not in beaten), key=str)
    for other in others:
        first = _atom(Call(rule, first, other))
    return first


def _choices(rule: str, size: Extent) -> list[Extent]:
    """The sizes of which a size is the greatest (or least) one; itself if it is no such choice."""
    terms = terms_of(size)
    call = terms[0][0][0] if len(terms) == 1 and len(terms[0][0]) == 1 and terms[0][1] == 1 else ""
    if isinstance(call, str) or call.rule != rule:
        return [size]
    return [*_choices(rule, call.a), *_choices(rule, call.b)]


RULES: Mapping[str, Callable[[Extent, Extent], Extent]] = {
    "//": lambda a, b: quotient(a, max(b, 1) if isinstance(b, int) else b),
    "max": maximum,
    "min": minimum,
}
"""How the value of a call comes from those of its operands."""


def evaluate(size: Extent, values: Mapping[str, Extent]) -> Extent:
    """The size with values put in for symbols; those without one stay."""
    if isinstance(size, int) or size.symbols.isdisjoint(values):
        return size
    result: Extent = 0
    for product, coefficient in size.terms:
        term: Extent = coefficient
        for atom in product:
            term = term * _atom_value(atom, values)
        result = result + term
    return result


def number(size: Extent, values: Mapping[str, int]) -> int:
    """The size in numbers, all symbols being given."""
    found = evaluate(size, values)
    assert isinstance(found, int), f"not all symbols of {size} are given in {sorted(values)}"
    return found


def symbols_of(*sizes: Extent) -> list[str]:
    """The symbols in some sizes, in alphabetical order."""
    return sorted({name for size in sizes if isinstance(size, Size) for name in size.symbols})


def symbols_of_atom(atom: Atom) -> frozenset[str]:
    """The symbols in a factor."""
    return frozenset([atom]) if isinstance(atom, str) else frozenset(symbols_of(atom.a, atom.b))


def may_only_be_equal(a: Extent, b: Extent) -> bool:
    """Whether two sizes that meet are taken to be equal: both follow from the same symbols.

    Of others, one may be 1 and repeated.
    """
    return symbols_of(a) == symbols_of(b)


@lru_cache(maxsize=8192)
def is_at_least(size: Extent, bound: int) -> bool:
    """Whether a size is proven to be `bound` or more, whatever its symbols; `False` may mean "not known"."""
    if isinstance(size, int):
        return size >= bound
    return any(_least_sum(form) >= bound for form in (size, *_without_quotients(size)))


def _least_sum(size: Extent) -> float:
    """A lower bound of a sum by that of each term: products of naturals are not negative."""
    least = 0.0
    for product, coefficient in terms_of(size):
        if not product:
            least += coefficient
        elif coefficient < 0 or not all(map(_is_natural, product)):
            return float("-inf")
        else:
            least += coefficient * _least_product(product)
    return least


def _least_product(product: Product) -> int:
    least = 1
    for atom in product:
        # max(x, 3) is at least 3.
        bounds = (atom.a, atom.b) if isinstance(atom, Call) and atom.rule == "max" else ()
        least *= max([0, *(b for b in bounds if isinstance(b, int))])
    return least


def _is_natural(atom: Atom) -> bool:
    if isinstance(atom, str):
        return True
    a, b = is_at_least(atom.a, 0), is_at_least(atom.b, 0)
    return a or b if atom.rule == "max" else a and b


def _without_quotients(size: Size) -> Iterable[Extent]:
    """Sizes that are not greater, times a factor: `c * (x // d)` is at least `c * (x - d + 1) / d`.

    With a negative `c` it is at least `c * x / d`.
    """
    for product, c in size.terms:
        call = product[0] if len(product) == 1 else ""
        if isinstance(call, str) or call.rule != "//" or not isinstance(call.b, int) or c % call.b:
            continue
        numerator = call.a if c < 0 else call.a - (call.b - 1)
        smaller = size - _atom(call) * c + numerator * (c // call.b)
        yield smaller
        if isinstance(smaller, Size):
            yield from _without_quotients(smaller)


def exact_quotient(a: Extent, b: Extent) -> Extent | None:
    """The quotient where a single product that is not 0 divides every term; otherwise `None`."""
    divisor = terms_of(b)
    if len(divisor) != 1:
        return None
    (factors, number_of_them), parts = divisor[0], list[tuple[Product, int]]()
    for product, coefficient in terms_of(a):
        rest = list(product)
        for factor in factors:
            if factor not in rest:
                return None
            rest.remove(factor)
        if coefficient % number_of_them:
            return None
        parts.append((tuple(rest), coefficient // number_of_them))
    return total(parts)


def _quotient_by_number(a: Extent, b: int) -> Extent:
    """What divides comes out of the quotient: `(2*h + 3) // 2` is `h + 1`."""
    whole = total((product, c // b) for product, c in terms_of(a))
    rest = total((product, c % b) for product, c in terms_of(a))
    if isinstance(rest, int):
        return whole + rest // b
    inner = _single_quotient(rest)
    if inner is not None:
        call, shift = inner
        assert isinstance(call.b, int), "chosen for it"
        return whole + quotient(call.a + shift * call.b, call.b * b)
    common = gcd(b, *(c for product, c in rest.terms if product))
    if common > 1:
        smaller = total((product, c // common) for product, c in rest.terms)
        return whole + quotient(smaller, b // common)
    return whole + _atom(Call("//", rest, b))


def _single_quotient(size: Size) -> tuple[Call, int] | None:
    """The parts of `x // d + shift`."""
    others = [(product, c) for product, c in size.terms if product]
    if len(others) != 1 or others[0][1] != 1 or len(others[0][0]) != 1:
        return None
    (atom,) = others[0][0]
    if isinstance(atom, Call) and atom.rule == "//" and isinstance(atom.b, int):
        return atom, size.constant
    return None


def _atom(call: Call) -> Size:
    return Size((((call,), 1),))


def _atom_value(atom: Atom, values: Mapping[str, Extent]) -> Extent:
    if isinstance(atom, str):
        return values.get(atom, symbol(atom))
    return RULES[atom.rule](evaluate(atom.a, values), evaluate(atom.b, values))


def less(a: Extent, b: Extent) -> Extent:
    """1 where a size is less than another one, 0 where it is not."""
    return minimum(maximum(b - a, 0), 1)


def same(a: Extent, b: Extent) -> Extent:
    """1 where two sizes are equal, 0 where they differ."""
    return 1 - minimum(maximum(a - b, b - a), 1)


def chosen(condition: Extent, a: Extent, b: Extent) -> Extent:
    """The first of two sizes where a condition is 1, the second one where it is 0."""
    return b + condition * (a - b)


def _product(factors: Iterable[Atom]) -> Product:
    return tuple(sorted(factors, key=atom_text))


def atom_text(atom: Atom) -> str:
    """A factor as it is written."""
    return atom if isinstance(atom, str) else atom.text


def _product_key(product: Product) -> tuple[str, ...]:
    return tuple(map(atom_text, product))


def _term_text(product: Product, coefficient: int) -> str:
    factors = [
        f"({t})" if "//" in t and coefficient_follows else t
        for t, coefficient_follows in (
            (atom_text(atom), len(product) > 1 or coefficient != 1) for atom in product
        )
    ]
    return "*".join([*([str(coefficient)] if coefficient != 1 or not product else []), *factors])


def _operand(size: Extent) -> str:
    text = str(size)
    return f"({text})" if any(sign in text for sign in "+-*/") else text
