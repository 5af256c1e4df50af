"""The `graph` dialect: tensors and one operation per mathematical idea, independent of any framework."""

from xdsl.ir import Dialect

from penstock.dialects.element_types import StringType
from penstock.dialects.graph import (
    activation,
    attention,
    binding,
    comparison,
    constant,
    control,
    elementwise,
    host,
    indexing,
    linear,
    movement,
    normalization,
    ordering,
    pooling,
    reduction,
    resize,
    sections,
    suppression,
    transcendental,
)
from penstock.dialects.graph.base import DimsAttr
from penstock.dialects.resources import ResourceAttr
from penstock.dialects.texts import StringsAttr

FAMILIES = (
    activation,
    attention,
    binding,
    comparison,
    constant,
    control,
    elementwise,
    host,
    indexing,
    linear,
    movement,
    normalization,
    ordering,
    pooling,
    reduction,
    resize,
    sections,
    suppression,
    transcendental,
)

Graph = Dialect(
    "graph",
    [op for family in FAMILIES for op in family.OPS],
    [DimsAttr, ResourceAttr, StringType, StringsAttr],
)
