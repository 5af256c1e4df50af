"""Operations defined by others: functions of the model, and those the standard itself spells out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Protocol, cast

from onnx import AttributeProto, FunctionProto, ModelProto, NodeProto, TypeProto, defs, helper
from xdsl.ir import SSAValue

from penstock.dialects.element_types import numpy_dtype
from penstock.dialects.graph.base import Dim, element_of, shape_of
from penstock.errors import ModelError
from penstock.limits import Budget
from penstock.onnx_import.values import TensorSequence, Value

FunctionKey = tuple[str, str, str]


class _Expandable(Protocol):
    """What the stubs of onnx 1.23 leave out of `OpSchema`."""

    function_opset_versions: Sequence[int]
    context_dependent_function_opset_versions: Sequence[int]

    def get_function_with_opset_version(self, opset: int, /) -> bytes: ...
    def get_context_dependent_function_with_opset_version(
        self, opset: int, node: bytes, types: Sequence[bytes], /
    ) -> bytes: ...


def functions_of(model: ModelProto) -> dict[FunctionKey, FunctionProto]:
    """The functions a model brings along, by domain, name and overload."""
    return {(f.domain, f.name, f.overload): f for f in model.functions}


def check_calls(model: ModelProto) -> int:
    """The number of nodes in the file; functions that call themselves are refused.

    Functions that call functions can describe graphs of any size in few bytes: how large this one becomes is
    known before any call is written out.
    """
    functions = functions_of(model)
    called = {
        key: [k for k in map(_key, _all_nodes(f.node)) if k in functions] for key, f in functions.items()
    }
    sizes: dict[FunctionKey, int] = {}
    for key in _callees_first(called):
        sizes[key] = len(functions[key].node) + sum(sizes[inner] for inner in called[key])
    total = sum(1 + sizes.get(_key(node), 0) for node in _all_nodes(model.graph.node))
    count = sum(
        1 for nodes in (model.graph.node, *(f.node for f in model.functions)) for _ in _all_nodes(nodes)
    )
    Budget.of(count).take_operations(total)
    return count


def _callees_first(called: Mapping[FunctionKey, Sequence[FunctionKey]]) -> list[FunctionKey]:
    """The functions so that each comes after all that it calls."""
    if not called:
        return []
    # Takes longer to import than most models, and most have no functions.
    import networkx as nx

    graph: nx.DiGraph[FunctionKey] = nx.DiGraph()
    graph.add_nodes_from(called)
    graph.add_edges_from((key, inner) for key, inners in called.items() for inner in inners)
    try:
        return list(reversed(list(nx.topological_sort(graph))))
    except nx.NetworkXUnfeasible:
        name = ".".join(next(nx.simple_cycles(graph))[0][:2])
        raise ModelError(f"the function {name} calls itself", remedy="Export the model again.") from None


def _key(node: NodeProto) -> FunctionKey:
    return (node.domain, node.op_type, node.overload)


def _all_nodes(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """The nodes, and those of their subgraphs."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from _all_nodes(attribute.g.node)


FUTURE = 2**31
"""No opset has this number: the onnx package counts them in 32 bits."""


@cache
def schema_of(op_type: str, opset: int, domain: str) -> defs.OpSchema | None:
    """The standard's description of an operation as of an opset; `None` when it has none."""
    if not 0 < opset < FUTURE:
        raise ModelError(f"uses opset {opset} of '{domain}', which does not exist", remedy="Export it again.")
    try:
        return defs.get_schema(op_type, opset, domain)
    except defs.SchemaError:
        return None


@cache
def _attributes_of(schema: defs.OpSchema) -> frozenset[str]:
    """The names of all attributes: the library makes a new table of them whenever it is asked."""
    return frozenset(schema.attributes)


def check_against_schema(node: NodeProto, schema: defs.OpSchema) -> None:
    """Refuse what an importer would trip over or silently ignore: inputs, outputs and attributes."""
    again = "Export the model again, or correct its opset."
    unknown = sorted({a.name for a in node.attribute} - _attributes_of(schema)) if node.attribute else []
    if unknown:
        since = schema.since_version
        raise ModelError(f"{node.op_type} of opset {since} has no attribute '{unknown[0]}'", remedy=again)
    if len(node.input) < schema.min_input:
        raise ModelError(f"{node.op_type} needs an input {len(node.input)}, the node has none", remedy=again)
    for what, count, most in (
        ("inputs", len(node.input), schema.max_input),
        ("outputs", len(node.output), schema.max_output),
    ):
        if count > most:
            raise ModelError(f"{node.op_type} has {count} {what}, at most {most} are defined", remedy=again)


def has_standard_function(schema: defs.OpSchema, opset: int) -> bool:
    """Whether the standard may define an operation by simpler ones."""
    bodies = cast(_Expandable, schema)
    versions = (*bodies.function_opset_versions, *bodies.context_dependent_function_opset_versions)
    return any(version <= opset for version in versions)


def standard_function(
    node: NodeProto, schema: defs.OpSchema, opset: int, inputs: Sequence[Value | None]
) -> FunctionProto | None:
    """The definition of an operation by simpler ones, where the standard has one for this node."""
    bodies = cast(_Expandable, schema)
    fixed = [v for v in bodies.function_opset_versions if v <= opset]
    if fixed:
        return FunctionProto.FromString(bodies.get_function_with_opset_version(max(fixed)))
    version = max(v for v in bodies.context_dependent_function_opset_versions if v <= opset)
    types = [b"" if value is None else _type_of(value).SerializeToString() for value in inputs]
    try:
        body = bodies.get_context_dependent_function_with_opset_version(
            version, node.SerializeToString(), types
        )
    except (ValueError, RuntimeError):
        # onnx says so of inputs that are no tensors.
        return None
    return FunctionProto.FromString(body) if body else None


def _type_of(value: Value) -> TypeProto:
    """The type of a value; empty where the tensors that would tell it are missing."""
    if isinstance(value, TensorSequence) and value.tensors:
        # The shapes of the others may differ.
        return helper.make_sequence_type_proto(_tensor_type(value.tensors[0], None))
    return _tensor_type(value, shape_of(value)) if isinstance(value, SSAValue) else TypeProto()


def _tensor_type(value: SSAValue, shape: Sequence[Dim] | None) -> TypeProto:
    element = helper.np_dtype_to_tensor_dtype(numpy_dtype(element_of(value)))
    dims = None if shape is None else [None if d == "?" else d for d in shape]
    return helper.make_tensor_type_proto(element, dims)


def default_attributes(function: FunctionProto, schema: defs.OpSchema | None) -> Mapping[str, AttributeProto]:
    """The values of a function's parameters that a call may leave out."""
    defaults = {attribute.name: attribute for attribute in function.attribute_proto}
    if schema is not None:
        given = ((name, attribute.default_value) for name, attribute in schema.attributes.items())
        defaults |= {name: value for name, value in given if value.type != AttributeProto.UNDEFINED}
    return defaults
