"""Scalar formulas of transcendental functions and activations, over the functions of `math`.

A function of its own is one operation; a formula of several is computed in the working type, so that a
half-precision element is rounded once.
"""

from collections.abc import Callable, Mapping, Sequence
from math import pi, sqrt

from xdsl.dialects import math
from xdsl.ir import Operation, SSAValue

from penstock.dialects.graph import activation, transcendental
from penstock.dialects.graph.base import GraphOp
from penstock.passes.lowering.graph_to_nest.scalar_arithmetic import ScalarFormula
from penstock.passes.lowering.graph_to_nest.scalar_builder import Scalars

Unary = Callable[[SSAValue], Operation]


def _function(kind: Unary) -> ScalarFormula:
    def formula(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
        return s.add_op(kind(v[0]))

    return formula


def _composed(body: Callable[[GraphOp, Scalars, SSAValue], SSAValue]) -> ScalarFormula:
    """A formula of several operations, in the working type."""

    def formula(op: GraphOp, s: Scalars, v: Sequence[SSAValue]) -> SSAValue:
        return s.real(body(op, s, s.widened(v[0])), v[0].type)

    return formula


def _sigmoid(op: GraphOp, s: Scalars, x: SSAValue) -> SSAValue:
    return s.div(s.constant(1.0, x.type), s.shifted(s.exp(s.neg(x)), 1.0))


def _hard_sigmoid(op: GraphOp, s: Scalars, x: SSAValue) -> SSAValue:
    assert isinstance(op, activation.HardSigmoidOp)
    line = s.shifted(s.scaled(x, op.alpha.value.data), op.beta.value.data)
    return s.at_most(s.at_least(line, s.constant(0.0, x.type)), s.constant(1.0, x.type))


def _softplus(op: GraphOp, s: Scalars, x: SSAValue) -> SSAValue:
    """`max(x, 0) + log(1 + e^-|x|)`: nothing overflows."""
    tail = s.add_op(math.Log1pOp(s.exp(s.neg(s.absolute(x)))))
    return s.add(s.at_least(x, s.constant(0.0, x.type)), tail)


def _elu(op: GraphOp, s: Scalars, x: SSAValue) -> SSAValue:
    assert isinstance(op, activation.EluOp)
    below = s.scaled(s.add_op(math.ExpM1Op(x)), op.alpha.value.data)
    return s.select(s.compare("lt", x, s.constant(0.0, x.type)), below, x)


def _leaky_relu(op: GraphOp, s: Scalars, x: SSAValue) -> SSAValue:
    assert isinstance(op, activation.LeakyReluOp)
    below = s.scaled(x, op.alpha.value.data)
    return s.select(s.compare("lt", x, s.constant(0.0, x.type)), below, x)


def _gelu(op: GraphOp, s: Scalars, x: SSAValue) -> SSAValue:
    """`x / 2 (1 + erf(x / sqrt 2))`, or `x / (1 + e^-2u)`, which is `x / 2 (1 + tanh u)`."""
    assert isinstance(op, activation.GeluOp)
    if not op.approximate.value.data:
        doubled = s.shifted(s.add_op(math.ErfOp(s.scaled(x, 1 / sqrt(2)))), 1.0)
        return s.mul(s.scaled(x, 0.5), doubled)
    cubic = s.shifted(s.scaled(s.mul(x, x), 0.044715), 1.0)
    doubled = s.scaled(s.mul(x, cubic), -2 * sqrt(2 / pi))
    return s.div(x, s.shifted(s.exp(doubled), 1.0))


FUNCTIONS: Mapping[type[Operation], ScalarFormula] = {
    transcendental.ExpOp: _function(math.ExpOp),
    transcendental.LogOp: _function(math.LogOp),
    transcendental.ErfOp: _function(math.ErfOp),
    transcendental.SinOp: _function(math.SinOp),
    transcendental.CosOp: _function(math.CosOp),
    transcendental.TanOp: _function(math.TanOp),
    transcendental.AsinOp: _function(math.AsinOp),
    transcendental.AcosOp: _function(math.AcosOp),
    transcendental.AtanOp: _function(math.AtanOp),
    transcendental.SinhOp: _function(math.SinhOp),
    transcendental.CoshOp: _function(math.CoshOp),
    transcendental.TanhOp: _function(math.TanhOp),
    transcendental.AsinhOp: _function(math.AsinhOp),
    transcendental.AcoshOp: _function(math.AcoshOp),
    transcendental.AtanhOp: _function(math.AtanhOp),
    activation.SigmoidOp: _composed(_sigmoid),
    activation.HardSigmoidOp: _composed(_hard_sigmoid),
    activation.SoftplusOp: _composed(_softplus),
    activation.EluOp: _composed(_elu),
    activation.LeakyReluOp: _composed(_leaky_relu),
    activation.GeluOp: _composed(_gelu),
}
