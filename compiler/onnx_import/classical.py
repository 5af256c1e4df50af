"""Importers of the domain `ai.onnx.ml`: the parts of it that are tensor operations."""

import math

from xdsl.ir import SSAValue

from penstock.dialects.graph.base import integer, rank_of
from penstock.dialects.graph.indexing import GatherOp
from penstock.onnx_import.axes import require, static_sizes
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node
from penstock.onnx_import.terms import Term


def import_array_feature_extractor(node: Node, build: Builder) -> SSAValue:
    """ArrayFeatureExtractor: some columns; a vector is a row."""
    x, indices = Term(build, node.input(0)), Term(build, node.input(1))
    require(node, rank_of(x.value) > 0, "a number has no columns")
    count = math.prod(static_sizes(node, indices.value, rank_of(indices.value)))
    table = x.reshape(1, *x.shape) if rank_of(x.value) == 1 else x
    axis = integer(rank_of(table.value) - 1)
    return build.indexing(GatherOp, [table.value, indices.positions().reshape(count).value], {"axis": axis})


def import_binarizer(node: Node, build: Builder) -> SSAValue:
    """Binarizer: 1 above a threshold, else 0."""
    x = Term(build, node.input(0))
    return (x > node.float("threshold", 0.0)).cast(x.element).value


CLASSICAL: Family = {
    "ArrayFeatureExtractor": import_array_feature_extractor,
    "Binarizer": import_binarizer,
}
