"""Importers of recurrent layers: loops over the steps, the products with the inputs taken out of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from xdsl.dialects.builtin import i64
from xdsl.ir import Block, SSAValue

from penstock.dialects.graph.activation import (
    EluOp,
    HardSigmoidOp,
    LeakyReluOp,
    SigmoidOp,
    SoftplusOp,
)
from penstock.dialects.graph.base import Dim, GraphOp, number, rank_of, shape_of, size_of, tensor
from penstock.dialects.graph.transcendental import TanhOp
from penstock.dialects.sizes import subtracted
from penstock.onnx_import.axes import require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node, Unsupported
from penstock.onnx_import.regions import end_region, loop
from penstock.onnx_import.terms import Term, stack

Function = Callable[[Term], Term]
State = tuple[Term, ...]
"""The hidden state, and the cell of an LSTM."""
Step = Callable[["Weights", Term, State], State]


@dataclass(frozen=True)
class Layer:
    """What all directions of a layer share; sequences are [step, batch, feature]."""

    node: Node
    x: Term
    lengths: Term | None
    gates: int
    hidden: int
    """The size of the hidden state."""

    @property
    def steps(self) -> Dim:
        """The length of the sequences."""
        return self.x.shape[0]

    @property
    def batch(self) -> Dim:
        """The number of sequences."""
        return self.x.shape[1]

    @property
    def is_batch_first(self) -> bool:
        """Whether the model has the sequences before the steps, and before the directions."""
        return self.node.int("layout", 0) == 1

    def input(self, index: int, *shape: Dim) -> Term | None:
        """An input of the node under the shape that it must have, if it is given."""
        given = self.node.optional(index)
        return None if given is None else self.x.like(given).held_to(*shape)

    def zeros(self) -> Term:
        """A state before the first step that is not given."""
        if isinstance(self.batch, int):
            return self.x.table(np.zeros((self.batch, self.hidden)))
        return self.x.filled(0).broadcast(self.batch, self.hidden)


@dataclass(frozen=True)
class Weights:
    """What one direction computes with.

    It belongs outside of the loop: in a formula of a step it comes behind what belongs to the step.
    """

    layer: Layer
    w: Term
    r: Term
    input_bias: Term
    state_bias: Term
    peepholes: Sequence[Term]
    functions: Sequence[Function]

    def recurrent(self, h: Term, first: int, last: int) -> Term:
        """The product of the state with the weights of some gates."""
        size = self.layer.hidden
        return h @ self.r.slice(0, first * size, last * size).transpose(1, 0)

    def gate(self, x: Term, index: int) -> Term:
        """One gate's part of the last axis."""
        size = self.layer.hidden
        return x.slice(len(x.shape) - 1, index * size, (index + 1) * size)


def rnn_step(weights: Weights, x: Term, state: State) -> State:
    """h = f(x W + h R + b)."""
    return (weights.functions[0](x + weights.recurrent(state[0], 0, 1) + weights.state_bias),)


def gru_step(weights: Weights, x: Term, state: State) -> State:
    """h = (1 - z) g(candidate) + z h, where r resets the state that the candidate sees."""
    (h,), (f, g) = state, weights.functions
    bias = weights.state_bias
    both = weights.recurrent(h, 0, 2)
    z, r = (f(weights.gate(x, i) + weights.gate(both, i) + weights.gate(bias, i)) for i in range(2))
    if weights.layer.node.int("linear_before_reset", 0):
        seen = r * (weights.recurrent(h, 2, 3) + weights.gate(bias, 2))
    else:
        seen = weights.recurrent(r * h, 2, 3) + weights.gate(bias, 2)
    return ((1 - z) * g(weights.gate(x, 2) + seen) + z * h,)


def lstm_step(weights: Weights, x: Term, state: State) -> State:
    """c = forget c + enter g(candidate), h = output last(c); the gates come in the order e, o, f, c."""
    (h, c), (f, g, last) = state, weights.functions
    total = x + weights.recurrent(h, 0, 4) + weights.state_bias
    i, o, forget, candidate = (weights.gate(total, k) for k in range(4))
    peepholes = weights.peepholes
    enter = f(i + c * peepholes[0] if peepholes else i)
    coupled = weights.layer.node.int("input_forget", 0)
    keep = 1 - enter if coupled else f(forget + c * peepholes[2] if peepholes else forget)
    cell = keep * c + enter * g(candidate)
    return (f(o + cell * peepholes[1] if peepholes else o) * last(cell), cell)


