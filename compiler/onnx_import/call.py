"""One node on its way in: which operation it calls, in which scope, with which values, and who defines it."""

from dataclasses import dataclass

from onnx import AttributeProto, FunctionProto, GraphProto, NodeProto, defs
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import shape_of
from penstock.errors import ModelError, Problem
from penstock.onnx_import.functions import FunctionKey, default_attributes, schema_of
from penstock.onnx_import.known_values import KnownValues
from penstock.onnx_import.scope import Scope
from penstock.onnx_import.tensors import Initializer
from penstock.onnx_import.unsupported import Unsupported
from penstock.onnx_import.values import Value, Values, kind_of

OLDEST_OPSET = 6
"""Forms of operations older than this are declined; many have not changed since opset 1."""


@dataclass
class Call:
    """A node in a scope; `inputs` holds `None` for what is left out and for what could not be imported."""

    node: NodeProto
    name: str
    scope: Scope
    outputs: tuple[str, ...]
    """The names of the outputs, empty when nobody reads them."""
    inputs: Values

    @property
    def domain(self) -> str:
        """The domain of the operation; the default domain is the empty one."""
        return "" if self.node.domain == "ai.onnx" else self.node.domain

    @property
    def key(self) -> FunctionKey:
        """What a function of the model must be called to define this operation."""
        return (self.node.domain, self.node.op_type, self.node.overload)

    @property
    def opset(self) -> int:
        """The version of the operation's domain that the model asks for."""
        version = self.scope.opsets.get(self.domain)
        if version is None:
            domain = self.domain or "ai.onnx"
            raise ModelError(
                f"the model uses operators of {domain!r} and names no version", remedy="Export it again."
            )
        return version

    @property
    def schema(self) -> defs.OpSchema | None:
        """The standard's description of the operation, if it has one."""
        return schema_of(self.node.op_type, self.opset, self.domain)

    @property
    def attributes(self) -> dict[str, AttributeProto]:
        """The attributes by name."""
        return {attribute.name: attribute for attribute in self.node.attribute}

    @property
    def is_lost(self) -> bool:
        """Whether a value it reads could not be imported."""
        given = zip(self.node.input, self.inputs, strict=True)
        return any(name and name not in self.scope.absent and value is None for name, value in given)

    def problem(self, reason: Unsupported) -> Problem:
        """The entry of this node in the list of all that stands in the way."""
        node, domain = self.node, self.domain
        shapes = " ".join(map(_told, self.inputs))
        op_type = f"{domain}.{node.op_type}" if domain else node.op_type
        version = str(self.scope.opsets.get(domain, ""))
        return Problem(self.name, op_type, version, shapes, reason.reason, reason.remedy)

    def malformed(self, error: Exception) -> ModelError:
        """The refusal of a node that an importer stumbled over."""
        kind = f"{type(error).__name__}: {error}".splitlines()[0]
        remedy = "Check its inputs and attributes against the definition of the operator."
        return ModelError(f"it is not as {self.node.op_type} is defined ({kind})", remedy=remedy)


def _told(value: Value | None) -> str:
    """The shape of an input, or what else it is."""
    if value is None:
        return "-"
    return str(list(shape_of(value))) if isinstance(value, SSAValue) else kind_of(value)


def undefined(call: Call) -> Unsupported:
    """Why a node that nobody defines cannot be imported."""
    node, opset = call.node, call.opset
    if call.domain:
        reason = f"operators of the domain '{call.domain}' are not known"
        return Unsupported(reason, "Export with standard operators, or add a model function that defines it.")
    if call.schema is None:
        return Unsupported(f"opset {opset} has no operator '{node.op_type}'", "Export the model again.")
    remedy = "Replace it by other operators, or add a model function that defines it."
    return Unsupported("the operator is not supported", remedy)


def check_age(call: Call, schema: defs.OpSchema) -> None:
    """`Unsupported` for an operation whose old form differs from that of the oldest operator set imported."""
    if call.domain or call.opset >= OLDEST_OPSET:
        return
    later = schema_of(call.node.op_type, OLDEST_OPSET, call.domain)
    if later is None or later.since_version != schema.since_version:
        reason = f"its form of opset {call.opset} is older than {OLDEST_OPSET}"
        remedy = f"Convert it with onnx.version_converter to opset {OLDEST_OPSET} or later."
        raise Unsupported(reason, remedy)


def function_scope(call: Call, function: FunctionProto, schema: defs.OpSchema | None) -> Scope:
    """The scope of a function's body: its parameters stand for what the call gives."""
    if len(call.inputs) > len(function.input):
        raise ModelError(
            f"{len(call.inputs)} inputs for a function of {len(function.input)}",
            remedy="Export the model again.",
        )
    versions = {entry.domain: entry.version for entry in function.opset_import}
    # The standard writes a graph of the call into the body: in the words and with the names of the caller.
    holds_graph = schema is not None and any(a.type == AttributeProto.GRAPH for a in call.node.attribute)
    if holds_graph:
        versions = {name: max(version, call.scope.opsets.get(name, 0)) for name, version in versions.items()}
    given = dict(zip(function.input, call.inputs, strict=False))
    attributes = {**default_attributes(function, schema), **call.attributes}
    return Scope(
        opsets={**call.scope.opsets, **versions},
        values={name: value for name, value in given.items() if value is not None},
        absent=frozenset(name for name in function.input if given.get(name) is None),
        attributes=attributes,
        prefix=f"{call.name}/",
        outer=call.scope if holds_graph else None,
        depth=call.scope.depth + 1,
    )


def taken_branch(call: Call, known: KnownValues) -> GraphProto | None:
    """The branch of an `If` whose condition is known; `None` when it depends on an input."""
    condition = call.inputs[0]
    value = known.array(condition) if isinstance(condition, SSAValue) else None
    if value is None or value.size != 1:
        return None
    wanted = "then_branch" if value.reshape(-1)[0] else "else_branch"
    attribute = call.attributes.get(wanted)
    if attribute is None or attribute.type != AttributeProto.GRAPH:
        raise ModelError(f"If needs a graph as attribute '{wanted}'", remedy="Export the model again.")
    return attribute.g


def branch_scope(call: Call, branch: GraphProto) -> Scope:
    """The scope of a branch: it sees all that its node sees."""
    return Scope(
        opsets=call.scope.opsets,
        initializers={tensor.name: Initializer(tensor) for tensor in branch.initializer},
        absent=call.scope.absent,
        attributes=call.scope.attributes,
        prefix=f"{call.name}/",
        outer=call.scope,
        depth=call.scope.depth + 1,
    )
