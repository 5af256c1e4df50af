"""Models with a node, a subgraph or a function that is wrong."""

import numpy as np
from onnx import FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from penstock.errors import LimitError, ModelError, ShapeError, UnsupportedError
from tests.errors.kit import F32, I64, Corpus, graph, info, integers, model, node, weight

CORPUS = Corpus()


@CORPUS.model(UnsupportedError, "no operator 'Frobnicate'", "n ")
def unknown_operator() -> ModelProto:
    return model(graph([node("Frobnicate", ["x"])]))


@CORPUS.model(UnsupportedError, "com.example", "model function")
def unknown_domain() -> ModelProto:
    return model(graph([node("Relu", ["x"], domain="com.example")]), domain="com.example")


@CORPUS.model(ModelError, "com.example", "names no version")
def domain_not_imported() -> ModelProto:
    return model(graph([node("Relu", ["x"], domain="com.example")]))


@CORPUS.model(UnsupportedError, "2 nodes", "Frobnicate", "Twiddle")
def several_unknown_operators() -> ModelProto:
    first = helper.make_node("Frobnicate", ["x"], ["p"], name="a")
    second = helper.make_node("Relu", ["p"], ["q"], name="b")
    return model(graph([first, second, helper.make_node("Twiddle", ["q"], ["y"], name="c")]))


@CORPUS.model(ModelError, "'perm'", "INT", "node 'n'")
def attribute_of_wrong_type() -> ModelProto:
    return model(graph([node("Transpose", ["x"], perm=1)]))


@CORPUS.model(ModelError, "no attribute 'colour'", "node 'n'")
def unknown_attribute() -> ModelProto:
    return model(graph([node("Relu", ["x"], colour="red")]))


@CORPUS.model(ModelError, "no attribute 'axes'", "node 'n'")
def attribute_of_another_opset() -> ModelProto:
    return model(graph([node("Unsqueeze", ["x"], axes=[0])]), opset=13)


@CORPUS.model(ModelError, "'to'", "node 'n'")
def attribute_missing() -> ModelProto:
    return model(graph([node("Cast", ["x"])]))


@CORPUS.model(ModelError, "3 inputs", "node 'n'")
def too_many_inputs() -> ModelProto:
    return model(graph([node("Sub", ["x", "x", "x"])]))


@CORPUS.model(ShapeError, "sizes are integers, not f32", "node 'n'")
def expand_to_sizes_that_are_no_integers() -> ModelProto:
    return model(graph([node("Expand", ["x", "x"])]))


@CORPUS.model(ShapeError, "bounds of the shapes [[0]", "node 'n'")
def range_of_nothing() -> ModelProto:
    bounds = [integers(name, numbers) for name, numbers in (("a", []), ("b", [3]), ("c", [1]))]
    return model(graph([node("Range", ["a", "b", "c"])], initializers=bounds))


@CORPUS.model(ShapeError, "no time and batch", "node 'n'")
def sequences_without_batch() -> ModelProto:
    inputs = [info("x", ()), info("l", (2,), I64)]
    return model(graph([node("ReverseSequence", ["x", "l"])], inputs=inputs))


@CORPUS.model(ShapeError, "1 sizes for 2 axes", "node 'n'")
def cropped_to_too_few_sizes() -> ModelProto:
    return model(graph([node("CenterCropPad", ["x", "s"])], initializers=[integers("s", [1])]), opset=18)


@CORPUS.model(ShapeError, "9223372036854775807 parts for 1 outputs", "node 'n'")
def split_without_end() -> ModelProto:
    return model(graph([node("Split", ["x"], num_outputs=2**63 - 1)]), opset=18)


@CORPUS.model(ModelError, "input 0", "node 'n'")
def condition_missing() -> ModelProto:
    branch = graph([node("Relu", ["x"])], inputs=[])
    return model(graph([node("If", [], then_branch=branch, else_branch=branch)]))


@CORPUS.model(ShapeError, "position 5", "outside of the 2", "node 'n'")
def known_position_outside() -> ModelProto:
    return model(graph([node("Gather", ["x", "i"])], initializers=[integers("i", [1, 5])]))


