"""Sequences and optionals are known while importing: the module has their tensors, and no sequence."""

from typing import cast

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, parser
from onnx.reference import ReferenceEvaluator
from xdsl.dialects.builtin import ModuleOp

from penstock.backends.reference import main_function, run_graph
from penstock.dialects.graph.base import Array, shape_of, wide
from penstock.errors import ModelError, ShapeError, UnsupportedError
from penstock.onnx_import import import_model

A, B = (np.arange(n * 3, dtype=np.float32).reshape(n, 3) for n in (2, 4))


def model(text: str) -> ModelProto:
    """A model from its text."""
    return parser.parse_model(f'<ir_version: 8, opset_import: ["" : 18]> {text}')


def operations(module: ModuleOp) -> list[str]:
    """The names of the operations in order."""
    return [op.name for op in main_function(module).body.block.ops]


def agrees(body: str, outputs: str, **inputs: Array) -> None:
    """What a model computes after import is what ONNX's reference computes."""
    declared = ", ".join(f"float[{', '.join(map(str, x.shape))}] {name}" for name, x in inputs.items())
    proto = model(f"main ({declared}) => ({outputs}) {{ {body} }}")
    # onnx leaves the parameters of `run` without types.
    wanted = cast(list[Array], ReferenceEvaluator(proto).run(None, inputs))  # pyright: ignore[reportUnknownMemberType]
    results = run_graph(import_model(proto), inputs).values()
    for y, w in zip(results, wanted, strict=True):
        assert (y.dtype, y.shape) == (w.dtype, w.shape)
        np.testing.assert_array_equal(y, w)


def constant(name: str, value: str) -> str:
    """The text of a node that gives integers."""
    return f"{name} = Constant <value: tensor = int64 {value}> ()"


@pytest.mark.parametrize("position", [-2, -1, 0, 1])
def test_insert_erase_and_pick(position: int) -> None:
    body = f"""{constant("p", f"{{{position}}}")}
        s = SequenceConstruct (a, b)
        longer = SequenceInsert (s, b, p)
        shorter = SequenceErase (longer, p)
        y = SequenceAt (longer, p)
        z = SequenceAt (shorter, p)
        n = SequenceLength (longer)"""
    agrees(body, "float[m, 3] y, float[k, 3] z, int64 n", a=A, b=B)


def test_without_a_position_the_last_one_is_meant() -> None:
    body = f"""{constant("first", "{0}")}
        none = SequenceEmpty ()
        s = SequenceInsert (none, a)
        t = SequenceInsert (s, b)
        u = SequenceErase (t)
        y = SequenceAt (u, first)"""
    agrees(body, "float[n, 3] y", a=A, b=B)


@pytest.mark.parametrize("attributes", ["axis = 0", "axis = -2", "axis = 1, new_axis = 1"])
def test_sequences_are_joined(attributes: str) -> None:
    other = A + 1 if "new_axis" in attributes else B
    body = f"s = SequenceConstruct (a, b) y = ConcatFromSequence <{attributes}> (s)"
    agrees(body, "float[m, 3] y" if "new" not in attributes else "float[2, 2, 3] y", a=A, b=other)


@pytest.mark.parametrize("split", ["int64 {3}", "int64[2] {1, 3}"])
def test_split_by_size_and_by_sizes(split: str) -> None:
    body = f"""at = Constant <value: tensor = int64 {{1}}> ()
        sizes = Constant <value: tensor = {split}> ()
        s = SplitToSequence (b, sizes)
        y = SequenceAt (s, at)
        n = SequenceLength (s)"""
    agrees(body, "float[m, 3] y, int64 n", b=B)


@pytest.mark.parametrize("keepdims", [0, 1])
def test_split_one_by_one(keepdims: int) -> None:
    body = f"""{constant("at", "{2}")}
        s = SplitToSequence <axis = -1, keepdims = {keepdims}> (b)
        y = SequenceAt (s, at)"""
    agrees(body, "float[4, 1] y" if keepdims else "float[4] y", b=B)


LOOP = """main (float[2, 3] a) => (float[6, 3] y) {
  three = Constant <value: tensor = int64 {3}> ()
  none = SequenceEmpty ()
  all = Loop <body = step (int64 i, bool go, seq(float[2, 3]) s) => (bool again, seq(float[2, 3]) t) {
    again = Identity (go)
    number = CastLike (i, a)
    each = Add (a, number)
    t = SequenceInsert (s, each)
  }> (three, , none)
  y = ConcatFromSequence <axis = 0> (all)
}"""


def test_a_loop_carries_a_sequence() -> None:
    y = run_graph(import_model(model(LOOP)), {"a": A})["y"]
    np.testing.assert_array_equal(y, np.concatenate([A, A + 1, A + 2]))


TENSOR = helper.make_tensor_type_proto(TensorProto.FLOAT, ["n", 3])
SEQUENCE = helper.make_sequence_type_proto(TENSOR)


def model_with(node: str, kind: str, output: str = "y") -> ModelProto:
    """A model of one operation over an input `x`, a sequence or an optional of a tensor or sequence."""
    proto = model(f"main (float x) => (float {output}) {{ {node} }}")
    types = {
        "sequence": SEQUENCE,
        "optional": helper.make_optional_type_proto(TENSOR),
        "optional sequence": helper.make_optional_type_proto(SEQUENCE),
    }
    proto.graph.input[0].type.CopyFrom(types[kind])
    proto.graph.output[0].ClearField("type")
    return proto


