"""What an importer is, and a family of them: a mapping from the name of an ONNX operation to its importer."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from xdsl.ir import SSAValue

from penstock.onnx_import.builder import Builder
from penstock.onnx_import.node import Node

Importer: TypeAlias = Callable[[Node, Builder], Sequence[SSAValue] | SSAValue]
"""Builds the operations of a node and returns its outputs, as far as they are computed."""

Family: TypeAlias = Mapping[str, Importer]
