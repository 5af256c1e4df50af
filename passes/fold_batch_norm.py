"""`fold-batch-norm`: scales and shifts by constants become part of the weights in front of them."""

from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from penstock.dialects.element_types import is_float, numpy_dtype
from penstock.dialects.graph.base import Array, GraphOp, channel_axis, element_of, rank_of, shape_of
from penstock.dialects.graph.elementwise import AddOp, DivOp, MulOp, SubOp
from penstock.dialects.graph.linear import ConvOp, ConvTransposeOp, MatMulOp
from penstock.dialects.graph.normalization import BatchNormOp
from penstock.passes.graph_rewriting import Graft, apply_patterns, constant_of, copied_properties

Reals = NDArray[np.float64]
Linear = ConvOp | ConvTransposeOp | MatMulOp


@dataclass(frozen=True)
class Affine:
    """`y = x * scale + shift` with one scale and shift per position along an axis, in double precision."""

    scale: Reals
    shift: Reals

    @staticmethod
    def identity(channels: int) -> "Affine":
        """The function that changes nothing."""
        return Affine(np.ones(channels), np.zeros(channels))

    def then(self, scale: Reals, shift: Reals) -> "Affine":
        """This function and after it another."""
        return Affine(self.scale * scale, self.shift * scale + shift)

    def scales(self) -> bool:
        """Whether it does more than to add."""
        return bool(np.any(self.scale != 1))


def affine_step(op: Operation, x: SSAValue, axis: int) -> tuple[Reals, Reals] | None:
    """The scale and shift that `op` applies to `x`, if it does that and nothing else."""
    channels = shape_of(x)[axis]
    if not isinstance(channels, int) or not is_float(element_of(x)):
        return None
    one, zero = np.ones(channels), np.zeros(channels)
    if isinstance(op, BatchNormOp):
        return _normalization(op) if op.x is x and op.axis.value.data == axis else None
    if not isinstance(op, AddOp | SubOp | MulOp | DivOp) or op.y.type != x.type:
        return None
    other = op.rhs if op.lhs is x else op.lhs
    value = per_channel(other, rank_of(x), axis, channels)
    if value is None or (op.lhs is not x and isinstance(op, SubOp | DivOp)):
        return None
    if isinstance(op, AddOp):
        return one, value
    if isinstance(op, SubOp):
        return one, -value
    with np.errstate(all="ignore"):
        return (value if isinstance(op, MulOp) else 1 / value), zero


def _normalization(op: BatchNormOp) -> tuple[Reals, Reals] | None:
    arrays = [constant_of(o) for o in op.operands[1:]]
    known = [a.astype(np.float64) for a in arrays if a is not None]
    if len(known) < 4:
        return None
    scale, bias, mean, var = known
    with np.errstate(all="ignore"):
        factor = scale / np.sqrt(var + op.eps.value.data)
        return factor, bias - mean * factor


def per_channel(value: SSAValue, rank: int, axis: int, channels: int) -> Reals | None:
    """A constant as one number per position along an axis of a tensor that it broadcasts to."""
    array = constant_of(value)
    if array is None or array.ndim > rank:
        return None
    shape = (1,) * (rank - array.ndim) + array.shape
    if any(size != 1 for i, size in enumerate(shape) if i != axis):
        return None
    return np.broadcast_to(array.astype(np.float64).reshape(-1), (channels,))


def scaled_weights(op: Linear, w: Array, scale: Reals) -> Array:
    """The weights with each output channel scaled, rounded once."""
    wide = w.astype(np.float64)
    if isinstance(op, ConvOp):
        wide = wide * scale.reshape(-1, *[1] * (w.ndim - 1))
    elif isinstance(op, ConvTransposeOp):
        groups = op.groups.value.data
        split = wide.reshape(groups, -1, *w.shape[1:])
        wide = (split * scale.reshape(groups, 1, w.shape[1], *[1] * (w.ndim - 2))).reshape(w.shape)
    else:
        wide = wide * scale
    with np.errstate(all="ignore"):
        return wide.astype(w.dtype)


