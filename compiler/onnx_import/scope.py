"""Names and what they stand for while the nodes of a graph, a subgraph or a function are imported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from onnx import AttributeProto, GraphProto, NodeProto

from penstock.errors import ModelError
from penstock.onnx_import.tensors import Initializer
from penstock.onnx_import.values import Value


@dataclass
class Scope:
    """The values by name; `None` stands for the output of a node that could not be imported."""

    opsets: Mapping[str, int]
    values: dict[str, Value | None] = field(default_factory=dict[str, Value | None])
    initializers: Mapping[str, Initializer] = field(default_factory=dict[str, Initializer])
    absent: frozenset[str] = frozenset()
    """Optional inputs of a function that the call leaves out."""
    attributes: Mapping[str, AttributeProto] = field(default_factory=dict[str, AttributeProto])
    """What the attribute parameters of a function stand for."""
    prefix: str = ""
    """Put before the names of nodes: the path of calls that leads here."""
    outer: "Scope | None" = None
    depth: int = 0

    def find(self, name: str) -> "Scope | None":
        """The innermost scope that knows the name."""
        scope: Scope | None = self
        while scope is not None and name not in scope.values and name not in scope.initializers:
            scope = scope.outer
        return scope

    def resolved(self, node: NodeProto) -> NodeProto:
        """The node with references to the parameters of the function replaced by what the call gives."""
        if not any(attribute.ref_attr_name for attribute in node.attribute):
            return node
        copy = NodeProto()
        copy.CopyFrom(node)
        del copy.attribute[:]
        for attribute in node.attribute:
            given = self.attributes.get(attribute.ref_attr_name) if attribute.ref_attr_name else attribute
            # A reference to a parameter that the call leaves out leaves the attribute out.
            if given is not None:
                copy.attribute.add().CopyFrom(given)
                copy.attribute[-1].name = attribute.name
        return copy


def names_read(node: NodeProto) -> set[str]:
    """The names a node reads, those its subgraphs capture included."""
    read = {*node.input, *_names_differentiated(node)}
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            read |= names_captured(attribute.g)
    return read - {""}


def _names_differentiated(node: NodeProto) -> list[str]:
    """The values between which a `Gradient` differentiates, which its attributes name."""
    if node.op_type != "Gradient":
        return []
    given = {attribute.name: attribute for attribute in node.attribute}
    texts = [text for name in ("xs", "zs") if name in given for text in given[name].strings]
    ends = [given["y"].s] if "y" in given else []
    return [text.decode(errors="replace") for text in (*texts, *ends)]


def names_captured(graph: GraphProto) -> set[str]:
    """The names a subgraph reads and does not define."""
    read = {output.name for output in graph.output}.union(*map(names_read, graph.node))
    inner = (*(name for node in graph.node for name in node.output), *(i.name for i in graph.input))
    return read.difference(inner, (tensor.name for tensor in graph.initializer))


def in_order(nodes: Sequence[NodeProto]) -> list[NodeProto]:
    """The nodes so that each comes after those whose outputs it reads; `ModelError` names a cycle."""
    writer = _writers(nodes)
    edges = [(writer[name], i) for i, node in enumerate(nodes) for name in names_read(node) if name in writer]
    if all(source < target for source, target in edges):
        return list(nodes)
    # Takes longer to import than most models, and nearly all are in order.
    import networkx as nx

    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(nodes)))
    graph.add_edges_from(edges)
    try:
        return [nodes[i] for i in nx.lexicographical_topological_sort(graph)]
    except nx.NetworkXUnfeasible:
        cycle = next(nx.simple_cycles(graph))
        names = " -> ".join(_display_name(nodes[i], i) for i in [*cycle, cycle[0]])
        raise ModelError(f"the graph has a cycle: {names}", remedy="Export the model again.") from None


def _writers(nodes: Sequence[NodeProto]) -> dict[str, int]:
    writer: dict[str, int] = {}
    for i, node in enumerate(nodes):
        for name in filter(None, node.output):
            if name in writer:
                raise ModelError(
                    f"two nodes write {name!r}",
                    node=_display_name(node, i),
                    remedy="Export the model again.",
                )
            writer[name] = i
    return writer


def _display_name(node: NodeProto, index: int) -> str:
    return node.name or f"{node.op_type}_{index}"
