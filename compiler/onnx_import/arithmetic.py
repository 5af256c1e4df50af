"""Importers of arithmetic and of the functions of analysis."""

import functools

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute, SSAValue

from penstock.dialects.element_types import STRING, element_type, is_float
from penstock.dialects.graph import elementwise, transcendental
from penstock.dialects.graph.base import Array, GraphOp, element_of, flag, number, shape_of
from penstock.dialects.graph.elementwise import (
    AddOp,
    BitcastOp,
    CastOp,
    ClipOp,
    DivOp,
    MaxOp,
    MinOp,
    ModOp,
    PowOp,
)
from penstock.onnx_import.axes import require
from penstock.onnx_import.broadcasting import operand_pair
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family, Importer
from penstock.onnx_import.node import Node
from penstock.onnx_import.strings import cast_text
from penstock.onnx_import.tensors import numpy_dtype_of

EXACT_IN_DOUBLE = 2**53
"""Integers up to this size are doubles too."""


def unary(kind: type[GraphOp]) -> Importer:
    """The importer of an ONNX op that is one op of one operand here."""
    return lambda node, build: build.op(kind, [node.input(0)])


def binary(kind: type[GraphOp]) -> Importer:
    """The importer of an ONNX op that is one op of two operands here."""
    return lambda node, build: build.op(kind, operand_pair(node, build))


def variadic(kind: type[GraphOp]) -> Importer:
    """The importer of an ONNX op that folds any number of operands with one op of two."""

    def fold(node: Node, build: Builder) -> SSAValue:
        return functools.reduce(lambda a, b: build.op(kind, [a, b]), node.variadic())

    return fold


def cast_to(build: Builder, x: SSAValue, element: Attribute) -> SSAValue:
    """`x` with another element type; `x` itself when it has it."""
    return x if element_of(x) == element else build.op(CastOp, [x], {"to": element})


def import_mean(node: Node, build: Builder) -> SSAValue:
    """Mean: the sum of the operands divided by their number."""
    operands = node.variadic()
    total = functools.reduce(lambda a, b: build.op(AddOp, [a, b]), operands)
    return build.op(DivOp, [total, build.scalar(len(operands), like=total)])


def import_mod(node: Node, build: Builder) -> SSAValue:
    """Mod: `fmod` chooses the remainder of the truncated quotient."""
    truncated = flag(node.int("fmod", 0) != 0)
    return build.op(ModOp, [node.input(0), node.input(1)], {"truncated": truncated})


def import_pow(node: Node, build: Builder) -> SSAValue:
    """Pow: the result has the type of the base; an integer base under a real exponent is taken as a real."""
    base, exponent = operand_pair(node, build)
    target = element_of(base)
    common = target if is_float(target) or not is_float(element_of(exponent)) else element_of(exponent)
    power = build.op(PowOp, [cast_to(build, base, common), cast_to(build, exponent, common)])
    return cast_to(build, power, target)


def import_reciprocal(node: Node, build: Builder) -> SSAValue:
    """Reciprocal: one divided by `x`."""
    x = node.input(0)
    return build.op(DivOp, [build.scalar(1, like=x), x])


def import_clip(node: Node, build: Builder) -> SSAValue:
    """Clip: the bounds are attributes up to opset 10 and optional inputs, perhaps computed ones, after."""
    x = node.input(0)
    if node.opset < 11:
        return clip(build, x, *(node.float(name) if node.has(name) else None for name in ("min", "max")))
    bounds = [node.optional(1), node.optional(2)]
    plain = [_plain_bound(node.constant(1)), _plain_bound(node.constant(2))]
    if all(bound is None or value is not None for bound, value in zip(bounds, plain, strict=True)):
        return clip(build, x, *plain)
    for bound, kind in zip(bounds, (MaxOp, MinOp), strict=True):
        if bound is not None:
            single = all(size == 1 for size in shape_of(bound))
            require(
                node, single, f"a bound of Clip has the shape {list(shape_of(bound))}, it must be a scalar"
            )
            x = build.op(kind, [x, build.reshape(bound, [])])
    return x


def clip(build: Builder, x: SSAValue, low: float | None = None, high: float | None = None) -> SSAValue:
    """`x` held between constant bounds; `x` itself without any."""
    bounds = {name: number(bound) for name, bound in (("low", low), ("high", high)) if bound is not None}
    return build.op(ClipOp, [x], bounds) if bounds else x


def _plain_bound(bound: Array | None) -> float | None:
    """A bound that a double holds exactly."""
    if bound is None or bound.size != 1:
        return None
    value = bound.reshape(-1).tolist()[0]
    return None if isinstance(value, int) and abs(value) > EXACT_IN_DOUBLE else float(value)


def import_cast(node: Node, build: Builder) -> SSAValue:
    """Cast: `saturate` and `round_mode` concern only floats of at most 8 bits."""
    return _cast(node, build, element_type(numpy_dtype_of(node.int("to"))))


def import_cast_like(node: Node, build: Builder) -> SSAValue:
    """CastLike: the element type is that of another operand."""
    return _cast(node, build, element_of(node.input(1)))


def _cast(node: Node, build: Builder, element: Attribute) -> SSAValue:
    if element_of(node.input(0)) == element:
        return node.input(0)
    rounding, saturate = node.string("round_mode", "up"), node.int("saturate", 1) != 0
    properties = {"to": element, "saturate": flag(saturate), "rounding": StringAttr(rounding)}
    if STRING in (element, element_of(node.input(0))):
        return cast_text(build, node.input(0), properties)
    return build.op(CastOp, [node.input(0)], properties)


def import_bit_cast(node: Node, build: Builder) -> SSAValue:
    """BitCast: the same bits as another type of the same width."""
    return build.op(BitcastOp, [node.input(0)], {"to": element_type(numpy_dtype_of(node.int("to")))})


ARITHMETIC: Family = {
    "Abs": unary(elementwise.AbsOp),
    "Acos": unary(transcendental.AcosOp),
    "Acosh": unary(transcendental.AcoshOp),
    "Add": binary(elementwise.AddOp),
    "Asin": unary(transcendental.AsinOp),
    "Asinh": unary(transcendental.AsinhOp),
    "Atan": unary(transcendental.AtanOp),
    "Atanh": unary(transcendental.AtanhOp),
    "BitCast": import_bit_cast,
    "Cast": import_cast,
    "CastLike": import_cast_like,
    "Ceil": unary(elementwise.CeilOp),
    "Clip": import_clip,
    "Cos": unary(transcendental.CosOp),
    "Cosh": unary(transcendental.CoshOp),
    "Div": binary(elementwise.DivOp),
    "Erf": unary(transcendental.ErfOp),
    "Exp": unary(transcendental.ExpOp),
    "Floor": unary(elementwise.FloorOp),
    "Log": unary(transcendental.LogOp),
    "Max": variadic(elementwise.MaxOp),
    "Mean": import_mean,
    "Min": variadic(elementwise.MinOp),
    "Mod": import_mod,
    "Mul": binary(elementwise.MulOp),
    "Neg": unary(elementwise.NegOp),
    "Pow": import_pow,
    "Reciprocal": import_reciprocal,
    "Round": unary(elementwise.RoundOp),
    "Sign": unary(elementwise.SignOp),
    "Sin": unary(transcendental.SinOp),
    "Sinh": unary(transcendental.SinhOp),
    "Sqrt": unary(elementwise.SqrtOp),
    "Sub": binary(elementwise.SubOp),
    "Sum": variadic(elementwise.AddOp),
    "Tan": unary(transcendental.TanOp),
    "Tanh": unary(transcendental.TanhOp),
}
