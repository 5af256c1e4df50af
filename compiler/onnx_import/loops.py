"""Loop and Scan where the number of iterations is known: the body is imported once for each of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from onnx import GraphProto, NodeProto
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import rank_of
from penstock.errors import ModelError
from penstock.limits import Budget, how_to_raise
from penstock.onnx_import.axes import front_axis, known_number, require, static_size
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.call import Call, branch_scope
from penstock.onnx_import.node import Node
from penstock.onnx_import.scope import Scope
from penstock.onnx_import.terms import Term, stack
from penstock.onnx_import.unsupported import Unsupported
from penstock.onnx_import.values import Value, Values, kind_of


class LostValue(Exception):
    """A value in a body could not be imported; why is among the problems already."""


@dataclass(frozen=True)
class Body:
    """The body of a loop; `run` imports a graph in a scope."""

    call: Call
    graph: GraphProto
    run: Callable[[GraphProto, Scope], Values]
    budget: Budget

    def iterate(self, path: str, inputs: Sequence[Value]) -> list[Value]:
        """The outputs of one iteration."""
        names = [value.name for value in self.graph.input]
        if len(names) != len(inputs):
            fault = f"the body has {len(names)} inputs, it gets {len(inputs)}"
            raise ModelError(fault, node=self.call.name, remedy="Export the model again.")
        scope = branch_scope(self.call, self.graph)
        scope = replace(scope, prefix=f"{scope.prefix}{path}/", values=dict(zip(names, inputs, strict=True)))
        outputs = [value for value in self.run(self.graph, scope) if value is not None]
        if len(outputs) != len(self.graph.output):
            raise LostValue
        return outputs

    def goes_on_regardless(self) -> bool:
        """Whether the condition that the body gives is the one it gets."""
        given = {
            name: node.input[0] for node in self.graph.node for name in node.output if _is_identity(node)
        }
        name = self.graph.output[0].name
        # A chain of copies is as long as there are copies, unless it is a ring.
        for _ in given:
            name = given.get(name, name)
        return len(self.graph.input) > 1 and name == self.graph.input[1].name

    def check(self, iterations: int) -> None:
        """`Unsupported` when the iterations become too many nodes."""
        nodes = iterations * max(len(self.graph.node), 1)
        if nodes > self.budget.operations:
            reason = f"{iterations} iterations of {len(self.graph.node)} nodes are too many to write out"
            raise Unsupported(reason, f"Export fewer steps at a time. {how_to_raise('operations')}")


def _is_identity(node: NodeProto) -> bool:
    return node.op_type == "Identity" and node.domain in ("", "ai.onnx") and len(node.input) == 1


def import_loop(node: Node, build: Builder, body: Body) -> list[Value]:
    """Loop: ends after a number of iterations, or when its condition fails; both must be known."""
    most = None if node.optional(0) is None else int(known_number(node, 0, "the iterations"))
    going: Value = build.constant(np.array(True)) if node.optional(1) is None else node.input(1)
    states = [node.value(i) for i in range(2, len(node.inputs))]
    given = len(body.graph.output)
    require(node, given > len(states), f"a body of {given} outputs for {len(states)} states and a condition")
    if most is not None and body.goes_on_regardless():
        body.check(most)
    scanned: list[list[SSAValue]] = []
    step = 0
    while (most is None or step < most) and _holds(node, going):
        going, *rest = body.iterate(str(step), [build.constant(np.array(step)), going, *states])
        states, outputs = rest[: len(states)], rest[len(states) :]
        scanned.append([tensor(node, output) for output in outputs])
        step += 1
    return [*states, *_stacked(node, build, scanned, len(states))]


def tensor(node: Node, value: Value) -> SSAValue:
    """An output of the body that must be a tensor."""
    if not isinstance(value, SSAValue):
        raise Unsupported(f"the body of {node.op_type} gives {kind_of(value)} to collect", "Give tensors.")
    return value


def _holds(node: Node, condition: Value) -> bool:
    value = node.known.array(condition) if isinstance(condition, SSAValue) else None
    if value is None or value.size != 1:
        reason = "the number of iterations depends on the inputs of the model"
        raise Unsupported(reason, "Export the loop for a fixed number of iterations.")
    return bool(value.reshape(-1)[0])


def _stacked(node: Node, build: Builder, scanned: list[list[SSAValue]], states: int) -> list[SSAValue]:
    if not scanned:
        if any(node.uses(i) for i in range(states, len(node.outputs))):
            raise Unsupported("what a loop without iterations collects has no shape", "Remove the loop.")
        return []
    return [stack([Term(build, v) for v in values], 0).value for values in zip(*scanned, strict=True)]


@dataclass(frozen=True)
class Side:
    """Along which axis a value is cut or joined, and whether from its end."""

    axis: int
    reverse: bool


def import_scan(node: Node, build: Builder, body: Body) -> list[Value]:
    """Scan: one iteration for each slice of some inputs; up to opset 8, for each element of a batch."""
    count = node.int("num_scan_inputs")
    values = [Term(build, node.input(i)) for i in range(1 if node.opset < 9 else 0, len(node.inputs))]
    require(node, 0 < count <= len(values), f"{count} of {len(values)} inputs are scanned")
    states, scans = values[: len(values) - count], values[len(values) - count :]
    outputs = len(body.graph.output) - len(states)
    require(node, outputs >= 0, f"a body of {len(body.graph.output)} outputs for {len(states)} states")
    if node.opset >= 9:
        cut = _sides(node, "input", [rank_of(s.value) for s in scans])
        return [
            t.value for t in _scan(node, body, states, scans, cut, _sides(node, "output", [None] * outputs))
        ]
    if node.optional(0) is not None:
        raise Unsupported("a Scan with sequence lengths", "Export with opset 9 or later.")
    directions = node.ints("directions", [0] * count)
    ranks = [len(v.shape) for v in values]
    require(node, min(ranks) > 0 and min(ranks[-count:]) > 1, f"inputs of ranks {ranks} have no batch")
    require(node, len(directions) == count, f"{len(directions)} directions of {count} inputs")
    cut, joined = [Side(0, d == 1) for d in directions], [Side(0, False)] * outputs
    batch = range(static_size(node, scans[0].value, 0))
    runs = [_scan(node, body, _each(states, b), _each(scans, b), cut, joined, f"{b}/") for b in batch]
    return [stack(parts, 0).value for parts in zip(*runs, strict=True)]


def _each(values: Sequence[Term], element: int) -> list[Term]:
    return [value.at(0, element) for value in values]


def _sides(node: Node, which: str, ranks: Sequence[int | None]) -> list[Side]:
    axes = node.ints(f"scan_{which}_axes", [0] * len(ranks))
    directions = node.ints(f"scan_{which}_directions", [0] * len(ranks))
    require(node, len(axes) == len(directions) == len(ranks), f"axes {axes} and directions {directions}")
    # The rank of an output is known when there is one.
    sides = zip(axes, directions, ranks, strict=True)
    return [Side(axis if rank is None else front_axis(node, axis, rank), d == 1) for axis, d, rank in sides]


def _scan(
    node: Node,
    body: Body,
    states: Sequence[Term],
    scans: Sequence[Term],
    cut: Sequence[Side],
    joined: Sequence[Side],
    path: str = "",
) -> list[Term]:
    """The last states, and what the iterations give beside them, side by side."""
    build = scans[0].build
    lengths = {static_size(node, scan.value, side.axis) for scan, side in zip(scans, cut, strict=True)}
    require(node, len(lengths) == 1, f"the scanned inputs have {sorted(lengths)} slices")
    (steps,) = lengths
    body.check(steps)
    if steps == 0 and joined:
        raise Unsupported("what a scan of nothing collects has no shape", "Remove the scan.")
    collected: list[list[SSAValue]] = []
    for step in range(steps):
        slices = [
            scan.at(side.axis, steps - 1 - step if side.reverse else step)
            for scan, side in zip(scans, cut, strict=True)
        ]
        given = [term.value for term in (*states, *slices)]
        made = [tensor(node, value) for value in body.iterate(f"{path}{step}", given)]
        states = [Term(build, value) for value in made[: len(states)]]
        collected.append(made[len(states) :])
    parts = [[Term(build, v) for v in values] for values in zip(*collected, strict=True)]
    return [*states, *(_joined(node, p, side) for p, side in zip(parts, joined, strict=True))]


def _joined(node: Node, parts: Sequence[Term], side: Side) -> Term:
    axis = front_axis(node, side.axis, rank_of(parts[0].value) + 1)
    return stack(parts[::-1] if side.reverse else parts, axis)


LOOPS: Mapping[str, Callable[[Node, Builder, Body], list[Value]]] = {
    "Loop": import_loop,
    "Scan": import_scan,
}
