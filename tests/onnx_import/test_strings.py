"""Strings in a model: computed by operations of the host, moved by them, and known while importing."""

from typing import cast

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, parser
from onnx.reference import ReferenceEvaluator
from xdsl.dialects.builtin import ModuleOp

from penstock.backends.reference import main_function, run_graph
from penstock.dialects.graph.base import Array, shape_of
from penstock.dialects.graph.host import HostOp
from penstock.errors import LimitError, ModelError, ShapeError, UnsupportedError
from penstock.host.arrays import strings_of
from penstock.onnx_import import import_model

X = strings_of(["b", "a", "é", "", "a c", "b"], [2, 3])


def model(text: str) -> ModelProto:
    """A model from its text."""
    return parser.parse_model(f'<ir_version: 10, opset_import: ["" : 21, "ai.onnx.ml" : 4]> main {text}')


def functions(module: ModuleOp) -> list[str]:
    """The functions of the host that a module calls, in order."""
    return [op.function.data for op in main_function(module).walk() if isinstance(op, HostOp)]


def run(text: str, **inputs: Array) -> list[Array]:
    """The outputs of a model after import."""
    return list(run_graph(import_model(model(text)), inputs).values())


@pytest.mark.parametrize(
    ("body", "shape", "called"),
    [
        ("y = Identity (x)", "2, 3", []),
        ("y = Transpose <perm = [1, 0]> (x)", "3, 2", ["Transpose"]),
        ("s = Constant <value_ints = [3, -1]> () y = Reshape (x, s)", "3, 2", ["Reshape"]),
        ("y = Flatten <axis = 0> (x)", "1, 6", ["Reshape"]),
        ("y = Concat <axis = 1> (x, x)", "2, 6", ["Concat"]),
        ("i = Constant <value_ints = [1, -1]> () y = Gather <axis = 1> (x, i)", "2, 2", ["Gather"]),
        ("i = Constant <value_ints = [0]> () y = Unsqueeze (x, i)", "1, 2, 3", ["Reshape"]),
        ("s, y = Split <axis = 0, num_outputs = 2> (x)", "1, 3", ["Slice"]),
        ("i = Constant <value_ints = [2, 2, 3]> () y = Expand (x, i)", "2, 2, 3", ["BroadcastTo"]),
        ("i = Constant <value_ints = [1, 2]> () y = Tile (x, i)", "2, 6", ["BroadcastTo"]),
    ],
)  # fmt: skip
def test_strings_are_moved(body: str, shape: str, called: list[str]) -> None:
    text = f"(string[2, 3] x) => (string[{shape}] y) {{ {body} }}"
    (wanted,) = cast(list[Array], ReferenceEvaluator(model(text)).run(None, {"x": X}))  # pyright: ignore[reportUnknownMemberType]
    (y,) = run(text, x=X)
    assert y.dtype == np.object_ and y.tolist() == wanted.tolist()
    assert set(called) <= set(functions(import_model(model(text))))


def test_sequences_hold_strings() -> None:
    text = """(string[2, 3] x) => (string[4, 3] y, int64 n)
        { s = SequenceConstruct (x, x)  y = ConcatFromSequence <axis = 0> (s)  n = SequenceLength (s) }"""
    y, n = run(text, x=X)
    assert y.tolist() == [*X.tolist(), *X.tolist()] and n == 2


def test_numbers_are_made_of_strings_and_strings_of_numbers() -> None:
    text = """(string[2] s) => (float16[2] half, uint8[2] small, bool[2] truth, string[2] again)
        { half = Cast <to = 10> (s) small = Cast <to = 2> (s) truth = Cast <to = 9> (s)
          again = CastLike (half, s) }"""
    half, small, truth, again = run(text, s=strings_of(["0", "3.1"], [2]))
    assert half.tolist() == [0, np.float16(3.1)] and half.dtype == np.float16
    assert small.tolist() == [0, 3] and truth.tolist() == [False, True]
    assert again.tolist() == ["0", "3.1"]