class FoldAffine(RewritePattern):
    """`conv(x, w, b) * s + t -> conv(x, w * s, b * s + t)`, `matmul(x, w) * s + t -> matmul(x, w * s) + t`.

    A chain of such steps is one step; a matmul that is only shifted stays as it is.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ConvOp | ConvTransposeOp | MatMulOp, rewriter: PatternRewriter) -> None:
        w = constant_of(op.b if isinstance(op, MatMulOp) else op.w)
        axis = rank_of(op.y) - 1 if isinstance(op, MatMulOp) else channel_axis(op.layout.data, rank_of(op.y))
        channels = shape_of(op.y)[axis]
        bias = None if isinstance(op, MatMulOp) or op.bias is None else constant_of(op.bias)
        if w is None or not isinstance(channels, int) or (bias is None and len(op.operands) > 2):
            return
        chain, total = affine_chain(op, axis, Affine.identity(channels))
        # A scale in front of a matmul's own bias goes through it; a bias alone is left to the epilogue.
        if not chain or (isinstance(op, MatMulOp) and not total.scales()):
            return
        if bias is not None:
            total = Affine(total.scale, bias.astype(np.float64) * total.scale + total.shift)
        weights = scaled_weights(op, w, total.scale)
        shift = total.shift.astype(w.dtype)
        if not (np.all(np.isfinite(weights) | ~np.isfinite(w)) and np.all(np.isfinite(shift))):
            return
        self._rebuild(op, chain, weights, shift, rewriter)

    def _rebuild(
        self, op: Linear, chain: list[GraphOp], weights: Array, shift: Array, rewriter: PatternRewriter
    ) -> None:
        build = Graft(rewriter, chain[-1], op, *chain[:-1])
        w = build.constant(weights)
        if isinstance(op, MatMulOp):
            y = build.op(MatMulOp, [op.a, w])
            y = build.op(AddOp, [y, build.constant(shift)]) if np.any(shift) else y
        else:
            y = build.op(type(op), [op.x, w, build.constant(shift)], copied_properties(op))
        build.replace(y)


def affine_chain(op: GraphOp, axis: int, total: Affine) -> tuple[list[GraphOp], Affine]:
    """The ops that scale and shift a result and then each other's, and what they come to."""
    chain: list[GraphOp] = []
    value = op.results[0]
    while value.has_one_use():
        user = next(iter(value.uses)).operation
        step = affine_step(user, value, axis)
        if step is None:
            break
        total = total.then(*step)
        chain.append(cast(GraphOp, user))
        value = user.results[0]
    return chain, total


class ExpandBatchNorm(RewritePattern):
    """`batch_norm(x) -> x * s + t` where no weights are in front, so that it fuses as any elementwise op."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: BatchNormOp, rewriter: PatternRewriter) -> None:
        axis = op.axis.value.data
        step = affine_step(op, op.x, axis)
        if step is None:
            return
        dtype = numpy_dtype(element_of(op.x))
        shape = [-1] + [1] * (rank_of(op.x) - 1 - axis)
        scale, shift = (v.astype(dtype).reshape(shape) for v in step)
        if not (np.all(np.isfinite(scale)) and np.all(np.isfinite(shift))):
            return
        build = Graft(rewriter, op)
        product = build.op(MulOp, [op.x, build.constant(scale)])
        build.replace(build.op(AddOp, [product, build.constant(shift)]))


@dataclass(frozen=True)
class FoldBatchNormPass(ModulePass):
    """Fold batch norms and products, quotients and sums with constants per channel into weights before them.

    New weights are formed in double precision and rounded once; where they would overflow nothing is folded.
    A batch norm that is left becomes a product and a sum.
    """

    name = "fold-batch-norm"
    numerics: ClassVar[str] = "reassociates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, FoldAffine())
        apply_patterns(op, ExpandBatchNorm())
