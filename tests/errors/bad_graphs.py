"""Models that contradict themselves, or what the user asks of them."""

import numpy as np
from onnx import ModelProto, SparseTensorProto, TensorProto, ValueInfoProto, helper, numpy_helper

from penstock.errors import LimitError, ModelError, ShapeError, UnsupportedError
from tests.errors.kit import F32, I64, Corpus, graph, info, integers, model, node, relu, weight

CORPUS = Corpus()


@CORPUS.model(ModelError, "no graph with outputs")
def no_outputs() -> ModelProto:
    return model(graph([relu()], outputs=[]))


@CORPUS.model(ModelError, "operator set")
def no_opset() -> ModelProto:
    m = model(graph([relu()]))
    del m.opset_import[:]
    return m


@CORPUS.model(UnsupportedError, "opset 5", "version_converter")
def opset_too_old() -> ModelProto:
    return model(graph([relu()]), opset=5)


@CORPUS.model(ModelError, "opset 4294967296", "does not exist")
def opset_of_another_domain() -> ModelProto:
    m = model(graph([helper.make_node("Scaler", ["x"], ["y"], domain="ai.onnx.ml")]))
    m.opset_import.append(helper.make_opsetid("ai.onnx.ml", 2**32))
    return m


@CORPUS.model(ModelError, "opset 999", "newer")
def opset_too_new() -> ModelProto:
    return model(graph([relu()]), opset=999)


@CORPUS.model(ModelError, "UTF-8")
def name_not_utf8() -> bytes:
    return model(graph([relu()])).SerializeToString().replace(b"\n\x01x", b"\n\x01\xff")


@CORPUS.model(ModelError, "UTF-8", "node 'n'")
def attribute_not_utf8() -> ModelProto:
    pads = integers("p", [1, 0, 0, 0])
    return model(graph([node("Pad", ["x", "p"], mode=b"\xff\xfe")], initializers=[pads]))


@CORPUS.model(ModelError, "'z'", "nobody writes it", "node 'n'")
def missing_input() -> ModelProto:
    return model(graph([node("Add", ["x", "z"])]))


@CORPUS.model(ModelError, "bad.onnx: 'y'", "nobody writes it")
def missing_output() -> ModelProto:
    return model(graph([node("Relu", ["x"], ["z"])]))


@CORPUS.model(ModelError, "cycle", "a -> b -> a")
def cyclic_graph() -> ModelProto:
    first = helper.make_node("Add", ["x", "q"], ["p"], name="a")
    second = helper.make_node("Relu", ["p"], ["q"], name="b")
    return model(graph([first, second, helper.make_node("Relu", ["q"], ["y"], name="c")]))


@CORPUS.model(ModelError, "two nodes write 'y'")
def name_written_twice() -> ModelProto:
    return model(graph([relu(), node("Neg", ["x"])]))


@CORPUS.model(ModelError, "'x' is written twice")
def input_overwritten() -> ModelProto:
    return model(graph([node("Constant", [], ["x"], value_float=1.0), relu()]))


@CORPUS.model(ModelError, "two initializers", "'w'")
def initializer_twice() -> ModelProto:
    return model(graph([node("Add", ["x", "w"])], initializers=[weight("w", (3,)), weight("w", (2, 3))]))


@CORPUS.model(ModelError, "two inputs", "'x'")
def input_twice() -> ModelProto:
    return model(graph([relu()], inputs=[info("x"), info("x")]))


@CORPUS.model(ShapeError, "declares 'z'", "node 'n'")
def contradicting_shape() -> ModelProto:
    g = graph([node("Relu", ["x"], ["z"]), helper.make_node("Relu", ["z"], ["y"])])
    g.value_info.append(info("z", (2, 4)))
    return model(g)


@CORPUS.model(ShapeError, "declares 'y'", "node 'r'")
def contradicting_output_type() -> ModelProto:
    return model(graph([relu()], outputs=[info("y", (2, 3), I64)]))


@CORPUS.model(ShapeError, "declares 'y'", "!graph.string", "node 'r'")
def output_declared_as_text() -> ModelProto:
    return model(graph([relu()], outputs=[info("y", (2, 3), TensorProto.STRING)]))


@CORPUS.model(ModelError, "'x' has no type")
def input_without_type() -> ModelProto:
    return model(graph([relu()], inputs=[ValueInfoProto(name="x")]))