def test_shapes_of_strings_are_known() -> None:
    text = "(string[2, 3] x) => (int64[2] y, int64 n) { y = Shape (x) n = Size (x) }"
    module = import_model(model(text))
    assert not functions(module)
    assert [y.tolist() for y in run_graph(module, {"x": X}).values()] == [[2, 3], 6]


def test_choice_and_comparison() -> None:
    text = """(string[2, 3] x) => (bool[2, 3] same, string[2, 3] y) <string[1] c = {"a"}>
        { same = Equal (x, c) y = Where (same, c, x) }"""
    same, y = run(text, x=X)
    assert same.tolist() == [[False, True, False], [False, False, False]]
    assert y.tolist() == X.tolist()


def test_words_of_a_vocabulary_are_counted() -> None:
    text = """(string[2, 3] x) => (float[2, 4] y)
        { y = TfIdfVectorizer <max_gram_length = 2, min_gram_length = 1, max_skip_count = 0, mode = "TF",
            ngram_counts = [0, 2], ngram_indexes = [0, 1, 3], pool_strings = ["b", "a", "b", "a"]> (x) }"""
    (y,) = run(text, x=X)
    assert y.tolist() == [[1, 1, 0, 1], [1, 0, 0, 0]]


@pytest.mark.parametrize(
    ("given", "attributes", "wanted"),
    [
        ("string", 'keys_strings = ["a", "b", "a"], values_int64s = [1, 2, 3]', [2, 3, -1]),
        ("string", 'keys_strings = ["b"], values_strings = ["c"]', ["c", "_Unused", "_Unused"]),
        ("string", 'keys_strings = ["a"], values_floats = [0.5], default_float = 2.0', [2.0, 0.5, 2.0]),
        ("int64", "keys_int64s = [5, 7], values_strings = ['x', 'y'], default_string = ''", ["x", "", "y"]),
        ("int64", "keys_int64s = [7, 5, 7], values_int64s = [1, 2, 3]", [2, -1, 3]),
        ("int64", "keys_int64s = [7], values_floats = [1.5], default_float = -1.0", [-1, -1, 1.5]),
    ],
)  # fmt: skip
def test_labels(given: str, attributes: str, wanted: list[object]) -> None:
    x = X[0] if given == "string" else np.array([5, 6, 7])
    kinds: dict[type, str] = {str: "string", int: "int64", float: "float"}
    kind = kinds[type(wanted[-1])]
    node = f"y = ai.onnx.ml.LabelEncoder <{attributes}> (x)".replace("'", '"')
    (y,) = run(f"({given}[3] x) => ({kind}[3] y) {{ {node} }}", x=x)
    assert y.tolist() == wanted


def test_a_table_of_numbers_needs_no_host() -> None:
    node = "ai.onnx.ml.LabelEncoder <keys_floats = [1.0, nan], values_floats = [2.0, 3.0]>"
    text = f"(float[4] x) => (float[4] y) {{ y = {node} (x) }}".replace("nan", "2.0")
    proto = model(text)
    proto.graph.node[0].attribute[0].floats[1] = np.nan
    module = import_model(proto)
    assert not functions(module)
    y = run_graph(module, {"x": np.array([np.nan, 1, 0, -0.0], np.float32)})["y"]
    np.testing.assert_array_equal(y, np.array([3, 2, -0.0, -0.0], np.float32))


@pytest.mark.parametrize("forwards", [True, False])
def test_categories(forwards: bool) -> None:
    node = 'ai.onnx.ml.CategoryMapper <cats_int64s = [4, 5], cats_strings = ["a", "b"]>'
    kinds = ("string", "int64") if forwards else ("int64", "string")
    x = X[0] if forwards else np.array([4, 5, 6])
    (y,) = run(f"({kinds[0]}[3] x) => ({kinds[1]}[3] y) {{ y = {node} (x) }}", x=x)
    assert y.tolist() == ([5, 4, -1] if forwards else ["a", "b", "_Unused"])


