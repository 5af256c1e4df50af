"""What is known of values during import: constants are computed on demand, shapes are followed as symbols."""

import math
import re
from collections.abc import Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Attribute, Block, Operation, SSAValue

from penstock.dialects.element_types import STRING, byte_size, numpy_dtype
from penstock.dialects.graph.base import (
    Array,
    Dim,
    GraphOp,
    element_of,
    is_static,
    rank_of,
    shape_of,
    static_shape_of,
    wide,
)
from penstock.dialects.graph.constant import ConstantOp
from penstock.dialects.graph.evaluation import evaluate_now
from penstock.dialects.graph.host import HostOp
from penstock.dialects.graph.indexing import ShapeOp
from penstock.dialects.graph.sections import is_known
from penstock.limits import Budget
from penstock.onnx_import.symbolic import Symbols, evaluate_symbols

MAX_TENSOR_BYTES = 2**40
"""A tensor larger than this is a mistake in the model, and refused."""
MAX_SYMBOLS = 64
"""Integer tensors of up to this many elements are followed as shapes."""


class KnownValues:
    """Which values are constant, computed when asked, and which are shapes with symbolic sizes."""

    def __init__(self, budget: Budget, outermost: Block) -> None:
        self.budget = budget
        self.outermost = outermost
        """The body of the function, outside of all loops and branches."""
        self._constant: set[SSAValue] = set()
        self._arrays: dict[SSAValue, Array] = {}
        self._symbols: dict[SSAValue, Symbols] = {}
        self.requirements: dict[str, None] = {}
        """What must hold of the sizes in every call, as `n <= 512`, in the order in which it was found."""
        self.bound: dict[str, None] = {}
        """The sizes that values of a run decide."""
        self.scalars: dict[tuple[Block, Attribute, bytes], SSAValue] = {}
        """The numbers that were made in a block, so that each is made once."""

    def note(self, op: Operation) -> None:
        """Take a new operation into account; its operands were noted before it."""
        assert isinstance(op, GraphOp), f"{op.name} is not an operation of the graph level"
        self.budget.take_operations(1)
        if all(operand in self._constant for operand in op.operands) and is_known(op):
            self._constant.update(op.results)
        else:
            self._follow(op)

    def array(self, value: SSAValue) -> Array | None:
        """The value of a constant; `None` when it depends on an input of the model."""
        if value not in self._constant:
            return None
        pending = [] if value in self._arrays else [value]
        # A stack of our own: chains of constants can be longer than Python's.
        while pending:
            op = pending[-1].owner
            assert isinstance(op, GraphOp), "only results of graph operations are constant"
            missing = [operand for operand in op.operands if operand not in self._arrays]
            pending.extend(missing)
            if not missing:
                self._compute(op)
                pending.pop()
        return self._arrays[value]

    def dims(self, value: SSAValue) -> tuple[Dim, ...] | None:
        """The value of a list of integers some of which may be symbols; `None` when it is no such list."""
        symbols = self._known_symbols(value)
        return None if symbols is None else tuple(symbols.reshape(-1).tolist())

    def bind(self, value: SSAValue, names: Sequence[str]) -> None:
        """From now on the elements of a value are the sizes of these names."""
        self.bound.update(dict.fromkeys(names))
        self._symbols[value] = symbols_of_shape(tuple(names)).reshape(static_shape_of(value))

    def new_name(self, wanted: str) -> str:
        """A name for a size that values decide, like the one that is wanted."""
        stem = re.sub(r"\W+", "_", wanted).strip("_")
        stem = stem if stem[:1].isalpha() else f"n{stem}"
        return next(n for n in (f"{stem}.{i}" for i in count()) if n not in self.bound)

    def new_size(self, wanted: str) -> str:
        """The name of a size that the values of a run decide."""
        name = self.new_name(wanted)
        self.bound[name] = None
        return name

    def _compute(self, op: GraphOp) -> None:
        if not isinstance(op, ConstantOp):
            self.budget.take_steps(op.effort())
        results = evaluate_now(op, [self._arrays[operand] for operand in op.operands])
        self._arrays.update(zip(op.results, results, strict=True))

    def _known_symbols(self, value: SSAValue) -> Symbols | None:
        if value in self._symbols:
            return self._symbols[value]
        if value not in self._constant or not _may_be_shape(value):
            return None
        array = self.array(value)
        if array is None:
            return None
        # Some exporters pass sizes through floating point, where they are integers still.
        sizes = wide(array)
        if not (np.abs(sizes) < 2.0**62).all() or (sizes != np.trunc(sizes)).any():
            return None
        # A scalar of NumPy would stay one in an array of objects.
        return np.asarray(array, np.int64).astype(np.object_)

    def _follow(self, op: GraphOp) -> None:
        if not all(map(_may_be_shape, op.results)):
            return
        if isinstance(op, ShapeOp) or isinstance(op, HostOp) and op.is_shape:
            self._symbols[op.results[0]] = symbols_of_shape(shape_of(op.operands[0]))
            return
        operands = [self._known_symbols(operand) for operand in op.operands]
        known = [operand for operand in operands if operand is not None]
        symbols = evaluate_symbols(op, known) if len(known) == len(operands) else None
        if symbols is None:
            return
        self._symbols[op.results[0]] = symbols = np.asarray(symbols, np.object_)
        if all(isinstance(each, int) for each in symbols.reshape(-1).tolist()):
            # Of several sizes, those that were picked may all be numbers.
            self._constant.add(op.results[0])
            self._arrays[op.results[0]] = np.asarray(symbols, numpy_dtype(element_of(op.results[0])))


def symbols_of_shape(shape: tuple[Dim, ...]) -> NDArray[np.object_]:
    """A shape as an array of numbers and names."""
    symbols = np.empty(len(shape), np.object_)
    symbols[:] = shape
    return symbols


def static_bytes(value: SSAValue | Attribute) -> int:
    """The size of a tensor in memory, symbolic sizes taken as one."""
    return byte_size(element_of(value)) * math.prod(d for d in shape_of(value) if isinstance(d, int))


def _may_be_shape(value: SSAValue) -> bool:
    if rank_of(value) > 1 or not is_static(value) or element_of(value) == STRING:
        return False
    return static_bytes(value) <= 8 * MAX_SYMBOLS