@CORPUS.model(ShapeError, "position -4", "outside of the 2 x 3", "node 'n'")
def known_tuple_outside() -> ModelProto:
    places = integers("i", [1, -4])
    places.dims[:] = [1, 2]
    return model(graph([node("GatherND", ["x", "i"])], initializers=[places]))


@CORPUS.model(ModelError, "input 1", "node 'n'")
def too_few_inputs() -> ModelProto:
    return model(graph([node("Sub", ["x"])]))


@CORPUS.model(ShapeError, "perm", "permutation", "node 'n'")
def bad_permutation() -> ModelProto:
    return model(graph([node("Transpose", ["x"], perm=[0, 0])]))


@CORPUS.model(ShapeError, "axis 5", "node 'n'")
def bad_axis() -> ModelProto:
    return model(graph([node("Softmax", ["x"], axis=5)]))


@CORPUS.model(ShapeError, "node 'n'", "reshaped")
def bad_reshape() -> ModelProto:
    return model(graph([node("Reshape", ["x", "s"])], initializers=[integers("s", [4, -1])]))


@CORPUS.model(ShapeError, "node 'n'", "At most one")
def two_remainders() -> ModelProto:
    return model(graph([node("Reshape", ["x", "s"])], initializers=[integers("s", [-1, -1])]))


@CORPUS.model(ShapeError, "inner sizes", "node 'n'")
def matrices_do_not_fit() -> ModelProto:
    return model(graph([node("MatMul", ["x", "w"])], initializers=[weight("w", (4, 5))]))


@CORPUS.model(ShapeError, "broadcast", "node 'n'")
def operands_do_not_broadcast() -> ModelProto:
    return model(graph([node("Add", ["x", "w"])], initializers=[weight("w", (4,))]))


@CORPUS.model(ShapeError, "element type", "node 'n'")
def operands_of_two_types() -> ModelProto:
    return model(graph([node("Add", ["x", "w"])], initializers=[weight("w", (3,), np.float64)]))


@CORPUS.model(ShapeError, "rank", "node 'n'")
def filter_of_wrong_rank() -> ModelProto:
    return model(graph([node("Conv", ["x", "w"])], initializers=[weight("w", (1, 1, 3, 3))]))


@CORPUS.model(ShapeError, "window", "node 'n'")
def window_too_large() -> ModelProto:
    image = info("x", (1, 1, 4, 4))
    return model(graph([node("MaxPool", ["x"], kernel_shape=[9, 9])], inputs=[image]))


@CORPUS.model(ShapeError, "node 'n'", "split")
def bad_split() -> ModelProto:
    sizes = integers("s", [1, 1])
    return model(graph([node("Split", ["x", "s"], ["y", "z"], axis=1)], initializers=[sizes]))


@CORPUS.model(ShapeError, "node 'p'", "position 7")
def constant_index_out_of_range() -> ModelProto:
    table = [integers("t", [2, 3]), integers("i", [7])]
    pick = helper.make_node("Gather", ["t", "i"], ["s"], name="p")
    return model(graph([pick, node("Reshape", ["x", "s"])], initializers=table))


@CORPUS.model(ModelError, "without a value", "node 'n'")
def constant_without_value() -> ModelProto:
    return model(graph([node("Constant", [], ["c"]), helper.make_node("Add", ["x", "c"], ["y"])]))


@CORPUS.model(UnsupportedError, "COMPLEX64")
def complex_tensor() -> ModelProto:
    return model(graph([node("Identity", ["x"])], inputs=[info("x", (2,), TensorProto.COMPLEX64)]))


@CORPUS.model(ShapeError, "it takes !graph.string")
def numbers_for_text() -> ModelProto:
    return model(graph([node("StringConcat", ["x", "x"])]))


@CORPUS.model(UnsupportedError, "the pattern '(' cannot be used")
def broken_pattern() -> ModelProto:
    text = node("RegexFullMatch", ["x"], pattern="(")
    return model(graph([text], inputs=[info("x", (2,), TensorProto.STRING)]))


