"""Importers of sequences and optionals: lists of tensors that only the import knows (`values`)."""

import numpy as np
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import element_of, rank_of, shape_of
from penstock.errors import ModelError
from penstock.limits import how_to_raise
from penstock.onnx_import.axes import axis_attribute, front_axis, known_number, require, static_size
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node, Unsupported
from penstock.onnx_import.terms import Term, stack
from penstock.onnx_import.values import Nothing, TensorSequence, Value


def import_sequence_construct(node: Node, build: Builder) -> TensorSequence:
    """SequenceConstruct: its inputs in order."""
    return _sequence(node, node.variadic())


def import_sequence_empty(node: Node, build: Builder) -> TensorSequence:
    """SequenceEmpty: no tensors; what their type would be is of no concern here."""
    return TensorSequence(())


def import_sequence_length(node: Node, build: Builder) -> SSAValue:
    """SequenceLength: the number of tensors."""
    return build.constant(np.array(len(node.sequence(0).tensors), np.int64))


def import_sequence_at(node: Node, build: Builder) -> SSAValue:
    """SequenceAt: the tensor at a known position."""
    tensors = node.sequence(0).tensors
    return tensors[_position(node, 1, len(tensors))]


def import_sequence_insert(node: Node, build: Builder) -> TensorSequence:
    """SequenceInsert: the sequence with a tensor before a known position, at its end by default."""
    tensors = node.sequence(0).tensors
    at = len(tensors) if node.optional(2) is None else _insertion(node, len(tensors))
    return _sequence(node, [*tensors[:at], node.input(1), *tensors[at:]])


def _insertion(node: Node, length: int) -> int:
    # Behind the last tensor there is a place too, which -1 does not mean.
    at = int(known_number(node, 2, "the position"))
    require(node, -length <= at <= length, f"position {at} in a sequence of {length}")
    return at + length if at < 0 else at


def import_sequence_erase(node: Node, build: Builder) -> TensorSequence:
    """SequenceErase: the sequence without the tensor at a known position, the last one by default."""
    tensors = node.sequence(0).tensors
    require(node, len(tensors) > 0, "an empty sequence has nothing to erase")
    at = len(tensors) - 1 if node.optional(1) is None else _position(node, 1, len(tensors))
    return TensorSequence((*tensors[:at], *tensors[at + 1 :]))


def _position(node: Node, index: int, length: int) -> int:
    at = int(known_number(node, index, "the position"))
    require(node, -length <= at < length, f"position {at} in a sequence of {length}")
    return at % length


def _sequence(node: Node, tensors: list[SSAValue]) -> TensorSequence:
    """The tensors as a sequence; all have one element type."""
    kinds = {str(element_of(tensor)) for tensor in tensors}
    require(node, len(kinds) == 1, f"a sequence of the element types {', '.join(sorted(kinds))}")
    return TensorSequence(tuple(tensors))


def import_split_to_sequence(node: Node, build: Builder) -> TensorSequence:
    """SplitToSequence: slices along an axis, of given sizes or of one size; without the axis, one by one."""
    x = Term(build, node.input(0))
    axis = axis_attribute(node, x.value, 0)
    total = static_size(node, x.value, axis)
    sizes = _split_sizes(node, total)
    if node.optional(1) is None and node.int("keepdims", 1) == 0:
        return TensorSequence(tuple(x.at(axis, i).value for i in range(total)))
    ends = np.cumsum(sizes, dtype=np.int64).tolist()
    return TensorSequence(
        tuple(x.slice(axis, end - size, end).value for size, end in zip(sizes, ends, strict=True))
    )


def _split_sizes(node: Node, total: int) -> list[int]:
    given = np.array(1) if node.optional(1) is None else node.required_constant(1, "the sizes")
    sizes = [int(size) for size in given.reshape(-1).tolist()]
    if given.ndim == 0:
        require(node, sizes[0] > 0, f"parts of {sizes[0]}")
        _check_count(node, -(-total // sizes[0]))
        return [min(sizes[0], total - start) for start in range(0, total, sizes[0])]
    _check_count(node, len(sizes))
    sound = min(sizes, default=0) >= 0 and sum(sizes) == total
    require(node, sound, f"a dim of {total} cannot be split into parts {sizes}")
    return sizes


def _check_count(node: Node, count: int) -> None:
    if count > node.known.budget.operations:
        raise Unsupported(f"a sequence of {count} tensors", how_to_raise("operations"))


def import_concat_from_sequence(node: Node, build: Builder) -> SSAValue:
    """ConcatFromSequence: the tensors behind one another along an axis, which may be a new one."""
    tensors = node.sequence(0).tensors
    if not tensors:
        raise Unsupported("joining an empty sequence, which has no shape", "Give it a tensor.")
    is_new, rank = node.int("new_axis", 0) == 1, rank_of(tensors[0])
    axis = front_axis(node, node.int("axis"), rank + 1 if is_new else rank)
    if not is_new:
        return build.concat(tensors, axis)
    shapes = {shape_of(tensor) for tensor in tensors}
    require(node, len(shapes) == 1, f"tensors of {len(shapes)} shapes stacked")
    return stack([Term(build, tensor) for tensor in tensors], axis).value


def import_optional(node: Node, build: Builder) -> Value:
    """Optional: the value itself, or nothing."""
    value = node.optional_value(0)
    return Nothing() if value is None else value


def import_optional_has_element(node: Node, build: Builder) -> SSAValue:
    """OptionalHasElement: whether there is a value, which is known while importing."""
    value = node.optional_value(0)
    return build.constant(np.array(value is not None and not isinstance(value, Nothing)))


def import_optional_get_element(node: Node, build: Builder) -> Value:
    """OptionalGetElement: the value, which must be there."""
    value = node.value(0)
    if isinstance(value, Nothing):
        raise ModelError("the optional holds nothing", node=node.name, remedy="Give it a value.")
    return value


SEQUENCES: Family = {
    "ConcatFromSequence": import_concat_from_sequence,
    "Optional": import_optional,
    "OptionalGetElement": import_optional_get_element,
    "OptionalHasElement": import_optional_has_element,
    "SequenceAt": import_sequence_at,
    "SequenceConstruct": import_sequence_construct,
    "SequenceEmpty": import_sequence_empty,
    "SequenceErase": import_sequence_erase,
    "SequenceInsert": import_sequence_insert,
    "SequenceLength": import_sequence_length,
    "SplitToSequence": import_split_to_sequence,
}
