"""Importer of Einsum: diagonals, sums, transposes and products, one operand after the other."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from xdsl.ir import SSAValue

from penstock.dialects.graph.base import Dim, broadcast_shapes, flag, integers, rank_of, shape_of
from penstock.dialects.graph.comparison import SelectOp
from penstock.dialects.graph.elementwise import MulOp
from penstock.dialects.graph.linear import MatMulOp
from penstock.dialects.graph.reduction import ReduceSumOp
from penstock.errors import ShapeError
from penstock.onnx_import.axes import static_size
from penstock.onnx_import.builder import Builder
from penstock.onnx_import.family import Family
from penstock.onnx_import.node import Node

TERM = re.compile(r"[A-Za-z]*(\.\.\.)?[A-Za-z]*")


@dataclass(frozen=True)
class Labelled:
    """A value and a label for each of its dims; the dims of an ellipsis count 0, 1, ... from the right."""

    value: SSAValue
    labels: tuple[str, ...]

    def size(self, label: str) -> Dim:
        """The size of the dim with that label; 1 when there is none."""
        return shape_of(self.value)[self.labels.index(label)] if label in self.labels else 1


class Contraction:
    """The steps of one Einsum node."""

    def __init__(self, node: Node, build: Builder) -> None:
        self._node = node
        self._build = build

    def run(self) -> SSAValue:
        """Each operand joins the result of those before it; what no later term needs is summed at once."""
        terms, output = self._equation()
        operands = [
            self._diagonals(self._label(x, t)) for x, t in zip(self._node.variadic(), terms, strict=True)
        ]
        wanted = self._output_labels(operands, terms, output)
        self._check_sizes(operands)
        result = self._sum_others(operands[0], _labels(operands[1:], wanted))
        for i, operand in enumerate(operands[1:], 2):
            later = _labels(operands[i:], wanted)
            result = self._join(result, self._sum_others(operand, later | set(result.labels)), later)
        return self._arrange(result, wanted)

    def _equation(self) -> tuple[list[str], str | None]:
        left, arrow, right = self._node.string("equation").replace(" ", "").partition("->")
        terms = left.split(",")
        if len(terms) != len(self._node.variadic()) or not all(map(TERM.fullmatch, [*terms, right])):
            raise self._broken(f"it has {len(self._node.variadic())} operands")
        return terms, right if arrow else None

    def _label(self, x: SSAValue, term: str) -> Labelled:
        head, dots, tail = term.partition("...")
        hidden = rank_of(x) - len(head) - len(tail)
        if hidden < 0 or (hidden > 0 and not dots):
            raise self._broken(f"the term '{term}' stands for an operand of rank {rank_of(x)}")
        return Labelled(x, (*head, *map(str, reversed(range(hidden))), *tail))

    def _check_sizes(self, operands: Sequence[Labelled]) -> None:
        for label in _labels(operands, ()):
            sizes = {operand.size(label) for operand in operands}
            numbers = sorted(size for size in sizes if isinstance(size, int) and size != 1)
            if len(numbers) > 1:
                raise self._broken(f"the dims '{label}' are {numbers}")

    def _output_labels(
        self, operands: Sequence[Labelled], terms: Sequence[str], output: str | None
    ) -> tuple[str, ...]:
        hidden = sorted(
            {label for o in operands for label in o.labels if label.isdigit()}, key=int, reverse=True
        )
        letters = "".join(terms).replace(".", "")
        if output is None:
            once = sorted(letter for letter in set(letters) if letters.count(letter) == 1)
            return (*hidden, *once)
        head, dots, tail = output.partition("...")
        wanted = (*head, *(hidden if dots else ()), *tail)
        if len(set(wanted)) != len(wanted) or not set(head + tail) <= set(letters):
            raise self._broken(f"the output '{output}' repeats a letter or has one that no operand has")
        return wanted

    def _diagonals(self, x: Labelled) -> Labelled:
        """A label that a term repeats keeps the elements whose positions on both its dims are equal."""
        for label in dict.fromkeys(x.labels):
            while x.labels.count(label) > 1:
                x = self._diagonal(x, label)
        return x

    def _diagonal(self, x: Labelled, label: str) -> Labelled:
        first = x.labels.index(label)
        second = x.labels.index(label, first + 1)
        rows, columns = (static_size(self._node, x.value, axis) for axis in (first, second))
        if rows != columns:
            raise self._broken(f"the dims '{label}' of one operand are {rows} and {columns}")
        shape = [rows if axis in (first, second) else 1 for axis in range(len(x.labels))]
        self._build.bounded(rows * rows)
        mask = self._build.constant(np.eye(rows, dtype=np.bool_).reshape(shape))
        zero = self._build.scalar(0, like=x.value)
        kept = Labelled(self._build.op(SelectOp, [mask, x.value, zero]), x.labels)
        return self._sum(kept, [second])

    def _sum_others(self, x: Labelled, wanted: Collection[str]) -> Labelled:
        return self._sum(x, [axis for axis, label in enumerate(x.labels) if label not in wanted])

    def _sum(self, x: Labelled, axes: Sequence[int]) -> Labelled:
        if not axes:
            return x
        y = self._build.op(ReduceSumOp, [x.value], {"axes": integers(axes), "keepdims": flag(False)})
        return Labelled(y, tuple(label for axis, label in enumerate(x.labels) if axis not in axes))

    def _join(self, a: Labelled, b: Labelled, later: Collection[str]) -> Labelled:
        """The product of two operands, summed over the labels both have and nobody needs later."""
        shared = [label for label in a.labels if label in b.labels]
        batch = [label for label in shared if label in later]
        summed = [label for label in shared if label not in later]
        rows, columns = ([label for label in x.labels if label not in shared] for x in (a, b))
        labels = (*batch, *rows, *columns)
        if not summed:
            return Labelled(self._build.op(MulOp, [self._spread(a, labels), self._spread(b, labels)]), labels)
        a, b = self._widen(a, b, summed), self._widen(b, a, summed)
        left = self._merge(a, batch, [rows, summed])
        product = self._build.op(MatMulOp, [left, self._merge(b, batch, [summed, columns])])
        sizes = [*shape_of(product)[: len(batch)], *map(a.size, rows), *map(b.size, columns)]
        return Labelled(self._build.reshape(product, sizes), labels)

    def _spread(self, x: Labelled, labels: Sequence[str]) -> SSAValue:
        """`x` with its dims in the order of `labels` and a dim of size 1 for each it lacks."""
        ordered = self._arrange(x, [label for label in labels if label in x.labels])
        return self._build.unsqueeze(
            ordered, [axis for axis, label in enumerate(labels) if label not in x.labels]
        )

    def _widen(self, x: Labelled, other: Labelled, labels: Sequence[str]) -> Labelled:
        """`x` with its dims of size 1 among `labels` repeated as the other operand needs."""
        sizes = [
            broadcast_shapes([x.size(label)], [other.size(label)])[0] if label in labels else x.size(label)
            for label in x.labels
        ]
        return Labelled(self._build.broadcast_to(x.value, sizes), x.labels)

    def _merge(self, x: Labelled, batch: Sequence[str], groups: Sequence[Sequence[str]]) -> SSAValue:
        """`x` as a batch of matrices: each of the two groups of labels becomes one dim."""
        ordered = self._arrange(x, [*batch, *groups[0], *groups[1]])
        merged = [reduce(self._times, map(x.size, group), 1) for group in groups]
        return self._build.reshape(ordered, [*map(x.size, batch), *merged])

    def _times(self, a: Dim, b: Dim) -> Dim:
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        return b if a == 1 else a if b == 1 else f"({a})*({b})"

    def _arrange(self, x: Labelled, labels: Sequence[str]) -> SSAValue:
        return self._build.transpose(x.value, [x.labels.index(label) for label in labels])

    def _broken(self, why: str) -> ShapeError:
        equation = self._node.string("equation")
        return ShapeError(
            f"the equation '{equation}' does not fit: {why}",
            node=self._node.name,
            remedy="Correct the equation.",
        )


def _labels(operands: Sequence[Labelled], wanted: Sequence[str]) -> set[str]:
    return {label for operand in operands for label in operand.labels} | set(wanted)


def import_einsum(node: Node, build: Builder) -> SSAValue:
    """Einsum: see `Contraction`."""
    return Contraction(node, build).run()


EINSUM: Family = {"Einsum": import_einsum}
