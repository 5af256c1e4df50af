"""Mutations that know ONNX: sizes, types and values, cycles, names, files of weights."""

from collections.abc import Callable, Sequence
from random import Random

import numpy as np
from google.protobuf.message import DecodeError
from onnx import (
    ModelProto,
    NodeProto,
    TensorProto,
    TensorShapeProto,
    TypeProto,
    defs,
    helper,
    numpy_helper,
)

from tools.fuzz.fieldwise import messages
from tools.fuzz.growing import chain, functions, iterations, nesting
from tools.fuzz.values import COUNTS, PATHS, TEXTS, integer

MOST_VALUES = 64
AGAIN = 12


def mutate_structure(model: ModelProto, random: Random) -> str:
    """Change the model in place by a mutation that finds what it needs, and say which."""
    for _ in range(AGAIN):
        mutation = random.choice(MUTATIONS)
        try:
            if mutation(model, random):
                return mutation.__name__.strip("_").replace("_", " ")
        except DecodeError:
            # Protobuf does not copy what nests more than a hundred levels deep.
            return f"{mutation.__name__.strip('_')}, as far as it goes"
    return "nothing"


def _dims(model: ModelProto, random: Random) -> bool:
    """Other sizes for a tensor or a declared value."""
    found = [m for m in messages(model) if isinstance(m, TensorProto | TensorShapeProto)]
    if not found:
        return False
    chosen = random.choice(found)
    if isinstance(chosen, TensorProto):
        chosen.dims[:] = [
            _bounded(integer(random, d)) if random.randrange(2) else d for d in chosen.dims
        ] or [integer(random)]
        return True
    for dim in chosen.dim:
        if random.randrange(2):
            dim.dim_value = _bounded(integer(random, dim.dim_value))
    return True


def _values(model: ModelProto, random: Random) -> bool:
    """Other integers in a constant, which often is a shape, an axis or a position."""
    inline = (m for m in messages(model) if isinstance(m, TensorProto) and not m.data_location)
    found = [m for m in inline if m.data_type in (TensorProto.INT32, TensorProto.INT64)]
    if not found:
        return False
    chosen = random.choice(found)
    dtype = np.int32 if chosen.data_type == TensorProto.INT32 else np.int64
    try:
        old = numpy_helper.to_array(chosen).reshape(-1)[:MOST_VALUES]
    except (ValueError, TypeError):
        return False
    limits = np.iinfo(dtype)
    new = [integer(random, int(v)) if random.randrange(2) else int(v) for v in old.tolist()]
    _fill(chosen, np.array([min(max(v, int(limits.min)), int(limits.max)) for v in new], dtype))
    return True


def _fill(tensor: TensorProto, array: np.ndarray) -> None:
    name = tensor.name
    tensor.CopyFrom(numpy_helper.from_array(array, name))


def _known_input(model: ModelProto, random: Random) -> bool:
    """An input gets a value: what depends on it is computed while importing."""
    inputs = [v for v in model.graph.input if v.type.HasField("tensor_type")]
    if not inputs:
        return False
    chosen = random.choice(inputs)
    shape = [d.dim_value for d in chosen.type.tensor_type.shape.dim]
    if chosen.type.tensor_type.elem_type not in (1, 6, 7, 9) or not all(0 <= d <= 64 for d in shape):
        return False
    if int(np.prod(shape)) > 4096:
        return False
    dtype = helper.tensor_dtype_to_np_dtype(chosen.type.tensor_type.elem_type)
    numbers = [
        integer(random) if random.randrange(3) == 0 else random.randrange(4)
        for _ in range(int(np.prod(shape)))
    ]
    array = (
        np.array([float(n) for n in numbers]).reshape(shape)
        if dtype.kind == "f"
        else _integers(numbers, dtype, shape)
    )
    model.graph.initializer.append(numpy_helper.from_array(array.astype(dtype), chosen.name))
    return True


def _integers(numbers: Sequence[int], dtype: np.dtype, shape: Sequence[int]) -> np.ndarray:
    if dtype.kind == "b":
        return (np.array(numbers, object) % 2 == 1).reshape(shape)
    limits = np.iinfo(dtype)
    return np.array([min(max(n, int(limits.min)), int(limits.max)) for n in numbers], dtype).reshape(shape)


def _element_type(model: ModelProto, random: Random) -> bool:
    """Another element type for a tensor or a declared value."""
    found = [m for m in messages(model) if isinstance(m, TensorProto | TypeProto.Tensor)]
    if not found:
        return False
    chosen, kind = random.choice(found), random.choice((*TensorProto.DataType.values(), 99, -1, 2**31 - 1))
    setattr(chosen, "data_type" if isinstance(chosen, TensorProto) else "elem_type", kind)
    return True


def _nodes(model: ModelProto) -> list[NodeProto]:
    return [m for m in messages(model) if isinstance(m, NodeProto)]


def _operator(model: ModelProto, random: Random) -> bool:
    """Another operator in the place of one."""
    found = _nodes(model)
    if not found:
        return False
    chosen = random.choice(found)
    schema = random.choice(SCHEMAS)
    chosen.op_type, chosen.domain = schema.name, schema.domain
    return True


