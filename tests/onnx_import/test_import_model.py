"""The import as a whole: names, sizes, order, functions, branches, weights inside and outside of the file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from onnx import FunctionProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.dialects.func import Func
from xdsl.ir import Attribute
from xdsl.parser import Parser

from penstock.backends.reference import main_function, run_graph
from penstock.dialects.graph import Graph
from penstock.dialects.graph.base import Array, GraphOp, shape_of
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.resources import ResourceAttr
from penstock.errors import ShapeError, UnsupportedError
from penstock.onnx_import import import_model

F32 = TensorProto.FLOAT
X = np.arange(6, dtype=np.float32).reshape(2, 3)


def info(name: str, shape: Sequence[int | str | None], element: int = F32) -> ValueInfoProto:
    """A declared tensor."""
    return helper.make_tensor_value_info(name, element, shape)


def model(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto] = (),
    initializers: Sequence[TensorProto] = (),
    functions: Sequence[FunctionProto] = (),
    outputs: Sequence[str] = ("y",),
) -> ModelProto:
    """A model from `x` to `y` unless told otherwise."""
    results = [helper.make_empty_tensor_value_info(name) for name in outputs]
    graph = helper.make_graph(nodes, "g", inputs or [info("x", [2, 3])], results, initializers)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    return helper.make_model(graph, opset_imports=opsets, functions=functions)


def node(op_type: str, inputs: Sequence[str], output: str, name: str = "", domain: str = "") -> NodeProto:
    """A node of one output."""
    return helper.make_node(op_type, inputs, [output], name=name, domain=domain)


def ints(name: str, *values: int) -> TensorProto:
    """A list of integers."""
    return numpy_helper.from_array(np.array(values, np.int64), name)


def operations(module: ModuleOp) -> list[str]:
    """The names of the operations of `@main`."""
    return [op.name for op in main_function(module).body.block.ops]


def result_shape(module: ModuleOp) -> tuple[int | str, ...]:
    """The shape of the first result."""
    return shape_of(main_function(module).function_type.outputs.data[0])


def test_names_source_and_provenance(tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(model([node("Relu", ["x"], "h", "first"), node("Neg", ["h"], "y")]).SerializeToString())
    module = import_model(path)
    module.verify()
    text = str(module)
    assert '{graph.name = "x"}' in text and '{graph.name = "y"}' in text
    assert 'graph.source = "tiny.onnx"' in text and "graph.opset = 17 : i64" in text
    assert 'nodes = ["first"]' in text and 'nodes = ["Neg_1"]' in text


def test_prints_and_parses_back() -> None:
    weight = numpy_helper.from_array(np.random.default_rng(0).random((3, 40)).astype(np.float32), "w")
    module = import_model(model([node("MatMul", ["x", "w"], "y")], [info("x", ["n", 3])], [weight]))
    context = Context()
    for dialect in (Builtin, Func, Graph):
        context.load_dialect(dialect)
    again = Parser(context, str(module)).parse_module()
    assert again.is_structurally_equivalent(module) and str(again) == str(module)
    assert np.array_equal(run_graph(again, {"x": X})["y"], run_graph(module, {"x": X})["y"])


def test_bytes_path_and_proto_give_the_same(tmp_path: Path) -> None:
    proto = model([node("Relu", ["x"], "y")])
    (tmp_path / "m.onnx").write_bytes(proto.SerializeToString())
    texts = {str(import_model(s)) for s in (proto, proto.SerializeToString(), str(tmp_path / "m.onnx"))}
    assert len({text.split("\n", 1)[1] for text in texts}) == 1


def test_nodes_in_any_order() -> None:
    nodes = [node("Neg", ["h"], "y"), node("Abs", ["g"], "h"), node("Exp", ["x"], "g")]
    assert operations(import_model(model(nodes)))[:3] == ["graph.exp", "graph.abs", "graph.neg"]


def test_what_nobody_reads_is_dropped() -> None:
    unused = [node("Shape", ["x"], "s"), node("Exp", ["x"], "e")]
    module = import_model(model([*unused, node("Abs", ["x"], "y")]))
    assert operations(module) == ["graph.abs", "func.return"]


def test_initializer_that_is_an_input_too_is_a_constant() -> None:
    inputs = [info("x", [2, 3]), info("w", [3])]
    weight = numpy_helper.from_array(np.ones(3, np.float32), "w")
    module = import_model(model([node("Add", ["x", "w"], "y")], inputs, [weight]))
    assert len(main_function(module).args) == 1


def test_shape_arithmetic_is_folded() -> None:
    nodes = [
        node("Shape", ["x"], "s"),
        node("Gather", ["s", "zero"], "n"),
        node("Mul", ["n", "two"], "m"),
        node("Concat", ["m", "rest"], "t"),
        node("Reshape", ["x", "t"], "y"),
    ]
    nodes[3].attribute.append(helper.make_attribute("axis", 0))
    given = [ints("zero", 0), ints("two", 2), ints("rest", -1)]
    module = import_model(model(nodes, [info("x", [2, 6])], given))
    assert operations(module) == ["graph.reshape", "func.return"] and result_shape(module) == (4, 3)
    module = import_model(model(nodes, [info("x", ["n", 6])], given))
    assert operations(module) == ["graph.reshape", "func.return"]
    assert result_shape(module)[0] == "2*n"


def test_sizes_by_name_and_by_shape() -> None:
    proto = model([node("Add", ["x", "z"], "y")], [info("x", ["n", 3]), info("z", ["n", None])])
    assert result_shape(import_model(proto)) == ("n", 3)
    assert result_shape(import_model(proto, dims={"n": 5})) == (5, 3)
    assert result_shape(import_model(proto, dims={"z.1": 3, "n": 2})) == (2, 3)
    # A shape that is given settles its symbols for the other inputs.
    assert shape_of(main_function(import_model(proto, shapes={"x": [7, 3]})).args[1]) == (7, "z.1")


def test_size_of_minus_one_is_unknown() -> None:
    assert result_shape(import_model(model([node("Relu", ["x"], "y")], [info("x", [-1, 3])]))) == ("x.0", 3)


def test_known_sizes_outdate_what_the_model_declares() -> None:
    proto = model([node("Relu", ["x"], "h"), node("Neg", ["h"], "y")])
    proto.graph.value_info.append(info("h", [2, 3]))
    assert result_shape(import_model(proto, shapes={"x": [4, 3]})) == (4, 3)


def leaky(slope: str) -> FunctionProto:
    """A function `leaky(a, bias?) = LeakyRelu(a + bias)` whose slope is a parameter."""
    add = node("Add", ["a", "one"], "s")
    one = helper.make_node("Constant", [], ["one"], value_float=1.0)
    relu = node("LeakyRelu", ["s"], "b")
    relu.attribute.add(name="alpha", ref_attr_name=slope, type=1)
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_function("local", "leaky", ["a", "unused"], ["b"], [one, add, relu], opsets, [slope])


def test_model_function_with_parameter_and_absent_input() -> None:
    call = node("leaky", ["x"], "y", "call", "local")
    call.attribute.append(helper.make_attribute("slope", 0.5))
    module = import_model(model([call], functions=[leaky("slope")]))
    y = run_graph(module, {"x": -X})["y"]
    assert y.tolist() == np.where(1 - X < 0, 0.5 * (1 - X), 1 - X).tolist()
    assert 'nodes = ["call/LeakyRelu_2"]' in str(module)


def test_parameter_left_out_means_the_default() -> None:
    module = import_model(model([node("leaky", ["x"], "y", domain="local")], functions=[leaky("slope")]))
    assert run_graph(module, {"x": -X})["y"].min() == np.float32(0.01) * np.float32(-4)


def test_model_function_overrides_the_standard() -> None:
    opsets = [helper.make_opsetid("", 17)]
    body = helper.make_function("", "Relu", ["a"], ["b"], [node("Neg", ["a"], "b")], opsets)
    assert operations(import_model(model([node("Relu", ["x"], "y")], functions=[body])))[0] == "graph.neg"


@pytest.mark.parametrize("condition", [True, False])
def test_branch_of_a_known_condition(condition: bool) -> None:
    arms = {
        f"{name}_branch": helper.make_graph(
            [node(op_type, ["x"], "t"), node("Add", ["t", "w"], "b")],
            name,
            [],
            [helper.make_empty_tensor_value_info("b")],
            [numpy_helper.from_array(np.ones(3, np.float32), "w")],
        )
        for name, op_type in (("then", "Neg"), ("else", "Abs"))
    }
    choice = node("If", ["c"], "y")
    choice.attribute.extend(helper.make_attribute(name, arm) for name, arm in arms.items())
    module = import_model(model([choice], initializers=[numpy_helper.from_array(np.array(condition), "c")]))
    assert run_graph(module, {"x": X})["y"].tolist() == ((-X if condition else X) + 1).tolist()


def constants(module: ModuleOp) -> list[Array]:
    """The arrays of all constants."""
    return [op.array for op in main_function(module).body.block.ops if isinstance(op, ConstantOp)]


def external(path: Path, offset: int, shape: Sequence[int]) -> ModelProto:
    """A model whose weight lies in a file."""
    weight = TensorProto(name="w", data_type=F32, dims=shape, data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value=path.name)
    weight.external_data.add(key="offset", value=str(offset))
    return model([node("Mul", ["x", "w"], "y")], [info("x", [1])], [weight])


def test_external_weights_are_mapped_not_read(tmp_path: Path) -> None:
    data = np.arange(40, dtype=np.float32)
    weights = tmp_path / "weights.bin"
    weights.write_bytes(bytes(5) + data.tobytes())
    (tmp_path / "m.onnx").write_bytes(external(weights, 5, [40]).SerializeToString())
    (w,) = constants(import_model(tmp_path / "m.onnx"))
    assert isinstance(w, np.memmap) and not w.flags.writeable
    assert w.tolist() == data.tolist()


def test_external_weights_without_elements(tmp_path: Path) -> None:
    weights = tmp_path / "weights.bin"
    weights.write_bytes(b"")
    (tmp_path / "m.onnx").write_bytes(external(weights, 0, [0]).SerializeToString())
    assert run_graph(import_model(tmp_path / "m.onnx"), {"x": X[0, :1]})["y"].shape == (0,)


def test_external_file_may_be_a_hard_link(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(np.ones(20, np.float32).tobytes())
    weights = tmp_path / "weights.bin"
    weights.hardlink_to(tmp_path / "blob")
    (tmp_path / "m.onnx").write_bytes(external(weights, 0, [20]).SerializeToString())
    assert constants(import_model(tmp_path / "m.onnx"))[0].sum() == 20


def test_bytes_have_no_folder_for_external_data(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="Give the path of the model"):
        import_model(external(tmp_path / "w", 0, [20]).SerializeToString())


def test_weights_are_read_only_resources_under_their_name() -> None:
    weight = numpy_helper.from_array(np.ones(30, np.float32), "layer.weight")
    module = import_model(model([node("Mul", ["x", "layer.weight"], "y")], [info("x", [1])], [weight]))
    op = main_function(module).body.block.first_op
    assert isinstance(op, ConstantOp)
    attribute: Attribute = op.value
    assert isinstance(attribute, ResourceAttr) and attribute.data.name == "layer.weight"
    assert not op.array.flags.writeable


def test_all_that_stands_in_the_way_is_listed_once() -> None:
    nodes = [
        node("HannWindow", ["x"], "a", "first"),
        node("Relu", ["a"], "b", "dependent"),
        node("HannWindow", ["x"], "c", "second"),
        node("Add", ["b", "c"], "y", "dependent too"),
    ]
    with pytest.raises(UnsupportedError) as caught:
        import_model(model(nodes))
    assert [problem.node.split("/")[0] for problem in caught.value.problems] == ["first", "second"]


def test_import_leaves_no_shared_state() -> None:
    proto = model([node("Relu", ["x"], "y")])
    before = proto.SerializeToString(deterministic=True)
    first, second = import_model(proto), import_model(proto)
    assert first is not second and str(first) == str(second)
    assert proto.SerializeToString(deterministic=True) == before


def test_every_operation_names_a_node() -> None:
    nodes = [node("LayerNormalization", ["x", "w"], "y", "norm")]
    weight = numpy_helper.from_array(np.ones(3, np.float32), "w")
    block = main_function(import_model(model(nodes, initializers=[weight]))).body.block
    assert all("nodes" in op.attributes for op in block.ops if isinstance(op, GraphOp))


def test_contradiction_between_given_shapes() -> None:
    proto = model([node("Add", ["x", "z"], "y")], [info("x", ["n"]), info("z", ["n"])])
    with pytest.raises(ShapeError, match="broadcast"):
        import_model(proto, shapes={"x": [2], "z": [3]})