def _import(node: Node, build: Builder, gates: int, step: Step, defaults: Sequence[str]) -> list[SSAValue]:
    """Y, Y_h and, of an LSTM, Y_c: the directions side by side."""
    layer = _layer(node, build, gates)
    directions = _directions(node)
    count = len(directions)
    given = shape_of(node.input(1))[0]
    require(node, given == count or isinstance(given, str), "W has another number of directions")
    functions = _functions(node, defaults, count)
    runs = [
        _run(
            layer,
            step,
            _weights(layer, count, d, f),
            _start(layer, count, d, len(defaults) // 3 + 1),
            reverse,
        )
        for d, (reverse, f) in enumerate(zip(directions, functions, strict=True))
    ]
    y = stack([run[-1] for run in runs], 1)
    states = [stack(parts, 0) for parts in zip(*(run[:-1] for run in runs), strict=True)]
    if layer.is_batch_first:
        y, states = y.transpose(2, 0, 1, 3), [s.transpose(1, 0, 2) for s in states]
    return [y.value, *(s.value for s in states)]


def _layer(node: Node, build: Builder, gates: int) -> Layer:
    x, lengths = Term(build, node.input(0)), node.optional(4)
    for index in range(3):
        require(
            node,
            rank_of(node.input(index)) == 3,
            f"input {index} has the shape {shape_of(node.input(index))}",
        )
    if node.int("layout", 0) == 1:
        x = x.transpose(1, 0, 2)
    # Of the sizes that must be equal, a number says most.
    columns = shape_of(node.input(1))[2]
    if isinstance(columns, int):
        x = x.held_to(*x.shape[:2], columns)
    size = shape_of(node.input(2))[2]
    hidden = size if isinstance(size, int) else node.int("hidden_size")
    steps = None if lengths is None else Term(build, lengths).held_to(x.shape[1]).positions()
    return Layer(node, x, steps, gates, hidden)


def _directions(node: Node) -> list[bool]:
    """For each direction, whether it runs backwards."""
    name = node.string("direction", "forward")
    known = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}
    require(node, name in known, f"the direction is {name!r}, it must be one of {', '.join(known)}")
    return known[name]


def _weights(layer: Layer, directions: int, direction: int, functions: Sequence[Function]) -> Weights:
    size, gates = layer.hidden, layer.gates

    def given(index: int, *shape: Dim) -> Term | None:
        whole = layer.input(index, directions, *shape)
        return None if whole is None else whole.at(0, direction)

    w, r = given(1, gates * size, layer.x.shape[2]), given(2, gates * size, size)
    assert w is not None and r is not None, "a layer has weights"
    bias = given(3, 2 * gates * size) or layer.x.table(np.zeros(2 * gates * size))
    row = given(7, 3 * size)
    peepholes = [] if row is None else [row.slice(0, k * size, (k + 1) * size) for k in range(3)]
    both = [bias.slice(0, k * gates * size, (k + 1) * gates * size) for k in range(2)]
    return Weights(layer, w, r, both[0], both[1], peepholes, functions)


def _start(layer: Layer, directions: int, direction: int, count: int) -> State:
    """The states before the first step: inputs 5 and 6, or zero."""
    state: list[Term] = []
    for index in range(5, 5 + count):
        # Batch-first layers keep the directions on the second axis.
        shape = (layer.batch, directions) if layer.is_batch_first else (directions, layer.batch)
        given = layer.input(index, *shape, layer.hidden)
        zero = layer.zeros() if given is None else given.at(int(layer.is_batch_first), direction)
        state.append(zero)
    return tuple(state)