def _attribute(model: ModelProto, random: Random) -> bool:
    """An attribute that the operator knows, with any value."""
    found = _nodes(model)
    if not found:
        return False
    chosen = random.choice(found)
    known = [s for s in SCHEMAS if s.name == chosen.op_type and s.attributes]
    if not known:
        return False
    attribute = random.choice(list(known[0].attributes.values()))
    value = _attribute_value(attribute, random)
    if value is None:
        return False
    kept = [a for a in chosen.attribute if a.name != attribute.name]
    del chosen.attribute[:]
    chosen.attribute.extend([*kept, helper.make_attribute(attribute.name, value)])
    return True


def _attribute_value(attribute: "defs.OpSchema.Attribute", random: Random) -> object:
    kinds = defs.OpSchema.AttrType
    match attribute.type:
        case kinds.INT:
            return _bounded(integer(random))
        case kinds.INTS:
            return [_bounded(integer(random)) for _ in range(random.randint(1, 5))]
        case kinds.FLOAT:
            return random.choice((0.0, -1.0, 1.5, 1e30, float("nan"), float("inf")))
        case kinds.FLOATS:
            return [random.choice((0.0, -1.0, 1.5, 1e30, float("nan"))) for _ in range(random.randint(1, 4))]
        case kinds.STRING:
            return random.choice(TEXTS)
        case kinds.STRINGS:
            return [random.choice(TEXTS) for _ in range(random.randint(1, 3))]
        case _:
            return None


def _bounded(value: int) -> int:
    return min(max(value, -(2**63)), 2**63 - 1)


def _connection(model: ModelProto, random: Random) -> bool:
    """A node reads something else, perhaps what it writes itself or what comes later."""
    found = [n for n in _nodes(model) if n.input]
    if not found:
        return False
    chosen = random.choice(found)
    names = [name for n in _nodes(model) for name in (*n.input, *n.output)]
    chosen.input[random.randrange(len(chosen.input))] = random.choice(names)
    return True


def _cycle(model: ModelProto, random: Random) -> bool:
    """A node reads what it writes, or the last of all."""
    found = [n for n in model.graph.node if n.input and n.output]
    if not found:
        return False
    random.choice(found).input[0] = random.choice(found).output[0]
    return True


def _external(model: ModelProto, random: Random) -> bool:
    """Weights in a file, which may be none of the model's."""
    found = [m for m in messages(model) if isinstance(m, TensorProto)]
    if not found:
        return False
    tensor = random.choice(found)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    del tensor.external_data[:]
    tensor.external_data.add(key="location", value=random.choice(PATHS))
    for key in ("offset", "length"):
        if random.randrange(2):
            tensor.external_data.add(key=key, value=random.choice(COUNTS))
    return True


def _sparse(model: ModelProto, random: Random) -> bool:
    """A weight becomes sparse, as an initializer or an attribute."""
    if not model.graph.initializer:
        return False
    at = random.randrange(len(model.graph.initializer))
    tensor = TensorProto()
    tensor.CopyFrom(model.graph.initializer[at])
    sparse = model.graph.sparse_initializer.add(dims=[integer(random) for _ in range(2)])
    sparse.values.CopyFrom(tensor)
    sparse.indices.CopyFrom(numpy_helper.from_array(np.array([integer(random)], np.int64), "at"))
    if random.randrange(2):
        del model.graph.initializer[at]
    return True


def _opset(model: ModelProto, random: Random) -> bool:
    """Another version of the operators, or of a domain that there is not."""
    version = random.choice((*range(1, 28), 0, -1, 999, 2**63 - 1))
    if model.opset_import and random.randrange(4):
        random.choice(model.opset_import).version = version
    else:
        model.opset_import.append(
            helper.make_opsetid(random.choice(("", "ai.onnx", "ai.onnx.ml", "own", "x")), version)
        )
    return True


def _names(model: ModelProto, random: Random) -> bool:
    """Two names become one, or one is lost."""
    found = _nodes(model)
    if not found:
        return False
    names = [name for n in found for name in (*n.input, *n.output)] or [""]
    chosen = random.choice(found)
    if chosen.output:
        chosen.output[random.randrange(len(chosen.output))] = random.choice(
            (*names, "", random.choice(TEXTS))
        )
    return True


def _data_bytes(model: ModelProto, random: Random) -> bool:
    """Data of another length than the shape says."""
    found = [m for m in messages(model) if isinstance(m, TensorProto) and m.raw_data]
    if not found:
        return False
    chosen = random.choice(found)
    cut = random.randrange(len(chosen.raw_data) + 1)
    chosen.raw_data = random.choice((chosen.raw_data[:cut], chosen.raw_data + b"\0" * random.randint(1, 16)))
    return True


MUTATIONS: tuple[Callable[[ModelProto, Random], bool], ...] = (
    *(_dims, _dims, _values, _values, _values, _known_input, _known_input, _known_input),
    *(_element_type, _operator, _attribute, _attribute, _attribute, _connection, _connection),
    *(_cycle, nesting, iterations, functions, chain, _external, _sparse, _opset, _names, _data_bytes),
)
SCHEMAS = sorted(defs.get_all_schemas(), key=lambda s: (s.domain, s.name))
