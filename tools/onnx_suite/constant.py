"""The suite's constant mode: the inputs of a case become constants, and folding must give its outputs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto, helper, numpy_helper
from xdsl.dialects.builtin import ModuleOp

from penstock.backends.targets import target
from penstock.collector import collector_paused
from penstock.compiler import Compiler
from penstock.dialects.graph.base import Array
from penstock.dialects.graph.constant import ConstantOp
from penstock.extensions import extended
from penstock.model import CompiledModel
from penstock.onnx_import.signature import model_inputs
from penstock.onnx_values import Given, Result, gathered, is_array
from penstock.packing import entry, names_of
from penstock.phase_runs import prepare, run_phases
from penstock.reading import read

FIRST_PHASES = ("import", "graph")
"""The phases that fold."""


def run_constant(model: ModelProto, given: Given) -> tuple[list[Result], bool]:
    """The outputs of a model whose inputs are constants, and whether no code had to be made for them."""
    stored = with_constants(model, given)
    known, machine = extended(), target("host")
    with collector_paused():
        module = read(stored)
        prepare(module, machine)
        run_phases(known.context(), module, [p for p in known.phases if p.name in FIRST_PHASES])
    folded = folded_outputs(module)
    if folded is None:
        results: Mapping[str, Array] = CompiledModel(
            Compiler(machine, known).package(read(stored), stored.graph.name)
        )({})
    else:
        results = folded
    return [gathered(output, results) for output in model.graph.output], folded is not None


def folded_outputs(module: ModuleOp) -> dict[str, Array] | None:
    """What `@main` returns, if all of it is constant."""
    main = entry(module)
    returned = main.body.block.last_op
    assert returned is not None, "a function ends with what it returns"
    owners = [value.owner for value in returned.operands]
    constants = [owner.array for owner in owners if isinstance(owner, ConstantOp)]
    if len(constants) != len(owners):
        return None
    return dict(zip((name.data for name in names_of(main.res_attrs)), constants, strict=True))


def with_constants(model: ModelProto, given: Given) -> ModelProto:
    """The model with the values of its inputs in it: nodes make the sequences and optionals among them."""
    stored = ModelProto()
    stored.CopyFrom(model)
    graph = stored.graph
    declared = [value for value in model_inputs(model.graph) if value.name in given]
    names = {value.name for value in declared}
    kept = [value for value in graph.input if value.name not in names]
    del graph.input[:]
    graph.input.extend(kept)
    nodes = [node for value in declared for node in _stored(graph, value, given[value.name])]
    own = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *own])
    return stored


def _stored(graph: GraphProto, declared: ValueInfoProto, value: object) -> Iterator[NodeProto]:
    """Put a value into a graph; nodes for what is no tensor."""
    if is_array(value):
        graph.initializer.append(numpy_helper.from_array(np.asarray(cast(Array, value)), declared.name))
        return
    held = declared.type.optional_type.elem_type if declared.type.HasField("optional_type") else declared.type
    if value is None:
        yield helper.make_node("Optional", [], [declared.name], type=held)
        return
    elements = [np.asarray(element) for element in cast(Sequence[Array], value)]
    names = [f"{declared.name}[{i}]" for i in range(len(elements))]
    graph.initializer.extend(map(numpy_helper.from_array, elements, names))
    if names:
        yield helper.make_node("SequenceConstruct", names, [declared.name])
    else:
        dtype = held.sequence_type.elem_type.tensor_type.elem_type
        yield helper.make_node("SequenceEmpty", [], [declared.name], dtype=dtype)