def test_sizes_that_values_decide_are_new_symbols() -> None:
    text = """(string[2] x) => (string[2, n] y, string[m] z)
        { y, c = StringSplit (x) z = StringNormalizer <stopwords = ["a"]> (x) }"""
    y, z = main_function(import_model(model(text))).function_type.outputs.data
    assert shape_of(y)[0] == 2 and isinstance(shape_of(y)[1], str)
    assert len({"?", shape_of(y)[1], shape_of(z)[0]}) == 3


def test_sizes_of_constants_are_numbers() -> None:
    text = """() => (string[2, 3] y) <string[2] x = {"a b c", "d"}> { y = StringSplit (x) }"""
    module = import_model(model(text))
    assert not functions(module)
    assert run_graph(module, {})["y"].tolist() == [["a", "b", "c"], ["d", "", ""]]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("y = Add (x, x)", "add"),
        ("y = ReduceMax (x)", "can only be moved"),
        ("y = RegexFullMatch <pattern = \"(\"> (x)", "cannot be used"),
        ("y = StringNormalizer <locale = \"tr_TR\", case_change_action = \"LOWER\"> (x)", "tr_TR"),
        ("y = Trilu (x)", "a number among strings"),
    ],
)  # fmt: skip
def test_what_strings_cannot_is_declined(body: str, reason: str) -> None:
    with pytest.raises((UnsupportedError, ShapeError), match=reason):
        import_model(model(f"(string[3, 3] x) => (string[n, m] y) {{ {body} }}"))


def test_strings_in_a_loop_of_the_run_are_declined() -> None:
    text = """(bool c, string[2] x) => (string[2] y) { y = If (c) <
        then_branch = a () => (string[2] t) { t = Identity (x) },
        else_branch = b () => (string[2] e) { e = StringConcat (x, x) }> }"""
    with pytest.raises(UnsupportedError, match="decided in a run"):
        import_model(model(text))


def test_strings_in_a_known_branch_are_imported() -> None:
    text = """(string[2] x) => (string[2] y) <bool c = {0}> { y = If (c) <
        then_branch = a () => (string[2] t) { t = Identity (x) },
        else_branch = b () => (string[2] e) { e = StringConcat (x, x) }> }"""
    (y,) = run(text, x=strings_of(["a", "b"], [2]))
    assert y.tolist() == ["aa", "bb"]


def test_doubling_on_and_on_ends_at_a_limit() -> None:
    body = "".join(f"x{i + 1} = StringConcat (x{i}, x{i}) " for i in range(60))
    text = f'() => (string[1, n] y) <string[1] x0 = {{"a b"}}> {{ {body} y = StringSplit (x60) }}'
    with pytest.raises(LimitError, match="characters"):
        import_model(model(text))


@pytest.mark.parametrize("field", ["raw_data", "external", "count", "utf8"])
def test_strings_are_stored_in_one_way(field: str) -> None:
    proto = model('() => (string[1] y) <string[1] x = {"a"}> { y = Identity (x) }')
    x = proto.graph.initializer[0]
    match field:
        case "raw_data":
            x.ClearField("string_data")
            x.raw_data = b"a"
        case "external":
            x.ClearField("string_data")
            x.data_location = TensorProto.EXTERNAL
            x.external_data.add(key="location", value="x.bin")
        case "count":
            x.string_data.append(b"b")
        case _:
            x.string_data[0] = b"\xff"
    with pytest.raises(ModelError, match="strings|UTF-8"):
        import_model(proto)


def test_strings_end_with_what_they_end_with() -> None:
    """NumPy's strings of a fixed width lose zeros at their ends."""
    proto = model('() => (string[2] y) <string[2] x = {"a", ""}> { y = Identity (x) }')
    proto.graph.initializer[0].string_data[0] = b"a\0"
    assert run_graph(import_model(proto), {})["y"].tolist() == ["a\0", ""]