@CORPUS.model(ShapeError, "rank of input 'x'", "shapes=")
def input_without_rank() -> ModelProto:
    return model(graph([relu()], inputs=[info("x", None)]))


@CORPUS.model(ModelError, "element type 77")
def element_type_unknown() -> ModelProto:
    return model(graph([relu()], inputs=[info("x", (2, 3), 77)]))


@CORPUS.model(ShapeError, "negative size -5")
def negative_dim() -> ModelProto:
    return model(graph([relu()], inputs=[info("x", (2, -5))]))


@CORPUS.model(ShapeError, "bytes", "input 'x'")
def huge_input() -> ModelProto:
    return model(graph([relu()], inputs=[info("x", (2**31, 2**31, 4))]))


@CORPUS.model(ShapeError, "bytes", "limit", "node 'n'")
def huge_intermediate() -> ModelProto:
    shape = integers("s", [2**31, 2**31, 2, 3])
    return model(graph([node("Expand", ["x", "s"])], initializers=[shape]))


@CORPUS.model(LimitError, "node 'e'", "steps", "--limit steps=")
def huge_folding() -> ModelProto:
    shape = integers("s", [2**20, 2**12])
    ones = helper.make_node("ConstantOfShape", ["s"], ["big"], name="c")
    return model(graph([ones, helper.make_node("NonZero", ["big"], ["y"], name="e")], initializers=[shape]))


@CORPUS.model(LimitError, "steps", "node 'n'")
def huge_range() -> ModelProto:
    bounds = [
        numpy_helper.from_array(np.array(v, np.int64), n) for n, v in (("a", 0), ("b", 2**60), ("c", 1))
    ]
    return model(graph([node("Range", ["a", "b", "c"])], initializers=bounds))


@CORPUS.model(ModelError, "element", "'w'")
def initializer_too_short() -> ModelProto:
    tensor = helper.make_tensor("w", F32, [3], [1.0, 2.0, 3.0])
    tensor.dims[0] = 4
    return model(graph([node("Add", ["x", "w"])], initializers=[tensor]))


@CORPUS.model(ModelError, "8 bytes", "'w'", "node 'n'")
def raw_data_too_short() -> ModelProto:
    tensor = TensorProto(name="w", data_type=F32, dims=[3], raw_data=bytes(8))
    return model(graph([node("Add", ["x", "w"])], initializers=[tensor]))


@CORPUS.model(ModelError, "negative", "'w'")
def initializer_of_negative_size() -> ModelProto:
    tensor = TensorProto(name="w", data_type=F32, dims=[-1], raw_data=b"")
    return model(graph([node("Add", ["x", "w"])], initializers=[tensor]))


@CORPUS.model(UnsupportedError, "COMPLEX64", "w ")
def output_is_weight_of_unknown_type() -> ModelProto:
    tensor = TensorProto(name="w", data_type=TensorProto.COMPLEX64, dims=[1], raw_data=bytes(8))
    outputs = [info("y", None), info("w", None, TensorProto.COMPLEX64)]
    return model(graph([relu()], outputs=outputs, initializers=[tensor]))


@CORPUS.model(UnsupportedError, "sparse", "w ")
def sparse_initializer() -> ModelProto:
    g = graph([node("Add", ["x", "w"])])
    values, indices = weight("w", (1,)), integers("i", [0])
    g.sparse_initializer.append(SparseTensorProto(values=values, indices=indices, dims=[3]))
    return model(g)


@CORPUS.model(ShapeError, "'z'", "no input", shapes={"z": [1, 2]})
def shape_for_unknown_input() -> ModelProto:
    return model(graph([relu()]))


@CORPUS.model(ShapeError, "no size 'width'", "batch", dims={"width": 4})
def size_for_unknown_symbol() -> ModelProto:
    return model(graph([relu()], inputs=[info("x", ("batch", 3))]))


@CORPUS.model(ShapeError, "negative", dims={"batch": -4})
def size_negative() -> ModelProto:
    return model(graph([relu()], inputs=[info("x", ("batch", 3))]))


@CORPUS.model(ShapeError, "broadcast", "node 'n'", shapes={"x": [2, 5]})
def shape_that_does_not_fit() -> ModelProto:
    return model(graph([node("Add", ["x", "w"])], initializers=[weight("w", (3,))]))
