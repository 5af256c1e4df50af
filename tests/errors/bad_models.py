"""Models that are wrong in one way each, made by code; `test_bad_models.py` feeds them to the import."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from onnx import (
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    SparseTensorProto,
    StringStringEntryProto,
    TensorProto,
    ValueInfoProto,
    helper,
    numpy_helper,
)

from penstock.errors import ModelError, PenstockError, ShapeError, UnsupportedError

F32 = TensorProto.FLOAT
I64 = TensorProto.INT64


@dataclass(frozen=True)
class Case:
    """A bad model: how to make it in a folder, the error expected, words it must contain."""

    name: str
    make: Callable[[Path], Path]
    error: type[PenstockError]
    words: Sequence[str]
    shapes: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    dims: dict[str, int] = field(default_factory=dict[str, int])


CASES: list[Case] = []


def info(name: str, shape: Sequence[int | str | None] | None = (2, 3), element: int = F32) -> ValueInfoProto:
    """A declared tensor."""
    return helper.make_tensor_value_info(name, element, shape)


def graph(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto] | None = None,
    outputs: Sequence[ValueInfoProto] | None = None,
    initializers: Sequence[TensorProto] = (),
) -> GraphProto:
    """A graph from `x` to `y` unless told otherwise; the shape of `y` is left open."""
    ends = ([info("x")] if inputs is None else inputs, [info("y", None)] if outputs is None else outputs)
    return helper.make_graph(nodes, "g", *ends, initializer=initializers)


def model(
    g: GraphProto, opset: int = 13, domain: str = "", functions: Sequence[FunctionProto] = ()
) -> ModelProto:
    """A model of a graph."""
    imports = [helper.make_opsetid("", opset)]
    if domain:
        imports.append(helper.make_opsetid(domain, 1))
    return helper.make_model(g, opset_imports=imports, functions=functions)


def weight(name: str, shape: Sequence[int], dtype: type[np.generic] = np.float32) -> TensorProto:
    """An initializer of ones."""
    return numpy_helper.from_array(np.ones(shape, dtype), name)


def integers(name: str, values: Sequence[int]) -> TensorProto:
    """An initializer that is a list of integers."""
    return numpy_helper.from_array(np.array(values, np.int64), name)


def written(folder: Path, content: ModelProto | bytes) -> Path:
    """The model in a file."""
    path = folder / "bad.onnx"
    path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    return path


def bad_model(
    error: type[PenstockError],
    *words: str,
    shapes: dict[str, list[int]] | None = None,
    dims: dict[str, int] | None = None,
) -> Callable[[Callable[[], ModelProto | bytes]], None]:
    """Register a function that makes the content of a bad file."""

    def register(make: Callable[[], ModelProto | bytes]) -> None:
        def write(folder: Path) -> Path:
            return written(folder, make())

        CASES.append(Case(make.__name__, write, error, words, shapes or {}, dims or {}))

    return register


def bad_folder(error: type[PenstockError], *words: str) -> Callable[[Callable[[Path], Path]], None]:
    """Register a function that lays out a folder and returns the path to import."""

    def register(make: Callable[[Path], Path]) -> None:
        CASES.append(Case(make.__name__, make, error, words))

    return register


def relu(**attributes: object) -> NodeProto:
    """A node `r` from `x` to `y`."""
    return helper.make_node("Relu", ["x"], ["y"], name="r", **attributes)


def node(
    op_type: str,
    inputs: Sequence[str],
    outputs: Sequence[str] = ("y",),
    domain: str = "",
    **attributes: object,
) -> NodeProto:
    """A node called `n`."""
    return helper.make_node(op_type, inputs, outputs, name="n", domain=domain, **attributes)


# Files that are no models.


@bad_model(ModelError, "empty")
def zero_bytes() -> bytes:
    return b""


@bad_model(ModelError, "not an ONNX model")
def text_file() -> bytes:
    return b"This is not the model you are looking for.\n" * 20


@bad_model(ModelError, "not an ONNX model", "cut short")
def truncated_file() -> bytes:
    whole = model(graph([relu()], initializers=[weight("w", (64, 64))])).SerializeToString()
    return whole[: len(whole) // 2]


@bad_model(ModelError, "PNG")
def picture() -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(64)


@bad_model(ModelError, "zip")
def zip_archive() -> bytes:
    return b"PK\x03\x04" + bytes(64)


@bad_model(ModelError, "pickle", "never loaded")
def pickle_file() -> bytes:
    return b"\x80\x04\x95" + bytes(64)


@bad_model(ModelError, "HDF5")
def keras_file() -> bytes:
    return b"\x89HDF\r\n\x1a\n" + bytes(64)


@bad_model(ModelError, "no graph")
def other_protobuf() -> bytes:
    return StringStringEntryProto(key="a", value="b").SerializeToString()


@bad_folder(ModelError, "directory")
def directory(folder: Path) -> Path:
    (folder / "bad.onnx").mkdir()
    return folder / "bad.onnx"


@bad_folder(ModelError, "not a regular file")
def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "bad.onnx")
    return folder / "bad.onnx"


@bad_folder(ModelError, "No such file")
def missing_file(folder: Path) -> Path:
    return folder / "bad.onnx"


@bad_folder(ModelError, "cannot be read")
def name_too_long(folder: Path) -> Path:
    return folder / ("x" * 5000)


# Models that say too little or contradict themselves.


@bad_model(ModelError, "no graph with outputs")
def no_outputs() -> ModelProto:
    return model(graph([relu()], outputs=[]))


@bad_model(ModelError, "operator set")
def no_opset() -> ModelProto:
    m = model(graph([relu()]))
    del m.opset_import[:]
    return m


@bad_model(ModelError, "opset 6", "version_converter")
def opset_too_old() -> ModelProto:
    return model(graph([relu()]), opset=6)


@bad_model(ModelError, "opset 999", "newer")
def opset_too_new() -> ModelProto:
    return model(graph([relu()]), opset=999)


@bad_model(ModelError, "UTF-8")
def name_not_utf8() -> bytes:
    return model(graph([relu()])).SerializeToString().replace(b"\n\x01x", b"\n\x01\xff")


@bad_model(ModelError, "UTF-8", "node 'n'")
def attribute_not_utf8() -> ModelProto:
    pads = integers("p", [1, 0, 0, 0])
    return model(graph([node("Pad", ["x", "p"], mode=b"\xff\xfe")], initializers=[pads]))


@bad_model(ModelError, "'z'", "nobody writes it", "node 'n'")
def missing_input() -> ModelProto:
    return model(graph([node("Add", ["x", "z"])]))


@bad_model(ModelError, "'y'", "nobody writes it")
def missing_output() -> ModelProto:
    return model(graph([node("Relu", ["x"], ["z"])]))


@bad_model(ModelError, "cycle", "a -> b -> a")
def cyclic_graph() -> ModelProto:
    first = helper.make_node("Add", ["x", "q"], ["p"], name="a")
    second = helper.make_node("Relu", ["p"], ["q"], name="b")
    return model(graph([first, second, helper.make_node("Relu", ["q"], ["y"], name="c")]))


@bad_model(ModelError, "two nodes write 'y'")
def name_written_twice() -> ModelProto:
    return model(graph([relu(), node("Neg", ["x"])]))


@bad_model(ModelError, "'x' is written twice")
def input_overwritten() -> ModelProto:
    return model(graph([node("Constant", [], ["x"], value_float=1.0), relu()]))


@bad_model(ModelError, "two initializers", "'w'")
def initializer_twice() -> ModelProto:
    return model(graph([node("Add", ["x", "w"])], initializers=[weight("w", (3,)), weight("w", (2, 3))]))


@bad_model(ModelError, "two inputs", "'x'")
def input_twice() -> ModelProto:
    return model(graph([relu()], inputs=[info("x"), info("x")]))


@bad_model(ShapeError, "declares 'z'", "node 'n'")
def contradicting_shape() -> ModelProto:
    g = graph([node("Relu", ["x"], ["z"]), helper.make_node("Relu", ["z"], ["y"])])
    g.value_info.append(info("z", (2, 4)))
    return model(g)


@bad_model(ShapeError, "declares 'y'", "node 'r'")
def contradicting_output_type() -> ModelProto:
    return model(graph([relu()], outputs=[info("y", (2, 3), I64)]))


@bad_model(ModelError, "'x' has no type")
def input_without_type() -> ModelProto:
    return model(graph([relu()], inputs=[ValueInfoProto(name="x")]))


@bad_model(ShapeError, "rank of input 'x'", "shapes=")
def input_without_rank() -> ModelProto:
    return model(graph([relu()], inputs=[info("x", None)]))


@bad_model(ModelError, "element type 77")
def element_type_unknown() -> ModelProto:
    return model(graph([relu()], inputs=[info("x", (2, 3), 77)]))


@bad_model(ShapeError, "negative size -5")
def negative_dim() -> ModelProto:
    return model(graph([relu()], inputs=[info("x", (2, -5))]))


@bad_model(ShapeError, "bytes", "limit")
def huge_input() -> ModelProto:
    return model(graph([relu()], inputs=[info("x", (2**31, 2**31, 4))]))


@bad_model(ShapeError, "bytes", "limit", "node 'n'")
def huge_intermediate() -> ModelProto:
    shape = integers("s", [2**31, 2**31, 2, 3])
    return model(graph([node("Expand", ["x", "s"])], initializers=[shape]))


@bad_model(ShapeError, "node 'e'", "bytes")
def huge_folding() -> ModelProto:
    shape = integers("s", [2**20, 2**12])
    ones = helper.make_node("ConstantOfShape", ["s"], ["big"], name="c")
    return model(graph([ones, helper.make_node("NonZero", ["big"], ["y"], name="e")], initializers=[shape]))


@bad_model(ShapeError, "list of", "node 'n'")
def huge_range() -> ModelProto:
    bounds = [
        numpy_helper.from_array(np.array(v, np.int64), n) for n, v in (("a", 0), ("b", 2**60), ("c", 1))
    ]
    return model(graph([node("Range", ["a", "b", "c"])], initializers=bounds))


@bad_model(ModelError, "element", "'w'")
def initializer_too_short() -> ModelProto:
    tensor = helper.make_tensor("w", F32, [3], [1.0, 2.0, 3.0])
    tensor.dims[0] = 4
    return model(graph([node("Add", ["x", "w"])], initializers=[tensor]))


@bad_model(ModelError, "8 bytes", "'w'", "node 'n'")
def raw_data_too_short() -> ModelProto:
    tensor = TensorProto(name="w", data_type=F32, dims=[3], raw_data=bytes(8))
    return model(graph([node("Add", ["x", "w"])], initializers=[tensor]))


@bad_model(ModelError, "negative", "'w'")
def initializer_of_negative_size() -> ModelProto:
    tensor = TensorProto(name="w", data_type=F32, dims=[-1], raw_data=b"")
    return model(graph([node("Add", ["x", "w"])], initializers=[tensor]))


@bad_model(UnsupportedError, "sparse", "w ")
def sparse_initializer() -> ModelProto:
    g = graph([node("Add", ["x", "w"])])
    values, indices = weight("w", (1,)), integers("i", [0])
    g.sparse_initializer.append(SparseTensorProto(values=values, indices=indices, dims=[3]))
    return model(g)


# Nodes that are wrong.


@bad_model(UnsupportedError, "no operator 'Frobnicate'", "n ")
def unknown_operator() -> ModelProto:
    return model(graph([node("Frobnicate", ["x"])]))


@bad_model(UnsupportedError, "com.example", "model function")
def unknown_domain() -> ModelProto:
    return model(graph([node("Relu", ["x"], domain="com.example")]), domain="com.example")


@bad_model(ModelError, "com.example", "names no version")
def domain_not_imported() -> ModelProto:
    return model(graph([node("Relu", ["x"], domain="com.example")]))


@bad_model(UnsupportedError, "2 nodes", "Frobnicate", "Twiddle")
def several_unknown_operators() -> ModelProto:
    first = helper.make_node("Frobnicate", ["x"], ["p"], name="a")
    second = helper.make_node("Relu", ["p"], ["q"], name="b")
    return model(graph([first, second, helper.make_node("Twiddle", ["q"], ["y"], name="c")]))


@bad_model(ModelError, "'perm'", "INT", "node 'n'")
def attribute_of_wrong_type() -> ModelProto:
    return model(graph([node("Transpose", ["x"], perm=1)]))


@bad_model(ModelError, "no attribute 'colour'", "node 'r'")
def unknown_attribute() -> ModelProto:
    return model(graph([relu(colour="red")]))


@bad_model(ModelError, "no attribute 'axes'", "node 'n'")
def attribute_of_another_opset() -> ModelProto:
    return model(graph([node("Unsqueeze", ["x"], axes=[0])]), opset=13)


@bad_model(ModelError, "'to'", "node 'n'")
def attribute_missing() -> ModelProto:
    return model(graph([node("Cast", ["x"])]))


@bad_model(ModelError, "3 inputs", "node 'n'")
def too_many_inputs() -> ModelProto:
    return model(graph([node("Sub", ["x", "x", "x"])]))


@bad_model(ModelError, "input 1", "node 'n'")
def too_few_inputs() -> ModelProto:
    return model(graph([node("Sub", ["x"])]))


@bad_model(ShapeError, "perm", "permutation", "node 'n'")
def bad_permutation() -> ModelProto:
    return model(graph([node("Transpose", ["x"], perm=[0, 0])]))


@bad_model(ShapeError, "axis 5", "node 'n'")
def bad_axis() -> ModelProto:
    return model(graph([node("Softmax", ["x"], axis=5)]))


@bad_model(ShapeError, "node 'n'", "reshaped")
def bad_reshape() -> ModelProto:
    return model(graph([node("Reshape", ["x", "s"])], initializers=[integers("s", [4, -1])]))


@bad_model(ShapeError, "node 'n'", "At most one")
def two_remainders() -> ModelProto:
    return model(graph([node("Reshape", ["x", "s"])], initializers=[integers("s", [-1, -1])]))


@bad_model(ShapeError, "inner sizes", "node 'n'")
def matrices_do_not_fit() -> ModelProto:
    return model(graph([node("MatMul", ["x", "w"])], initializers=[weight("w", (4, 5))]))


@bad_model(ShapeError, "broadcast", "node 'n'")
def operands_do_not_broadcast() -> ModelProto:
    return model(graph([node("Add", ["x", "w"])], initializers=[weight("w", (4,))]))


@bad_model(ShapeError, "element type", "node 'n'")
def operands_of_two_types() -> ModelProto:
    return model(graph([node("Add", ["x", "w"])], initializers=[weight("w", (3,), np.float64)]))


@bad_model(ShapeError, "rank", "node 'n'")
def filter_of_wrong_rank() -> ModelProto:
    return model(graph([node("Conv", ["x", "w"])], initializers=[weight("w", (1, 1, 3, 3))]))


@bad_model(ShapeError, "window", "node 'n'")
def window_too_large() -> ModelProto:
    image = info("x", (1, 1, 4, 4))
    return model(graph([node("MaxPool", ["x"], kernel_shape=[9, 9])], inputs=[image]))


@bad_model(ShapeError, "node 'n'", "split")
def bad_split() -> ModelProto:
    sizes = integers("s", [1, 1])
    return model(graph([node("Split", ["x", "s"], ["y", "z"], axis=1)], initializers=[sizes]))


@bad_model(ShapeError, "node 'n'", "cannot be computed")
def constant_index_out_of_range() -> ModelProto:
    table = [integers("t", [2, 3]), integers("i", [7])]
    pick = helper.make_node("Gather", ["t", "i"], ["s"], name="p")
    return model(graph([pick, node("Reshape", ["x", "s"])], initializers=table))


@bad_model(ModelError, "without a value", "node 'n'")
def constant_without_value() -> ModelProto:
    return model(graph([node("Constant", [], ["c"]), helper.make_node("Add", ["x", "c"], ["y"])]))


@bad_model(UnsupportedError, "STRING")
def text_tensor() -> ModelProto:
    return model(graph([node("Identity", ["x"])], inputs=[info("x", (2,), TensorProto.STRING)]))


@bad_model(UnsupportedError, "sequence")
def sequence_input() -> ModelProto:
    value = helper.make_tensor_sequence_value_info("x", F32, [2])
    return model(graph([node("SequenceAt", ["x", "i"])], inputs=[value], initializers=[integers("i", [0])]))


@bad_model(UnsupportedError, "depend", "shapes=", "n ")
def shape_from_data() -> ModelProto:
    inputs = [info("x"), info("s", (2,), I64)]
    return model(graph([node("Reshape", ["x", "s"])], inputs=inputs))


# Subgraphs and functions.


def branch(*nodes: NodeProto) -> GraphProto:
    """A branch of an `If` with the output `b`."""
    return helper.make_graph(nodes, "branch", [], [info("b", None)])


@bad_model(UnsupportedError, "condition", "n ")
def condition_from_data() -> ModelProto:
    arm = branch(helper.make_node("Relu", ["x"], ["b"]))
    inputs = [info("x"), info("c", (), TensorProto.BOOL)]
    return model(graph([node("If", ["c"], then_branch=arm, else_branch=arm)], inputs=inputs))


@bad_model(ModelError, "then_branch", "node 'n'")
def branch_missing() -> ModelProto:
    known = numpy_helper.from_array(np.array(True), "c")
    arm = branch(helper.make_node("Relu", ["x"], ["b"]))
    return model(graph([node("If", ["c"], else_branch=arm)], initializers=[known]))


def framed(number: int, content: bytes) -> bytes:
    """A field of a protobuf message, as bytes."""
    size, low = len(content), []
    while size > 127:
        size, low = size >> 7, [*low, size & 127 | 128]
    return bytes([number << 3 | 2, *low, size]) + content


@bad_model(ModelError, "nests", "deeply")
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


@bad_model(ModelError, "calls itself", "local.f")
def function_calls_itself() -> ModelProto:
    body = function("f", helper.make_node("f", ["a"], ["b"], domain="local"))
    return model(graph([node("f", ["x"], domain="local")]), domain="local", functions=[body])


@bad_model(ModelError, "nest more than")
def functions_nested_too_deeply() -> ModelProto:
    functions = [function("f0", helper.make_node("Relu", ["a"], ["b"]))]
    for i in range(1, 3000):
        functions.append(function(f"f{i}", helper.make_node(f"f{i - 1}", ["a"], ["b"], domain="local")))
    return model(graph([node("f2999", ["x"], domain="local")]), domain="local", functions=functions)


@bad_model(ModelError, "more than", "nodes")
def functions_explode() -> ModelProto:
    functions = [function("f0", helper.make_node("Relu", ["a"], ["b"]))]
    for i in range(1, 40):
        calls = [("a", "t"), ("t", "b")]
        nodes = [helper.make_node(f"f{i - 1}", [a], [b], domain="local") for a, b in calls]
        functions.append(function(f"f{i}", *nodes))
    return model(graph([node("f39", ["x"], domain="local")]), domain="local", functions=functions)


@bad_model(ModelError, "2 inputs", "function of 1")
def function_of_fewer_inputs() -> ModelProto:
    body = function("f", helper.make_node("Relu", ["a"], ["b"]))
    return model(graph([node("f", ["x", "x"], domain="local")]), domain="local", functions=[body])


# External data.


def external(folder: Path, location: str, size: int = 12, **entries: str) -> Path:
    """A model whose weight is in a file."""
    tensor = TensorProto(name="w", data_type=F32, dims=[size // 4], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=value)
    return written(folder, model(graph([node("Add", ["x", "w"])], initializers=[tensor])))


@bad_folder(ModelError, "'w'", "No such file")
def external_file_missing(folder: Path) -> Path:
    return external(folder, "weights.bin")


@bad_folder(ModelError, "outside the model's folder", "'w'")
def external_path_leaves_folder(folder: Path) -> Path:
    inner = folder / "inner"
    inner.mkdir()
    (folder / "weights.bin").write_bytes(bytes(12))
    return external(inner, "../weights.bin")


@bad_folder(ModelError, "outside the model's folder")
def external_path_absolute(folder: Path) -> Path:
    (folder / "weights.bin").write_bytes(bytes(12))
    return external(folder, str(folder / "weights.bin"))


@bad_folder(ModelError, "link")
def external_file_is_link(folder: Path) -> Path:
    inner = folder / "inner"
    inner.mkdir()
    (folder / "secret").write_bytes(bytes(12))
    (inner / "weights.bin").symlink_to(folder / "secret")
    return external(inner, "weights.bin")


@bad_folder(ModelError, "link")
def external_folder_is_link(folder: Path) -> Path:
    inner, outer = folder / "inner", folder / "outer"
    inner.mkdir()
    outer.mkdir()
    (outer / "weights.bin").write_bytes(bytes(12))
    (inner / "data").symlink_to(outer)
    return external(inner, "data/weights.bin")


@bad_folder(ModelError, "not a file")
def external_file_is_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "weights.bin")
    return external(folder, "weights.bin")


@bad_folder(ModelError, "cut short", "'w'")
def external_file_too_short(folder: Path) -> Path:
    (folder / "weights.bin").write_bytes(bytes(8))
    return external(folder, "weights.bin")


@bad_folder(ModelError, "cut short")
def external_offset_beyond_end(folder: Path) -> Path:
    (folder / "weights.bin").write_bytes(bytes(16))
    return external(folder, "weights.bin", offset="8")


@bad_folder(ModelError, "offset", "'-4'")
def external_offset_negative(folder: Path) -> Path:
    (folder / "weights.bin").write_bytes(bytes(16))
    return external(folder, "weights.bin", offset="-4")


@bad_folder(ModelError, "12 bytes", "says 8")
def external_length_contradicts(folder: Path) -> Path:
    (folder / "weights.bin").write_bytes(bytes(16))
    return external(folder, "weights.bin", length="8")


@bad_folder(ModelError, "outside the model's folder")
def external_location_empty(folder: Path) -> Path:
    return external(folder, "")


# What the user asks for does not fit the model.


@bad_model(ShapeError, "'z'", "no input", shapes={"z": [1, 2]})
def shape_for_unknown_input() -> ModelProto:
    return model(graph([relu()]))


@bad_model(ShapeError, "no size 'width'", "batch", dims={"width": 4})
def size_for_unknown_symbol() -> ModelProto:
    return model(graph([relu()], inputs=[info("x", ("batch", 3))]))


@bad_model(ShapeError, "negative", dims={"batch": -4})
def size_negative() -> ModelProto:
    return model(graph([relu()], inputs=[info("x", ("batch", 3))]))


@bad_model(ShapeError, "broadcast", "node 'n'", shapes={"x": [2, 5]})
def shape_that_does_not_fit() -> ModelProto:
    return model(graph([node("Add", ["x", "w"])], initializers=[weight("w", (3,))]))
