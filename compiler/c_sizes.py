"""The part of a C header for sizes that a call decides: a struct of them, and what follows from it.

Formulas become C expressions over the struct; `objects` writes the rest of the header.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from penstock.c_names import c_name, distinct
from penstock.dialects.memory_plan import ALIGNMENT, GrowingValue
from penstock.dialects.requirements import EQUAL, alternatives, sides, sign_of
from penstock.dialects.size_text import parse_size
from penstock.dialects.sizes import Atom, Extent, Product, is_at_least, multiplied, terms_of
from penstock.package import Package, Symbol, TensorInfo

SIZES = "sizes"
"""The parameter that holds the sizes of a call."""
HELPERS = ("quotient", "max", "min", "rounded")
LARGEST = 2**31 - 1
"""The greatest size where a model has no bound: products of a few such sizes are 64-bit integers still."""


def names_taken(name: str) -> set[str]:
    """The names that the header declares for sizes, but those of shapes."""
    functions = (SIZES, "check_sizes", "arena_size", *HELPERS)
    return {SIZES, *(f"{name}_{each}" for each in functions)}


@dataclass(frozen=True)
class SizesInC:
    """The sizes of a model under the names that they have in C."""

    name: str
    package: Package

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """Symbol -> member of the struct."""
        names = [symbol.name for symbol in self.package.symbols]
        return dict(zip(names, distinct(map(c_name, names), ()), strict=True))

    @property
    def parameters(self) -> list[str]:
        """The sizes as parameters of `main`, which need no names that could clash with others."""
        return [f"int64_t /* {field} */" for field in self.fields.values()]

    @property
    def values(self) -> list[str]:
        """The sizes as `main` takes them."""
        return [f"{SIZES}->{field}" for field in self.fields.values()]

    @cached_property
    def faults(self) -> list[tuple[str, str]]:
        """What may be wrong with sizes: in words, and as a condition."""
        needs = [self._requirement(each) for each in self.package.requirements]
        return [*map(self._range, self.package.symbols), *needs, *self._nothing()]

    def expression(self, size: Extent) -> str:
        """A size as a C expression, in parentheses where it is more than one operand."""
        terms = [self._term(product, factor) for product, factor in terms_of(size)]
        return f"({' + '.join(terms)})" if len(terms) != 1 else terms[0]

    def elements(self, tensor: TensorInfo) -> str:
        """How many elements a tensor has."""
        count: Extent = 1
        for dim in map(_extent, tensor.shape):
            count = multiplied(count, dim)
        return self.expression(count)

    def _term(self, product: Product, factor: int) -> str:
        atoms = [self._atom(atom) for atom in product]
        return " * ".join([f"INT64_C({factor})", *atoms] if factor != 1 or not atoms else atoms)

    def _atom(self, atom: Atom) -> str:
        if isinstance(atom, str):
            return f"{SIZES}->{self.fields[atom]}"
        helper = {"//": "quotient"}.get(atom.rule, atom.rule)
        return f"{self.name}_{helper}({self.expression(atom.a)}, {self.expression(atom.b)})"

    def _range(self, symbol: Symbol) -> tuple[str, str]:
        most = LARGEST if symbol.most is None else symbol.most
        value = f"{SIZES}->{self.fields[symbol.name]}"
        return (
            f"{symbol.name} is not from {symbol.least} to {most}",
            f"{value} < {symbol.least} || {value} > INT64_C({most})",
        )

    def _requirement(self, requirement: str) -> tuple[str, str]:
        broken = " && ".join(map(self._broken, alternatives(requirement)))
        return f"the model needs {requirement}", broken

    def _broken(self, requirement: str) -> str:
        left, right = map(self.expression, sides(requirement))
        return f"{left} {'!=' if sign_of(requirement) == EQUAL else '>'} {right}"

    def _nothing(self) -> Iterator[tuple[str, str]]:
        """The condition that something has less than no elements."""
        growing = self.package.growing
        shapes = [_extent(dim) for output in self.package.outputs for dim in output.shape]
        values = [] if growing is None else [value.size for value in growing.values]
        unsure = dict.fromkeys(size for size in (*shapes, *values) if not is_at_least(size, 0))
        if unsure:
            tests = " || ".join(f"{self.expression(size)} < 0" for size in unsure)
            yield "the model has nothing to compute at these sizes", tests

    def lines(self, tensors: Iterable[tuple[str, TensorInfo]], first_code: int) -> Iterator[str]:
        """The struct, the shapes of tensors by the name of their parameter, the checks, the arena."""
        members = " ".join(f"int64_t {field};" for field in self.fields.values())
        yield f"/* The sizes of a call; {self.name}_check_sizes tells whether the model takes them. */"
        yield f"typedef struct {{ {members} }} {self.name}_{SIZES};"
        yield from _helper_lines(self.name)
        for word, tensor in tensors:
            yield from self._shape_lines(word, tensor)
        yield from self._check_lines(first_code)
        yield from self._arena_lines()

    def _function(self, kind: str, name: str, more: str = "") -> str:
        return f"static inline {kind} {self.name}_{name}(const {self.name}_{SIZES} *{SIZES}{more}) {{"

    def _shape_lines(self, word: str, tensor: TensorInfo) -> Iterator[str]:
        if tensor.is_static:
            return
        rank = len(tensor.shape)
        yield f"/* Writes the {rank} sizes of {word} and returns how many elements it has. */"
        yield self._function("int64_t", f"shape_of_{word}", f", int64_t shape[{rank}]")
        for axis, dim in enumerate(tensor.shape):
            yield f"    shape[{axis}] = {self.expression(_extent(dim))};"
        yield f"    return {self.elements(tensor)};"
        yield "}"

    def _check_lines(self, first_code: int) -> Iterator[str]:
        yield self._function("int", "check_sizes")
        for number, (_, condition) in enumerate(self.faults):
            yield f"    if ({condition}) return {first_code - number};"
        yield from ("    return 0;", "}")

    def _arena_lines(self) -> Iterator[str]:
        """The plan of the memory: a value begins where the last of those below it ends."""
        growing = self.package.growing
        assert growing is not None, "a model of open sizes has a plan for all of them"
        yield f"/* Bytes of scratch that a call of these sizes needs, aligned to {ALIGNMENT}. */"
        yield self._function("int64_t", "arena_size")
        order = growing.order()
        yield from (f"    {self._end(i, growing.values[i])}" for i in order)
        most = _largest(self.name, ["INT64_C(1)", *(f"e{i}" for i in order if _is_top(i, growing.values))])
        is_fixed = all(isinstance(value.size, int) for value in growing.values)
        unused = [f"    (void){SIZES};"] if is_fixed else []
        yield from (*unused, f"    return {most};", "}")

    def _end(self, number: int, value: GrowingValue) -> str:
        below = f"{_largest(self.name, [f'e{j}' for j in value.below])} + " if value.below else ""
        return f"int64_t e{number} = {below}{self.name}_rounded({self.expression(value.size)});"


def _is_top(number: int, values: Sequence[GrowingValue]) -> bool:
    """Whether nothing lies above a value."""
    return not any(number in value.below for value in values)


def _largest(name: str, expressions: Sequence[str]) -> str:
    first, *rest = expressions
    return f"{name}_max({first}, {_largest(name, rest)})" if rest else first


def _extent(dim: int | str) -> Extent:
    return dim if isinstance(dim, int) else parse_size(dim)


def _helper_lines(name: str) -> Iterator[str]:
    two = "(int64_t a, int64_t b) {"
    yield f"static inline int64_t {name}_max{two} return a > b ? a : b; }}"
    yield f"static inline int64_t {name}_min{two} return a < b ? a : b; }}"
    yield f"static inline int64_t {name}_quotient{two}"
    yield "    if (b < 1) b = 1;"
    yield "    return a / b - (a % b != 0 && a < 0);"
    yield "}"
    yield f"static inline int64_t {name}_rounded(int64_t a) {{"
    yield f"    return a > 0 ? (a + {ALIGNMENT - 1}) / {ALIGNMENT} * {ALIGNMENT} : 0;"
    yield "}"