@CORPUS.model(ModelError, "a string that is not UTF-8")
def text_of_bytes() -> ModelProto:
    w = TensorProto(name="w", data_type=TensorProto.STRING, dims=[1], string_data=[b"\xff"])
    return model(graph([node("StringConcat", ["w", "w"])], initializers=[w]))


@CORPUS.model(UnsupportedError, "sequence")
def sequence_input() -> ModelProto:
    value = helper.make_tensor_sequence_value_info("x", F32, [2])
    return model(graph([node("SequenceAt", ["x", "i"])], inputs=[value], initializers=[integers("i", [0])]))


@CORPUS.model(UnsupportedError, "a list of 1000000 sizes")
def shape_of_very_many_dims() -> ModelProto:
    inputs = [info("x"), info("s", (1_000_000,), I64)]
    return model(graph([node("Reshape", ["x", "s"])], inputs=inputs))


@CORPUS.model(UnsupportedError, "depend", "shapes=", "n ")
def shape_from_data() -> ModelProto:
    inputs = [info("x"), info("s", ("rank",), I64)]
    return model(graph([node("Reshape", ["x", "s"])], inputs=inputs))


def branch(*nodes: NodeProto) -> GraphProto:
    """A branch of an `If` with the output `b`."""
    return helper.make_graph(nodes, "branch", [], [info("b", None)])


@CORPUS.model(ModelError, "then_branch", "node 'n'")
def branch_missing() -> ModelProto:
    known = numpy_helper.from_array(np.array(True), "c")
    arm = branch(helper.make_node("Relu", ["x"], ["b"]))
    return model(graph([node("If", ["c"], else_branch=arm)], initializers=[known]))


def framed(number: int, content: bytes) -> bytes:
    """A field of a protobuf message, as bytes."""
    size = len(content)
    low: list[int] = []
    while size > 127:
        size, low = size >> 7, [*low, size & 127 | 128]
    return bytes([number << 3 | 2, *low, size]) + content


@CORPUS.model(ModelError, "nests", "deeply")
def subgraphs_nested_too_deeply() -> bytes:
    # Written as bytes: protobuf does not even build such a message.
    branches = b""
    for _ in range(200):
        attribute = framed(1, b"then_branch") + framed(6, branches)
        branches = framed(1, framed(4, b"If") + framed(5, attribute))
    return framed(7, branches)


def function(name: str, *nodes: NodeProto) -> FunctionProto:
    """A model function from `a` to `b`."""
    return helper.make_function(
        "local", name, ["a"], ["b"], nodes, [helper.make_opsetid("", 13), helper.make_opsetid("local", 1)]
    )


@CORPUS.model(ModelError, "calls itself", "local.f")
def function_calls_itself() -> ModelProto:
    body = function("f", helper.make_node("f", ["a"], ["b"], domain="local"))
    return model(graph([node("f", ["x"], domain="local")]), domain="local", functions=[body])


@CORPUS.model(ModelError, "nest more than")
def functions_nested_too_deeply() -> ModelProto:
    functions = [function("f0", helper.make_node("Relu", ["a"], ["b"]))]
    for i in range(1, 3000):
        functions.append(function(f"f{i}", helper.make_node(f"f{i - 1}", ["a"], ["b"], domain="local")))
    return model(graph([node("f2999", ["x"], domain="local")]), domain="local", functions=functions)


@CORPUS.model(LimitError, "operations", "--limit operations=")
def functions_explode() -> ModelProto:
    functions = [function("f0", helper.make_node("Relu", ["a"], ["b"]))]
    for i in range(1, 40):
        calls = [("a", "t"), ("t", "b")]
        nodes = [helper.make_node(f"f{i - 1}", [a], [b], domain="local") for a, b in calls]
        functions.append(function(f"f{i}", *nodes))
    return model(graph([node("f39", ["x"], domain="local")]), domain="local", functions=functions)


@CORPUS.model(ModelError, "2 inputs", "function of 1")
def function_of_fewer_inputs() -> ModelProto:
    body = function("f", helper.make_node("Relu", ["a"], ["b"]))
    return model(graph([node("f", ["x", "x"], domain="local")]), domain="local", functions=[body])
