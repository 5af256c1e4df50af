"""A model taken apart: its weights stay where they are, and all else is what protobuf would have read."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from penstock.dialects.graph.constant import ConstantOp
from penstock.errors import ModelError
from penstock.onnx_import import import_model
from penstock.wire import LARGE, fields, split

LARGE_WEIGHT = np.arange(LARGE // 4, dtype=np.float32)
SMALL_WEIGHT = np.arange(8, dtype=np.float32)


def model() -> ModelProto:
    """The sum of a small and a large weight along the input, in a graph of a few initializers."""
    weights = [numpy_helper.from_array(SMALL_WEIGHT, "small"), numpy_helper.from_array(LARGE_WEIGHT, "large")]
    nodes = [
        helper.make_node("Gather", ["large", "i"], ["taken"]),
        helper.make_node("Gather", ["small", "i"], ["other"]),
        helper.make_node("Add", ["taken", "other"], ["y"]),
    ]
    i = helper.make_tensor_value_info("i", TensorProto.INT64, [2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])
    graph = helper.make_graph(nodes, "apart", [i], [y], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def test_only_large_weights_are_left_out() -> None:
    data = model().SerializeToString()
    parts = split(memoryview(data))
    place = parts.places[1]
    assert list(parts.places) == [1] and data[place.start : place.stop] == LARGE_WEIGHT.tobytes()
    whole = onnx.load_model_from_string(parts.structure)
    assert whole.graph.initializer[1].raw_data == b""
    whole.graph.initializer[1].raw_data = LARGE_WEIGHT.tobytes()
    assert whole == model()


def test_initializers_are_numbered_through_all_parts_of_a_graph() -> None:
    first, second = ModelProto(), ModelProto()
    first.graph.initializer.append(numpy_helper.from_array(SMALL_WEIGHT, "small"))
    second.graph.initializer.append(numpy_helper.from_array(LARGE_WEIGHT, "large"))
    data = first.SerializeToString() + second.SerializeToString()
    assert list(split(memoryview(data)).places) == [1]


def test_weights_of_a_file_are_mapped(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(model().SerializeToString())
    for source in (path, path.read_bytes()):
        arrays = [op.array for op in import_model(source).walk() if isinstance(op, ConstantOp)]
        large = next(array for array in arrays if array.size == LARGE_WEIGHT.size)
        np.testing.assert_array_equal(large, LARGE_WEIGHT)
        assert not large.flags.writeable and not large.flags.owndata


def test_a_weight_of_the_wrong_size_is_declined() -> None:
    wrong = model()
    wrong.graph.initializer[1].dims[0] += 1
    with pytest.raises(ModelError, match="'large' has 65536 bytes, its shape"):
        import_model(wrong.SerializeToString())


@pytest.mark.parametrize("size", [1, 40, LARGE // 2, LARGE])
def test_what_is_cut_short_is_for_protobuf_to_decline(size: int) -> None:
    with pytest.raises(ModelError, match="cut short"):
        import_model(model().SerializeToString()[:size])


@pytest.mark.parametrize("data", [b"\x0b", b"\x0a\x05a", b"\x08", b"\x08" + b"\xff" * 11, b"\x0d\x00"])
def test_fields_that_do_not_fit_are_declined(data: bytes) -> None:
    with pytest.raises(ValueError, match="a field|a number"):
        list(fields(memoryview(data), 0, len(data)))
