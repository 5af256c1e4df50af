"""Sizes: the same number as Python computes, one text for equals, proofs that never claim too much."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects.size_text import parse_size
from penstock.dialects.sizes import (
    Extent,
    added,
    evaluate,
    is_at_least,
    maximum,
    minimum,
    multiplied,
    number,
    quotient,
    remainder,
    subtracted,
    symbol,
    symbols_of,
)

Pair = tuple[Extent, str]
ENVIRONMENTS = st.fixed_dictionaries({name: st.integers(0, 40) for name in "abh"})


def _joined(pair: tuple[Pair, str, Pair]) -> Pair:
    """A size and the Python expression that must have its value."""
    (left, left_text), rule, (right, right_text) = pair
    match rule:
        case "max" | "min":
            choose = maximum if rule == "max" else minimum
            return choose(left, right), f"{rule}({left_text}, {right_text})"
        case _:
            apply = {"+": added, "-": subtracted, "*": multiplied}[rule]
            return apply(left, right), f"({left_text} {rule} {right_text})"


def _divided(pair: tuple[Pair, str, int]) -> Pair:
    (left, text), rule, divisor = pair
    return (quotient if rule == "//" else remainder)(left, divisor), f"({text} {rule} {divisor})"


LEAVES = st.one_of(
    st.sampled_from([(symbol(name), name) for name in "abh"]), st.integers(0, 9).map(lambda n: (n, str(n)))
)
SIZES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "max", "min"]), inner).map(_joined),
        st.tuples(inner, st.sampled_from(["//", "%"]), st.integers(1, 7)).map(_divided),
    ),
    max_leaves=8,
)


@given(SIZES, ENVIRONMENTS)
def test_a_size_has_the_value_of_its_formula(pair: Pair, values: dict[str, int]) -> None:
    size, text = pair
    assert number(size, values) == eval(text, {}, dict(values))


@given(SIZES)
def test_what_is_printed_reads_back(pair: Pair) -> None:
    assert parse_size(str(pair[0])) == pair[0]


@given(SIZES, ENVIRONMENTS, st.integers(-3, 3))
def test_a_proof_holds_for_all_sizes(pair: Pair, values: dict[str, int], bound: int) -> None:
    assert not is_at_least(pair[0], bound) or number(pair[0], values) >= bound


@given(SIZES, ENVIRONMENTS)
def test_numbers_may_be_put_in_one_by_one(pair: Pair, values: dict[str, int]) -> None:
    first = evaluate(pair[0], {"a": values["a"]})
    assert number(first, values) == number(pair[0], values)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2*h/2", "h"),
        ("(h-1)/2+1", "(h + 1)//2"),
        ("((h-1)/2+1-1)/2+1", "(h + 3)//4"),
        ("batch*seq*64/(seq*64)", "batch"),
        ("max(n, 0)", "n"),
        ("n % 6", "n - 6*(n//6)"),
        ("b + a", "a + b"),
        ("3 - 3", "0"),
        ("x.0 + 1", "x.0 + 1"),
    ],
)
def test_equal_formulas_have_one_text(text: str, canonical: str) -> None:
    assert str(parse_size(text)) == canonical


@pytest.mark.parametrize("text", ["", "h +", "h h", "(h", "h / 0", "max(h)", "§"])
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="size"):
        parse_size(text)


def test_a_window_stays_inside_of_what_it_slides_over() -> None:
    outputs = parse_size("(h - 3)//2 + 1")
    assert is_at_least(parse_size("h") - 1 - (2 * (outputs - 1) + 2), 0)
    assert not is_at_least(parse_size("h") - 1 - (2 * (outputs - 1) + 3), 0)
    assert symbols_of(outputs) == ["h"]


def test_a_quotient_by_nothing_has_a_value() -> None:
    # Sizes are computed before a call is held to what the model needs of them.
    assert number(parse_size("a//b"), {"a": 7, "b": 0}) == 7
    assert number(parse_size("a//b"), {"a": 7, "b": 2}) == 3


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("max(max(c, a), max(b, a))", "max(max(a, b), c)"),
        ("max(2, max(1, a))", "max(2, a)"),
        ("min(min(a, 5), 3)", "min(3, a)"),
    ],
)
def test_a_choice_of_several_names_each_once(text: str, canonical: str) -> None:
    assert str(parse_size(text)) == canonical
