"""Attention as one operation of the `graph` dialect, so that no level has to hold its matrix of scores."""

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import BoolAttr, FloatAttr, i1
from xdsl.ir import Operation
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from penstock.dialects.graph.base import (
    AnyTensor,
    Array,
    GraphOp,
    Tensor,
    broadcast_shapes,
    element_count,
    element_of,
    extent_of,
    flag,
    may_broadcast,
    shape_of,
    tensor,
    wide,
)
from penstock.dialects.graph.element_rules import verify_reals
from penstock.dialects.graph.normalization import softmax


@irdl_op_definition
class AttentionOp(GraphOp):
    """`softmax(scale * q k^T + mask) v` over the last two dims, batched over the rest, which broadcast.

    `q` is (..., queries, d), `k` (..., keys, d), `v` (..., keys, e); the mask, (..., queries, keys) or what
    broadcasts to it, is added, or if boolean allows where true; if `causal`, query i sees no key after i:

        %y = graph.attention %q, %k, %v, %mask {scale = 0.125 : f64, causal = true} : ... -> ...
    """

    name = "graph.attention"
    q = operand_def(AnyTensor)
    k = operand_def(AnyTensor)
    v = operand_def(AnyTensor)
    mask = opt_operand_def(AnyTensor)
    scale = prop_def(FloatAttr)
    causal = prop_def(BoolAttr, default_value=flag(False))
    y = result_def(AnyTensor)
    assembly_format = (
        "$q `,` $k `,` $v (`,` $mask^)? attr-dict `:` "
        "type($q) `,` type($k) `,` type($v) (`,` type($mask)^)? `->` type($y)"
    )

    def infer(self) -> Sequence[Tensor]:
        q, k, v = shape_of(self.q), shape_of(self.k), shape_of(self.v)
        if min(len(q), len(k), len(v)) < 2:
            raise VerifyException(
                f"{self.name}: q, k, v of rank {len(q)}, {len(k)}, {len(v)}, all must be 2 or more"
            )
        verify_reals(self, (self.q, self.k, self.v))
        for a, b in ((q[-1], k[-1]), (k[-2], v[-2])):
            if isinstance(a, int) and isinstance(b, int) and a != b:
                raise VerifyException(f"{self.name}: sizes differ: q {list(q)}, k {list(k)}, v {list(v)}")
        batch = broadcast_shapes(q[:-2], k[:-2], v[:-2])
        self._verify_mask([*batch, q[-2], k[-2]])
        return [tensor([*batch, q[-2], v[-1]], element_of(self.q))]

    def effort(self) -> int:
        """Every query meets every key, and every score every value."""
        keys = extent_of(shape_of(self.k)[-2])
        return super().effort() + keys * (element_count(self.q) + element_count(self.y))

    def _verify_mask(self, scores: Sequence[int | str]) -> None:
        if self.mask is None:
            return
        if element_of(self.mask) not in (i1, element_of(self.q)):
            raise VerifyException(f"{self.name}: a mask of {element_of(self.mask)} on {element_of(self.q)}")
        shape = shape_of(self.mask)
        if not may_broadcast(shape, scores):
            raise VerifyException(f"{self.name}: mask {list(shape)} on scores {list(scores)}")

    def evaluate(self, *operands: Array) -> Sequence[Array]:
        q, k, v, *mask = operands
        scores = np.matmul(wide(q), np.swapaxes(wide(k), -1, -2)) * self.scale.value.data
        for m in mask:
            scores = np.add(scores, wide(m)) if m.dtype != np.bool_ else np.where(m, scores, -np.inf)
        if self.causal.value.data:
            scores = np.where(np.tri(*scores.shape[-2:], dtype=np.bool_), scores, -np.inf)
        return [np.asarray(np.matmul(softmax(scores, -1), wide(v)), q.dtype)]


OPS: tuple[type[Operation], ...] = (AttentionOp,)
