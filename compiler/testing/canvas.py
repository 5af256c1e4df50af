"""The sheet on which a random graph is drawn: its block, the values there are so far, and the choices made.

Every choice is one draw of Hypothesis whose first option is the simplest: a failing graph shrinks well.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st
from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.ir import Attribute, Block, SSAValue

from penstock.dialects.element_types import is_float, numpy_dtype
from penstock.dialects.graph.base import GraphOp, element_of, rank_of, static_shape_of, tensor
from penstock.dialects.graph.constant import ConstantOp
from penstock.testing.arrays import random_array

T = TypeVar("T")
Operands = Sequence[SSAValue | Sequence[SSAValue] | None]
SIZES = (2, 1, 3, 4, 5, 8, 17)
"""Sizes of dims: a vector's width and its neighbours, odd ones, and 1."""


class Canvas:
    """A graph being drawn, none of whose tensors has more than `limit` elements."""

    def __init__(self, draw: st.DrawFn, elements: Sequence[Attribute], limit: int) -> None:
        self.draw = draw
        self.elements = elements
        self.limit = limit
        self.block = Block()
        self.values: list[SSAValue] = []
        self._count = 0

    def integer(self, low: int, high: int) -> int:
        """A number between two, simplest the first."""
        return self.draw(st.integers(low, high))

    def choose(self, options: Sequence[T]) -> T:
        """One of some options, simplest the first."""
        return self.draw(st.sampled_from(options))

    def chance(self) -> bool:
        """True or false; false is simpler."""
        return self.draw(st.booleans())

    def seldom(self) -> bool:
        """True one time in four; false is simpler."""
        return self.integer(0, 3) == 3

    def real(self, low: float, high: float) -> float:
        """A number between two that every float type holds exactly."""
        return self.integer(int(low * 4), int(high * 4)) / 4

    def shape(self, low: int, high: int) -> tuple[int, ...]:
        """Sizes of between `low` and `high` dims within the limit."""
        sizes: list[int] = []
        for _ in range(self.integer(low, high)):
            room = self.limit // prod(sizes)
            sizes.append(self.choose([s for s in SIZES if s <= room]))
        return tuple(sizes)

    def fresh(self, shape: Sequence[int], element: Attribute) -> SSAValue:
        """A new input of the function, or a constant."""
        return self.constant(shape, element) if self.seldom() else self.input(shape, element)

    def input(self, shape: Sequence[int], element: Attribute) -> SSAValue:
        """A new input of the function."""
        value = self.block.insert_arg(tensor(shape, element), len(self.block.args))
        self.values.append(value)
        return value

    def constant(self, shape: Sequence[int], element: Attribute) -> SSAValue:
        """A constant of random numbers."""
        array = random_array(np.random.default_rng(self.integer(0, 99)), shape, numpy_dtype(element))
        return self.insert(ConstantOp.of(array, f"c{self._count}"))

    def table(self, array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> SSAValue:
        """A constant of given numbers, such as indices."""
        return self.insert(ConstantOp.of(array, f"c{self._count}"))

    def value(self, low: int = 0, high: int = 4, *, real: bool = False) -> SSAValue:
        """A value of between `low` and `high` dims, `real` ones if asked for: one there is, or a new one."""
        elements = [e for e in self.elements if is_float(e) or not real]
        fits = [v for v in self.values if low <= rank_of(v) <= high and element_of(v) in elements]
        # The latest value first: graphs are chains rather than fans.
        chosen = self.choose([*reversed(fits), None])
        if chosen is not None:
            return chosen
        return self.fresh(self.shape(low, high), self.choose(elements))

    def like(self, x: SSAValue, fits: Callable[[tuple[int, ...]], bool], fresh: Sequence[int]) -> SSAValue:
        """Another value of the same element type whose shape fits, or a new one of the shape `fresh`."""
        same = [v for v in self.values if element_of(v) == element_of(x) and fits(static_shape_of(v))]
        chosen = self.choose([*reversed(same), None])
        return self.fresh(fresh, element_of(x)) if chosen is None else chosen

    def op(
        self, kind: type[GraphOp], operands: Operands, properties: Mapping[str, Attribute] | None = None
    ) -> SSAValue | None:
        """Add an operation, unless its result is too large."""
        made = kind.make(operands, properties)
        if prod(static_shape_of(made.results[0])) > self.limit:
            made.erase()
            return None
        value = self.insert(made)
        self.values.append(value)
        return value

    def insert(self, op: GraphOp) -> SSAValue:
        """Add an operation whose result no other will choose."""
        op.attributes["nodes"] = ArrayAttr([StringAttr(f"n{self._count}")])
        self._count += 1
        self.block.add_op(op)
        return op.results[0]
