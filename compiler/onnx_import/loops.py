"""If, Loop and Scan: what is decided at run time becomes an operation with regions.

A short loop whose number of iterations is known is written out instead: its body is imported once for each of
them.  So are longer ones whose states change their shape, or are no tensors.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
from onnx import GraphProto, NodeProto
from xdsl.dialects.builtin import i64
from xdsl.ir import Block, SSAValue

from penstock.dialects.graph.base import Dim, dim_of, size_of
from penstock.dialects.graph.base import tensor as tensor_type
from penstock.dialects.sizes import maximum
from penstock.errors import ModelError, Problem, ShapeError
from penstock.limits import Budget, check_iterations, how_to_raise
from penstock.onnx_import.axes import known_number, require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.call import Call, branch_scope
from penstock.onnx_import.node import Node
from penstock.onnx_import.regions import (
    branch,
    count,
    discard,
    end_region,
    keep_shape,
    loop,
    only_branch,
    region,
    scalar,
)
from penstock.onnx_import.scope import Scope
from penstock.onnx_import.terms import Term, stack
from penstock.onnx_import.unsupported import Unsupported
from penstock.onnx_import.values import Value, Values, kind_of

FEW_NODES = 200
"""A loop of up to so many nodes, all iterations together, is better written out."""
T = TypeVar("T")


class LostValue(Exception):
    """A value in a body could not be imported; why is among the problems already."""


@dataclass(frozen=True)
class Body:
    """The body of a loop, or a branch; `run` imports a graph in a scope, into a block if one is given."""

    call: Call
    graph: GraphProto
    run: Callable[[GraphProto, Scope, Block | None], Values]
    budget: Budget
    problems: list[Problem]
    """What stands in the way of the import so far."""
    reports: bool
    """Whether what goes wrong where it stands is reported by a run."""

    def iterate(self, path: str, inputs: Sequence[Value], block: Block | None = None) -> list[Value]:
        """The outputs of one iteration."""
        names = [value.name for value in self.graph.input]
        if len(names) != len(inputs):
            fault = f"the body has {len(names)} inputs, it gets {len(inputs)}"
            raise ModelError(fault, node=self.call.name, remedy="Export the model again.")
        scope = branch_scope(self.call, self.graph)
        prefix = f"{scope.prefix}{path}/" if path else scope.prefix
        scope = replace(scope, prefix=prefix, values=dict(zip(names, inputs, strict=True)))
        outputs = [value for value in self.run(self.graph, scope, block) if value is not None]
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

    def nodes(self, iterations: int) -> int:
        """The nodes of so many iterations."""
        return iterations * max(len(self.graph.node), 1)

    def check(self, iterations: int) -> None:
        """`Unsupported` when the iterations become too many nodes."""
        if self.nodes(iterations) > self.budget.operations:
            reason = f"{iterations} iterations of {len(self.graph.node)} nodes are too many to write out"
            raise Unsupported(reason, f"Export fewer steps at a time. {how_to_raise('operations')}")

    def first_of(self, *attempts: Callable[[], list[T]]) -> list[T]:
        """What the first attempt gives that succeeds; the last one's problems are told."""
        for attempt in attempts[:-1]:
            told = len(self.problems)
            try:
                return attempt()
            except (Unsupported, LostValue):
                del self.problems[told:]
        return attempts[-1]()


def _is_identity(node: NodeProto) -> bool:
    return node.op_type == "Identity" and node.domain in ("", "ai.onnx") and len(node.input) == 1


def import_if(node: Node, build: Builder, then: Body, otherwise: Body) -> Values:
    """If: the outputs of one of two graphs.

    A branch that does not fit the shapes of the inputs can be taken by mistake alone, which a run reports.
    """
    wanted = [i for i in range(len(node.outputs)) if node.uses(i)]
    with region() as first, region() as second:
        faults = [_branch(node, body, block, wanted) for body, block in ((then, first), (otherwise, second))]
        if faults == [None, None]:
            values = branch(build, node.input(0), first, second)
        else:
            values = _only_branch(node, build, (then, otherwise), (first, second), faults, wanted)
    made = dict(zip(wanted, values, strict=True))
    return [made.get(i) for i in range(len(node.outputs))]


def _branch(node: Node, body: Body, block: Block, wanted: Sequence[int]) -> ShapeError | None:
    """Fill the block of a branch; what is wrong with its shapes, if anything is."""
    try:
        outputs = body.iterate("", [], block)
    except ShapeError as error:
        return error
    require(node, len(outputs) >= len(node.outputs), f"a branch of {len(outputs)} outputs")
    end_region(block, [tensor(node, outputs[i]) for i in wanted])
    return None