def _run(layer: Layer, step: Step, weights: Weights, state: State, reverse: bool) -> list[Term]:
    """The last states and the outputs of all steps; a sequence that has ended keeps its state and gives 0."""
    build, moved = layer.x.build, layer.x @ weights.w.transpose(1, 0) + weights.input_bias
    given = [*(s.value.type for s in state), tensor(moved.shape[1:], moved.element)]
    block = Block(arg_types=[tensor([], i64), *given])
    at, *before, x = (Term(build.inside(block), argument) for argument in block.args)
    new = step(weights, x, tuple(before))
    output = new[0]
    if layer.lengths is not None:
        running = _place(layer, at, reverse) < layer.lengths
        running = running.reshape(*layer.lengths.shape, 1)
        new = tuple(running.where(n, s) for n, s in zip(new, before, strict=True))
        output = running.where(output, 0)
    end_region(block, [term.value for term in (*new, output)])
    states, backwards = [s.value for s in state], [0, 1] if reverse else []
    made = loop(build, block, states=states, scans=[moved.value], steps=layer.steps, backwards=backwards)
    return [layer.x.like(value) for value in made]


def _place(layer: Layer, at: Term, reverse: bool) -> Term:
    """Where in its sequence a step is."""
    if not reverse:
        return at
    last = at.number(subtracted(size_of(layer.steps), 1))
    return last - at


def _functions(node: Node, defaults: Sequence[str], directions: int) -> list[list[Function]]:
    """The activations of each direction, with the parameters that they take from two lists in turn."""
    names = node.strings("activations", [*defaults] * directions)
    count = len(defaults)
    require(
        node, len(names) == count * directions, f"{len(names)} activations, {count} per direction are needed"
    )
    alphas, betas = iter(node.floats("activation_alpha", ())), iter(node.floats("activation_beta", ()))
    made: list[Function] = []
    for name in (name.lower() for name in names):
        if name not in ACTIVATIONS:
            raise Unsupported(f"the activation {name!r}", f"Use one of {', '.join(ACTIVATIONS)}.")
        alpha, beta, function = ACTIVATIONS[name]
        parameters = [
            next(values, default)
            for values, default in ((alphas, alpha), (betas, beta))
            if default is not None
        ]
        made.append(_clipped(node, partial(function, parameters)))
    return [made[d * count : (d + 1) * count] for d in range(directions)]


def _clipped(node: Node, function: Function) -> Function:
    if not node.has("clip"):
        return function
    bound = node.float("clip")
    return lambda x: function(x.clipped(-bound, bound))


Parametric = Callable[[Sequence[float], Term], Term]


def _plain(kind: type[GraphOp]) -> Parametric:
    return lambda parameters, x: x.apply(kind)


def _with_properties(kind: type[GraphOp], *names: str) -> Parametric:
    return lambda parameters, x: x.like(
        x.build.op(kind, [x.value], {n: number(p) for n, p in zip(names, parameters, strict=True)})
    )


ACTIVATIONS: Mapping[str, tuple[float | None, float | None, Parametric]] = {
    "affine": (1.0, 0.0, lambda p, x: x * p[0] + p[1]),
    "elu": (1.0, None, _with_properties(EluOp, "alpha")),
    "hardsigmoid": (0.2, 0.5, _with_properties(HardSigmoidOp, "alpha", "beta")),
    "leakyrelu": (0.01, None, _with_properties(LeakyReluOp, "alpha")),
    "relu": (None, None, lambda p, x: x.maximum(0)),
    "scaledtanh": (1.0, 1.0, lambda p, x: (x * p[1]).apply(TanhOp) * p[0]),
    "sigmoid": (None, None, _plain(SigmoidOp)),
    "softplus": (None, None, _plain(SoftplusOp)),
    "softsign": (None, None, lambda p, x: x / (x.absolute() + 1)),
    "tanh": (None, None, _plain(TanhOp)),
    "thresholdedrelu": (1.0, None, lambda p, x: (x > p[0]).where(x, 0)),
}
"""Name in lower case -> default alpha and beta (`None`: takes none), and the function."""


def import_rnn(node: Node, build: Builder) -> list[SSAValue]:
    """RNN: one gate."""
    return _import(node, build, 1, rnn_step, ["tanh"])


def import_gru(node: Node, build: Builder) -> list[SSAValue]:
    """GRU: update, reset and candidate."""
    return _import(node, build, 3, gru_step, ["sigmoid", "tanh"])


def import_lstm(node: Node, build: Builder) -> list[SSAValue]:
    """LSTM: input, output, forget and candidate."""
    return _import(node, build, 4, lstm_step, ["sigmoid", "tanh", "tanh"])


RECURRENT: Family = {"GRU": import_gru, "LSTM": import_lstm, "RNN": import_rnn}