def test_a_sequence_becomes_inputs_and_outputs() -> None:
    module = import_model(
        model_with("y = Identity (x)", "sequence"), lengths={"x": 2}, shapes={"x[1]": [4, 3]}
    )
    assert [shape_of(arg) for arg in main_function(module).args] == [("x_0__0", 3), (4, 3)]
    assert list(run_graph(module, {"x[0]": A, "x[1]": B})) == ["y[0]", "y[1]"]


def test_a_sequence_map_sees_each_tensor() -> None:
    text = "y = SequenceMap <body = each (float[n, 3] e) => (float[n, 3] f) { f = Neg (e) }> (x)"
    results = run_graph(import_model(model_with(text, "sequence"), lengths={"x": 2}), {"x[0]": A, "x[1]": B})
    np.testing.assert_array_equal(results["y[0]"], -A)
    np.testing.assert_array_equal(results["y[1]"], -B)


def test_the_body_of_a_sequence_map_is_the_callers() -> None:
    # The standard spells SequenceMap out in opset 17, where a sum has an attribute for its axes.
    text = """c = Constant <value = int64[1] {0}> () w = Constant <value = float {2.0}> ()
      y = SequenceMap <body = each (float[n, 3] e) => (float[1, 3] f) {
        s = ReduceSum (e, c)
        m = ReduceMax (e, c)
        t = Add (s, m)
        f = Mul (t, w)
      }> (x)"""
    proto = model_with(text, "sequence")
    proto.opset_import[0].version = 18
    results = run_graph(import_model(proto, lengths={"x": 1}), {"x[0]": A})
    expected = 2 * (A.sum(0) + A.max(0))[None]
    np.testing.assert_allclose(wide(results["y[0]"]).astype(np.float64), expected, rtol=1e-6)


@pytest.mark.parametrize(("kind", "length"), [("optional", 1), ("optional sequence", 0), ("optional", None)])
def test_whether_an_optional_holds_a_value_is_a_constant(kind: str, length: int | None) -> None:
    module = import_model(model_with("y = OptionalHasElement (x)", kind), lengths={"x": length})
    assert operations(module) == ["graph.constant", "func.return"]
    given = {"x": A} if length == 1 else {}
    assert run_graph(module, given)["y"] == (length is not None)


def test_the_value_of_an_optional_is_itself() -> None:
    module = import_model(
        model_with("o = Optional (x) y = OptionalGetElement (o)", "optional"), lengths={"x": 1}
    )
    assert operations(module) == ["func.return"]
    np.testing.assert_array_equal(run_graph(module, {"x": A})["y"], A)


def test_what_is_not_known_is_declined() -> None:
    with pytest.raises(UnsupportedError, match="'x' is of kind sequence, and what it holds is not known"):
        import_model(model_with("y = SequenceLength (x)", "sequence"))
    picked = model(
        "main (float[2, 3] a, int64 i) => (float[3] y) {s = SplitToSequence (a) y = SequenceAt (s, i)}"
    )
    with pytest.raises(UnsupportedError, match="the position of SequenceAt depend on the inputs"):
        import_model(picked)
    joined = model("main () => (float y) {s = SequenceEmpty () y = ConcatFromSequence <axis = 0> (s)}")
    with pytest.raises(UnsupportedError, match="joining an empty sequence"):
        import_model(joined)


def test_an_optional_output_without_tensors_must_be_empty() -> None:
    proto = model_with("y = Identity (x)", "optional sequence")
    proto.graph.output[0].type.CopyFrom(proto.graph.input[0].type)
    assert operations(import_model(proto, lengths={"x": None})) == ["func.return"]
    with pytest.raises(UnsupportedError, match="an optional that holds an empty sequence"):
        import_model(proto, lengths={"x": 0})


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ({"x": None}, "the length None given for 'x' does not fit"),
        ({"x": -1}, "the length -1 given for 'x' does not fit"),
        ({"y": 1}, "a length is given for 'y', which is no sequence"),
    ],
)
def test_lengths_must_fit(lengths: dict[str, int | None], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        import_model(model_with("y = SequenceLength (x)", "sequence"), lengths=lengths)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("s = SequenceConstruct (a, b) y = Neg (s)", "input 0 of Neg is a sequence, it must be a tensor"),
        ("y = SequenceLength (a)", "input 0 of SequenceLength is a tensor, it must be a sequence"),
        ("o = Optional () y = OptionalGetElement (o)", "the optional holds nothing"),
        (
            "y = SequenceConstruct (a, b)",
            "declares 'y' of kind tensor_type, its operations make it a sequence",
        ),
        ("i = Constant <value_int = 2> () s = SequenceConstruct (a) y = SequenceAt (s, i)", "position 2"),
        ("c = Cast <to = 7> (a) y = SequenceConstruct (a, c)", "a sequence of the element types"),
    ],
)
def test_mistakes_are_told(body: str, message: str) -> None:
    with pytest.raises((ModelError, ShapeError), match=message):
        import_model(model(f"main (float[2, 3] a, float[4, 3] b) => (float[m, 3] y) {{ {body} }}"))
