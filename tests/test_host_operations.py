"""Models with parts that Python runs: cut, run, stored, listed, and refused where there is no Python."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import onnx.parser
import pytest
from PIL import Image

import penstock
from penstock.cli.summary import summary
from penstock.diagnosis import diagnose
from penstock.dialects.graph.base import wide
from penstock.driver import check as check_passes
from penstock.driver import inspected
from penstock.errors import (
    CallError,
    HostError,
    LimitError,
    PenstockError,
    PositionError,
    ShapeError,
    TargetError,
)
from penstock.host.arrays import Array, strings_of
from penstock.model import CompiledModel
from penstock.staged_package import HostStep, StagedPackage

HEAD = '<ir_version: 10, opset_import: ["" : 21, "ai.onnx.ml" : 4]>'
MIXED = """main (string[2] names, float[n] x) => (float[n] y, string[2] again, string[2, m] parts)
    <string[1] dot = {"."}>
    {
        half = Cast <to = 1> (names)
        total = ReduceSum <keepdims = 0> (half)
        y = Mul (x, total)
        rounded = Floor (half)
        told = Cast <to = 8> (rounded)
        again = StringConcat (told, dot)
        parts, count = StringSplit <delimiter = "."> (names)
    }"""


def words(*each: str) -> Array:
    """Strings in a row."""
    return strings_of(each, [len(each)])


def compiled(text: str) -> CompiledModel:
    """A model from its text."""
    return penstock.compile(onnx.parser.parse_model(f"{HEAD} {text}"))


@pytest.fixture(scope="module")
def mixed() -> CompiledModel:
    """Strings become numbers, numbers are computed with, and become strings."""
    return compiled(MIXED)


def check(model: CompiledModel) -> None:
    """Compare with what the definitions make."""
    made = model(names=words("1.5", "2.25"), x=np.ones(3, np.float32))
    assert made["y"].tolist() == [3.75] * 3 and made["again"].tolist() == ["1.", "2."]
    assert made["parts"].tolist() == [["1", "5"], ["2", "25"]]
    assert model(names=words("1", "2"), x=np.ones(1, np.float32))["parts"].shape == (2, 1)


def test_host_and_machine_code_take_turns(mixed: CompiledModel) -> None:
    check(mixed)
    package = mixed.package
    assert isinstance(package, StagedPackage)
    assert package.host_functions == ("ToNumber", "StringSplit", "ToText", "StringConcat")
    steps = [step.function if isinstance(step, HostStep) else "code" for step in package.steps]
    assert steps.index("ToNumber") < steps.index("code") < steps.index("ToText")


def test_an_artefact_holds_them(mixed: CompiledModel, tmp_path: Path) -> None:
    mixed.save(tmp_path / "a.penstock")
    loaded = penstock.load(tmp_path / "a.penstock", verify=True)
    check(loaded)
    loaded.save(tmp_path / "b.penstock")
    assert (tmp_path / "a.penstock").read_bytes() == (tmp_path / "b.penstock").read_bytes()


def test_there_is_no_python_in_c(mixed: CompiledModel, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"host operations, which Python runs \(ToNumber, .*no \.o"):
        mixed.write(tmp_path / "a.o")
    assert not list(tmp_path.iterdir())


def test_every_listing_names_them(mixed: CompiledModel, tmp_path: Path) -> None:
    assert "host operations run by Python: ToNumber, StringSplit, ToText" in summary(mixed.package)
    data = onnx.parser.parse_model(f"{HEAD} {MIXED}").SerializeToString()
    (tmp_path / "m.onnx").write_bytes(data)
    found = diagnose(tmp_path / "m.onnx")
    assert [(node.node, node.op) for node in found.host_nodes] == [
        ("Cast_0", "ToNumber"),
        ("Cast_4", "ToText"),
        ("StringConcat_5", "StringConcat"),
        ("StringSplit_6", "StringSplit"),
    ]


def test_the_graph_is_shown_and_what_needs_a_whole_model_is_refused() -> None:
    model = onnx.parser.parse_model(f"{HEAD} {MIXED}")
    seen = inspected(model, dims={"n": 3})
    assert 'graph.host "StringSplit"' in seen.text("graph")
    with pytest.raises(PenstockError, match="in stages.*--level graph"):
        seen.text("nest")
    with pytest.raises(ShapeError, match="host operations, which Python runs"):
        list(check_passes(model, dims={"n": 3}))


@pytest.mark.parametrize(
    "names", [np.array(["1.5", "2.25"], dtype) for dtype in (np.dtypes.StringDType(), np.str_, np.object_)]
)
def test_all_strings_of_numpy_are_taken(mixed: CompiledModel, names: Array) -> None:
    again = mixed(names=names, x=np.ones(1, np.float32))["again"]
    assert again.dtype == np.object_ and again.tolist() == ["1.", "2."]
    assert [t.dtype for t in mixed.inputs] == ["string", "float32"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (np.ones(2), "'names' is float64, the model takes string"),
        (np.array([b"1", b"2"]), "the model takes string"),
        (np.array(["1", 2], np.object_), "'names': an element is a int, not a string"),
        (words("1", "2", "3"), "has shape"),
    ],
)
def test_other_inputs_are_refused(mixed: CompiledModel, names: Array, message: str) -> None:
    with pytest.raises(CallError, match=message):
        mixed(names=names, x=np.ones(1, np.float32))


def test_errors_of_a_run_name_the_node(mixed: CompiledModel) -> None:
    with pytest.raises(HostError, match="node 'Cast_0': 'one' is no number"):
        mixed(names=words("one", "2"), x=np.ones(1, np.float32))
    gather = compiled("main (string[3] x, int64[1] i) => (string[1] y) { y = Gather (x, i) }")
    with pytest.raises(PositionError, match="node 'Gather_0'.*outside of the 3"):
        gather(x=words("a", "b", "c"), i=np.array([3]))
    concat = compiled("main (string[n] x, string[m] y) => (string[k] z) { z = StringConcat (x, y) }")
    with pytest.raises(PenstockError):
        concat(x=words("a", "b"), y=words("a", "b", "c"))


def test_limits_hold_in_a_run() -> None:
    model = compiled("main (string[1] x) => (string[1] y) { y = StringConcat (x, x) }")
    with penstock.limited(characters=99), pytest.raises(LimitError, match="StringConcat_0"):
        model(x=words("a" * 100))


@pytest.mark.parametrize(
    ("text", "given", "wanted"),
    [
        ("(string[2] x) => (string[2] y) { y = Identity (x) }", words("a", "b"), ["a", "b"]),
        ("(string x) => (string y) { y = StringConcat (x, x) }", np.array("a", np.object_), "aa"),
        (
            "(string[n] x) => (string[n, 2] y) <int64[1] e = {1}, int64[2] s = {1, 2}> "
            "{ a = Unsqueeze (x, e) y = Tile (a, s) }",
            words("a", "b", "c"),
            [["a", "a"], ["b", "b"], ["c", "c"]],
        ),
        ('(string[2] x) => (string[1] y) <string[1] y = {"é"}> { z = Identity (x) }', words("a", "b"), ["é"]),
        (
            "(string[n] x) => (string[m] y) <string[1] no = {\"no\"}> "
            "{ same = Equal (x, no) other = Not (same) y = Compress (x, other) }",
            words("no", "a", "no", "b"),
            ["a", "b"],
        ),
        ("(string[n] x) => (int64[1] y) { y = Shape (x) }", words("a", "b", "c"), [3]),
    ],
)  # fmt: skip
def test_models(text: str, given: Array, wanted: object) -> None:
    assert compiled(f"main {text}")(x=given)["y"].tolist() == wanted


def test_a_size_that_a_string_decides_goes_on_into_machine_code() -> None:
    model = compiled("""main (string x, float[1] b) => (float[k] y) {
        parts, n = StringSplit <delimiter = ","> (x)
        numbers = Cast <to = 1> (parts)
        y = Add (numbers, b)
    }""")
    for given in ("1", "1,2.5,4", ",".join(["7"] * 100)):
        y = model(x=np.array(given, np.object_), b=np.array([0.5], np.float32))["y"]
        assert y.tolist() == [float(each) + 0.5 for each in given.split(",")]


def png(shape: Sequence[int]) -> Array:
    """A picture as a stream of bytes."""
    stream = BytesIO()
    Image.fromarray(np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)).save(stream, "PNG")
    return np.frombuffer(stream.getvalue(), np.uint8)


def test_one_model_decodes_pictures_of_any_size() -> None:
    model = compiled("""main (uint8[n] data) => (float[3] mean, uint8[h, w, 3] pixels) {
        pixels = ImageDecoder (data)
        numbers = Cast <to = 1> (pixels)
        axes = Constant <value_ints = [0, 1]> ()
        mean = ReduceMean <keepdims = 0> (numbers, axes)
    }""")
    for shape in ((2, 3, 3), (9, 4, 3)):
        made = model(data=png(shape))
        assert made["pixels"].shape == shape
        np.testing.assert_allclose(wide(made["mean"]), wide(made["pixels"]).mean((0, 1)), 1e-6)


def test_what_decides_a_size_is_kept() -> None:
    """Nothing reads the parts themselves."""
    model = compiled("""main (string x, float b) => (float[k] y) {
        parts, n = StringSplit (x)
        shape = Shape (parts)
        y = Expand (b, shape)
    }""")
    assert model(x=np.array("a b c", np.object_), b=np.array(2, np.float32))["y"].tolist() == [2, 2, 2]
