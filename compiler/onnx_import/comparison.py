"""Importers of comparison, choice, logic and bitwise operations."""

import math

from xdsl.ir import SSAValue

from penstock.dialects.graph.base import GraphOp
from penstock.dialects.graph.comparison import (
    AndOp,
    EqualOp,
    LessEqualOp,
    LessOp,
    NotOp,
    OrOp,
    SelectOp,
    ShiftLeftOp,
    ShiftRightOp,
    XorOp,
)
from penstock.dialects.graph.elementwise import AbsOp
from penstock.errors import ModelError
from penstock.onnx_import.arithmetic import binary, unary
from penstock.onnx_import.broadcasting import operand_pair
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family, Importer
from penstock.onnx_import.node import Node


def swapped(kind: type[GraphOp]) -> Importer:
    """The importer of `a > b` as `b < a`."""
    return lambda node, build: build.op(kind, operand_pair(node, build)[::-1])


def import_where(node: Node, build: Builder) -> SSAValue:
    """Where: a choice per element."""
    return build.op(SelectOp, [node.input(0), node.input(1), node.input(2)])


def import_is_nan(node: Node, build: Builder) -> SSAValue:
    """IsNaN: what does not equal itself."""
    x = node.input(0)
    return build.op(NotOp, [build.op(EqualOp, [x, x])])


def import_is_inf(node: Node, build: Builder) -> SSAValue:
    """IsInf: of either sign, or of one."""
    x = node.input(0)
    positive, negative = node.int("detect_positive", 1) != 0, node.int("detect_negative", 1) != 0
    if positive and negative:
        return build.op(EqualOp, [build.op(AbsOp, [x]), build.scalar(math.inf, like=x)])
    if not positive and not negative:
        return build.op(LessOp, [x, x])
    return build.op(EqualOp, [x, build.scalar(math.inf if positive else -math.inf, like=x)])


def import_bit_shift(node: Node, build: Builder) -> SSAValue:
    """BitShift: the direction is an attribute."""
    kinds = {"LEFT": ShiftLeftOp, "RIGHT": ShiftRightOp}
    direction = node.string("direction")
    if direction not in kinds:
        raise ModelError(
            f"the direction of BitShift is {direction!r}, it must be LEFT or RIGHT",
            node=node.name,
            remedy="Export the model again.",
        )
    return build.op(kinds[direction], [node.input(0), node.input(1)])


COMPARISON: Family = {
    "And": binary(AndOp),
    "BitShift": import_bit_shift,
    "BitwiseAnd": binary(AndOp),
    "BitwiseNot": unary(NotOp),
    "BitwiseOr": binary(OrOp),
    "BitwiseXor": binary(XorOp),
    "Equal": binary(EqualOp),
    "Greater": swapped(LessOp),
    "GreaterOrEqual": swapped(LessEqualOp),
    "IsInf": import_is_inf,
    "IsNaN": import_is_nan,
    "Less": binary(LessOp),
    "LessOrEqual": binary(LessEqualOp),
    "Not": unary(NotOp),
    "Or": binary(OrOp),
    "Where": import_where,
    "Xor": binary(XorOp),
}
