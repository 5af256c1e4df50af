"""What Python runs for a model: each function by examples of its definition, and at its limits."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import penstock
from penstock import host
from penstock.errors import HostError, LimitError, PositionError
from penstock.host.arrays import Array, Plain, as_strings, strings_of


def words(*each: str) -> Array:
    """Strings in a row."""
    return strings_of(each, [len(each)])


def run(function: str, *operands: Array, **options: Plain) -> list[object]:
    """The results of a function as lists."""
    return [result.tolist() for result in host.run(function, options, operands)]


@pytest.mark.parametrize("given", [np.array(["a", "bé"]), np.array(["a", "bé"], np.dtypes.StringDType())])
def test_all_strings_of_numpy_become_objects(given: Array) -> None:
    assert as_strings(given).dtype == np.object_ and as_strings(given).tolist() == ["a", "bé"]


def test_what_is_no_string_is_refused() -> None:
    with pytest.raises(HostError, match="an element is a bytes, not a string"):
        as_strings(np.array([b"a"], np.object_))


def test_an_unknown_function_is_an_error() -> None:
    with pytest.raises(HostError, match="no host function 'Translate'"):
        host.run("Translate", {}, [])


def test_concat_broadcasts() -> None:
    a, b = words("x", "y").reshape(2, 1), words("", "1", "é")
    assert run("StringConcat", a, b) == [[["x", "x1", "xé"], ["y", "y1", "yé"]]]
    assert run("StringConcat", np.array("x", np.object_), np.array("y", np.object_)) == ["xy"]


def test_concat_is_limited_before_it_is_made() -> None:
    long = words("a" * 1000)
    with penstock.limited(characters=2000), pytest.raises(LimitError, match="characters=N"):
        host.run("StringConcat", {}, [long, long])


@pytest.mark.parametrize(
    ("delimiter", "most", "parts"),
    [
        ("", -1, [["a", "b", "c"], ["", "", ""]]),
        ("", 1, [["a", "b  c "], ["", ""]]),
        (" ", -1, [["", "a", "b", "", "c", ""], ["", "", "", "", "", ""]]),
        ("b ", 0, [[" a b  c "], [""]]),
    ],
)
def test_split(delimiter: str, most: int, parts: list[list[str]]) -> None:
    split, counts = run("StringSplit", words(" a b  c ", ""), delimiter=delimiter, maxsplit=most)
    assert split == parts
    assert counts == [len(parts[0]), 1 if delimiter else 0]


def test_split_of_nothing() -> None:
    split, counts = host.run("StringSplit", {}, [strings_of([], (3, 0))])
    assert split.shape == (3, 0, 0) and counts.shape == (3, 0)


def test_one_long_row_does_not_fill_up_many() -> None:
    many = words(*["x"] * 100, "a " * 100)
    with penstock.limited(characters=8 * 101 * 99), pytest.raises(LimitError):
        host.run("StringSplit", {}, [many])


@pytest.mark.parametrize(
    ("case", "sensitive", "kept"),
    [
        ("NONE", 1, ["a", "ÖL"]),
        ("NONE", 0, ["ÖL"]),
        ("LOWER", 1, ["a", "öl"]),
        ("UPPER", 0, ["ÖL"]),
    ],
)
def test_normalize(case: str, sensitive: int, kept: list[str]) -> None:
    result = run(
        "StringNormalizer", words("a", "A", "ÖL"), case=case, is_case_sensitive=sensitive, stopwords=["A"]
    )
    assert result == [kept]


def test_where_no_word_is_left_there_is_an_empty_one() -> None:
    assert run("StringNormalizer", words("a"), stopwords=["a"]) == [[""]]
    assert run("StringNormalizer", words("a").reshape(1, 1), stopwords=["a"]) == [[[""]]]
    assert run("StringNormalizer", words()) == [[]]


def test_full_match_is_that_of_re2() -> None:
    assert run("RegexFullMatch", words("ab", "abc", "é"), pattern="[a-b]+|.") == [[True, False, True]]
    # Digits of other scripts are none for RE2, and for Python they are.
    assert run("RegexFullMatch", words("1", "\u0661"), pattern=r"\d") == [[True, False]]
    assert run("RegexFullMatch", words("Σ"), pattern=r"\p{Greek}") == [[True]]


def test_no_pattern_is_slow() -> None:
    """A matcher that goes back would need 2^50,000 steps."""
    assert run("RegexFullMatch", words("a" * 50_000 + "b"), pattern="(a*)*(a|aa)+c") == [[False]]


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(a{1000}){1000}", "\udc80"])
def test_what_re2_declines_is_an_error(pattern: str) -> None:
    with pytest.raises(HostError, match="cannot be used"):
        host.run("RegexFullMatch", {"pattern": pattern}, [words("a")])


def test_numbers_are_written() -> None:
    reals = np.array([0.5, -0.0, 1e-7, 1e20, np.nan, np.inf, -np.inf], np.float32)
    assert run("ToText", reals) == [["0.5", "-0", "0.0000001", "100000000000000000000", "NaN", "INF", "-INF"]]
    assert run("ToText", np.array([0.1], np.float16)) == [["0.1"]]
    assert run("ToText", np.array([-(2**63), 7])) == [["-9223372036854775808", "7"]]
    assert run("ToText", np.array([True, False])) == [["1", "0"]]


def test_strings_are_read() -> None:
    reals = words("3.14", "1e-5", "1E8", "-.5", "+INF", "inf", "-Inf")
    assert run("ToNumber", reals, to="float64") == [[3.14, 1e-5, 1e8, -0.5, np.inf, np.inf, -np.inf]]
    assert np.isnan(host.run("ToNumber", {"to": "float64"}, [words("nan", "NaN")])[0].astype(float)).all()
    assert run("ToNumber", words("-9223372036854775808", "100.5"), to="int64") == [[-(2**63), 100]]
    assert run("ToNumber", words("18446744073709551615"), to="uint64") == [[2**64 - 1]]


@pytest.mark.parametrize(
    ("string", "to"),
    [
        ("Hello", "float64"),
        ("", "int64"),
        ("1_0", "int64"),
        (" 1", "float64"),
        ("\u0661", "int64"),
        ("NaN", "int64"),
        ("9" * 25, "int64"),
        ("-1", "uint64"),
        ("1" * 5000 + "x", "int64"),
    ],
)
def test_what_is_no_number_is_an_error(string: str, to: str) -> None:
    with pytest.raises(HostError):
        host.run("ToNumber", {"to": to}, [words(string)])


def test_the_last_of_equal_keys_counts_and_all_nan_are_one() -> None:
    x, keys = np.array([np.nan, 1.0, 2.0]), np.array([1.0, np.nan, 1.0])
    assert run("LookUp", x, keys, words("a", "b", "c"), words("?")) == [["b", "c", "?"]]
    assert run("LookUp", words("x"), words(), np.array([], np.int64), np.array([-1])) == [[-1]]


def encoded(mode: str, kind: str) -> Array:
    """A small picture in some format."""
    rows = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10
    stream = BytesIO()
    Image.fromarray(rows).convert(mode).save(stream, kind)
    return np.frombuffer(stream.getvalue(), np.uint8)


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGB", "PNG"), ("RGBA", "PNG"), ("P", "PNG"), ("L", "BMP"), ("1", "PPM")]
)
def test_pictures_have_the_channels_that_are_asked_for(mode: str, kind: str) -> None:
    stream = encoded(mode, kind)
    (rgb,), (bgr,), (gray,) = (
        host.run("ImageDecoder", {"pixel_format": order}, [stream]) for order in ("RGB", "BGR", "Grayscale")
    )
    assert (rgb.shape, gray.shape) == ((2, 4, 3), (2, 4, 1)) and rgb.dtype == gray.dtype == np.uint8
    np.testing.assert_array_equal(rgb[:, :, ::-1], bgr)


def test_sixteen_bits_become_eight() -> None:
    stream = BytesIO()
    Image.fromarray(np.array([[0, 256, 65535]], np.uint16)).save(stream, "PNG")
    data = np.frombuffer(stream.getvalue(), np.uint8)
    assert run("ImageDecoder", data, pixel_format="Grayscale") == [[[[0], [1], [255]]]]


def test_a_broken_picture_is_an_empty_one() -> None:
    whole = encoded("RGB", "PNG")
    for data in (whole[:40], whole[1:], np.zeros(0, np.uint8), np.full(99, 255, np.uint8)):
        assert host.run("ImageDecoder", {"pixel_format": "BGR"}, [data])[0].shape == (0, 0, 3)


def test_a_picture_that_would_run_a_program_is_no_picture() -> None:
    data = np.frombuffer(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n", np.uint8
    )
    assert host.run("ImageDecoder", {}, [data])[0].shape == (0, 0, 3)


def test_pixels_are_limited() -> None:
    with penstock.limited(pixels=7), pytest.raises(LimitError, match="4 x 2 pixels exceeds the 7 allowed"):
        host.run("ImageDecoder", {}, [encoded("RGB", "PNG")])


def test_movement_keeps_strings() -> None:
    x = words("a", "b", "c", "d", "e", "f").reshape(2, 3)
    assert run("Transpose", x, permutation=[1, 0]) == [[["a", "d"], ["b", "e"], ["c", "f"]]]
    assert run("Reshape", x, shape=[3, "n"]) == [[["a", "b"], ["c", "d"], ["e", "f"]]]
    assert run("Slice", x, starts=[0, -1], ends=[9, -9], steps=[1, -2]) == [[["c", "a"], ["f", "d"]]]
    assert run("Concat", x, x, axis=-1)[0] == [[*"abcabc"], [*"defdef"]]
    assert run("BroadcastTo", x[:, :1], shape=[2, 2]) == [[["a", "a"], ["d", "d"]]]
    assert run("Gather", x, np.array([-1, 0]), axis=1) == [[["c", "a"], ["f", "d"]]]
    assert run("GatherElements", x, np.array([[1, -2, 0]]), axis=0) == [[["d", "b", "c"]]]
    assert run("GatherND", x, np.array([[1], [-1]]), batch_dims=1) == [["b", "f"]]
    assert run("Select", np.array([True, False, True]), x, words("-")) == [[["a", "-", "c"], ["d", "-", "f"]]]
    assert run("Equal", x, words("a", "e", "e")) == [[[True, False, False], [False, True, False]]]
    assert run("ScatterElements", x, np.array([[2, 0]]), words("x", "y").reshape(1, 2), axis=1) == [
        [["y", "b", "x"], ["d", "e", "f"]]
    ]
    assert run("ScatterND", x, np.array([[-1]]), words("x", "y", "z").reshape(1, 3)) == [
        [["a", "b", "c"], ["x", "y", "z"]]
    ]


@pytest.mark.parametrize("function", ["Gather", "GatherElements"])
def test_positions_outside_are_an_error(function: str) -> None:
    with pytest.raises(PositionError, match="outside of the 2 that there are"):
        host.run(function, {"axis": 0}, [words("a", "b"), np.array([2])])
