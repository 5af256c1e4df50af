"""The import itself: walks the nodes of a model in order and lets their importers build the module."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import PurePath

from onnx import FunctionProto, GraphProto, NodeProto, ValueInfoProto, defs
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr, ModuleOp, StringAttr, i64
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Region, SSAValue
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.module_requirements import require
from penstock.errors import ModelError, PenstockError, Problem, ShapeError, UnsupportedError
from penstock.limits import Budget
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.call import Call, branch_scope, check_age, function_scope, taken_branch, undefined
from penstock.onnx_import.causal import OPEN_FORMS
from penstock.onnx_import.family import Importer
from penstock.onnx_import.functions import (
    check_against_schema,
    check_calls,
    functions_of,
    has_standard_function,
    standard_function,
)
from penstock.onnx_import.known_values import KnownValues
from penstock.onnx_import.loops import Body, LostValue, import_if, import_loop
from penstock.onnx_import.model_file import ModelFile
from penstock.onnx_import.node import Node
from penstock.onnx_import.regions import erase_unused
from penstock.onnx_import.scans import import_scan
from penstock.onnx_import.scope import Scope, in_order, names_read
from penstock.onnx_import.signature import Signature, check_declared, check_kind
from penstock.onnx_import.tensors import Initializer, TensorReader
from penstock.onnx_import.unsupported import Unsupported
from penstock.onnx_import.values import Nothing, TensorSequence, Value, Values, named_tensors

MAX_DEPTH = 60
"""How deep calls of functions and branches may nest."""
LOOPS = {"Loop": import_loop, "Scan": import_scan}
CONTROL_FLOW = ("If", *LOOPS)


class GraphImport:
    """One import: the block being filled, the problems met, and what is known of the values."""

    def __init__(
        self, file: ModelFile, signature: Signature, importers: Mapping[tuple[str, str], Importer]
    ) -> None:
        self._file = file
        self._signature = signature
        self._importers = importers
        self._functions = functions_of(file.model)
        self._reader = TensorReader(file.folder)
        self._block = Block()
        """Where operations are put: the body of the function, or of a region in it."""
        self._function = self._block
        self._known = KnownValues(Budget.of(check_calls(file.model)), self._function)
        self._problems: list[Problem] = []
        self._goes_on = self._has_contradictions = False
        """Whether a node that contradicts itself or its inputs is a problem like others, not the end."""
        values = (*file.model.graph.value_info, *file.model.graph.output)
        self._declared = {} if signature.specialised else {value.name: value for value in values}

    def run(self) -> ModuleOp:
        """The module; `UnsupportedError` lists every node that cannot be imported."""
        module = self._import()
        if self._problems:
            raise UnsupportedError(self._problems, file=self._file.name)
        return module

    def examine(self) -> tuple[ModuleOp, list[Problem], bool]:
        """As much of the module as there can be, all that is wrong, and whether shapes contradict each other.

        No error is raised for a node.
        """
        self._goes_on = True
        return self._import(), self._problems, self._has_contradictions

    def _import(self) -> ModuleOp:
        graph = self._file.model.graph
        scope = Scope(self._file.opsets, initializers=_initializers(self._file))
        for given in self._signature.inputs:
            tensors = [self._add_input(value) for value in given.tensors]
            known = [value for value in tensors if value is not None]
            scope.values[given.name] = given.of(known) if len(known) == len(tensors) else None
        results = dict(self._results(self._import_graph(graph, scope)))
        self._block.add_op(ReturnOp(*results.values()))
        # Of a graph with holes, what leads to a hole looks unused.
        if not self._problems:
            erase_unused(self._block)
        return self._module(list(results))

    def _results(self, values: Values) -> Iterator[tuple[str, SSAValue]]:
        """The tensors that the module returns, by name."""
        for output, value in zip(self._file.model.graph.output, values, strict=True):
            if value is None:
                continue
            check_kind(output, value)
            if value == TensorSequence(()) and output.type.WhichOneof("value") == "optional_type":
                # By its tensors it could not be told from an optional without a value.
                reason, remedy = "is an optional that holds an empty sequence", "Return the sequence itself."
                self._problems.append(Problem(output.name, "output", "", "", reason, remedy))
            yield from named_tensors(output.name, value)

    def _add_input(self, value: ValueInfoProto) -> SSAValue | None:
        try:
            return self._block.insert_arg(self._signature.type_of(value), len(self._block.args))
        except Unsupported as problem:
            self._problems.append(Problem(value.name, "input", "", "", problem.reason, problem.remedy))
            return None

    def _module(self, results: Sequence[str]) -> ModuleOp:
        returned = self._block.last_op
        assert isinstance(returned, ReturnOp), "the block ends with what it returns"
        types = ([a.type for a in self._block.args], [o.type for o in returned.operands])
        names = [value.name for value in self._signature.tensors]
        main = FuncOp("main", types, Region(self._block), arg_attrs=_named(names), res_attrs=_named(results))
        source, opset = PurePath(self._file.name).name, self._file.opsets.get("", 0)
        module = ModuleOp(
            [main], {"graph.source": StringAttr(source), "graph.opset": IntegerAttr(opset, i64)}
        )
        require(module, self._known.requirements)
        return module

    def _import_graph(self, graph: GraphProto, scope: Scope) -> Values:
        for sparse in graph.sparse_initializer:
            remedy = "Store it as a dense tensor."
            self._problems.append(
                Problem(sparse.values.name, "initializer", "", "", "is a sparse tensor", remedy)
            )
            scope.values[sparse.values.name] = None
        return self._import_nodes(graph.node, scope, [output.name for output in graph.output])

    def _import_nodes(self, nodes: Sequence[NodeProto], scope: Scope, outputs: Sequence[str]) -> Values:
        """Import nodes and return the values of `outputs`."""
        if scope.depth > MAX_DEPTH:
            raise ModelError(f"its calls nest more than {MAX_DEPTH} deep", remedy="Inline its functions.")
        self._known.budget.take_operations(len(nodes))
        read = set(outputs).union(*map(names_read, nodes))
        for index, node in enumerate(in_order(nodes)):
            name = scope.prefix + (node.name or f"{node.op_type}_{index}")
            try:
                self._import_node(node, name, scope, read)
            except PenstockError as error:
                error.node = error.node or name
                raise
        return [self._output(name, scope) for name in outputs]

    def _output(self, name: str, scope: Scope) -> Value | None:
        """What an output of a graph stands for, which may be a weight that nobody else reads."""
        try:
            return self._value(name, scope, None)
        except Unsupported as problem:
            self._problems.append(Problem(name, "initializer", "", "", problem.reason, problem.remedy))
            return None

    def _import_node(self, node: NodeProto, name: str, scope: Scope, read: Collection[str]) -> None:
        outputs = tuple(output if output in read else "" for output in node.output)
        call = Call(scope.resolved(node), name, scope, outputs, [])
        values: Values
        try:
            call.inputs = [self._value(i, scope, name) for i in node.input]
            values = self._evaluate(call)
        except MemoryError as error:
            remedy = "Check the sizes in the model, or import it on a larger machine."
            raise ShapeError("it needs more memory than there is", remedy=remedy) from error
        except Unsupported as reason:
            self._problems.append(call.problem(reason))
            values = [None] * len(outputs)
        except (ModelError, ShapeError) as error:
            self._fails(call, error, error)
            values = [None] * len(outputs)
        except (ArithmeticError, LookupError, ValueError, VerifyException) as error:
            # An importer takes a node apart as its definition has it: what does not fit is found on the way.
            self._fails(call, call.malformed(error), error)
            values = [None] * len(outputs)
        self._bind(call, values)

    def _fails(self, call: Call, fault: ModelError | ShapeError, cause: Exception) -> None:
        """Raise an error of the model, or note it where all of them are wanted."""
        if not self._goes_on:
            raise fault from (None if fault is cause else cause)
        self._has_contradictions = True
        self._problems.append(call.problem(Unsupported(fault.message, fault.remedy or "")))

    def _value(self, name: str, scope: Scope, user: str | None) -> Value | None:
        """What a name stands for; a weight becomes a constant when it is first read."""
        if not name or name in scope.absent:
            return None
        home = scope.find(name)
        if home is None:
            raise ModelError(
                f"{name!r} is read and nobody writes it", node=user, remedy="Export the model again."
            )
        if name not in home.values:
            home.values[name] = None
            stored = home.initializers[name]
            array = self._reader.read(stored.tensor, f"initializer {name!r}", stored.raw)
            # A weight may be read first in a branch, and then by others.
            home.values[name] = Builder(self._function, user or name, self._known).constant(array, name)
        return home.values[name]

    def _bind(self, call: Call, values: Values) -> None:
        for name, value in zip(call.node.output, values, strict=False):
            if not name:
                continue
            if name in call.scope.values or name in call.scope.initializers:
                raise ModelError(
                    f"{name!r} is written twice", node=call.name, remedy="Export the model again."
                )
            call.scope.values[name] = value
            if value is not None and name in self._declared and call.scope.depth == 0:
                check_declared(self._declared[name], value)

    def _evaluate(self, call: Call) -> Values:
        """The outputs of a node by whatever defines it: the model, an importer, a branch or the standard."""
        function = self._functions.get(call.key)
        schema = None if function is not None else call.schema
        importer = self._importers.get((call.domain, call.node.op_type))
        if function is None and schema is not None:
            check_age(call, schema)
            check_against_schema(call.node, schema)
        is_control = call.domain == "" and call.node.op_type in CONTROL_FLOW
        known = function or importer or is_control
        if not known and (schema is None or not has_standard_function(schema, call.opset)):
            raise undefined(call)
        if call.is_lost:
            return [None] * len(call.outputs)
        if function is not None:
            return self._expand(call, function, None)
        if importer is not None:
            return self._apply(call, importer)
        if is_control:
            return self._branch(call) if call.node.op_type == "If" else self._loop(call)
        assert schema is not None, "nobody else defines the operation"
        return self._expand_standard(call, schema)

    def _node(self, call: Call) -> Node:
        kind = (call.node.op_type, call.domain, call.opset, call.name)
        lookup = partial(self._value, scope=call.scope, user=call.name)
        values = (tuple(call.inputs), call.outputs, call.attributes)
        return Node(*kind, *values, self._known, self._reader, lookup)

    def _apply(self, call: Call, importer: Importer) -> Values:
        made = importer(self._node(call), Builder(self._block, call.name, self._known))
        values = [made] if isinstance(made, SSAValue | TensorSequence | Nothing) else list(made)
        missing = [name for name in call.outputs[len(values) :] if name]
        if missing:
            raise Unsupported(f"its output {missing[0]!r} is not computed", "Remove what reads this output.")
        return list(values)

    def _branch(self, call: Call) -> Values:
        taken = taken_branch(call, self._known)
        if taken is not None:
            return self._import_graph(taken, branch_scope(call, taken))
        node, build = self._node(call), Builder(self._block, call.name, self._known)
        bodies = [self._body(call, node.graph(name)) for name in ("then_branch", "else_branch")]
        try:
            return import_if(node, build, bodies[0], bodies[1])
        except LostValue:
            return [None] * len(call.outputs)

    def _loop(self, call: Call) -> Values:
        node, build = self._node(call), Builder(self._block, call.name, self._known)
        try:
            return LOOPS[call.node.op_type](node, build, self._body(call, node.graph("body")))
        except LostValue:
            return [None] * len(call.outputs)

    def _body(self, call: Call, graph: GraphProto) -> Body:
        # Of what goes wrong in a region a run knows nothing.
        reports = self._block is self._function
        return Body(call, graph, self._import_into, self._known.budget, self._problems, reports)

    def _import_into(self, graph: GraphProto, scope: Scope, block: Block | None) -> Values:
        """Import a graph, into a block of its own if there is one."""
        outer, self._block = self._block, block or self._block
        try:
            return self._import_graph(graph, scope)
        finally:
            self._block = outer

    def _expand_standard(self, call: Call, schema: defs.OpSchema) -> Values:
        body = standard_function(call.node, schema, call.opset, call.inputs)
        if body is None and call.domain == "" and call.node.op_type in OPEN_FORMS:
            return self._apply(call, OPEN_FORMS[call.node.op_type])
        if body is None:
            raise undefined(call)
        return self._expand(call, body, schema)

    def _expand(self, call: Call, function: FunctionProto, schema: defs.OpSchema | None) -> Values:
        scope = function_scope(call, function, schema)
        # A body that depends on the call need not write the outputs that the call leaves out.
        pairs = zip(function.output, call.outputs, strict=False)
        return self._import_nodes(function.node, scope, [inner if outer else "" for inner, outer in pairs])


def _initializers(file: ModelFile) -> dict[str, Initializer]:
    found: dict[str, Initializer] = {}
    for number, tensor in enumerate(file.model.graph.initializer):
        if tensor.name in found:
            raise ModelError(f"two initializers are called {tensor.name!r}", remedy="Export the model again.")
        found[tensor.name] = Initializer(tensor, file.apart.get(number))
    return found


def _named(names: Sequence[str]) -> ArrayAttr[DictionaryAttr]:
    return ArrayAttr([DictionaryAttr({"graph.name": StringAttr(name)}) for name in names])
