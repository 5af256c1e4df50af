"""What an importer is, and a family of them: a mapping from the name of an ONNX operation to its importer."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from penstock.onnx_import.builder import Builder
from penstock.onnx_import.node import Node
from penstock.onnx_import.values import Value

Importer: TypeAlias = Callable[[Node, Builder], Sequence[Value] | Value]
"""Builds the operations of a node and returns its outputs, as far as they are computed."""

Family: TypeAlias = Mapping[str, Importer]
