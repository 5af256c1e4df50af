"""Reductions that are plain folds, a NumPy call a box: `acc + a * b` as a matrix product, others by ufunc.

Sums and products of floats are formed in double precision and rounded once: a fold may be reassociated, so
there is no one rounding per step to reproduce.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import i1
from xdsl.ir import Operation, SSAValue

from penstock.backends.nests.scalars import Function, dtype_of, held, signed, unsigned
from penstock.dialects.element_types import is_float
from penstock.dialects.nest.combine import combiners
from penstock.dialects.nest.ops import ComputeOp

Array = NDArray[np.generic]

_UFUNCS: Mapping[type[Operation], tuple[np.ufunc, Function]] = {
    arith.AddfOp: (np.add, signed),
    arith.AddiOp: (np.add, signed),
    arith.MulfOp: (np.multiply, signed),
    arith.MuliOp: (np.multiply, signed),
    arith.MaximumfOp: (np.maximum, signed),
    arith.MinimumfOp: (np.minimum, signed),
    arith.MaxSIOp: (np.maximum, signed),
    arith.MinSIOp: (np.minimum, signed),
    arith.MaxUIOp: (np.maximum, unsigned),
    arith.MinUIOp: (np.minimum, unsigned),
    arith.AndIOp: (np.bitwise_and, signed),
    arith.OrIOp: (np.bitwise_or, signed),
}

# Products of integers that sum to less than this are exact in double precision, where BLAS is quick.
_EXACT = 2.0**53


@dataclass(frozen=True)
class Fold:
    """One accumulator: the op that folds it and the factors (often one) of what is folded in."""

    kind: type[Operation]
    factors: tuple[SSAValue, ...]
    skipped: tuple[Operation, ...]
    """Ops of the body that the fold stands for."""

    @cached_property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of the accumulator."""
        return dtype_of(self.factors[0].type)

    def read(self, x: Array) -> Array:
        """Numbers as they are folded: floats in double precision, integers signed or unsigned."""
        if is_float(self.factors[0].type):
            return x.astype(np.float64, copy=False)
        return _UFUNCS[self.kind][1](x)

    def combine(self, a: Array, b: Array) -> Array:
        """Two partial results in one."""
        return np.asarray(_UFUNCS[self.kind][0](a, b))

    def finish(self, x: Array) -> Array:
        """The accumulator from a folded result."""
        return x.astype(self.dtype) if x.dtype.kind == "f" else held(x, self.dtype)

    def over(self, values: Sequence[Array], sizes: Sequence[int], axes: Collection[int]) -> Array:
        """Fold the factors, given over a box, along some of its loops; those keep the size 1."""
        factors = [self.read(v) for v in values]
        if len(factors) == 2:
            return contract(factors[0], factors[1], sizes, axes)
        (term,) = factors
        shape = [n if i in axes else have for i, (n, have) in enumerate(zip(sizes, term.shape, strict=True))]
        whole = np.broadcast_to(term, shape)
        ufunc = _UFUNCS[self.kind][0]
        return np.asarray(ufunc.reduce(whole, axis=tuple(axes), keepdims=True, dtype=term.dtype))


def folds_of(nest: ComputeOp) -> list[Fold] | None:
    """The folds of a reduction, or `None` when its steps depend on each other in another way."""
    kinds = combiners(nest) if nest.reduces else None
    end = nest.body.block.last_op
    if not kinds or end is None:
        return None
    accumulators = nest.body.block.args[len(nest.ins) :]
    folds = [_fold(*pair) for pair in zip(kinds, end.operands, accumulators, strict=True)]
    # A partial result that is used in the body makes the next step depend on it.
    if any(value.uses.get_length() > 1 for value in end.operands):
        return None
    return folds


def _fold(kind: type[Operation], value: SSAValue, accumulator: SSAValue) -> Fold:
    step = value.owner
    assert isinstance(step, Operation), "`combiners` found the op that folds"
    if isinstance(step, math.FmaOp):
        return Fold(kind, (step.a, step.b), (step,))
    term = next((o for o in step.operands if o is not accumulator), accumulator)
    product = term.owner
    is_sum = kind in (arith.AddfOp, arith.AddiOp) and term.type != i1
    if is_sum and isinstance(product, arith.MulfOp | arith.MuliOp) and term.uses.get_length() == 1:
        return Fold(kind, (product.lhs, product.rhs), (step, product))
    return Fold(kind, (term,), (step,))


def contract(a: Array, b: Array, sizes: Sequence[int], axes: Collection[int]) -> Array:
    """The sum of `a * b` along some loops as one batched matrix product; those loops keep the size 1."""
    count = prod(n for i, n in enumerate(sizes) if i in axes and a.shape[i] == b.shape[i] == 1)
    for i in axes:
        if a.shape[i] != b.shape[i]:
            a, b = _summed(a, b, i), _summed(b, a, i)
    loops = range(len(sizes))
    inner = [i for i in axes if a.shape[i] > 1]
    batch = [i for i in loops if i not in axes and a.shape[i] > 1 and b.shape[i] > 1]
    rows = [i for i in loops if i not in axes and a.shape[i] > 1 and b.shape[i] == 1]
    columns = [i for i in loops if i not in axes and a.shape[i] == 1]
    product = _matmul(_grouped(a, batch, rows, inner), _grouped(b, batch, inner, columns))
    order = [*batch, *rows, *columns, *axes]
    shape = [1 if i in axes else max(a.shape[i], b.shape[i]) for i in order]
    result = np.transpose(product.reshape(shape), [order.index(i) for i in loops])
    return result if count == 1 else np.asarray(np.multiply(result, np.asarray(count).astype(result.dtype)))


def _summed(a: Array, b: Array, axis: int) -> Array:
    """`a` summed along an axis that `b` does not have."""
    if b.shape[axis] > 1:
        return a
    return np.asarray(np.add.reduce(a, axis=axis, keepdims=True, dtype=a.dtype))


def _grouped(x: Array, *groups: Sequence[int]) -> Array:
    """`x` with its axes in three groups, each of them one axis."""
    order = [i for group in groups for i in group]
    rest = [i for i in range(x.ndim) if i not in order]
    return np.transpose(x, [*order, *rest]).reshape([prod(x.shape[i] for i in group) for group in groups])


def _matmul(a: Array, b: Array) -> Array:
    if a.dtype == np.float64 or a.size == 0 or b.size == 0:
        return np.matmul(a, b)
    bound = (
        float(np.abs(a.astype(np.float64)).max()) * float(np.abs(b.astype(np.float64)).max()) * a.shape[-1]
    )
    if bound >= _EXACT:
        return np.matmul(a, b)
    return np.matmul(a.astype(np.float64), b.astype(np.float64)).astype(np.int64)