def _only_branch(
    node: Node,
    build: Builder,
    bodies: Sequence[Body],
    blocks: Sequence[Block],
    faults: Sequence[ShapeError | None],
    wanted: Sequence[int],
) -> list[SSAValue]:
    """The values of the one branch that can be computed; what is wrong with the other is told if none can."""
    fault = next(each for each in faults if each is not None)
    if None not in faults or not bodies[0].reports:
        raise fault
    for block in blocks:
        discard(block)
    index = faults.index(None)
    outputs = bodies[index].iterate("", [])
    return only_branch(build, node.input(0), index == 0, [tensor(node, outputs[i]) for i in wanted])


def import_loop(node: Node, build: Builder, body: Body) -> Values:
    """Loop: ends after a number of iterations, or when its condition fails."""
    states = len(node.inputs) - 2
    given = len(body.graph.output)
    require(node, given > states, f"a body of {given} outputs for {states} states and a condition")
    most = None if node.optional(0) is None else node.constant(0)
    written_out, decided = partial(_unrolled_loop, node, build, body), partial(_loop_op, node, build, body)
    if most is not None and most.size == 1 and body.nodes(int(most.reshape(-1)[0])) > FEW_NODES:
        return body.first_of(decided, written_out)
    return body.first_of(written_out, decided)


def _loop_op(node: Node, build: Builder, body: Body) -> Values:
    """The loop as an operation: in its body the condition holds."""
    states = [tensor(node, node.value(i)) for i in range(2, len(node.inputs))]
    with region([tensor_type([], i64), *(state.type for state in states)]) as block:
        return _loop_in_block(node, build, body, states, block)


def _loop_in_block(
    node: Node, build: Builder, body: Body, states: Sequence[SSAValue], block: Block
) -> Values:
    holds = build.inside(block).constant(np.array(True))
    again, *outputs = body.iterate("", [block.args[0], holds, *block.args[1:]], block)
    truth = node.known.array(tensor(node, again))
    is_conditional = truth is None or not truth.all()
    flag = [scalar(build.inside(block), tensor(node, again))] if is_conditional else []
    wanted = [i for i in range(len(outputs)) if i < len(states) or node.uses(i)]
    given = [tensor(node, outputs[i]) for i in wanted]
    kept = [keep_shape(build.inside(block), v, s) for v, s in zip(given, states, strict=False)]
    end_region(block, [*flag, *kept, *given[len(kept) :]])
    going, steps = _unless_true(node, 1), _most(node, build, collects=len(wanted) > len(states))
    if not is_conditional:
        check_iterations(steps if isinstance(steps, int) else 0)
    limit = node.optional(0) if steps is None else None
    if not is_conditional and steps is None and limit is None:
        raise Unsupported("nothing ends its loop", "Export a loop that ends.")
    made = loop(
        build,
        block,
        limit=None if limit is None else count(build, limit),
        going=None if going is None else scalar(build, going),
        states=states,
        steps=steps,
        is_conditional=is_conditional,
    )
    results = dict(zip(wanted, made, strict=True))
    return [results.get(i) for i in range(len(node.outputs))]


def _most(node: Node, build: Builder, *, collects: bool) -> Dim | None:
    """The greatest number of iterations as a size, which a run decides only where something is collected."""
    given, number, known = node.optional(0), node.constant(0), node.dims(0)
    if number is not None:
        return max(int(number.reshape(-1)[0]), 0)
    if known is not None and "?" not in known:
        (most,) = known
        return dim_of(maximum(size_of(most), 0))
    if given is None or not collects or not build.is_outermost:
        return None
    (most,) = build.sizes(Term(build, count(build, given)).maximum(0).value)
    return most


def _unless_true(node: Node, index: int) -> SSAValue | None:
    """A condition that may fail."""
    condition = node.optional(index)
    known = None if condition is None else node.known.array(condition)
    return None if known is not None and known.all() else condition


def _unrolled_loop(node: Node, build: Builder, body: Body) -> Values:
    """The loop written out; its end must be known."""
    most = None if node.optional(0) is None else int(known_number(node, 0, "the iterations"))
    going: Value = build.constant(np.array(True)) if node.optional(1) is None else node.input(1)
    states = [node.value(i) for i in range(2, len(node.inputs))]
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
