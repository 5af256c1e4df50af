"""Importers of one step of an optimizer, of the domain `ai.onnx.preview.training`."""

from collections.abc import Callable
from itertools import chain

from xdsl.ir import SSAValue

from penstock.dialects.graph.elementwise import PowOp
from penstock.errors import ModelError
from penstock.onnx_import.axes import require
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family, Importer
from penstock.onnx_import.node import Node
from penstock.onnx_import.terms import Term

Update = Callable[[Node, Term, Term, list[Term]], list[Term]]
"""Rate, number of the step, and a parameter with its gradient and states -> the parameter and its states."""


def optimizer(states: int, update: Update) -> Importer:
    """The importer of an optimizer that keeps `states` tensors beside each parameter."""

    def importer(node: Node, build: Builder) -> list[SSAValue]:
        rate, step = (Term(build, node.input(i)) for i in range(2))
        tensors = [Term(build, value) for value in node.variadic(2)]
        kinds = states + 2
        require(
            node, len(tensors) % kinds == 0, f"{len(tensors)} tensors, {kinds} for each parameter are needed"
        )
        count = len(tensors) // kinds
        new = [update(node, rate, step, tensors[i::count]) for i in range(count)]
        return [term.value for term in chain.from_iterable(zip(*new, strict=True))]

    return importer


def regularized(node: Node, x: Term, gradient: Term) -> Term:
    """The gradient with that of the squared norm of the parameter."""
    return x * node.float("norm_coefficient", 0.0) + gradient


def adagrad(node: Node, rate: Term, step: Term, tensors: list[Term]) -> list[Term]:
    """Adagrad: the state sums the squares of the gradients."""
    x, gradient, squares = tensors
    slower = rate / (step.cast(rate.element) * node.float("decay_factor", 0.0) + 1)
    g = regularized(node, x, gradient)
    squares = squares + g * g
    return [x - slower * g / (squares.sqrt() + node.float("epsilon", 1e-6)), squares]


def adam(node: Node, rate: Term, step: Term, tensors: list[Term]) -> list[Term]:
    """Adam: the states are running means of the gradients and of their squares."""
    x, gradient, mean, squares = tensors
    alpha, beta = node.float("alpha", 0.9), node.float("beta", 0.999)
    g = regularized(node, x, gradient)
    mean, squares = mean * alpha + g * (1 - alpha), squares * beta + g * g * (1 - beta)
    time = step.cast(rate.element)
    corrected = rate * (1 - _power(time, beta)).sqrt() / (1 - _power(time, alpha))
    moved = x - (step > 0).where(corrected, rate) * (mean / (squares.sqrt() + node.float("epsilon", 1e-6)))
    return [moved * (1 - node.float("norm_coefficient_post", 0.0)), mean, squares]


def _power(exponent: Term, base: float) -> Term:
    build = exponent.build
    return exponent.like(build.op(PowOp, [build.scalar(base, like=exponent.value), exponent.value]))


def momentum(node: Node, rate: Term, step: Term, tensors: list[Term]) -> list[Term]:
    """Momentum: the state is the direction of the last step; Nesterov's looks one step ahead."""
    x, gradient, direction = tensors
    mode, alpha = node.string("mode"), node.float("alpha")
    if mode not in ("standard", "nesterov"):
        fault = f"the mode of Momentum is {mode!r}, it must be standard or nesterov"
        raise ModelError(fault, node=node.name, remedy="Export the model again.")
    g = regularized(node, x, gradient)
    # The first gradient counts in full.
    scaled = (step > 0).where(g * node.float("beta"), g)
    direction = direction * alpha + scaled
    return [x - rate * (g + direction * alpha if mode == "nesterov" else direction), direction]


TRAINING: Family = {
    "Adagrad": optimizer(1, adagrad),
    "Adam": optimizer(2, adam),
    "Momentum": optimizer(1, momentum),
}
